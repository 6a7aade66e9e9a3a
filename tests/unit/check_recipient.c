#include <openssl/rsa.h>

#include "lib/seal/recipient.h"
#include "lib/x509/cert.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/seal_vec.h"

#define ECDSA "vectors/wycheproof/ecdsa_secp256r1_sha256_test.json"
#define P1363 "vectors/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json"

static struct seal *s;
static struct err err;

static void setup(void)
{
	err_init(&err);
	unit_ok(seal_new(&s, &err), &err);
}

static void teardown(void)
{
	seal_free(s);
}

/* The signature of a device under its sealing key comes as DER. */
static void der_case(const char *file, const char *name, const json_t *group,
		     const json_t *test, bool valid)
{
	vec_ecdsa_case(file, name, group, test, valid, seal_ecdsa_verify);
}

START_TEST(test_ecdsa_der)
{
	vec_wycheproof(ECDSA, 216, der_case);
}
END_TEST

static bool raw_ok(struct span spki, struct span msg, struct span sig)
{
	struct x509_verifier *v = NULL;
	uint8_t digest[32];
	enum pv_code rc;

	if (sig.len != 64)
		return false;
	err_init(&err);
	SHA256(msg.p, msg.len, digest);
	rc = x509_verifier_new(spki, &v, &err);
	if (rc == PV_OK)
		rc = x509_verify_digest(v, digest, sig.p, PV_INTEGRITY, &err);
	x509_verifier_free(v);
	return rc == PV_OK;
}

/* What a token and COSE give is raw r||s. */
static void raw_case(const char *file, const char *name, const json_t *group,
		     const json_t *test, bool valid)
{
	vec_ecdsa_case(file, name, group, test, valid, raw_ok);
}

START_TEST(test_ecdsa_raw)
{
	vec_wycheproof(P1363, 179, raw_case);
}
END_TEST

START_TEST(test_spki)
{
	EVP_PKEY *key = keys_new();
	uint8_t spki[KEYS_SPKI_LEN], hash[32];
	struct seal_recipient r;

	keys_spki(key, spki);
	SHA256(spki, sizeof(spki), hash);
	unit_ok(seal_recipient_from_spki(s, vec_span(spki, sizeof(spki)), &r,
					 &err),
		&err);
	ck_assert_mem_eq(r.point, spki + 26, 65);
	ck_assert_mem_eq(r.id, hash, 32);
	for (size_t len = 0; len < sizeof(spki); len++) {
		err_init(&err);
		unit_refused(seal_recipient_from_spki(s, vec_span(spki, len),
						      &r, &err),
			     PV_INPUT, "seal.recipient", &err);
	}
	/* Any other bit in the frame is another key type or encoding. */
	for (size_t i = 0; i < 8 * sizeof(spki); i++) {
		err_init(&err);
		spki[i / 8] ^= (uint8_t)(1 << i % 8);
		unit_refused(seal_recipient_from_spki(
				     s, vec_span(spki, sizeof(spki)), &r, &err),
			     PV_INPUT,
			     i < 8 * 26 ? "seal.recipient" : "seal.point",
			     &err);
		spki[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	EVP_PKEY_free(key);
}
END_TEST

static void refuse_spki(const char *curve)
{
	EVP_PKEY *key = curve ? EVP_EC_gen(curve) : EVP_RSA_gen(2048);
	struct seal_recipient r;
	uint8_t spki[512];
	unsigned char *p = spki;
	int len = i2d_PUBKEY(key, &p);

	ck_assert_int_gt(len, 0);
	err_init(&err);
	unit_refused(seal_recipient_from_spki(s, vec_span(spki, (size_t)len),
					      &r, &err),
		     PV_INPUT, "seal.recipient", &err);
	EVP_PKEY_free(key);
}

START_TEST(test_other_keys)
{
	refuse_spki("P-384");
	refuse_spki("secp256k1");
	refuse_spki("P-521");
	refuse_spki(NULL);
}
END_TEST

/* A certified key, a sealing key and the former's word for the latter. */
struct pair {
	EVP_PKEY *certified, *sealing;
	uint8_t certified_spki[KEYS_SPKI_LEN], spki[KEYS_SPKI_LEN], sig[128];
	size_t sig_len;
};

static void sign_pair(struct pair *p, const char *device)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct buf msg;

	p->certified = keys_new();
	p->sealing = keys_new();
	keys_spki(p->certified, p->certified_spki);
	keys_spki(p->sealing, p->spki);
	buf_init(&msg, 1024);
	/* by hand: formats.md 1 */
	buf_put(&msg, "provctl/seal-key/v1", 20);
	buf_put(&msg, device, strlen(device) + 1);
	buf_put(&msg, p->spki, sizeof(p->spki));
	p->sig_len = sizeof(p->sig);
	ck_assert_int_eq(
		EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, p->certified),
		1);
	ck_assert_int_eq(
		EVP_DigestSign(ctx, p->sig, &p->sig_len, msg.data, msg.len), 1);
	EVP_MD_CTX_free(ctx);
	buf_release(&msg);
}

