#include "lib/seal/escrow.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "lib/base/mem.h"
#include "lib/seal/ossl.h"

#define CERT_MAX 65536 /* bytes of a certificate file */
#define FLAGS (CMS_BINARY | CMS_PARTIAL | CMS_KEY_PARAM)

struct escrow_to {
	X509 *cert;
	bool rsa;
};

struct escrow_writer {
	CMS_ContentInfo *cms;
	BIO *bio; /* encrypts into the message */
};

CLEANUP_PTR(BIO, BIO_free);
CLEANUP_PTR(struct escrow_to, escrow_to_free);
CLEANUP_PTR(struct escrow_writer, escrow_writer_free);

static enum pv_code refuse(struct err *err, const char *why)
{
	ERR_clear_error();
	return err_fail(err, PV_INPUT, "escrow.certificate",
			"name one RSA or EC certificate for key transport or "
			"agreement",
			"escrow certificate: %s", why);
}

/* Exactly one certificate: PEM when it starts so, else DER. */
static X509 *read_cert(struct span in)
{
	static const char begin[] = "-----BEGIN";
	const unsigned char *p = in.p;
	X509 *cert, *more;

	if (in.len == 0 || in.len > CERT_MAX)
		return NULL;
	if (in.len < sizeof(begin) ||
	    memcmp(in.p, begin, sizeof(begin) - 1) != 0) {
		cert = d2i_X509(NULL, &p, (long)in.len);
		if (cert && p == in.p + in.len)
			return cert;
		X509_free(cert);
		return NULL;
	}
	CLEANUP(cleanup_BIO_free) BIO *bio = BIO_new_mem_buf(in.p, (int)in.len);

	cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	more = cert ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	if (!more)
		return cert;
	X509_free(more);
	X509_free(cert);
	return NULL;
}

static enum pv_code check_curve(EVP_PKEY *key, struct err *err)
{
	static const char *const known[] = { "prime256v1", "secp384r1",
					     "secp521r1" };
	char name[64] = "";

	if (EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) != 1)
		return refuse(err, "its curve has no name");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return PV_OK;
	return refuse(err, "its curve is not P-256, P-384 or P-521");
}

/* RFC 5652 6.2: keyEncipherment for RSA, keyAgreement for EC, when stated. */
static enum pv_code check_key(struct escrow_to *to, struct err *err)
{
	EVP_PKEY *key = X509_get0_pubkey(to->cert);
	uint32_t usage = X509_get_key_usage(to->cert);

	if (!key)
		return refuse(err, "its key cannot be read");
	to->rsa = EVP_PKEY_is_a(key, "RSA");
	if (!to->rsa && !EVP_PKEY_is_a(key, "EC"))
		return refuse(err, "its key is neither RSA nor EC");
	if (to->rsa && EVP_PKEY_get_bits(key) < ESCROW_RSA_BITS_MIN)
		return refuse(err, "its RSA key is shorter than 2048 bits");
	if (!(usage & (to->rsa ? KU_KEY_ENCIPHERMENT : KU_KEY_AGREEMENT)))
		return refuse(err, "its keyUsage forbids encryption to it");
	return to->rsa ? PV_OK : check_curve(key, err);
}

enum pv_code escrow_to_new(struct span cert, struct escrow_to **to,
			   struct err *err)
{
	CLEANUP(cleanup_escrow_to_free) struct escrow_to *n = NULL;
	enum pv_code rc;

	*to = NULL;
	n = mem_new(sizeof(*n), err);
	if (!n)
		return PV_INTERNAL;
	n->cert = read_cert(cert);
	if (!n->cert)
		return refuse(err, "not exactly one certificate");
	rc = check_key(n, err);
	if (rc == PV_OK)
		*to = TAKE(n);
	return rc;
}

static enum pv_code put_subject(const struct escrow_to *to, struct buf *out,
				struct err *err)
{
	const unsigned long how =
		XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	CLEANUP(cleanup_BIO_free) BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len;

	if (!bio || X509_NAME_print_ex(bio, X509_get_subject_name(to->cert), 0,
				       how) < 0)
		return ossl_fail(err, "whose certificate it is");
	len = BIO_get_mem_data(bio, &text);
	buf_put_str(out, "certificate ");
	if (len > 0)
		buf_put(out, text, (size_t)len);
	buf_put_u8(out, '\n');
	return buf_check(out, err);
}

enum pv_code escrow_to_spki(const struct escrow_to *to,
			    uint8_t hash[SHA256_LEN], struct err *err)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(to->cert), &der);
	enum pv_code rc;

	if (len <= 0)
		return ossl_fail(err, "a certificate's key");
	rc = sha256((struct span){ der, (size_t)len }, hash, err);
	OPENSSL_free(der);
	return rc;
}

