#include "cmd/provdev/keys.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"

#define SEAL_KEY_LABEL "provctl/seal-key/v1"
#define ROTATE_KEY_LABEL "provctl/rotate-key/v1"
#define PEM_MAX 16384
#define RDN_MAX 256

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);
CLEANUP_PTR(X509_REQ, X509_REQ_free);
CLEANUP_PTR(BIO, BIO_free_all);
CLEANUP_PTR(EVP_MD_CTX, EVP_MD_CTX_free);

static enum pv_code crypto_failed(struct err *err, const char *what)
{
	return err_fail(err, PV_INTERNAL, "crypto", NULL, "OpenSSL: %s", what);
}

enum pv_code keys_check(const struct keys_spec *s, struct err *err)
{
	if (!s->id || !name_is_safe(s->id, strlen(s->id)))
		return err_fail(err, PV_INPUT, "device.id", NULL,
				"device id is missing or not allowed");
	if (strcmp(s->form, "plain") != 0 && strcmp(s->form, "mac0") != 0 &&
	    strcmp(s->form, "batch") != 0)
		return err_fail(err, PV_INPUT, "device.form", NULL,
				"form is not plain, mac0 or batch");
	if (strcmp(s->algorithm, "P-256") != 0 &&
	    strcmp(s->algorithm, "P-384") != 0 &&
	    strcmp(s->algorithm, "RSA-2048") != 0)
		return err_fail(err, PV_INPUT, "device.algorithm", NULL,
				"algorithm is not P-256, P-384 or RSA-2048");
	if (s->sealing && !s->key)
		return err_fail(err, PV_INPUT, "device.key", NULL,
				"a sealing key needs a certified key");
	return PV_OK;
}

static EVP_PKEY *generate(const char *algorithm)
{
	if (strcmp(algorithm, "RSA-2048") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	return EVP_PKEY_Q_keygen(NULL, NULL, "EC", algorithm);
}

enum pv_code keys_add_private(struct file_group *g, int dirfd, const char *name,
			      EVP_PKEY *key, struct err *err)
{
	CLEANUP(cleanup_BIO_free_all) BIO *bio = BIO_new(BIO_s_secmem());
	char *p;
	long len;

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL,
						  NULL) != 1)
		return crypto_failed(err, "cannot encode a private key");
	len = BIO_get_mem_data(bio, &p);
	return file_group_add(g, dirfd, name, 0600, p, (size_t)len, err);
}

enum pv_code keys_add_public(struct file_group *g, int dirfd, const char *name,
			     EVP_PKEY *key, struct err *err)
{
	CLEANUP(cleanup_BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long len;

	if (!bio || PEM_write_bio_PUBKEY(bio, key) != 1)
		return crypto_failed(err, "cannot encode a public key");
	len = BIO_get_mem_data(bio, &p);
	return file_group_add(g, dirfd, name, 0600, p, (size_t)len, err);
}

static enum pv_code add_text(struct file_group *g, int dirfd, const char *name,
			     const char *text, struct err *err)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "%s\n", text);

	return file_group_add(g, dirfd, name, 0600, line, (size_t)len, err);
}

/* One "TYPE=value" into name. */
static bool add_rdn(X509_NAME *name, char *rdn)
{
	char *eq = strchr(rdn, '=');

	if (!eq || eq == rdn)
		return false;
	*eq = '\0';
	return X509_NAME_add_entry_by_txt(name, rdn, MBSTRING_UTF8,
					  (const uint8_t *)eq + 1, -1, -1,
					  0) == 1;
}

/* "/CN=a/O=b"; a backslash takes the next character as it is. */
static bool parse_subject(X509_NAME *name, const char *s)
{
	char rdn[RDN_MAX];
	size_t n;

	while (*s == '/') {
		n = 0;
		for (s++; *s && *s != '/'; s++) {
			if (*s == '\\' && s[1])
				s++;
			if (n + 1 >= sizeof(rdn))
				return false;
			rdn[n++] = *s;
		}
		rdn[n] = '\0';
		if (!add_rdn(name, rdn))
			return false;
	}
	return *s == '\0';
}

enum pv_code keys_request(EVP_PKEY *key, const char *id, const char *subject,
			  struct buf *pem, struct err *err)
{
	CLEANUP(cleanup_X509_REQ_free) X509_REQ *req = X509_REQ_new();
	CLEANUP(cleanup_BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
	X509_NAME *name = req ? X509_REQ_get_subject_name(req) : NULL;
	bool named;
	char *p;
	long len;

	if (!name || !bio)
		return crypto_failed(err, "out of memory");
	if (subject)
		named = parse_subject(name, subject);
	else
		named = X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
						   (const uint8_t *)id, -1, -1,
						   0) == 1;
	if (!named)
		return err_fail(err, PV_INPUT, "device.subject", NULL,
				"subject is not of the form /TYPE=value/...");
	if (X509_REQ_set_version(req, 0) != 1 ||
	    X509_REQ_set_pubkey(req, key) != 1 ||
	    X509_REQ_sign(req, key, EVP_sha256()) <= 0 ||
	    PEM_write_bio_X509_REQ(bio, req) != 1)
		return crypto_failed(err, "cannot make a request");
	len = BIO_get_mem_data(bio, &p);
	buf_put(pem, p, (size_t)len);
	return buf_check(pem, err);
}

