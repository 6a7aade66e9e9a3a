#include <openssl/evp.h>

#include "lib/seal/atrest.h"
#include "tests/unit/seal_vec.h"

static struct err err;

static const uint8_t id[ATREST_ID_LEN] = "key id sixteen.";
static const struct atrest_name name = { "acme", "secret/fleet-key", 3 };

/* ---- an HSM of one key: AES-256-GCM by OpenSSL ---- */

struct fake {
	struct hsm h;
	struct hsm_key_info info;
	uint8_t key[32];
	enum pv_code fail; /* what seal and open answer; PV_OK: work */
};

static const struct hsm_key_info *fake_info(const struct hsm_key *key)
{
	return &((const struct fake *)(const void *)key)->info;
}

static bool gcm(struct fake *f, int enc, const uint8_t *nonce, struct span aad,
		struct span in, uint8_t *out, uint8_t tag[16])
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t none[16];
	int n;
	bool ok;

	ck_assert(EVP_CipherInit_ex2(c, EVP_aes_256_gcm(), f->key, nonce, enc,
				     NULL) == 1);
	ck_assert(EVP_CipherUpdate(c, NULL, &n, aad.p, (int)aad.len) == 1);
	ck_assert(EVP_CipherUpdate(c, out, &n, in.p, (int)in.len) == 1);
	if (!enc)
		EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, tag);
	ok = EVP_CipherFinal_ex(c, none, &n) == 1;
	if (enc)
		EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, tag);
	EVP_CIPHER_CTX_free(c);
	return ok;
}

static enum pv_code fake_seal(struct hsm *h, struct hsm_key *key,
			      const uint8_t nonce[12], struct span aad,
			      const struct secret *plain, struct buf *out,
			      struct err *e)
{
	struct fake *f = (struct fake *)(void *)h;
	uint8_t tag[16], *room;

	(void)key;
	if (f->fail)
		return err_fail(e, f->fail, "hsm.fake", NULL, "token gone");
	room = buf_room(out, plain->len + 16);
	if (!room)
		return PV_OK; /* sticks in out: the caller has to look */
	gcm(f, 1, nonce, aad, vec_span(plain->data, plain->len), room, tag);
	memcpy(room + plain->len, tag, 16);
	buf_commit(out, plain->len + 16);
	return PV_OK;
}

static enum pv_code fake_open(struct hsm *h, struct hsm_key *key,
			      const uint8_t nonce[12], struct span aad,
			      struct span sealed, struct secret *plain,
			      struct err *e)
{
	struct fake *f = (struct fake *)(void *)h;
	struct span ct = { sealed.p, sealed.len - 16 };
	uint8_t tag[16];
	enum pv_code rc;

	(void)key;
	if (f->fail)
		return err_fail(e, f->fail, "hsm.fake", NULL, "token gone");
	rc = secret_alloc(plain, ct.len, e);
	memcpy(tag, sealed.p + ct.len, 16);
	if (rc == PV_OK && !gcm(f, 0, nonce, aad, ct, plain->data, tag)) {
		secret_release(plain);
		rc = err_fail(e, PV_INTEGRITY, "store.sealed", NULL, "altered");
	}
	return rc;
}

static const struct hsm_ops fake_ops = { .info = fake_info,
					 .seal = fake_seal,
					 .open = fake_open };
static struct fake fake;
static struct atrest *by_hsm, *by_data;
static struct secret data_key, plain;

static void setup(void)
{
	err_init(&err);
	memset(&fake, 0, sizeof(fake));
	fake.h.ops = &fake_ops;
	memset(fake.key, 0x42, 32);
	memcpy(fake.info.id, id, sizeof(id));
	unit_ok(secret_copy(&data_key, fake.key, 32, &err), &err);
	unit_ok(secret_copy(&plain, "a stored secret", 15, &err), &err);
	unit_ok(atrest_new_hsm(&fake.h, (struct hsm_key *)(void *)&fake, 0,
			       &by_hsm, &err),
		&err);
	unit_ok(atrest_new_data(&data_key, id, 0, &by_data, &err), &err);
}

static void teardown(void)
{
	atrest_free(by_hsm);
	atrest_free(by_data);
	secret_release(&data_key);
	secret_release(&plain);
}

