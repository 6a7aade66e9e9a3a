#include <string.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pkcs11/session.h"
#include "tests/unit/p11_fault.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

static struct p11_config cfg;
static struct err err;
static struct hsm *h;
static struct p11 *p;
static struct hsm_key *ec, *ed;

static void setup(void)
{
	softhsm_token("acme", &cfg);
	err_init(&err);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	p = (struct p11 *)h;
	unit_ok(hsm_generate(h, HSM_KEY_P256, "a/root/1", &ec, &err), &err);
	unit_ok(hsm_generate(h, HSM_KEY_ED25519, "a/log/1", &ed, &err), &err);
	fault_install(p);
}

static void teardown(void)
{
	hsm_close(h);
}

static EVP_PKEY *public_of(struct hsm_key *key)
{
	const struct hsm_key_info *info = hsm_info(h, key);
	const uint8_t *der = info->spki;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &der, (long)info->spki_len);

	ck_assert(pkey != NULL);
	return pkey;
}

static bool ecdsa_verifies(EVP_PKEY *pkey, const uint8_t digest[32],
			   const uint8_t sig[64])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	ECDSA_SIG *rs = ECDSA_SIG_new();
	unsigned char *der = NULL;
	int len, good;

	ECDSA_SIG_set0(rs, BN_bin2bn(sig, 32, NULL),
		       BN_bin2bn(sig + 32, 32, NULL));
	len = i2d_ECDSA_SIG(rs, &der);
	ck_assert_int_gt(len, 0);
	ck_assert_int_eq(EVP_PKEY_verify_init(ctx), 1);
	good = EVP_PKEY_verify(ctx, der, (size_t)len, digest, 32);
	OPENSSL_free(der);
	ECDSA_SIG_free(rs);
	EVP_PKEY_CTX_free(ctx);
	return good == 1;
}

static bool eddsa_verifies(EVP_PKEY *pkey, struct span msg,
			   const uint8_t sig[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int good;

	ck_assert_int_eq(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey), 1);
	good = EVP_DigestVerify(ctx, sig, 64, msg.p, msg.len);
	EVP_MD_CTX_free(ctx);
	return good == 1;
}

START_TEST(ecdsa)
{
	EVP_PKEY *pkey = public_of(ec);
	uint8_t digest[32], sig[64];

	for (int i = 0; i < 50; i++) {
		memset(digest, i, sizeof(digest));
		unit_ok(hsm_sign_digest(h, ec, digest, sig, &err), &err);
		ck_assert(ecdsa_verifies(pkey, digest, sig));
		sig[i] ^= 1;
		ck_assert(!ecdsa_verifies(pkey, digest, sig));
	}
	/* Nothing but C_SignInit and C_Sign for each. */
	ck_assert_int_eq(fault_calls(FAULT_SIGN), 50);
	ck_assert_int_eq(fault_calls(FAULT_SIGN_INIT), 50);
	ck_assert_int_eq(fault_calls(FAULT_FIND_INIT), 0);
	ck_assert_int_eq(fault_calls(FAULT_OPEN_SESSION), 0);
	EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(eddsa)
{
	static uint8_t text[70000];
	static const size_t lengths[] = { 1, 32, 1000, sizeof(text) };
	EVP_PKEY *pkey = public_of(ed);
	uint8_t sig[64];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct span msg = { text, lengths[i] };

		unit_ok(hsm_sign_message(h, ed, msg, sig, &err), &err);
		ck_assert(eddsa_verifies(pkey, msg, sig));
		text[0] ^= 1;
		ck_assert(!eddsa_verifies(pkey, msg, sig));
	}
	EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(wrong_kind)
{
	struct span msg = { (const uint8_t *)"m", 1 };
	const uint8_t digest[32] = { 0 };
	uint8_t sig[64];

	unit_refused(hsm_sign_digest(h, ed, digest, sig, &err), PV_INTERNAL,
		     "hsm.key", &err);
	err_init(&err);
	unit_refused(hsm_sign_message(h, ec, msg, sig, &err), PV_INTERNAL,
		     "hsm.key", &err);
	ck_assert_int_eq(fault_calls(FAULT_SIGN_INIT), 0);
}
END_TEST

/* Lengths that a module may claim, up to -1: refused, nothing is read. */
static const CK_ULONG lengths[] = { 1, 63, 65, 72, 256, 257, 65536, ~0UL };

START_TEST(wrong_length)
{
	const uint8_t digest[32] = { 0 };
	uint8_t sig[64], before[64];

	memset(sig, 0xa5, sizeof(sig));
	memcpy(before, sig, sizeof(sig));
	fault_length(FAULT_SIGN, lengths[_i]);
	unit_refused(hsm_sign_digest(h, ec, digest, sig, &err), PV_HSM_FATAL,
		     "hsm.signature", &err);
	ck_assert_mem_eq(sig, before, sizeof(sig));
}
END_TEST

START_TEST(buffer_too_small)
{
	const uint8_t digest[32] = { 0 };
	EVP_PKEY *pkey = public_of(ec);
	uint8_t sig[64];

	fault_set(FAULT_SIGN, 0, 1, CKR_BUFFER_TOO_SMALL);
	unit_refused(hsm_sign_digest(h, ec, digest, sig, &err), PV_HSM_FATAL,
		     "hsm.length", &err);
	/* That left the operation active in the module; a new session helps. */
	err_init(&err);
	unit_ok(hsm_sign_digest(h, ec, digest, sig, &err), &err);
	ck_assert(ecdsa_verifies(pkey, digest, sig));
	ck_assert_int_eq(fault_calls(FAULT_OPEN_SESSION), 1);
	EVP_PKEY_free(pkey);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_sign");
	TCase *t = tcase_create("sign");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, ecdsa);
	tcase_add_test(t, eddsa);
	tcase_add_test(t, wrong_kind);
	tcase_add_loop_test(t, wrong_length, 0,
			    sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_test(t, buffer_too_small);
	suite_add_tcase(s, t);
	return unit_run(s);
}