enum pv_code escrow_to_der(const struct escrow_to *to, struct buf *out,
			   struct err *err)
{
	unsigned char *der = NULL;
	int len = i2d_X509(to->cert, &der);

	if (len <= 0)
		return ossl_fail(err, "an escrow certificate");
	buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	return buf_check(out, err);
}

enum pv_code escrow_to_put(const struct escrow_to *to, struct buf *out,
			   struct err *err)
{
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	enum pv_code rc = put_subject(to, out, err);

	if (rc == PV_OK)
		rc = escrow_to_spki(to, hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	buf_printf(out, "spki sha256:%s\n", hex);
	return buf_check(out, err);
}

/* A time that cannot be read is none of its. */
enum pv_code escrow_to_check(const struct escrow_to *to, int64_t now_s,
			     struct err *err)
{
	time_t now = (time_t)now_s;

	if (X509_cmp_time(X509_get0_notBefore(to->cert), &now) < 0 &&
	    X509_cmp_time(X509_get0_notAfter(to->cert), &now) > 0)
		return PV_OK;
	ERR_clear_error();
	return err_fail(err, PV_DENIED, "escrow.validity",
			"bring one that is valid today",
			"the certificate is not yet, or not any more, valid");
}

void escrow_to_free(struct escrow_to *to)
{
	if (!to)
		return;
	X509_free(to->cert);
	free(to);
}

/* OAEP with SHA-256 (RFC 3560), or the X9.63 KDF with SHA-256 (RFC 5753). */
static bool set_parameters(const struct escrow_to *to, CMS_RecipientInfo *ri)
{
	EVP_PKEY_CTX *ctx = ri ? CMS_RecipientInfo_get0_pkey_ctx(ri) : NULL;

	if (!ctx)
		return false;
	if (to->rsa)
		return EVP_PKEY_CTX_set_rsa_padding(
			       ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
		       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1;
	return EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) == 1;
}

enum pv_code escrow_writer_new(const struct escrow_to *to,
			       struct escrow_writer **w, struct err *err)
{
	CLEANUP(cleanup_escrow_writer_free) struct escrow_writer *n = NULL;

	*w = NULL;
	n = mem_new(sizeof(*n), err);
	if (!n)
		return PV_INTERNAL;
	n->cms = CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), FLAGS);
	if (!n->cms || !set_parameters(to, CMS_add1_recipient_cert(
						   n->cms, to->cert, FLAGS)))
		return ossl_fail(err, "CMS recipient");
	n->bio = CMS_dataInit(n->cms, NULL);
	if (!n->bio)
		return ossl_fail(err, "CMS encryption");
	*w = TAKE(n);
	return PV_OK;
}

void escrow_writer_free(struct escrow_writer *w)
{
	if (!w)
		return;
	BIO_free_all(w->bio);
	CMS_ContentInfo_free(w->cms);
	free(w);
}

enum pv_code escrow_write(struct escrow_writer *w, const struct secret *piece,
			  struct err *err)
{
	if (piece->len == 0)
		return PV_OK;
	if (piece->len > INT_MAX ||
	    BIO_write(w->bio, piece->data, (int)piece->len) != (int)piece->len)
		return ossl_fail(err, "CMS encryption");
	return PV_OK;
}

enum pv_code escrow_finish(struct escrow_writer *w, struct buf *out,
			   struct err *err)
{
	unsigned char *p;
	int len;

	if (BIO_flush(w->bio) != 1 || CMS_dataFinal(w->cms, w->bio) != 1)
		return ossl_fail(err, "CMS encryption");
	len = i2d_CMS_ContentInfo(w->cms, NULL);
	if (len <= 0)
		return ossl_fail(err, "CMS encoding");
	p = buf_room(out, (size_t)len);
	if (!p)
		return buf_check(out, err);
	if (i2d_CMS_ContentInfo(w->cms, &p) != len)
		return ossl_fail(err, "CMS encoding");
	buf_commit(out, (size_t)len);
	return PV_OK;
}

enum pv_code escrow_seal(const struct escrow_to *to,
			 const struct secret *content, struct buf *out,
			 struct err *err)
{
	CLEANUP(cleanup_escrow_writer_free) struct escrow_writer *w = NULL;
	enum pv_code rc = escrow_writer_new(to, &w, err);

	if (rc == PV_OK)
		rc = escrow_write(w, content, err);
	if (rc == PV_OK)
		rc = escrow_finish(w, out, err);
	return rc;
}