static enum pv_code verify_pair(const struct pair *p, const char *device)
{
	err_init(&err);
	return seal_recipient_verify(vec_span(p->certified_spki, KEYS_SPKI_LEN),
				     device, vec_span(p->spki, KEYS_SPKI_LEN),
				     vec_span(p->sig, p->sig_len), &err);
}

static void refuse_pair(const struct pair *p, const char *device)
{
	unit_refused(verify_pair(p, device), PV_INPUT, "seal.key-signature",
		     &err);
}

START_TEST(test_key_signature)
{
	struct pair p, other;

	sign_pair(&p, "ACME-01");
	sign_pair(&other, "ACME-01");
	unit_ok(verify_pair(&p, "ACME-01"), &err);
	refuse_pair(&p, "ACME-02");
	unit_refused(verify_pair(&p, ""), PV_INPUT, "seal.name", &err);
	unit_refused(verify_pair(&p, "a/b"), PV_INPUT, "seal.name", &err);
	for (size_t i = 0; i < 8 * p.sig_len; i++) {
		p.sig[i / 8] ^= (uint8_t)(1 << i % 8);
		refuse_pair(&p, "ACME-01");
		p.sig[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (p.sig_len--; p.sig_len > 0; p.sig_len--)
		refuse_pair(&p, "ACME-01");
	refuse_pair(&p, "ACME-01");
	memcpy(p.sig, other.sig, other.sig_len);
	p.sig_len = other.sig_len;
	refuse_pair(&p, "ACME-01");
	/* A certified key that is not on the curve, or of another type. */
	memcpy(&p.certified_spki[27], "off the curve", 13);
	refuse_pair(&p, "ACME-01");
	p.certified_spki[3] ^= 1;
	refuse_pair(&p, "ACME-01");
	EVP_PKEY_free(p.certified);
	EVP_PKEY_free(p.sealing);
	EVP_PKEY_free(other.certified);
	EVP_PKEY_free(other.sealing);
}
END_TEST

/* By hand: the label, the device and the new key, signed by the one before. */
static size_t sign_next(EVP_PKEY *before, const char *label, struct span next,
			uint8_t sig[512])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct buf msg;
	size_t len = 512;

	buf_init(&msg, 1024);
	buf_put(&msg, label, strlen(label) + 1);
	buf_put(&msg, "ACME-01", 8);
	buf_put(&msg, next.p, next.len);
	ck_assert_int_eq(
		EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, before), 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, sig, &len, msg.data, msg.len), 1);
	EVP_MD_CTX_free(ctx);
	buf_release(&msg);
	return len;
}

static void refuse_next(struct span before, const char *device,
			struct span next, struct span sig)
{
	err_init(&err);
	unit_refused(seal_rotate_verify(before, device, next, sig, &err),
		     PV_INPUT, "seal.key-signature", &err);
}

/* key: of the certificate before, of any kind. */
static void check_next(EVP_PKEY *before)
{
	EVP_PKEY *key = keys_new();
	uint8_t spki[KEYS_SPKI_LEN], sig[512], *der = NULL;
	int der_len = i2d_PUBKEY(before, &der);
	struct span certified, next = { spki, sizeof(spki) };
	size_t len;

	ck_assert_int_gt(der_len, 0);
	certified = vec_span(der, (size_t)der_len);
	keys_spki(key, spki);
	len = sign_next(before, "provctl/rotate-key/v1", next, sig);
	err_init(&err);
	unit_ok(seal_rotate_verify(certified, "ACME-01", next,
				   vec_span(sig, len), &err),
		&err);
	refuse_next(certified, "ACME-02", next, vec_span(sig, len));
	refuse_next(certified, "ACME-01", certified, vec_span(sig, len));
	refuse_next(next, "ACME-01", next, vec_span(sig, len));
	refuse_next(certified, "ACME-01", next, vec_span(sig, len - 1));
	refuse_next(certified, "ACME-01", next, vec_span(sig, 0));
	sig[len - 1] ^= 1;
	refuse_next(certified, "ACME-01", next, vec_span(sig, len));
	/* What it said of a sealing key is no word for a new one. */
	len = sign_next(before, "provctl/seal-key/v1", next, sig);
	refuse_next(certified, "ACME-01", next, vec_span(sig, len));
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	EVP_PKEY_free(before);
}

START_TEST(test_next_key)
{
	check_next(keys_new());
	check_next(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"));
	check_next(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048));
}
END_TEST

static Suite *suite(void)
{
	Suite *su = suite_create("recipient");
	TCase *t = tcase_create("recipient");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_ecdsa_der);
	tcase_add_test(t, test_ecdsa_raw);
	tcase_add_test(t, test_spki);
	tcase_add_test(t, test_other_keys);
	tcase_add_test(t, test_next_key);
	tcase_add_test(t, test_key_signature);
	suite_add_tcase(su, t);
	return su;
}

int main(void)
{
	return unit_run(suite());
}