/* Over the label, the id and the SPKI of another key. */
static enum pv_code sign_binding(EVP_PKEY *key, const char *label,
				 const char *id, struct span spki,
				 struct buf *b64, struct err *err)
{
	CLEANUP(cleanup_EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	CLEANUP(buf_release) struct buf tbs;
	uint8_t sig[512];
	char text[BASE64_LEN(sizeof(sig)) + 1];
	size_t len = sizeof(sig);

	buf_init(&tbs, PEM_MAX);
	buf_put(&tbs, label, strlen(label) + 1);
	buf_put(&tbs, id, strlen(id) + 1);
	buf_put(&tbs, spki.p, spki.len);
	if (!ctx || tbs.failed ||
	    EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) !=
		    1 ||
	    EVP_DigestSign(ctx, sig, &len, tbs.data, tbs.len) != 1)
		return crypto_failed(err, "cannot sign another key");
	base64_encode(sig, len, text);
	buf_put_str(b64, text);
	buf_put_str(b64, "\n");
	return buf_check(b64, err);
}

static enum pv_code add_sealing(struct file_group *g, int dirfd,
				const struct keys_spec *s, EVP_PKEY *certified,
				struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free)
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	CLEANUP(buf_release) struct buf sig;
	struct span spki;
	uint8_t *der = NULL;
	enum pv_code code;
	int der_len;

	buf_init(&sig, PEM_MAX);
	der_len = key ? i2d_PUBKEY(key, &der) : 0;
	if (der_len <= 0)
		return crypto_failed(err, "cannot make a sealing key");
	spki.p = der;
	spki.len = (size_t)der_len;
	code = sign_binding(certified, SEAL_KEY_LABEL, s->id, spki, &sig, err);
	OPENSSL_free(der);
	if (code != PV_OK)
		return code;
	code = keys_add_public(g, dirfd, "seal_pub.pem", key, err);
	if (code == PV_OK)
		code = file_group_add(g, dirfd, "seal_sig.b64", 0600, sig.data,
				      sig.len, err);
	if (code == PV_OK)
		code = keys_add_private(g, dirfd, "seal.pem", key, err);
	return code;
}

/* The key before says that the new one takes its place. */
static enum pv_code add_succession(struct file_group *g, int dirfd,
				   const struct keys_spec *s, EVP_PKEY *key,
				   struct err *err)
{
	CLEANUP(buf_release) struct buf sig;
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	struct span spki = { der, len > 0 ? (size_t)len : 0 };
	enum pv_code code =
		len > 0 ? PV_OK : crypto_failed(err, "cannot encode a key");

	buf_init(&sig, PEM_MAX);
	if (code == PV_OK)
		code = sign_binding(s->before, ROTATE_KEY_LABEL, s->id, spki,
				    &sig, err);
	OPENSSL_free(der);
	return code == PV_OK ? file_group_add(g, dirfd, "key_sig.b64", 0600,
					      sig.data, sig.len, err)
			     : code;
}

static enum pv_code add_certified(struct file_group *g, int dirfd,
				  const struct keys_spec *s, EVP_PKEY *key,
				  struct err *err)
{
	CLEANUP(buf_release) struct buf csr;
	enum pv_code code;

	buf_init(&csr, PEM_MAX);
	code = keys_request(key, s->id, s->subject, &csr, err);
	if (code == PV_OK)
		code = file_group_add(g, dirfd, "csr.pem", 0600, csr.data,
				      csr.len, err);
	if (code == PV_OK)
		code = keys_add_private(g, dirfd, "key.pem", key, err);
	if (code == PV_OK && s->sealing)
		code = add_sealing(g, dirfd, s, key, err);
	if (code == PV_OK && s->before)
		code = add_succession(g, dirfd, s, key, err);
	return code;
}

enum pv_code keys_make(struct file_group *g, int dirfd,
		       const struct keys_spec *s, struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;
	enum pv_code code;

	code = add_text(g, dirfd, "id", s->id, err);
	if (code == PV_OK)
		code = add_text(g, dirfd, "form", s->form, err);
	if (code != PV_OK || !s->key)
		return code;
	key = generate(s->algorithm);
	if (!key)
		return crypto_failed(err, "cannot generate a key");
	return add_certified(g, dirfd, s, key, err);
}
