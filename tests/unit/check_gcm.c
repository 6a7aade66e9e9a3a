#include "lib/seal/gcm.h"
#include "tests/unit/seal_vec.h"

#define GCM "vectors/wycheproof/aes_gcm_test.json"
#define COBBLESTONE_128                                                        \
	"vectors/wycheproof/c2sp_chunked_encryption_aes_128_gcm_test.json"
#define COBBLESTONE_256                                                        \
	"vectors/wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json"

static struct gcm *g;
static struct err err;

static void setup(void)
{
	err_init(&err);
	unit_ok(gcm_new(&g, &err), &err);
}

static void teardown(void)
{
	gcm_free(g);
}

static void check_valid(const json_t *test, const uint8_t *nonce,
			struct span aad, struct span sealed)
{
	uint8_t out[4096];
	struct buf msg;

	vec_hex(test, "msg", &msg);
	unit_ok(gcm_seal(g, nonce, aad, buf_span(&msg), out, &err), &err);
	ck_assert_uint_eq(sealed.len, msg.len + GCM_TAG_LEN);
	ck_assert_mem_eq(out, sealed.p, sealed.len);
	unit_ok(gcm_open(g, nonce, aad, sealed, out, &err), &err);
	ck_assert_mem_eq(out, msg.data, msg.len);
	buf_release(&msg);
}

static void gcm_case(const char *file, const char *name, const json_t *group,
		     const json_t *test, bool valid)
{
	uint8_t out[4096];
	struct buf key, iv, aad, sealed, tag;

	if (vec_int(group, "keySize") != 256) {
		unit_case(file, name, UNIT_NOT_OURS, "our keys are AES-256");
		return;
	}
	err_init(&err);
	vec_hex(test, "key", &key);
	vec_hex(test, "iv", &iv);
	vec_hex(test, "aad", &aad);
	vec_hex(test, "ct", &sealed);
	vec_hex(test, "tag", &tag);
	buf_put(&sealed, tag.data, tag.len);
	ck_assert_uint_eq(iv.len, GCM_NONCE_LEN);
	unit_ok(gcm_key(g, key.data, &err), &err);
	if (valid) {
		check_valid(test, iv.data, buf_span(&aad), buf_span(&sealed));
		unit_case(file, name, UNIT_PASS, NULL);
	} else {
		unit_refused(gcm_open(g, iv.data, buf_span(&aad),
				      buf_span(&sealed), out, &err),
			     PV_INTEGRITY, "seal.gcm", &err);
		vec_refused(file, name, test);
	}
	buf_release(&key);
	buf_release(&iv);
	buf_release(&aad);
	buf_release(&sealed);
	buf_release(&tag);
}

START_TEST(test_wycheproof)
{
	vec_wycheproof(GCM, 133, gcm_case);
}
END_TEST

static void cobblestone_case(const char *file, const char *name,
			     const json_t *group, const json_t *test,
			     bool valid)
{
	(void)group;
	(void)test;
	(void)valid;
	unit_case(file, name, UNIT_NOT_OURS,
		  "another chunk format: HKDF-SHA-512, 16 KiB chunks, no COSE");
}

START_TEST(test_cobblestone)
{
	vec_wycheproof(COBBLESTONE_128, 35, cobblestone_case);
	vec_wycheproof(COBBLESTONE_256, 35, cobblestone_case);
	unit_case("vectors/wycheproof/c2sp_chunked_encryption.md", "text",
		  UNIT_NOT_OURS, "a description, not a vector");
}
END_TEST

/* Wrong tag: the output holds no plaintext. Cut input: nothing is read. */
START_TEST(test_refused)
{
	static const uint8_t key[GCM_KEY_LEN] = { 7 }, nonce[12] = { 9 };
	static const uint8_t zero[64];
	uint8_t pt[64], sealed[80], out[64];
	struct span aad = vec_span("aad", 3);

	memset(pt, 'p', sizeof(pt));
	unit_ok(gcm_key(g, key, &err), &err);
	unit_ok(gcm_seal(g, nonce, aad, vec_span(pt, 64), sealed, &err), &err);
	for (size_t i = 0; i < 8 * sizeof(sealed); i++) {
		err_init(&err);
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
		memset(out, 'x', sizeof(out));
		unit_refused(gcm_open(g, nonce, aad, vec_span(sealed, 80), out,
				      &err),
			     PV_INTEGRITY, "seal.gcm", &err);
		ck_assert_mem_eq(out, zero, sizeof(out));
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t len = 0; len < GCM_TAG_LEN; len++) {
		err_init(&err);
		unit_refused(gcm_open(g, nonce, aad, vec_span(sealed, len), out,
				      &err),
			     PV_INTEGRITY, "seal.gcm", &err);
	}
	err_init(&err);
	gcm_forget(g);
	unit_refused(gcm_open(g, nonce, aad, vec_span(sealed, 80), out, &err),
		     PV_INTEGRITY, "seal.gcm", &err);
	/* In place, and with the key set again. */
	err_init(&err);
	unit_ok(gcm_key(g, key, &err), &err);
	unit_ok(gcm_open(g, nonce, aad, vec_span(sealed, 80), sealed, &err),
		&err);
	ck_assert_mem_eq(sealed, pt, sizeof(pt));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("gcm");
	TCase *t = tcase_create("gcm");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_wycheproof);
	tcase_add_test(t, test_cobblestone);
	tcase_add_test(t, test_refused);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
