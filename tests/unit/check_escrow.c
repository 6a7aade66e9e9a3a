#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "lib/base/cbor.h"
#include "lib/seal/escrow.h"
#include "tests/unit/seal_vec.h"

static struct err err;

static void setup(void)
{
	err_init(&err);
}

/* A self-signed certificate; usage NULL leaves the extension out. */
static X509 *certify(EVP_PKEY *key, EVP_PKEY *signer, const char *usage)
{
	X509 *c = X509_new();
	X509_NAME *name = X509_get_subject_name(c);
	X509_EXTENSION *e;

	ASN1_INTEGER_set(X509_get_serialNumber(c), 7);
	X509_gmtime_adj(X509_getm_notBefore(c), 0);
	X509_gmtime_adj(X509_getm_notAfter(c), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				   (const uint8_t *)"backend", -1, -1, 0);
	X509_set_issuer_name(c, name);
	X509_set_version(c, X509_VERSION_3);
	ck_assert_int_eq(X509_set_pubkey(c, key), 1);
	if (usage) {
		e = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, usage);
		ck_assert_int_eq(X509_add_ext(c, e, -1), 1);
		X509_EXTENSION_free(e);
	}
	ck_assert_int_gt(X509_sign(c, signer, EVP_sha256()), 0);
	return c;
}

static void to_pem(X509 *c, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	ck_assert_int_eq(PEM_write_bio_X509(bio, c), 1);
	n = BIO_get_mem_data(bio, &p);
	buf_init(out, 1u << 20);
	buf_put(out, p, (size_t)n);
	BIO_free(bio);
}

static enum pv_code accept(X509 *c, struct escrow_to **to)
{
	struct buf pem;
	enum pv_code rc;

	to_pem(c, &pem);
	err_init(&err);
	rc = escrow_to_new(buf_span(&pem), to, &err);
	buf_release(&pem);
	return rc;
}

/* What `openssl cms -decrypt` does. */
static bool decrypt(struct span der, EVP_PKEY *key, X509 *cert,
		    const struct secret *want)
{
	const unsigned char *p = der.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
	BIO *out = BIO_new(BIO_s_mem());
	char *got;
	long n;
	bool ok;

	ck_assert(cms != NULL);
	ck_assert(p == der.p + der.len);
	ck_assert_int_eq(OBJ_obj2nid(CMS_get0_type(cms)),
			 NID_id_smime_ct_authEnvelopedData);
	ok = CMS_decrypt(cms, key, cert, NULL, out, 0) == 1;
	n = BIO_get_mem_data(out, &got);
	ok = ok && secret_equal(want, got, (size_t)n);
	BIO_free(out);
	CMS_ContentInfo_free(cms);
	return ok;
}

static void round_trip(EVP_PKEY *key, const char *usage)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");
	X509 *cert = certify(key, key, usage),
	     *wrong = certify(other, other, NULL);
	SECRET content = SECRET_INIT;
	struct escrow_to *to;
	struct buf der;

	buf_init(&der, 1u << 20);
	unit_ok(secret_random(&content, 300, &err), &err);
	unit_ok(accept(cert, &to), &err);
	unit_ok(escrow_seal(to, &content, &der, &err), &err);
	ck_assert(memmem(der.data, der.len, content.data, 16) == NULL);
	ck_assert(decrypt(buf_span(&der), key, cert, &content));
	ck_assert(!decrypt(buf_span(&der), other, wrong, &content));
	/* The last bytes are the tag of AuthEnvelopedData. */
	der.data[der.len - 1] ^= 1;
	ck_assert(!decrypt(buf_span(&der), key, cert, &content));
	escrow_to_free(to);
	buf_release(&der);
	X509_free(cert);
	X509_free(wrong);
	EVP_PKEY_free(other);
}

START_TEST(test_round_trips)
{
	static const char *const curves[] = { "P-256", "P-384", "P-521" };
	EVP_PKEY *key = EVP_RSA_gen(2048);

	round_trip(key, NULL);
	round_trip(key, "critical,keyEncipherment");
	EVP_PKEY_free(key);
	for (size_t i = 0; i < 3; i++) {
		key = EVP_EC_gen(curves[i]);
		round_trip(key, i ? NULL : "keyAgreement");
		EVP_PKEY_free(key);
	}
}
END_TEST

