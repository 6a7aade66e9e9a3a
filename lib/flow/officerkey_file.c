/* An officer's key as a file: a vkey, then PKCS#8 as PEM. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/officerkey_impl.h"

CLEANUP_PTR(BIO, BIO_free_all);
CLEANUP_PTR(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
CLEANUP_PTR(EVP_MD_CTX, EVP_MD_CTX_free);
CLEANUP_PTR(ECDSA_SIG, ECDSA_SIG_free);
CLEANUP_PTR(struct file_group, file_group_free);

static enum pv_code no_key(const char *what, struct err *err)
{
	ERR_clear_error();
	return err_fail(err, PV_INPUT, "officer.key",
			"make one with provctl officer key new --file",
			"the key file cannot be read: %s", what);
}

/* ---- reading ---- */

#define TRIES 3u /* of one that is typed */

struct passphrase {
	const struct officerkey_from *from;
	const char *about;
	enum pv_code rc; /* of asking for it */
	bool asked;
	struct err *err;
};

/* OpenSSL calls this only for an encrypted key. */
static int give_passphrase(char *to, int cap, int writing, void *ctx)
{
	struct passphrase *p = ctx;
	SECRET secret = SECRET_INIT;

	(void)writing;
	p->asked = true;
	p->rc = p->from->backends->person_phrase(
		p->from->pin_source ? p->from->pin_source : "prompt", p->about,
		false, &secret, p->err);
	if (p->rc != PV_OK || secret.len > (size_t)cap)
		return -1;
	memcpy(to, secret.data, secret.len);
	return (int)secret.len;
}

static enum pv_code public_half(EVP_PKEY *pkey, const char *name,
				struct note_key *key, struct err *err)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(pkey, &der);
	enum pv_code rc;

	if (len <= 0)
		return no_key("it has no public half", err);
	rc = note_key_from_spki(key, name, (struct span){ der, (size_t)len },
				err);
	OPENSSL_free(der);
	return rc;
}

static enum pv_code wrong_passphrase(struct err *err)
{
	ERR_clear_error();
	return err_fail(err, PV_INPUT, "officer.key",
			"run it again with the one that the key was made with",
			"the key file cannot be read: the passphrase is wrong");
}

/* Until the key opens, or nobody is asked, or has typed often enough. */
static enum pv_code open_pem(const struct officerkey_from *from, BIO *bio,
			     struct officerkey *k, struct err *err)
{
	struct passphrase p = { .from = from, .about = from->key, .err = err };
	bool typed =
		!from->pin_source || strcmp(from->pin_source, "prompt") == 0;
	char again[160];

	snprintf(again, sizeof(again), "%.128s (wrong: once more)", from->key);
	for (unsigned tries = 0; tries < (typed ? TRIES : 1); tries++) {
		k->pkey = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase,
						  &p);
		if (p.rc != PV_OK || k->pkey)
			return p.rc;
		if (!p.asked)
			return no_key("no PKCS#8 key as PEM", err);
		(void)BIO_reset(bio);
		p.about = again;
	}
	return wrong_passphrase(err);
}

/* One PEM block and nothing behind it. */
static enum pv_code read_pem(const struct officerkey_from *from,
			     struct span text, struct officerkey *k,
			     struct err *err)
{
	CLEANUP(cleanup_BIO_free_all)
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.len);
	enum pv_code rc =
		bio ? open_pem(from, bio, k, err) : no_key("no memory", err);

	if (rc != PV_OK)
		return rc;
	if (BIO_pending(bio) > 0)
		return no_key("something stands behind the key", err);
	return public_half(k->pkey, from->name, &k->key, err);
}

/* Its first line, which is that person's, and what stands behind it. */
static enum pv_code take_vkey(const struct officerkey_from *from,
			      const struct secret *text, struct note_key *said,
			      struct span *pem, struct err *err)
{
	const uint8_t *lf =
		text->len ? memchr(text->data, '\n', text->len) : NULL;
	struct span vkey = { text->data, 0 };

	if (!lf)
		return no_key("no vkey in its first line", err);
	vkey.len = (size_t)(lf - text->data);
	pem->p = lf + 1;
	pem->len = text->len - vkey.len - 1;
	if (note_key_parse(said, vkey, NULL) != PV_OK)
		return no_key("no vkey in its first line", err);
	if (strcmp(said->name, from->name) == 0)
		return PV_OK;
	return err_fail(err, PV_INPUT, "officer.key",
			"give the key of that name, or name its owner",
			"the key is %s's, not %s's", said->name, from->name);
}

static enum pv_code take(const struct officerkey_from *from,
			 const struct secret *text, struct officerkey *k,
			 struct err *err)
{
	struct note_key said;
	struct span pem;
	enum pv_code rc = take_vkey(from, text, &said, &pem, err);

	if (rc == PV_OK)
		rc = read_pem(from, pem, k, err);
	if (rc == PV_OK && (said.spki_len != k->key.spki_len ||
			    memcmp(said.spki, k->key.spki, said.spki_len) != 0))
		rc = no_key("the key is not the one of its first line", err);
	return rc;
}

/* Who reads a credential of a unit is systemd's to say, which may own it. */
static bool is_credential(const char *path)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	size_t n = folder && folder[0] == '/' ? strlen(folder) : 0;

	return n > 0 && strncmp(path, folder, n) == 0 && path[n] == '/' &&
	       !strchr(path + n + 1, '/');
}

static enum pv_code read_file(const struct officerkey_from *from,
			      struct secret *text, struct err *err)
{
	unsigned who = is_credential(from->key) ? FILEIO_NOT_WRITABLE_BY_OTHERS
						: FILEIO_PRIVATE;

	return file_read_secret(AT_FDCWD, from->key, who | FILEIO_NOFOLLOW,
				OFFICERKEY_FILE_MAX, text, err);
}

