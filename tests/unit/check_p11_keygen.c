#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pkcs11/destroy.h"
#include "pkcs11/keygen.h"
#include "pkcs11/object.h"
#include "tests/unit/p11_fault.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

static struct p11_config cfg;
static struct err err;
static struct hsm *h;
static struct p11 *p;

static void setup(void)
{
	softhsm_token("acme", &cfg);
	err_init(&err);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	p = (struct p11 *)h;
}

static void teardown(void)
{
	hsm_close(h);
}

static size_t count(CK_OBJECT_CLASS klass, const char *label)
{
	CK_OBJECT_HANDLE found[P11_FOUND_MAX];
	size_t n = 0;

	ck_assert_uint_eq(p11_objects_named(p, p->pool.seats[0].session, klass,
					    label, found, &n),
			  CKR_OK);
	return n;
}

static size_t count_all(const char *label)
{
	return count(CKO_PRIVATE_KEY, label) + count(CKO_PUBLIC_KEY, label) +
	       count(CKO_SECRET_KEY, label);
}

static const char *const labels[] = { "a/p256/1", "a/ed/1", "a/kdf/1",
				      "a/store/1" };
static const char *const texts[] = {
	"CKA_KEY_TYPE=0x3 CKA_TOKEN=1 CKA_PRIVATE=1 CKA_SENSITIVE=1 "
	"CKA_EXTRACTABLE=0 CKA_LOCAL=1 CKA_ALWAYS_SENSITIVE=1 "
	"CKA_NEVER_EXTRACTABLE=1 CKA_MODIFIABLE=0 CKA_SIGN=1 "
	"CKA_SIGN_RECOVER=0 CKA_ENCRYPT=- CKA_DECRYPT=0 CKA_VERIFY=- "
	"CKA_WRAP=- CKA_UNWRAP=0 CKA_DERIVE=0 CKA_KEY_GEN_MECHANISM=0x1040 "
	"CKA_ALLOWED_MECHANISMS=-",
	"CKA_KEY_TYPE=0x40 CKA_TOKEN=1 CKA_PRIVATE=1 CKA_SENSITIVE=1 "
	"CKA_EXTRACTABLE=0 CKA_LOCAL=1 CKA_ALWAYS_SENSITIVE=1 "
	"CKA_NEVER_EXTRACTABLE=1 CKA_MODIFIABLE=0 CKA_SIGN=1 "
	"CKA_SIGN_RECOVER=0 CKA_ENCRYPT=- CKA_DECRYPT=0 CKA_VERIFY=- "
	"CKA_WRAP=- CKA_UNWRAP=0 CKA_DERIVE=0 CKA_KEY_GEN_MECHANISM=0x1055 "
	"CKA_ALLOWED_MECHANISMS=-",
	"CKA_KEY_TYPE=0x1f CKA_TOKEN=1 CKA_PRIVATE=1 CKA_SENSITIVE=1 "
	"CKA_EXTRACTABLE=0 CKA_LOCAL=1 CKA_ALWAYS_SENSITIVE=1 "
	"CKA_NEVER_EXTRACTABLE=1 CKA_MODIFIABLE=0 CKA_SIGN=1 "
	"CKA_SIGN_RECOVER=- CKA_ENCRYPT=0 CKA_DECRYPT=0 CKA_VERIFY=0 "
	"CKA_WRAP=0 CKA_UNWRAP=0 CKA_DERIVE=0 CKA_KEY_GEN_MECHANISM=0x1080 "
	"CKA_ALLOWED_MECHANISMS=0x108a",
	"CKA_KEY_TYPE=0x1f CKA_TOKEN=1 CKA_PRIVATE=1 CKA_SENSITIVE=1 "
	"CKA_EXTRACTABLE=0 CKA_LOCAL=1 CKA_ALWAYS_SENSITIVE=1 "
	"CKA_NEVER_EXTRACTABLE=1 CKA_MODIFIABLE=0 CKA_SIGN=0 "
	"CKA_SIGN_RECOVER=- CKA_ENCRYPT=1 CKA_DECRYPT=1 CKA_VERIFY=0 "
	"CKA_WRAP=0 CKA_UNWRAP=0 CKA_DERIVE=0 CKA_KEY_GEN_MECHANISM=0x1080 "
	"CKA_ALLOWED_MECHANISMS=0x1087",
};