/* SHA-256 and AES-256 throughout: the OIDs stand in the message. */
START_TEST(test_algorithms)
{
	static const uint8_t oaep[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7,
					0x0d, 0x01, 0x01, 0x07 };
	static const uint8_t ecdh_sha256[] = { 0x2b, 0x81, 0x04,
					       0x01, 0x0b, 0x01 };
	static const uint8_t sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65,
					  0x03, 0x04, 0x02, 0x01 };
	static const uint8_t gcm[] = { 0x60, 0x86, 0x48, 0x01, 0x65,
				       0x03, 0x04, 0x01, 0x2e };
	static const uint8_t wrap[] = { 0x60, 0x86, 0x48, 0x01, 0x65,
					0x03, 0x04, 0x01, 0x2d };
	EVP_PKEY *keys[] = { EVP_RSA_gen(2048), EVP_EC_gen("P-256") };
	SECRET content = SECRET_INIT;

	unit_ok(secret_random(&content, 32, &err), &err);
	for (int ec = 0; ec < 2; ec++) {
		X509 *cert = certify(keys[ec], keys[ec], NULL);
		struct escrow_to *to;
		struct buf d;

		buf_init(&d, 1u << 20);
		unit_ok(accept(cert, &to), &err);
		unit_ok(escrow_seal(to, &content, &d, &err), &err);
		ck_assert(memmem(d.data, d.len, gcm, sizeof(gcm)) != NULL);
		if (ec) {
			ck_assert(memmem(d.data, d.len, ecdh_sha256,
					 sizeof(ecdh_sha256)) != NULL);
			ck_assert(memmem(d.data, d.len, wrap, sizeof(wrap)) !=
				  NULL);
		} else {
			ck_assert(memmem(d.data, d.len, oaep, sizeof(oaep)) !=
				  NULL);
			ck_assert(memmem(d.data, d.len, sha256,
					 sizeof(sha256)) != NULL);
		}
		escrow_to_free(to);
		buf_release(&d);
		X509_free(cert);
		EVP_PKEY_free(keys[ec]);
	}
}
END_TEST

/* More than fits into one secret, in pieces. */
START_TEST(test_stream)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = certify(key, key, NULL);
	SECRET piece = SECRET_INIT, all = SECRET_INIT;
	struct escrow_writer *w;
	struct escrow_to *to;
	struct buf der;

	buf_init(&der, 1u << 22);
	unit_ok(accept(cert, &to), &err);
	unit_ok(escrow_writer_new(to, &w, &err), &err);
	unit_ok(secret_random(&piece, 1000, &err), &err);
	unit_ok(secret_alloc(&all, 100000, &err), &err);
	for (size_t i = 0; i < 100; i++) {
		piece.data[0] = (uint8_t)i;
		memcpy(all.data + 1000 * i, piece.data, 1000);
		unit_ok(escrow_write(w, &piece, &err), &err);
	}
	secret_release(&piece);
	unit_ok(escrow_write(w, &piece, &err), &err); /* empty: nothing */
	unit_ok(escrow_finish(w, &der, &err), &err);
	ck_assert(decrypt(buf_span(&der), key, cert, &all));
	escrow_writer_free(w);
	/* One that is never finished, and a buffer that is too small. */
	unit_ok(escrow_writer_new(to, &w, &err), &err);
	escrow_writer_free(w);
	buf_release(&der);
	buf_init(&der, 64);
	unit_refused(escrow_seal(to, &all, &der, &err), PV_INPUT, "size.limit",
		     &err);
	escrow_to_free(to);
	buf_release(&der);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