/* Written by hand from formats.md 9. */
START_TEST(test_row)
{
	static const uint8_t aad[] =
		"provctl/store/v1\0acme\0secret/fleet-key\0"
		"\0\0\0\3"
		"key id sixteen.";
	uint8_t out[15], tag[16];
	struct buf row;

	buf_init(&row, 1024);
	buf_put(&row, "before", 6);
	unit_ok(atrest_seal(by_data, &name, &plain, &row, &err), &err);
	ck_assert_uint_eq(row.len, 6 + 16 + 12 + 15 + 16);
	ck_assert_mem_eq(row.data + 6, id, 16);
	memcpy(tag, row.data + 6 + 43, 16);
	ck_assert_uint_eq(sizeof(aad), 17 + 5 + 17 + 4 + 16);
	ck_assert(gcm(&fake, 0, row.data + 22, vec_span(aad, sizeof(aad)),
		      vec_span(row.data + 34, 15), out, tag));
	ck_assert(secret_equal(&plain, out, sizeof(out)));
	buf_release(&row);
}
END_TEST

/* The HSM and a data key of the same bytes read each other's rows. */
START_TEST(test_both_ways)
{
	struct atrest *keys[] = { by_hsm, by_data };
	SECRET back = SECRET_INIT;
	uint8_t found[ATREST_ID_LEN];
	struct buf row;

	buf_init(&row, 1024);
	for (size_t i = 0; i < 4; i++) {
		buf_reset(&row);
		unit_ok(atrest_seal(keys[i & 1], &name, &plain, &row, &err),
			&err);
		unit_ok(atrest_row_id(buf_span(&row), found, &err), &err);
		ck_assert_mem_eq(found, id, sizeof(id));
		unit_ok(atrest_open(keys[i >> 1], &name, buf_span(&row), &back,
				    &err),
			&err);
		ck_assert(secret_equal(&back, plain.data, plain.len));
	}
	ck_assert_uint_eq(atrest_uses(by_hsm), 2);
	ck_assert_uint_eq(atrest_uses(by_data), 2);
	ck_assert_mem_eq(atrest_id(by_hsm), id, sizeof(id));
	buf_release(&row);
}
END_TEST

static void refuse_open(struct atrest *a, const struct atrest_name *n,
			struct span row, const char *rule)
{
	SECRET back = SECRET_INIT;

	err_init(&err);
	unit_refused(atrest_open(a, n, row, &back, &err), PV_INTEGRITY, rule,
		     &err);
	ck_assert(back.data == NULL);
}

START_TEST(test_every_bit)
{
	struct atrest *keys[] = { by_hsm, by_data };
	struct buf row;

	buf_init(&row, 1024);
	for (size_t k = 0; k < 2; k++) {
		buf_reset(&row);
		unit_ok(atrest_seal(keys[k], &name, &plain, &row, &err), &err);
		for (size_t i = 0; i < 8 * row.len; i++) {
			row.data[i / 8] ^= (uint8_t)(1 << i % 8);
			refuse_open(keys[k], &name, buf_span(&row),
				    i < 128 ? "atrest.key" : "store.sealed");
			row.data[i / 8] ^= (uint8_t)(1 << i % 8);
		}
		for (size_t len = 0; len < row.len; len++)
			refuse_open(keys[k], &name, vec_span(row.data, len),
				    "store.sealed");
	}
	buf_release(&row);
}
END_TEST

/* A row belongs to one authority, object and version. */
START_TEST(test_moved_row)
{
	static const struct atrest_name others[] = {
		{ "acme", "secret/fleet-key", 2 },
		{ "acme", "secret/fleet-kez", 3 },
		{ "acmf", "secret/fleet-key", 3 },
		{ "acme", "secret/fleet-key2", 3 }
	};
	struct buf row;

	buf_init(&row, 1024);
	unit_ok(atrest_seal(by_data, &name, &plain, &row, &err), &err);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		refuse_open(by_data, &others[i], buf_span(&row),
			    "store.sealed");
	buf_release(&row);
}
END_TEST