static void check_spki(const struct hsm_key_info *info, const char *type)
{
	const uint8_t *der = info->spki;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &der, (long)info->spki_len);
	unsigned char *again = NULL;
	int len;

	ck_assert(key != NULL && EVP_PKEY_is_a(key, type));
	ck_assert(der == info->spki + info->spki_len);
	len = i2d_PUBKEY(key, &again);
	ck_assert_int_eq(len, (int)info->spki_len);
	ck_assert_mem_eq(again, info->spki, info->spki_len);
	OPENSSL_free(again);
	EVP_PKEY_free(key);
}

/* Every kind: generated, read back, found again in another login. */
START_TEST(each_kind)
{
	enum hsm_key_kind kind = (enum hsm_key_kind)_i;
	struct hsm_key *key = NULL, *same = NULL;
	struct hsm_key_info before;
	uint8_t hash[32];

	ck_assert(hsm_can(h, kind));
	unit_ok(hsm_generate(h, kind, labels[_i], &key, &err), &err);
	before = *hsm_info(h, key);
	ck_assert_int_eq(before.kind, kind);
	ck_assert_str_eq(before.label, labels[_i]);
	ck_assert(before.generated);
	ck_assert_str_eq(before.attrs, texts[_i]);
	EVP_Digest(texts[_i], strlen(texts[_i]), hash, NULL, EVP_sha256(),
		   NULL);
	ck_assert_mem_eq(before.attrs_sha256, hash, 32);
	if (kind == HSM_KEY_P256)
		check_spki(&before, "EC");
	else if (kind == HSM_KEY_ED25519)
		check_spki(&before, "ED25519");
	else
		ck_assert_uint_eq(before.spki_len, 0);
	unit_ok(hsm_find(h, kind, labels[_i], &same, &err), &err);
	ck_assert_ptr_eq(same, key);
	hsm_close(h);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	p = (struct p11 *)h;
	unit_ok(hsm_find(h, kind, labels[_i], &key, &err), &err);
	ck_assert_mem_eq(hsm_info(h, key), &before, sizeof(before));
}
END_TEST

START_TEST(ids_are_random)
{
	struct hsm_key *a, *b;

	unit_ok(hsm_generate(h, HSM_KEY_STORE, "a/s/1", &a, &err), &err);
	unit_ok(hsm_generate(h, HSM_KEY_STORE, "a/s/2", &b, &err), &err);
	ck_assert_mem_ne(hsm_info(h, a)->id, hsm_info(h, b)->id, HSM_ID_LEN);
}
END_TEST

START_TEST(label_taken)
{
	struct hsm_key *key;

	for (size_t i = 0; i < 4; i++) {
		err_init(&err);
		unit_ok(hsm_generate(h, (enum hsm_key_kind)i, labels[i], &key,
				     &err),
			&err);
	}
	for (size_t i = 0; i < 16; i++) {
		err_init(&err);
		unit_refused(hsm_generate(h, (enum hsm_key_kind)(i % 4),
					  labels[i / 4], &key, &err),
			     PV_CONFLICT, "hsm.label-taken", &err);
		ck_assert(key == NULL);
	}
	ck_assert_uint_eq(count_all(labels[0]), 2);
	ck_assert_uint_eq(count_all(labels[2]), 1);
}
END_TEST

static void destroy(CK_OBJECT_HANDLE object)
{
	ck_assert_uint_eq(
		p->mod.f->C_DestroyObject(p->pool.seats[0].session, object),
		CKR_OK);
}

/* A generation that was killed half way leaves one object. */
START_TEST(orphan_half)
{
	bool private_left = _i == 0;
	struct hsm_key *key;

	unit_ok(hsm_generate(h, HSM_KEY_P256, "a/root/1", &key, &err), &err);
	destroy(private_left ? key->public_handle : key->handle);
	p11_key_forget(p, key);
	unit_refused(hsm_find(h, HSM_KEY_P256, "a/root/1", &key, &err),
		     PV_HSM_FATAL, "hsm.key-half", &err);
	err_init(&err);
	unit_refused(hsm_generate(h, HSM_KEY_P256, "a/root/1", &key, &err),
		     PV_CONFLICT, "hsm.label-taken", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "half"));
	ck_assert_uint_eq(count_all("a/root/1"), 1);
}
END_TEST

START_TEST(missing_key)
{
	struct hsm_key *key;

	for (size_t i = 0; i < 4; i++) {
		err_init(&err);
		unit_refused(hsm_find(h, (enum hsm_key_kind)i, "a/none/1", &key,
				      &err),
			     PV_HSM_FATAL, "hsm.key-missing", &err);
		ck_assert_str_eq(err.object, "a/none/1");
	}
	/* A key of another kind is not a match. */
	err_init(&err);
	unit_ok(hsm_generate(h, HSM_KEY_KDF, "a/kdf/1", &key, &err), &err);
	unit_refused(hsm_find(h, HSM_KEY_P256, "a/kdf/1", &key, &err),
		     PV_HSM_FATAL, "hsm.key-missing", &err);
	err_init(&err);
	unit_refused(hsm_find(h, HSM_KEY_STORE, "a/kdf/1", &key, &err),
		     PV_HSM_FATAL, "hsm.key-attributes", &err);
}
END_TEST