static void refuse_key(EVP_PKEY *key, const char *usage, const char *word)
{
	EVP_PKEY *signer = EVP_EC_gen("P-256");
	X509 *cert = certify(key, signer, usage);
	struct escrow_to *to;

	unit_refused(accept(cert, &to), PV_INPUT, "escrow.certificate", &err);
	ck_assert_msg(strstr(err.message, word) != NULL, "%s", err.message);
	ck_assert(to == NULL);
	X509_free(cert);
	EVP_PKEY_free(signer);
	EVP_PKEY_free(key);
}

START_TEST(test_refused_keys)
{
	refuse_key(EVP_RSA_gen(1024), NULL, "2048");
	refuse_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, "neither");
	refuse_key(EVP_EC_gen("secp256k1"), NULL, "curve");
	refuse_key(EVP_EC_gen("P-224"), NULL, "curve");
	refuse_key(EVP_RSA_gen(2048), "digitalSignature", "keyUsage");
	refuse_key(EVP_EC_gen("P-256"), "keyEncipherment", "keyUsage");
}
END_TEST

START_TEST(test_whose_it_is)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = certify(key, key, NULL);
	uint8_t want[SHA256_LEN], got[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1], line[128];
	struct escrow_to *to = NULL;
	unsigned char *spki = NULL;
	int n = i2d_PUBKEY(key, &spki);
	struct buf text;

	unit_ok(accept(cert, &to), &err);
	unit_ok(sha256(vec_span(spki, (size_t)n), want, &err), &err);
	unit_ok(escrow_to_spki(to, got, &err), &err);
	ck_assert_mem_eq(got, want, sizeof(want));
	/* People are told the same. */
	buf_init(&text, 4096);
	unit_ok(escrow_to_put(to, &text, &err), &err);
	hex_encode(want, sizeof(want), hex);
	snprintf(line, sizeof(line), "\nspki sha256:%s\n", hex);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&text), line));
	buf_release(&text);
	OPENSSL_free(spki);
	escrow_to_free(to);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

static int64_t seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	ck_assert_int_eq(ASN1_TIME_to_tm(t, &tm), 1);
	return (int64_t)timegm(&tm);
}

/* The first and the last second count, as the next ones do not. */
static void check_dates(const struct escrow_to *to, const X509 *cert)
{
	const int64_t from = seconds_of(X509_get0_notBefore(cert));
	const int64_t until = seconds_of(X509_get0_notAfter(cert));

	unit_ok(escrow_to_check(to, from, &err), &err);
	unit_ok(escrow_to_check(to, until - 1, &err), &err);
	unit_refused(escrow_to_check(to, from - 1, &err), PV_DENIED,
		     "escrow.validity", &err);
	err_init(&err);
	unit_refused(escrow_to_check(to, until + 1, &err), PV_DENIED,
		     "escrow.validity", &err);
	err_init(&err);
}

START_TEST(test_one_certificate)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = certify(key, key, NULL);
	struct escrow_to *to = NULL;
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);
	struct buf one, two;

	unit_ok(escrow_to_new(vec_span(der, (size_t)n), &to, &err), &err);
	check_dates(to, cert);
	escrow_to_free(to);
	unit_refused(escrow_to_new(vec_span(der, (size_t)n - 1), &to, &err),
		     PV_INPUT, "escrow.certificate", &err);
	to_pem(cert, &one);
	to_pem(cert, &two);
	buf_put(&two, one.data, one.len);
	err_init(&err);
	unit_refused(escrow_to_new(buf_span(&two), &to, &err), PV_INPUT,
		     "escrow.certificate", &err);
	buf_reset(&two);
	buf_put(&two, der, (size_t)n);
	buf_put_u8(&two, 0);
	err_init(&err);
	unit_refused(escrow_to_new(buf_span(&two), &to, &err), PV_INPUT,
		     "escrow.certificate", &err);
	err_init(&err);
	unit_refused(escrow_to_new(vec_span("", 0), &to, &err), PV_INPUT,
		     "escrow.certificate", &err);
	err_init(&err);
	unit_refused(
		escrow_to_new(vec_span("-----BEGIN X-----\n", 18), &to, &err),
		PV_INPUT, "escrow.certificate", &err);
	buf_release(&one);
	buf_release(&two);
	OPENSSL_free(der);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(test_content)
{
	static const char want_hex[] = "a3"
				       "6664657669636563642d31"
				       "6772657175657374"
				       "63722d31"
				       "6773656372657473a2"
				       "617a4131"
				       "6361626342"
				       "5331";
	SECRET a = SECRET_INIT, b = SECRET_INIT, out = SECRET_INIT;
	struct escrow_value v[] = { { "abc", &b }, { "z", &a } };
	struct buf want;

	unit_ok(secret_copy(&a, "1", 1, &err), &err);
	unit_ok(secret_copy(&b, "S1", 2, &err), &err);
	unit_ok(escrow_content("r-1", "d-1", v, 2, &out, &err), &err);
	vec_hex_text(want_hex, &want);
	ck_assert(secret_equal(&out, want.data, want.len));
	ck_assert(cbor_valid(out.data, out.len, CBOR_DEPTH_MAX, NULL));
	buf_release(&want);
}
END_TEST