START_TEST(test_nonces_differ)
{
	struct buf a, b;

	buf_init(&a, 1024);
	buf_init(&b, 1024);
	unit_ok(atrest_seal(by_data, &name, &plain, &a, &err), &err);
	unit_ok(atrest_seal(by_data, &name, &plain, &b, &err), &err);
	ck_assert_mem_ne(a.data + 16, b.data + 16, 12);
	ck_assert_mem_ne(a.data + 28, b.data + 28, 15);
	buf_release(&a);
	buf_release(&b);
}
END_TEST

START_TEST(test_uses)
{
	struct atrest *a;
	struct buf row;

	buf_init(&row, 1024);
	unit_ok(atrest_new_data(&data_key, id, ATREST_USES_MAX - 1, &a, &err),
		&err);
	unit_ok(atrest_seal(a, &name, &plain, &row, &err), &err);
	ck_assert_uint_eq(atrest_uses(a), ATREST_USES_MAX);
	buf_reset(&row);
	unit_refused(atrest_seal(a, &name, &plain, &row, &err), PV_DENIED,
		     "atrest.uses", &err);
	ck_assert_uint_eq(row.len, 0);
	ck_assert_uint_eq(atrest_uses(a), ATREST_USES_MAX);
	atrest_free(a);
	buf_release(&row);
}
END_TEST

static void refuse_name(const char *authority, const char *object)
{
	const struct atrest_name bad = { authority, object, 1 };
	struct buf row;

	buf_init(&row, 8192);
	err_init(&err);
	unit_refused(atrest_seal(by_data, &bad, &plain, &row, &err), PV_INPUT,
		     "atrest.name", &err);
	ck_assert_uint_eq(row.len, 0);
	ck_assert_uint_eq(atrest_uses(by_data), 0);
	buf_release(&row);
}

START_TEST(test_refused)
{
	struct secret none = SECRET_INIT;
	char longest[ATREST_NAME_MAX + 2];
	struct atrest *a;
	struct buf row;

	memset(longest, 'n', sizeof(longest));
	longest[ATREST_NAME_MAX + 1] = '\0';
	refuse_name("", "x");
	refuse_name("x", "");
	refuse_name("x", longest);
	refuse_name(longest, "x");
	err_init(&err);
	unit_refused(atrest_new_data(&plain, id, 0, &a, &err), PV_INTERNAL,
		     "atrest.key", &err);
	ck_assert(a == NULL);
	buf_init(&row, 40);
	err_init(&err);
	unit_refused(atrest_seal(by_data, &name, &none, &row, &err),
		     PV_INTERNAL, "atrest.empty", &err);
	err_init(&err);
	unit_refused(atrest_seal(by_data, &name, &plain, &row, &err), PV_INPUT,
		     "size.limit", &err);
	ck_assert_uint_eq(row.len, 0);
	buf_release(&row);
	buf_init(&row, 40);
	err_init(&err);
	unit_refused(atrest_seal(by_hsm, &name, &plain, &row, &err), PV_INPUT,
		     "size.limit", &err);
	ck_assert_uint_eq(row.len, 0);
	buf_release(&row);
}
END_TEST

/* The HSM's answer is passed on; a failed attempt counts as a use. */
START_TEST(test_hsm_fails)
{
	SECRET back = SECRET_INIT;
	struct buf row;

	buf_init(&row, 1024);
	fake.fail = PV_HSM_TEMP;
	unit_refused(atrest_seal(by_hsm, &name, &plain, &row, &err),
		     PV_HSM_TEMP, "hsm.fake", &err);
	ck_assert_uint_eq(row.len, 0);
	ck_assert_uint_eq(atrest_uses(by_hsm), 1);
	fake.fail = PV_OK;
	err_init(&err);
	unit_ok(atrest_seal(by_hsm, &name, &plain, &row, &err), &err);
	fake.fail = PV_HSM_FATAL;
	unit_refused(atrest_open(by_hsm, &name, buf_span(&row), &back, &err),
		     PV_HSM_FATAL, "hsm.fake", &err);
	buf_release(&row);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("atrest");
	TCase *t = tcase_create("atrest");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_row);
	tcase_add_test(t, test_both_ways);
	tcase_add_test(t, test_every_bit);
	tcase_add_test(t, test_moved_row);
	tcase_add_test(t, test_nonces_differ);
	tcase_add_test(t, test_uses);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_hsm_fails);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