enum pv_code officerkey_file_check(const struct officerkey_from *from,
				   struct err *err)
{
	SECRET text = SECRET_INIT;
	struct note_key said;
	struct span pem;
	enum pv_code rc = read_file(from, &text, err);

	if (rc == PV_OK)
		rc = take_vkey(from, &text, &said, &pem, err);
	if (rc != PV_OK)
		err_object(err, from->key);
	return rc;
}

enum pv_code officerkey_file_open(const struct officerkey_from *from,
				  struct officerkey *k, struct err *err)
{
	SECRET text = SECRET_INIT;
	enum pv_code rc = read_file(from, &text, err);

	if (rc == PV_OK)
		rc = take(from, &text, k, err);
	if (rc != PV_OK)
		err_object(err, from->key);
	return rc;
}

/* ---- making ---- */

/* Plain, or under a passphrase where one is named. */
static enum pv_code put_pem(const struct officerkey_from *from, EVP_PKEY *pkey,
			    BIO *bio, struct err *err)
{
	SECRET phrase = SECRET_INIT;
	enum pv_code rc = PV_OK;
	int ok;

	if (from->pin_source)
		rc = from->backends->person_phrase(from->pin_source, from->key,
						   true, &phrase, err);
	if (rc != PV_OK)
		return rc;
	ok = PEM_write_bio_PKCS8PrivateKey(
		bio, pkey, phrase.data ? EVP_aes_256_cbc() : NULL,
		(const char *)phrase.data, (int)phrase.len, NULL, NULL);
	return ok == 1 ? PV_OK
		       : err_fail(err, PV_INTERNAL, "crypto.ed25519", NULL,
				  "a new key cannot be written");
}

static enum pv_code write_new(const char *path, struct span text,
			      struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	CLEANUP(fd_cleanup) int folder = -1;
	const char *slash = strrchr(path, '/');
	char dir[4096] = ".";
	enum pv_code rc;

	if (slash && (size_t)(slash - path) + 2 > sizeof(dir))
		return err_fail(err, PV_INPUT, "output.path", NULL,
				"the path is too long");
	if (slash) {
		memcpy(dir, path, (size_t)(slash - path) + 1);
		dir[slash - path + 1] = '\0';
	}
	rc = dir_open(AT_FDCWD, dir, &folder, err);
	if (rc == PV_OK)
		rc = file_group_new(&g, err);
	if (rc == PV_OK)
		rc = file_group_add(g, folder, slash ? slash + 1 : path, 0600,
				    text.p, text.len, err);
	return rc == PV_OK ? file_group_commit(g, err) : rc;
}

enum pv_code officerkey_file_new(const struct officerkey_from *from,
				 struct officerkey *k, struct err *err)
{
	CLEANUP(cleanup_BIO_free_all)
	BIO *bio = BIO_new(BIO_s_secmem());
	CLEANUP(buf_release) struct buf vkey;
	struct span text;
	char *p = NULL;
	enum pv_code rc;

	k->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!k->pkey || !bio) {
		ERR_clear_error();
		return err_fail(err, PV_INTERNAL, "crypto.ed25519", NULL,
				"no new key can be made");
	}
	buf_init(&vkey, OFFICERKEY_FILE_MAX);
	rc = public_half(k->pkey, from->name, &k->key, err);
	if (rc != PV_OK)
		return rc;
	note_key_put(&k->key, &vkey);
	buf_put_u8(&vkey, '\n');
	rc = buf_check(&vkey, err);
	if (rc == PV_OK &&
	    BIO_write(bio, vkey.data, (int)vkey.len) != (int)vkey.len)
		rc = err_fail(err, PV_INTERNAL, "memory", NULL, "no memory");
	if (rc == PV_OK)
		rc = put_pem(from, k->pkey, bio, err);
	if (rc != PV_OK)
		return rc;
	text.len = (size_t)BIO_get_mem_data(bio, &p);
	text.p = (const uint8_t *)p;
	rc = write_new(from->key, text, err);
	if (rc != PV_OK)
		err_object(err, from->key);
	return rc;
}

/* ---- signing ---- */

static bool sign_ed25519(EVP_PKEY *pkey, struct span text,
			 uint8_t raw[NOTE_RAW_LEN])
{
	CLEANUP(cleanup_EVP_MD_CTX_free) EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t len = NOTE_RAW_LEN;

	return md && EVP_DigestSignInit(md, NULL, NULL, NULL, pkey) == 1 &&
	       EVP_DigestSign(md, raw, &len, text.p, text.len) == 1 &&
	       len == NOTE_RAW_LEN;
}

static bool sign_p256(EVP_PKEY *pkey, const uint8_t digest[32],
		      uint8_t raw[NOTE_RAW_LEN])
{
	CLEANUP(cleanup_EVP_PKEY_CTX_free)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	CLEANUP(cleanup_ECDSA_SIG_free) ECDSA_SIG *sig = NULL;
	uint8_t der[NOTE_DER_MAX];
	const uint8_t *p = der;
	size_t len = sizeof(der);

	if (!ctx || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, der, &len, digest, 32) != 1)
		return false;
	sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	return sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32 &&
	       BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32;
}

enum pv_code officerkey_file_sign(const struct officerkey *k, struct span text,
				  const uint8_t digest[32],
				  uint8_t raw[NOTE_RAW_LEN], struct err *err)
{
	bool ok = k->key.type == NOTE_ED25519 ? sign_ed25519(k->pkey, text, raw)
					      : sign_p256(k->pkey, digest, raw);

	if (ok)
		return PV_OK;
	ERR_clear_error();
	return err_fail(err, PV_INTERNAL, "crypto.sign", NULL,
			"the key file cannot sign");
}