static void refuse_content(const char *request, const char *device,
			   const struct escrow_value *v, size_t n)
{
	SECRET out = SECRET_INIT;

	err_init(&err);
	unit_refused(escrow_content(request, device, v, n, &out, &err),
		     PV_INPUT, "escrow.content", &err);
	ck_assert(out.data == NULL);
}

START_TEST(test_content_refused)
{
	static char longest[257];
	SECRET a = SECRET_INIT;
	struct secret none = SECRET_INIT;
	struct escrow_value twice[] = { { "z", &a }, { "z", &a } };
	struct escrow_value empty = { "z", &none }, unnamed = { "", &a };
	struct escrow_value long_name = { longest, &a };

	memset(longest, 'n', 256);
	unit_ok(secret_copy(&a, "1", 1, &err), &err);
	refuse_content("r", "d", twice, 2);
	refuse_content("r", "d", twice, 0);
	refuse_content("r", "d", twice, ESCROW_VALUES_MAX + 1);
	refuse_content("", "d", twice, 1);
	refuse_content("r", "", twice, 1);
	refuse_content("r", "d", &empty, 1);
	refuse_content("r", "d", &unnamed, 1);
	refuse_content("r", "d", &long_name, 1);
}
END_TEST

START_TEST(test_kek_item)
{
	SECRET k = SECRET_INIT, out = SECRET_INIT, cut = SECRET_INIT;
	struct buf want;

	unit_ok(secret_alloc(&k, 32, &err), &err);
	unit_ok(secret_alloc(&cut, 31, &err), &err);
	memset(k.data, 'k', 32);
	buf_init(&want, 1024);
	buf_put(&want, "\xa4\x63kek\x58\x20", 7);
	buf_put(&want, k.data, 32);
	buf_put(&want,
		"\x64"
		"auth\x58\x20",
		7);
	buf_put(&want, k.data, 32);
	buf_put(&want,
		"\x66"
		"device\x63"
		"d-1\x67receipt\x58\x20",
		21);
	buf_put(&want, k.data, 32);
	unit_ok(escrow_kek_item("d-1", &k, &k, &k, &out, &err), &err);
	ck_assert(secret_equal(&out, want.data, want.len));
	ck_assert(cbor_valid(out.data, out.len, CBOR_DEPTH_MAX, NULL));
	unit_refused(escrow_kek_item("d-1", &k, &cut, &k, &out, &err), PV_INPUT,
		     "escrow.content", &err);
	ck_assert(out.data == NULL);
	err_init(&err);
	unit_refused(escrow_kek_item("", &k, &k, &k, &out, &err), PV_INPUT,
		     "escrow.content", &err);
	buf_release(&want);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("escrow");
	TCase *t = tcase_create("escrow");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, test_round_trips);
	tcase_add_test(t, test_algorithms);
	tcase_add_test(t, test_stream);
	tcase_add_test(t, test_refused_keys);
	tcase_add_test(t, test_whose_it_is);
	tcase_add_test(t, test_one_certificate);
	tcase_add_test(t, test_content);
	tcase_add_test(t, test_content_refused);
	tcase_add_test(t, test_kek_item);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
