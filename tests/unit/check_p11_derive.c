#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "pkcs11/derive.h"
#include "pkcs11/keygen.h"
#include "tests/unit/p11_fault.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

static const uint8_t master[32] = "0123456789abcdefFEDCBA9876543210";

/* purpose || 00 || x || be32(256), as in formats 1. */
static struct span fixed_input(struct buf *b, const char *purpose,
			       const char *x)
{
	buf_reset(b);
	buf_put_str(b, purpose);
	buf_put_u8(b, 0);
	buf_put_str(b, x);
	buf_put_be32(b, 256);
	return buf_span(b);
}

/* OpenSSL's own SP 800-108: label || 00 || context || be32(256). */
static void openssl_kbkdf(const char *purpose, const char *x, uint8_t out[32])
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string("mode", (char *)"counter", 0),
		OSSL_PARAM_construct_utf8_string("mac", (char *)"CMAC", 0),
		OSSL_PARAM_construct_utf8_string("cipher",
						 (char *)"AES-256-CBC", 0),
		OSSL_PARAM_construct_octet_string("key", (void *)master, 32),
		OSSL_PARAM_construct_octet_string("salt", (void *)purpose,
						  strlen(purpose)),
		OSSL_PARAM_construct_octet_string("info", (void *)x, strlen(x)),
		OSSL_PARAM_construct_end(),
	};

	ck_assert_int_eq(EVP_KDF_derive(ctx, out, 32, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

/* A known master: imported by the test, since a real one never leaves. */
static CK_OBJECT_HANDLE import(struct p11 *p, CK_ATTRIBUTE_TYPE use)
{
	const CK_OBJECT_CLASS klass = CKO_SECRET_KEY;
	const CK_KEY_TYPE type = CKK_AES;
	struct p11_template t = { .n = 0 };
	CK_OBJECT_HANDLE made = 0;

	p11_template_add(&t, CKA_CLASS, &klass, sizeof(klass));
	p11_template_add(&t, CKA_KEY_TYPE, &type, sizeof(type));
	p11_template_add(&t, CKA_VALUE, master, sizeof(master));
	p11_template_flag(&t, CKA_TOKEN, false);
	p11_template_flag(&t, use, true);
	ck_assert_uint_eq(p->mod.f->C_CreateObject(p->pool.seats[0].session,
						   t.a, t.n, &made),
			  CKR_OK);
	return made;
}

static const struct {
	const char *purpose, *x;
} inputs[] = {
	{ "provctl/kek/v1", "ACME-0123456789AB" },
	{ "provctl/auth/v1", "ACME-0123456789AB" },
	{ "provctl/receipt/v1", "!" },
	{ "provctl/secret/v1",
	  "0123456789012345678901234567890123456789012345678901234567890123" },
};
#define INPUTS_N (sizeof(inputs) / sizeof(inputs[0]))

START_TEST(cmac_way_is_sp800_108)
{
	struct p11_config cfg;
	struct err err;
	struct hsm *h;
	struct p11 *p;
	struct buf b;
	CK_OBJECT_HANDLE key;

	softhsm_token("acme", &cfg);
	err_init(&err);
	buf_init(&b, 1024);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	p = (struct p11 *)h;
	key = import(p, CKA_SIGN);
	for (size_t i = 0; i < INPUTS_N; i++) {
		struct span fixed =
			fixed_input(&b, inputs[i].purpose, inputs[i].x);
		uint8_t ours[32], theirs[32];

		openssl_kbkdf(inputs[i].purpose, inputs[i].x, theirs);
		ck_assert_uint_eq(p11_derive_by_cmac(p,
						     p->pool.seats[0].session,
						     key, fixed, ours),
				  CKR_OK);
		ck_assert_mem_eq(ours, theirs, 32);
	}
	buf_release(&b);
	hsm_close(h);
}
END_TEST

START_TEST(through_the_interface)
{
	struct p11_config cfg;
	struct err err;
	struct hsm *h;
	struct hsm_key *key, *store;
	struct buf b;
	SECRET one = SECRET_INIT;
	SECRET two = SECRET_INIT;
	uint8_t big[P11_FIXED_INPUT_MAX + 1] = { 0 };
	struct span fixed = { big, sizeof(big) };

	softhsm_token("acme", &cfg);
	err_init(&err);
	buf_init(&b, 1024);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	ck_assert_str_eq(hsm_derive_way(h), "CKM_AES_CMAC x 2");
	unit_ok(hsm_generate(h, HSM_KEY_KDF, "a/kdf/1", &key, &err), &err);
	ck_assert_str_eq(hsm_derive_way(h), "CKM_AES_CMAC x 2");
	unit_ok(hsm_derive(h, key, fixed_input(&b, "p", "x"), &one, &err),
		&err);
	unit_ok(hsm_derive(h, key, fixed_input(&b, "p", "x"), &two, &err),
		&err);
	ck_assert_uint_eq(one.len, HSM_DERIVED_LEN);
	ck_assert(secret_equal(&one, two.data, two.len));
	unit_ok(hsm_derive(h, key, fixed_input(&b, "p", "y"), &two, &err),
		&err);
	ck_assert(!secret_equal(&one, two.data, two.len));
	/* Bounds, and another kind of key. */
	unit_refused(hsm_derive(h, key, fixed, &two, &err), PV_INPUT,
		     "hsm.length", &err);
	err_init(&err);
	fixed.len = 0;
	unit_refused(hsm_derive(h, key, fixed, &two, &err), PV_INPUT,
		     "hsm.length", &err);
	err_init(&err);
	fixed.len = P11_FIXED_INPUT_MAX;
	unit_ok(hsm_derive(h, key, fixed, &two, &err), &err);
	unit_ok(hsm_generate(h, HSM_KEY_STORE, "a/store/1", &store, &err),
		&err);
	unit_refused(hsm_derive(h, store, fixed, &two, &err), PV_INTERNAL,
		     "hsm.key", &err);
	buf_release(&b);
	hsm_close(h);
}
END_TEST

/* CKA_ALLOWED_MECHANISMS holds: the master does nothing but CMAC. */
START_TEST(master_does_nothing_else)
{
	struct p11_config cfg;
	struct err err;
	struct hsm *h;
	struct hsm_key *key;
	CK_MECHANISM gcm = { CKM_AES_ECB, NULL, 0 };
	CK_MECHANISM hmac = { CKM_SHA256_HMAC, NULL, 0 };
	struct p11 *p;

	softhsm_token("acme", &cfg);
	err_init(&err);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	unit_ok(hsm_generate(h, HSM_KEY_KDF, "a/kdf/1", &key, &err), &err);
	p = (struct p11 *)h;
	ck_assert_uint_ne(p->mod.f->C_EncryptInit(p->pool.seats[0].session,
						  &gcm, key->handle),
			  CKR_OK);
	ck_assert_uint_ne(p->mod.f->C_SignInit(p->pool.seats[0].session, &hmac,
					       key->handle),
			  CKR_OK);
	hsm_close(h);
}
END_TEST

START_TEST(short_cmac)
{
	struct p11_config cfg;
	struct err err;
	struct hsm *h;
	struct hsm_key *key;
	struct span fixed = { (const uint8_t *)"x", 1 };
	SECRET out = SECRET_INIT;

	softhsm_token("acme", &cfg);
	err_init(&err);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	unit_ok(hsm_generate(h, HSM_KEY_KDF, "a/kdf/1", &key, &err), &err);
	fault_install((struct p11 *)h);
	fault_length(FAULT_SIGN, 8);
	unit_refused(hsm_derive(h, key, fixed, &out, &err), PV_HSM_FATAL,
		     "hsm.length", &err);
	ck_assert_uint_eq(out.len, 0);
	hsm_close(h);
}
END_TEST

static const char *nss_path(void)
{
	static const char *const paths[] = {
		"/usr/lib/x86_64-linux-gnu/nss/libsoftokn3.so",
		"/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
		"/usr/lib/aarch64-linux-gnu/nss/libsoftokn3.so",
		"/usr/lib/aarch64-linux-gnu/libsoftokn3.so",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], R_OK) == 0)
			return paths[i];
	return NULL;
}

