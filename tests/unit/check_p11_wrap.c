#include <string.h>

#include <openssl/evp.h>

#include "pkcs11/derive.h"
#include "pkcs11/keygen.h"
#include "pkcs11/wrap.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

#define WRAPPED_LEN 40 /* bytes: RFC 5649 of an AES-256 key */

static struct p11_config cfg;
static struct err err;
static struct hsm *h;
static struct p11 *p;
static struct secret kek;
static struct p11_wrap_key by;
static struct buf wrapped;
static const uint8_t value[32] = "a KDF master that a test put in.";
static const uint8_t old_id[HSM_ID_LEN] = { 9, 8, 7 };

static void setup(void)
{
	softhsm_token("acme", &cfg);
	err_init(&err);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	p = (struct p11 *)h;
	unit_ok(secret_random(&kek, P11_WRAP_KEY_LEN, &err), &err);
	unit_ok(p11_wrap_key_import(p, &kek, &by, &err), &err);
	buf_init(&wrapped, 256);
}

static void teardown(void)
{
	err_init(&err);
	unit_ok(p11_wrap_key_drop(p, &by, &err), &err);
	secret_release(&kek);
	buf_release(&wrapped);
	hsm_close(h);
}

/* A key that may leave, as a backup ceremony would have made it. */
static CK_OBJECT_HANDLE leaving_key(void)
{
	const CK_OBJECT_CLASS klass = CKO_SECRET_KEY;
	const CK_KEY_TYPE type = CKK_AES;
	struct p11_template t = { .n = 0 };
	CK_OBJECT_HANDLE made = 0;

	p11_template_add(&t, CKA_CLASS, &klass, sizeof(klass));
	p11_template_add(&t, CKA_KEY_TYPE, &type, sizeof(type));
	p11_template_add(&t, CKA_VALUE, value, sizeof(value));
	p11_template_flag(&t, CKA_TOKEN, false);
	p11_template_flag(&t, CKA_EXTRACTABLE, true);
	ck_assert_uint_eq(p->mod.f->C_CreateObject(p->pool.seats[0].session,
						   t.a, t.n, &made),
			  CKR_OK);
	return made;
}

/* As a vendor's tool brings a key to a token. */
static enum pv_code unwrap(const struct p11_wrap_key *with, struct span s,
			   enum hsm_key_kind kind, const char *label,
			   struct hsm_key **key)
{
	const CK_OBJECT_CLASS klass = CKO_SECRET_KEY;
	const CK_KEY_TYPE type = CKK_AES;
	struct p11_template t = { .n = 0 };
	CK_OBJECT_HANDLE made;
	enum pv_code rc;

	err_init(&err);
	p11_template_add(&t, CKA_CLASS, &klass, sizeof(klass));
	p11_template_add(&t, CKA_KEY_TYPE, &type, sizeof(type));
	p11_template_secret(&t, kind, label, old_id, p->quirk,
			    p->facts.sp800_108, true);
	rc = p11_unwrap_object(p, with, s, &t, &made, &err);
	return rc == PV_OK ? p11_key_find(p, kind, label, key, &err) : rc;
}

static void wrap_it(void)
{
	unit_ok(p11_wrap(p, &by, leaving_key(), &wrapped, &err), &err);
	ck_assert_uint_eq(wrapped.len, WRAPPED_LEN);
}

START_TEST(is_rfc_5649)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	EVP_CIPHER *kwp = EVP_CIPHER_fetch(NULL, "AES-256-WRAP-PAD", NULL);
	uint8_t plain[64];
	int n = 0;

	wrap_it();
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ck_assert_int_eq(EVP_DecryptInit_ex2(ctx, kwp, kek.data, NULL, NULL),
			 1);
	ck_assert_int_eq(EVP_DecryptUpdate(ctx, plain, &n, wrapped.data,
					   (int)wrapped.len),
			 1);
	ck_assert_int_eq(n, 32);
	ck_assert_mem_eq(plain, value, 32);
	EVP_CIPHER_free(kwp);
	EVP_CIPHER_CTX_free(ctx);
}
END_TEST

START_TEST(restore_kdf_master)
{
	struct span fixed = { (const uint8_t *)"fixed input", 11 };
	SECRET out = SECRET_INIT;
	struct hsm_key *key;
	uint8_t want[32];
	CK_OBJECT_HANDLE leaving = leaving_key();

	wrap_it();
	unit_ok(unwrap(&by, buf_span(&wrapped), HSM_KEY_KDF, "a/kdf/1", &key),
		&err);
	/* Restored is told, and everything else is as it must be. */
	ck_assert(!hsm_info(h, key)->generated);
	ck_assert_mem_eq(hsm_info(h, key)->id, old_id, HSM_ID_LEN);
	ck_assert_ptr_nonnull(strstr(hsm_info(h, key)->attrs, "CKA_LOCAL=0"));
	ck_assert_ptr_nonnull(
		strstr(hsm_info(h, key)->attrs, "CKA_NEVER_EXTRACTABLE=0"));
	ck_assert_ptr_nonnull(
		strstr(hsm_info(h, key)->attrs, "CKA_EXTRACTABLE=0"));
	unit_ok(hsm_derive(h, key, fixed, &out, &err), &err);
	ck_assert_uint_eq(p11_derive_by_cmac(p, p->pool.seats[0].session,
					     leaving, fixed, want),
			  CKR_OK);
	ck_assert(secret_equal(&out, want, 32));
	/* It does not leave a second time. */
	unit_refused(p11_wrap(p, &by, key->handle, &wrapped, &err),
		     PV_HSM_FATAL, "hsm.key", &err);
}
END_TEST

