#include <string.h>

#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "lib/evidence/makecred.h"
#include "tests/unit/evidence_chain.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/unit.h"

#define HEAD 8 /* magic and version */

static uint8_t name[TPM2_NAME_LEN] = { 0x00, 0x0b, 1, 2, 3 };
static EVP_PKEY *ek;
static struct buf made, spki;
static struct secret secret;

static void setup(void)
{
	enum secret_heap heap;

	UNIT_OK(secret_setup(&heap, &err_));
	UNIT_OK(secret_copy(&secret, "0123456789abcdef0123456789abcdef", 32,
			    &err_));
	buf_init(&made, TPM2_MADE_MAX);
	buf_init(&spki, 2048);
}

static void teardown(void)
{
	EVP_PKEY_free(ek);
	ek = NULL;
	secret_release(&secret);
	buf_release(&made);
	buf_release(&spki);
}

static void use(EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int len;

	EVP_PKEY_free(ek);
	ek = key;
	len = i2d_PUBKEY(ek, &der);
	ck_assert_int_gt(len, 0);
	buf_reset(&spki);
	buf_put(&spki, der, (size_t)len);
	OPENSSL_free(der);
}

static enum pv_code make(struct err *err)
{
	err_init(err);
	return tpm2_make_credential(buf_span(&spki), name, &secret, &made, err);
}

static size_t be16(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

/* Part 1, 11.4.10.2, spelled out. */
static void kdfa(const uint8_t seed[32], const char *label,
		 const uint8_t *context, size_t context_len, uint32_t bits,
		 uint8_t *out)
{
	uint8_t in[128] = { 0, 0, 0, 1 }, mac[32];
	size_t n = 4;
	unsigned len;

	memcpy(in + n, label, strlen(label) + 1);
	n += strlen(label) + 1;
	if (context_len > 0)
		memcpy(in + n, context, context_len);
	n += context_len;
	in[n++] = 0;
	in[n++] = 0;
	in[n++] = (uint8_t)(bits >> 8);
	in[n++] = (uint8_t)bits;
	ck_assert(HMAC(EVP_sha256(), seed, 32, in, n, mac, &len));
	memcpy(out, mac, bits / 8);
}

static void open_rsa(const uint8_t *sealed, size_t len, uint8_t seed[32])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ek, NULL);
	uint8_t out[256];
	size_t n = sizeof(out);
	char *label = OPENSSL_strdup("IDENTITY");

	ck_assert_uint_eq(len, 256);
	ck_assert_int_eq(EVP_PKEY_decrypt_init(ctx), 1);
	EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING);
	EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256());
	EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, 9);
	ck_assert_int_eq(EVP_PKEY_decrypt(ctx, out, &n, sealed, len), 1);
	ck_assert_uint_eq(n, 32);
	memcpy(seed, out, 32);
	EVP_PKEY_CTX_free(ctx);
}

static void open_ecc(const uint8_t *sealed, size_t len, uint8_t seed[32])
{
	uint8_t point[65] = { 4 }, in[4 + 32 + 9 + 64] = { 0, 0, 0, 1 };
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ek, NULL);
	EVP_PKEY *peer;
	size_t n = 32;

	ck_assert_uint_eq(len, 68);
	ck_assert_uint_eq(be16(sealed), 32);
	ck_assert_uint_eq(be16(sealed + 34), 32);
	memcpy(point + 1, sealed + 2, 32);
	memcpy(point + 33, sealed + 36, 32);
	peer = p256_load(point);
	ck_assert(peer != NULL);
	ck_assert_int_eq(EVP_PKEY_derive_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_derive_set_peer(ctx, peer), 1);
	ck_assert_int_eq(EVP_PKEY_derive(ctx, in + 4, &n), 1);
	memcpy(in + 36, "IDENTITY", 9);
	memcpy(in + 45, point + 1, 32);
	memcpy(in + 77, spki.data + 27, 32);
	SHA256(in, sizeof(in), seed);
	EVP_PKEY_free(peer);
	EVP_PKEY_CTX_free(ctx);
}

/* What ActivateCredential does; false: it would refuse. */
static bool activate(uint8_t out[32], size_t *len)
{
	const uint8_t *p = made.data + HEAD, *mac = p + 4, *identity = p + 36;
	size_t blob = be16(p), identity_len = blob - 34;
	const uint8_t *sealed = p + 2 + blob + 2;
	uint8_t seed[32], key[32], all[128], right[32], plain[64];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const uint8_t iv[16] = { 0 };
	unsigned n;
	int m;

	ck_assert_uint_eq(HEAD + 4 + blob + be16(sealed - 2), made.len);
	if (EVP_PKEY_is_a(ek, "RSA"))
		open_rsa(sealed, be16(sealed - 2), seed);
	else
		open_ecc(sealed, be16(sealed - 2), seed);
	kdfa(seed, "INTEGRITY", NULL, 0, 256, key);
	memcpy(all, identity, identity_len);
	memcpy(all + identity_len, name, sizeof(name));
	ck_assert(HMAC(EVP_sha256(), key, 32, all, identity_len + sizeof(name),
		       right, &n));
	if (memcmp(mac, right, 32) != 0) {
		EVP_CIPHER_CTX_free(ctx);
		return false;
	}
	kdfa(seed, "STORAGE", name, sizeof(name), 128, key);
	ck_assert_int_eq(
		EVP_DecryptInit_ex2(ctx, EVP_aes_128_cfb128(), key, iv, NULL),
		1);
	ck_assert_int_eq(
		EVP_DecryptUpdate(ctx, plain, &m, identity, (int)identity_len),
		1);
	EVP_CIPHER_CTX_free(ctx);
	*len = be16(plain);
	ck_assert_uint_eq(*len + 2, identity_len);
	memcpy(out, plain + 2, *len);
	return true;
}