START_TEST(bad_labels)
{
	char longest[HSM_LABEL_MAX + 1];
	struct hsm_key *key;

	memset(longest, 'a', sizeof(longest));
	longest[HSM_LABEL_MAX] = '\0';
	unit_refused(hsm_generate(h, HSM_KEY_STORE, longest, &key, &err),
		     PV_INPUT, "hsm.label", &err);
	err_init(&err);
	unit_refused(hsm_generate(h, HSM_KEY_STORE, "", &key, &err), PV_INPUT,
		     "hsm.label", &err);
	err_init(&err);
	unit_refused(hsm_find(h, HSM_KEY_STORE, "a b", &key, &err), PV_INPUT,
		     "hsm.label", &err);
	err_init(&err);
	longest[HSM_LABEL_MAX - 1] = '\0';
	unit_ok(hsm_generate(h, HSM_KEY_STORE, longest, &key, &err), &err);
	ck_assert_str_eq(hsm_info(h, key)->label, longest);
}
END_TEST

/* What is refused on read-back does not stay. */
START_TEST(refused_is_destroyed)
{
	struct p11_quirk quirk = *p->quirk;
	struct hsm_key *key;

	quirk.points = P11_POINT_RAW; /* SoftHSM gives OCTET STRINGs */
	p->quirk = &quirk;
	unit_refused(hsm_generate(h, HSM_KEY_P256, "a/root/1", &key, &err),
		     PV_HSM_FATAL, "hsm.point", &err);
	ck_assert(key == NULL);
	ck_assert_uint_eq(count_all("a/root/1"), 0);
}
END_TEST

START_TEST(destroy_that_fails)
{
	struct p11_quirk quirk = *p->quirk;
	struct hsm_key *key;

	fault_install(p);
	fault_set(FAULT_DESTROY, 0, FAULT_FOR_EVER, CKR_DEVICE_ERROR);
	quirk.points = P11_POINT_RAW;
	p->quirk = &quirk;
	unit_refused(hsm_generate(h, HSM_KEY_P256, "a/root/1", &key, &err),
		     PV_HSM_FATAL, "hsm.point", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "may still be"));
	ck_assert_uint_eq(count_all("a/root/1"), 2);
}
END_TEST

/* Gone for this login only: that is not destroyed. */
START_TEST(destroyed_is_back)
{
	enum hsm_key_kind kind = _i ? HSM_KEY_STORE : HSM_KEY_P256;
	struct hsm_key *key;
	uint8_t id[HSM_ID_LEN];

	unit_ok(hsm_generate(h, kind, "a/key/1", &key, &err), &err);
	memcpy(id, hsm_info(h, key)->id, sizeof(id));
	fault_install(p);
	fault_undead(true);
	unit_refused(p11_destroy_id(p, id, &err), PV_HSM_FATAL,
		     "hsm.not-destroyed", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "again"));
	ck_assert_uint_eq(count_all("a/key/1"), _i ? 1 : 2);
	/* The login is there again, and so is the key. */
	err_init(&err);
	unit_ok(hsm_find(h, kind, "a/key/1", &key, &err), &err);
	fault_undead(false);
	unit_ok(p11_destroy_id(p, id, &err), &err);
	ck_assert_uint_eq(count_all("a/key/1"), 0);
}
END_TEST

/* Of another label, or another public key: then all are there yet. */
START_TEST(destroy_of_another)
{
	struct hsm_doomed doomed;
	struct hsm_key *key, *other;

	unit_ok(hsm_generate(h, HSM_KEY_P256, "a/key/1", &key, &err), &err);
	unit_ok(hsm_generate(h, HSM_KEY_P256, "a/key/2", &other, &err), &err);
	doomed = (struct hsm_doomed){
		.kind = HSM_KEY_P256,
		.label = _i == 0 ? "a/key/2" : "a/key/1",
		.spki = { hsm_info(h, _i == 1 ? other : key)->spki,
			  hsm_info(h, key)->spki_len }
	};
	memcpy(doomed.id, hsm_info(h, key)->id, HSM_ID_LEN);
	if (_i == 2) {
		unit_ok(hsm_destroy(h, &doomed, &err), &err);
		ck_assert_uint_eq(count_all("a/key/1"), 0);
		ck_assert_uint_eq(count_all("a/key/2"), 2);
		return;
	}
	unit_refused(hsm_destroy(h, &doomed, &err), PV_HSM_FATAL, "hsm.key",
		     &err);
	ck_assert_str_eq(err.object, doomed.label);
	ck_assert_uint_eq(count_all("a/key/1"), 2);
}
END_TEST

