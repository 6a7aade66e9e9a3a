#include "lib/flow/witnesskey.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"

#define BEGIN "\n-----BEGIN PRIVATE KEY-----\n"
#define END "\n-----END PRIVATE KEY-----\n"
/* OneAsymmetricKey of RFC 8410 7 without attributes, up to the seed. */
static const uint8_t head[] = {
	0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
	0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20
};
#define SEED LOG_WITNESS_KEY
#define DER_LEN (sizeof(head) + SEED)
#define TEXT_LEN BASE64_LEN(DER_LEN)

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);
CLEANUP_PTR(EVP_MD_CTX, EVP_MD_CTX_free);

static enum pv_code no_key(struct err *err)
{
	ERR_clear_error();
	return err_fail(err, PV_INTERNAL, "crypto.ed25519", NULL,
			"a witness's key cannot be used");
}

/* The public half of the seed. */
static enum pv_code derive(const struct secret *seed,
			   uint8_t key[static LOG_WITNESS_KEY], struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free)
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
						      seed->data, seed->len);
	size_t len = LOG_WITNESS_KEY;

	if (!pkey || EVP_PKEY_get_raw_public_key(pkey, key, &len) != 1)
		return no_key(err);
	return PV_OK;
}

enum pv_code witnesskey_new(struct witnesskey *k, const char *name,
			    struct err *err)
{
	const struct span text = { (const uint8_t *)name, strlen(name) };
	uint8_t key[LOG_WITNESS_KEY];
	enum pv_code rc;

	memset(k, 0, sizeof(*k));
	rc = secret_random(&k->seed, SEED, err);
	if (rc == PV_OK)
		rc = derive(&k->seed, key, err);
	if (rc == PV_OK)
		rc = log_witness_set(&k->w, text, key, err);
	if (rc != PV_OK)
		witnesskey_release(k);
	return rc;
}

enum pv_code witnesskey_put(const struct witnesskey *k, struct secret *text,
			    struct err *err)
{
	const size_t begin = strlen(BEGIN), end = strlen(END);
	CLEANUP(buf_release) struct buf vkey;
	SECRET der = SECRET_INIT;
	char *at;
	enum pv_code rc;

	buf_init(&vkey, WITNESSKEY_FILE_MAX);
	log_witness_put(&k->w, &vkey);
	rc = buf_check(&vkey, err);
	if (rc == PV_OK)
		rc = secret_alloc(&der, DER_LEN, err);
	if (rc == PV_OK) /* and the NUL of base64_encode() */
		rc = secret_alloc(text, vkey.len + begin + TEXT_LEN + end + 1,
				  err);
	if (rc != PV_OK)
		return rc;
	memcpy(der.data, head, sizeof(head));
	memcpy(der.data + sizeof(head), k->seed.data, SEED);
	memcpy(text->data, vkey.data, vkey.len);
	at = (char *)text->data + vkey.len;
	memcpy(at, BEGIN, begin);
	base64_encode(der.data, DER_LEN, at + begin);
	memcpy(at + begin + TEXT_LEN, END, end);
	secret_truncate(text, text->len - 1);
	return PV_OK;
}

/* What stands behind the vkey: exactly one key. */
static bool take_seed(struct secret *der, const uint8_t *p, size_t len)
{
	const size_t begin = strlen(BEGIN), end = strlen(END);
	size_t n;

	return len == begin + TEXT_LEN + end && memcmp(p, BEGIN, begin) == 0 &&
	       memcmp(p + begin + TEXT_LEN, END, end) == 0 &&
	       base64_decode((const char *)p + begin, TEXT_LEN, der->data,
			     DER_LEN, &n) &&
	       n == DER_LEN && memcmp(der->data, head, sizeof(head)) == 0;
}

static enum pv_code parse(struct witnesskey *k, const struct secret *text,
			  struct err *err)
{
	const uint8_t *lf =
		text->len ? memchr(text->data, '\n', text->len) : NULL;
	uint8_t key[LOG_WITNESS_KEY];
	SECRET der = SECRET_INIT;
	struct span vkey = { text->data, 0 };
	enum pv_code rc = secret_alloc(&der, DER_LEN, err);

	if (rc != PV_OK)
		return rc;
	if (lf)
		vkey.len = (size_t)(lf - text->data);
	if (!lf || !take_seed(&der, lf, text->len - vkey.len))
		return err_fail(err, PV_INPUT, "witness.key",
				"make one with provctl audit witness --new-key",
				"not the key file of a witness");
	rc = log_witness_parse(&k->w, vkey, err);
	if (rc == PV_OK)
		rc = secret_copy(&k->seed, der.data + sizeof(head), SEED, err);
	if (rc == PV_OK)
		rc = derive(&k->seed, key, err);
	if (rc == PV_OK && memcmp(key, k->w.key, sizeof(key)) != 0)
		rc = err_fail(err, PV_INPUT, "witness.key",
			      "put the file back from a backup",
			      "the key is not the one that its first line "
			      "names");
	return rc;
}

enum pv_code witnesskey_parse(struct witnesskey *k, const struct secret *text,
			      struct err *err)
{
	enum pv_code rc;

	memset(k, 0, sizeof(*k));
	rc = parse(k, text, err);
	if (rc != PV_OK)
		witnesskey_release(k);
	return rc;
}

static enum pv_code sign(const struct secret *seed, struct span message,
			 uint8_t sig[static LOG_COSIGN_SIG], struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free)
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
						      seed->data, seed->len);
	CLEANUP(cleanup_EVP_MD_CTX_free) EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t len = LOG_COSIGN_SIG;

	if (!pkey || !md ||
	    EVP_DigestSignInit(md, NULL, NULL, NULL, pkey) != 1 ||
	    EVP_DigestSign(md, sig, &len, message.p, message.len) != 1)
		return no_key(err);
	return PV_OK;
}

enum pv_code witnesskey_cosign(const struct witnesskey *k, struct span body,
			       uint64_t time_s, struct buf *line,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf message;
	uint8_t sig[LOG_COSIGN_SIG];
	enum pv_code rc;

	buf_init(&message, LOG_COSIGN_HEAD_MAX + LOG_BODY_MAX);
	rc = log_cosign_message(&message, body, time_s, err);
	if (rc == PV_OK)
		rc = sign(&k->seed, buf_span(&message), sig, err);
	if (rc == PV_OK)
		rc = log_cosign_line(line, &k->w, body, time_s, sig, err);
	return rc;
}

void witnesskey_release(struct witnesskey *k)
{
	secret_release(&k->seed);
	memset(k, 0, sizeof(*k));
}