START_TEST(makes)
{
	static const uint8_t head[HEAD] = {
		0xba, 0xdc, 0xc0, 0xde, 0, 0, 0, 1
	};
	uint8_t out[32], first[TPM2_MADE_MAX];
	size_t len;
	struct err err;

	use(_i == 0 ? EVP_RSA_gen(2048) : keys_new());
	for (size_t n = 32; n > 0; n -= 31) {
		secret_truncate(&secret, n);
		buf_reset(&made);
		unit_ok(make(&err), &err);
		ck_assert_mem_eq(made.data, head, HEAD);
		ck_assert(activate(out, &len));
		ck_assert_uint_eq(len, n);
		ck_assert_mem_eq(out, secret.data, n);
		if (n == 1)
			break;
	}
	/* never twice the same, and for no other name */
	memcpy(first, made.data, made.len);
	buf_reset(&made);
	unit_ok(make(&err), &err);
	ck_assert_mem_ne(first + HEAD, made.data + HEAD, made.len - HEAD);
	name[5] ^= 1;
	ck_assert(!activate(out, &len));
	name[5] ^= 1;
	buf_put_u8(&made, 0); /* appends, and cannot past the limit */
	made.max = made.len + 16;
	len = made.len;
	ck_assert_int_ne(make(&err), PV_OK);
	ck_assert_uint_eq(made.len, len);
}
END_TEST

START_TEST(refuses_keys)
{
	struct err err;

	use(EVP_RSA_gen(3072));
	unit_refused(make(&err), PV_INPUT, "ek.key", &err);
	use(EVP_EC_gen("P-384"));
	unit_refused(make(&err), PV_INPUT, "ek.key", &err);
	use(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	unit_refused(make(&err), PV_INPUT, "ek.key", &err);
	use(EVP_RSA_gen(2048));
	buf_put_u8(&spki, 0);
	unit_refused(make(&err), PV_INPUT, "ek.key", &err);
	buf_reset(&spki);
	unit_refused(make(&err), PV_INPUT, "ek.key", &err);
	use(keys_new());
	spki.data[90] ^= 1;
	unit_refused(make(&err), PV_INPUT, "ek.key", &err);
	spki.data[90] ^= 1;
	secret_release(&secret);
	unit_refused(make(&err), PV_INPUT, "ek.secret", &err);
	unit_ok(secret_alloc(&secret, 33, &err), &err);
	unit_refused(make(&err), PV_INPUT, "ek.secret", &err);
	ck_assert_uint_eq(made.len, 0);
}
END_TEST

static enum pv_code verify_ek(struct ec_cert *what, struct span *out,
			      struct err *err)
{
	struct buf root, cert;
	struct span anchor, given;
	struct evidence_chain chain = { .certs = &given,
					.certs_n = 1,
					.anchors = &anchor,
					.anchors_n = 1,
					.now_s = EC_NOW };
	struct ec_cert maker = { .subject = "maker",
				 .issuer = "maker",
				 .key = what->signer,
				 .signer = what->signer,
				 .basic = "critical,CA:TRUE" };
	enum pv_code rc;

	buf_init(&root, 8192);
	buf_init(&cert, 8192);
	ec_make(&maker, &root);
	ec_make(what, &cert);
	anchor = buf_span(&root);
	given = buf_span(&cert);
	err_init(err);
	rc = tpm2_ek_verify(&chain, out, err);
	if (rc == PV_OK)
		ck_assert(span_equal(*out, buf_span(&spki)));
	given.len--;
	if (rc == PV_OK)
		ck_assert_int_eq(tpm2_ek_verify(&chain, out, NULL), PV_INPUT);
	buf_release(&root);
	buf_release(&cert);
	return rc;
}

START_TEST(ek_certificate)
{
	EVP_PKEY *maker = keys_new();
	struct ec_cert what = { .subject = "ek",
				.issuer = "maker",
				.signer = maker,
				.basic = "critical,CA:FALSE",
				.usage = "critical,keyEncipherment",
				.extended = "2.23.133.8.1",
				.san = "critical,DNS:tpm.example" };
	struct span out;
	struct err err;

	use(EVP_RSA_gen(2048));
	what.key = ek;
	unit_ok(verify_ek(&what, &out, &err), &err);
	what.extended = "clientAuth,2.23.133.8.1";
	unit_ok(verify_ek(&what, &out, &err), &err);
	what.extended = "2.23.133.8.3";
	unit_refused(verify_ek(&what, &out, &err), PV_DENIED, "ek.usage", &err);
	what.extended = NULL;
	unit_refused(verify_ek(&what, &out, &err), PV_DENIED, "ek.usage", &err);
	what.extended = "2.23.133.8.1";
	what.until_s = EC_NOW - 1;
	unit_refused(verify_ek(&what, &out, &err), PV_INTEGRITY, "ek.chain",
		     &err);
	EVP_PKEY_free(maker);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("makecred");
	TCase *t = tcase_create("makecred");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, makes, 0, 2);
	tcase_add_test(t, refuses_keys);
	tcase_add_test(t, ek_certificate);
	suite_add_tcase(s, t);
	return unit_run(s);
}