START_TEST(restore_store_key)
{
	const uint8_t nonce[12] = { 0 };
	struct span none = { NULL, 0 };
	SECRET plain = SECRET_INIT;
	SECRET back = SECRET_INIT;
	struct hsm_key *key;
	struct buf out;

	wrap_it();
	unit_ok(unwrap(&by, buf_span(&wrapped), HSM_KEY_STORE, "a/s/1", &key),
		&err);
	unit_ok(secret_random(&plain, 32, &err), &err);
	buf_init(&out, 100);
	unit_ok(hsm_seal(h, key, nonce, none, &plain, &out, &err), &err);
	unit_ok(hsm_open(h, key, nonce, none, buf_span(&out), &back, &err),
		&err);
	ck_assert(secret_equal(&back, plain.data, plain.len));
	buf_release(&out);
}
END_TEST

START_TEST(wrong_bytes)
{
	struct hsm_key *key;
	struct span s;

	wrap_it();
	for (size_t i = 0; i < wrapped.len; i++) {
		wrapped.data[i] ^= 0x40;
		unit_refused(unwrap(&by, buf_span(&wrapped), HSM_KEY_KDF,
				    "a/kdf/1", &key),
			     PV_INTEGRITY, "hsm.wrapped", &err);
		wrapped.data[i] ^= 0x40;
	}
	for (size_t len = 0; len < wrapped.len; len++) {
		s = (struct span){ wrapped.data, len };
		unit_refused(unwrap(&by, s, HSM_KEY_KDF, "a/kdf/1", &key),
			     PV_INTEGRITY, "hsm.wrapped", &err);
	}
	/* Nothing of it is on the token. */
	err_init(&err);
	unit_ok(p11_label_is_free(p, "a/kdf/1", &err), &err);
}
END_TEST

START_TEST(wrong_wrap_key)
{
	struct p11_wrap_key other;
	SECRET bad = SECRET_INIT;
	struct hsm_key *key;

	wrap_it();
	unit_ok(secret_random(&bad, 32, &err), &err);
	unit_ok(p11_wrap_key_import(p, &bad, &other, &err), &err);
	unit_refused(unwrap(&other, buf_span(&wrapped), HSM_KEY_KDF, "a/kdf/1",
			    &key),
		     PV_INTEGRITY, "hsm.wrapped", &err);
	err_init(&err);
	unit_ok(p11_wrap_key_drop(p, &other, &err), &err);
	unit_ok(p11_wrap_key_drop(p, &other, &err), &err);
	secret_truncate(&bad, 31);
	err_init(&err);
	unit_refused(p11_wrap_key_import(p, &bad, &other, &err), PV_INPUT,
		     "hsm.length", &err);
}
END_TEST

START_TEST(refusals)
{
	struct hsm_key *key;
	struct span s;

	/* A generated key never leaves. */
	unit_ok(hsm_generate(h, HSM_KEY_STORE, "a/s/1", &key, &err), &err);
	unit_refused(p11_wrap(p, &by, key->handle, &wrapped, &err),
		     PV_HSM_FATAL, "hsm.key", &err);
	wrapped.len = 0;
	err_init(&err);
	wrap_it();
	s = buf_span(&wrapped);
	/* The wrap key is gone with its session. */
	unit_ok(p11_session_reopen(p, &err), &err);
	unit_refused(unwrap(&by, s, HSM_KEY_KDF, "a/kdf/1", &key), PV_HSM_TEMP,
		     "hsm.session", &err);
	p->facts.key_wrap_pad = p->facts.key_wrap_kwp = false;
	err_init(&err);
	unit_refused(p11_wrap_key_import(p, &kek, &by, &err), PV_DENIED,
		     "hsm.mechanism", &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_wrap");
	TCase *t = tcase_create("wrap");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, is_rfc_5649);
	tcase_add_test(t, restore_kdf_master);
	tcase_add_test(t, restore_store_key);
	tcase_add_test(t, wrong_bytes);
	tcase_add_test(t, wrong_wrap_key);
	tcase_add_test(t, refusals);
	suite_add_tcase(s, t);
	return unit_run(s);
}