/*
 * NSS softoken without a database: its generic crypto slot needs no login.
 * It has the true mechanism, so both ways are held to the same bytes.
 */
START_TEST(true_mechanism)
{
	/* NSS takes its parameters in a field of its own before pReserved. */
	struct {
		CK_CREATEMUTEX create;
		CK_DESTROYMUTEX destroy;
		CK_LOCKMUTEX lock;
		CK_UNLOCKMUTEX unlock;
		CK_FLAGS flags;
		CK_CHAR *parameters;
		void *reserved;
	} args = { .flags = CKF_OS_LOCKING_OK,
		   .parameters = (CK_CHAR *)"configdir='' certPrefix='' "
					    "keyPrefix='' secmod='' "
					    "flags=readOnly,noCertDB,noModDB" };
	struct p11 p;
	struct err err;
	struct buf b;
	CK_SLOT_ID slots[8];
	CK_ULONG n = 8;
	CK_OBJECT_HANDLE key;
	CK_TOKEN_INFO info;

	memset(&p, 0, sizeof(p));
	err_init(&err);
	buf_init(&b, 1024);
	unit_ok(p11_module_load(&p.mod, nss_path(), &err), &err);
	ck_assert_uint_eq(p.mod.f->C_Initialize(&args), CKR_OK);
	ck_assert_uint_eq(p.mod.f->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_eq(p.mod.f->C_GetTokenInfo(slots[0], &info), CKR_OK);
	p11_facts_read(&p.mod, slots[0], &info, &p.facts);
	ck_assert(p.facts.sp800_108);
	ck_assert_str_eq(p11_derive_way(&p), "CKM_SP800_108_COUNTER_KDF");
	ck_assert_uint_eq(p.mod.f->C_OpenSession(slots[0], CKF_SERIAL_SESSION,
						 NULL, NULL,
						 &p.pool.seats[0].session),
			  CKR_OK);
	key = import(&p, CKA_DERIVE);
	for (size_t i = 0; i < INPUTS_N; i++) {
		struct span fixed =
			fixed_input(&b, inputs[i].purpose, inputs[i].x);
		uint8_t ours[32], theirs[32];

		openssl_kbkdf(inputs[i].purpose, inputs[i].x, theirs);
		ck_assert_uint_eq(p11_derive_by_kdf(&p, p.pool.seats[0].session,
						    key, fixed, ours),
				  CKR_OK);
		ck_assert_mem_eq(ours, theirs, 32);
	}
	p.mod.f->C_Finalize(NULL);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_derive");
	TCase *t = tcase_create("derive");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, cmac_way_is_sp800_108);
	tcase_add_test(t, through_the_interface);
	tcase_add_test(t, master_does_nothing_else);
	tcase_add_test(t, short_cmac);
	if (nss_path())
		tcase_add_test(t, true_mechanism);
	else
		unit_skip("true_mechanism", "no NSS softoken here");
	suite_add_tcase(s, t);
	return unit_run(s);
}