/* Nothing is called destroyed that cannot be looked for. */
START_TEST(destroyed_unseen)
{
	struct hsm_key *key;

	unit_ok(hsm_generate(h, HSM_KEY_STORE, "a/key/1", &key, &err), &err);
	fault_install(p);
	fault_set(_i ? FAULT_LOGIN : FAULT_INITIALIZE, 0, 1, CKR_DEVICE_ERROR);
	unit_refused(p11_destroy_id(p, hsm_info(h, key)->id, &err), PV_HSM_TEMP,
		     NULL, &err);
	/* The next one comes in again. */
	err_init(&err);
	unit_ok(p11_destroy_id(p, hsm_info(h, key)->id, &err), &err);
	ck_assert_int_eq(fault_overlaps(), 0);
}
END_TEST

START_TEST(destroy_is_told_undone)
{
	struct p11_quirk quirk = *p->quirk;
	struct hsm_key *key;

	fault_install(p);
	fault_undead(true);
	quirk.points = P11_POINT_RAW;
	p->quirk = &quirk;
	unit_refused(hsm_generate(h, HSM_KEY_P256, "a/root/1", &key, &err),
		     PV_HSM_FATAL, "hsm.point", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "may still be"));
}
END_TEST

START_TEST(generation_fails)
{
	struct hsm_key *key;

	fault_install(p);
	fault_set(FAULT_GENERATE, 0, 1, CKR_DEVICE_MEMORY);
	unit_refused(hsm_generate(h, HSM_KEY_STORE, "a/s/1", &key, &err),
		     PV_HSM_FATAL, "hsm.full", &err);
	/* Never repeated by itself: it may have had an effect. */
	err_init(&err);
	fault_reset();
	fault_set(FAULT_GENERATE, 0, 1, CKR_GENERAL_ERROR);
	unit_refused(hsm_generate(h, HSM_KEY_STORE, "a/s/1", &key, &err),
		     PV_HSM_TEMP, "hsm.call", &err);
	ck_assert_int_eq(fault_calls(FAULT_GENERATE), 1);
	/* A template the token does not like is tried without MODIFIABLE. */
	err_init(&err);
	fault_set(FAULT_GENERATE, 0, 1, CKR_ATTRIBUTE_VALUE_INVALID);
	unit_ok(hsm_generate(h, HSM_KEY_STORE, "a/s/1", &key, &err), &err);
	ck_assert_ptr_nonnull(
		strstr(hsm_info(h, key)->attrs, "CKA_MODIFIABLE=1"));
}
END_TEST

START_TEST(cannot)
{
	struct hsm_key *key;

	p->facts.ed25519 = false;
	ck_assert(!hsm_can(h, HSM_KEY_ED25519));
	unit_refused(hsm_generate(h, HSM_KEY_ED25519, "a/log/1", &key, &err),
		     PV_DENIED, "hsm.mechanism", &err);
	p->facts.cmac = false;
	ck_assert(!hsm_can(h, HSM_KEY_KDF));
	p->facts.sp800_108 = true;
	ck_assert(hsm_can(h, HSM_KEY_KDF));
	p->facts.gcm = false;
	ck_assert(!hsm_can(h, HSM_KEY_STORE));
	ck_assert(hsm_can(h, HSM_KEY_P256));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_keygen");
	TCase *t = tcase_create("keygen");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, each_kind, 0, 4);
	tcase_add_test(t, ids_are_random);
	tcase_add_test(t, label_taken);
	tcase_add_loop_test(t, orphan_half, 0, 2);
	tcase_add_test(t, missing_key);
	tcase_add_test(t, bad_labels);
	tcase_add_test(t, refused_is_destroyed);
	tcase_add_test(t, destroy_that_fails);
	tcase_add_loop_test(t, destroyed_is_back, 0, 2);
	tcase_add_loop_test(t, destroy_of_another, 0, 3);
	tcase_add_loop_test(t, destroyed_unseen, 0, 2);
	tcase_add_test(t, destroy_is_told_undone);
	tcase_add_test(t, generation_fails);
	tcase_add_test(t, cannot);
	suite_add_tcase(s, t);
	return unit_run(s);
}
