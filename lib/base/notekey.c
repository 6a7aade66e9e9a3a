#include "lib/base/note.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/notechars.h"
#include "lib/base/p256.h"

#define ED25519_LEN 32u
#define SHA256_LEN 32u
#define KEY_ID_LEN 4u

/* SubjectPublicKeyInfo up to the key: RFC 8410 4. */
static const uint8_t ed25519_head[] = { 0x30, 0x2A, 0x30, 0x05, 0x06, 0x03,
					0x2B, 0x65, 0x70, 0x03, 0x21, 0x00 };
CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);
CLEANUP_PTR(EVP_MD_CTX, EVP_MD_CTX_free);

static enum pv_code bad_key(struct err *err, const char *what)
{
	return err_fail(err, PV_INPUT, "note.key",
			"use an Ed25519 or P-256 public key", "%s", what);
}

static enum pv_code crypto_failed(struct err *err)
{
	ERR_clear_error();
	return err_fail(err, PV_INTERNAL, "note.crypto", NULL,
			"the cryptographic library failed on a note");
}

static bool is_ed25519(struct span spki)
{
	return spki.len == sizeof(ed25519_head) + ED25519_LEN &&
	       memcmp(spki.p, ed25519_head, sizeof(ed25519_head)) == 0;
}

static EVP_PKEY *load(const struct note_key *key)
{
	EVP_PKEY *pkey =
		key->type == NOTE_ED25519
			? EVP_PKEY_new_raw_public_key(
				  EVP_PKEY_ED25519, NULL,
				  key->spki + sizeof(ed25519_head), ED25519_LEN)
			: p256_load(p256_point(
				  (struct span){ key->spki, key->spki_len }));

	ERR_clear_error();
	return pkey;
}

/* formats.md 6: with name and type for Ed25519, of the SPKI for ECDSA. */
static enum pv_code set_id(struct note_key *key, struct err *err)
{
	uint8_t in[NOTE_NAME_MAX + 2 + ED25519_LEN];
	uint8_t hash[SHA256_LEN];
	size_t n = strlen(key->name);
	const uint8_t *p = key->spki;
	size_t len = key->spki_len;

	if (key->type == NOTE_ED25519) {
		memcpy(in, key->name, n);
		in[n++] = '\n';
		in[n++] = NOTE_ED25519;
		memcpy(in + n, key->spki + sizeof(ed25519_head), ED25519_LEN);
		p = in;
		len = n + ED25519_LEN;
	}
	if (EVP_Digest(p, len, hash, NULL, EVP_sha256(), NULL) != 1)
		return crypto_failed(err);
	memcpy(key->id, hash, KEY_ID_LEN);
	return PV_OK;
}

static enum pv_code set_key(struct note_key *key, struct span name,
			    struct span spki, struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *pkey = NULL;

	memset(key, 0, sizeof(*key));
	if (name.len > NOTE_NAME_MAX || !notechars_name_ok(name))
		return err_fail(err, PV_INPUT, "note.name",
				"1 to 255 bytes without space or plus sign",
				"bad name for a note key");
	if (is_ed25519(spki))
		key->type = NOTE_ED25519;
	else if (p256_point(spki))
		key->type = NOTE_ECDSA;
	else
		return bad_key(err, "a note key of another kind or form");
	memcpy(key->name, name.p, name.len);
	memcpy(key->spki, spki.p, spki.len);
	key->spki_len = spki.len;
	pkey = load(key);
	if (!pkey)
		return bad_key(err, "the point of a note key is not on P-256");
	return set_id(key, err);
}

enum pv_code note_key_from_spki(struct note_key *key, const char *name,
				struct span spki, struct err *err)
{
	struct span s = { (const uint8_t *)name, strlen(name) };
	enum pv_code rc = set_key(key, s, spki, err);

	if (rc != PV_OK)
		memset(key, 0, sizeof(*key));
	return rc;
}

/* type || key as it stands in a verifier key, back to DER. */
static bool to_spki(const uint8_t *p, size_t len, uint8_t *spki,
		    struct span *out)
{
	size_t head = 0;

	if (len == 1 + ED25519_LEN && p[0] == NOTE_ED25519) {
		head = sizeof(ed25519_head);
		memcpy(spki, ed25519_head, head);
	} else if (len != 1 + NOTE_SPKI_MAX || p[0] != NOTE_ECDSA) {
		return false;
	}
	memcpy(spki + head, p + 1, len - 1);
	out->p = spki;
	out->len = head + len - 1;
	return true;
}

static enum pv_code parse_vkey(struct note_key *key, struct span vkey,
			       struct err *err)
{
	const uint8_t *end = vkey.p + vkey.len;
	const uint8_t *plus = vkey.len ? memchr(vkey.p, '+', vkey.len) : NULL;
	uint8_t blob[1 + NOTE_SPKI_MAX];
	uint8_t der[NOTE_SPKI_MAX];
	char hex[2 * KEY_ID_LEN + 1];
	struct span name, spki;
	size_t len;
	enum pv_code rc;

	if (!plus || end - plus < 10 || plus[9] != '+' ||
	    !base64_decode((const char *)plus + 10, (size_t)(end - plus) - 10,
			   blob, sizeof(blob), &len) ||
	    !to_spki(blob, len, der, &spki))
		return bad_key(err, "not a verifier key (name+id+base64)");
	name.p = vkey.p;
	name.len = (size_t)(plus - vkey.p);
	rc = set_key(key, name, spki, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(key->id, KEY_ID_LEN, hex);
	if (memcmp(hex, plus + 1, 2 * KEY_ID_LEN) != 0)
		return bad_key(err, "the id of a verifier key is not its own");
	return PV_OK;
}

enum pv_code note_key_parse(struct note_key *key, struct span vkey,
			    struct err *err)
{
	enum pv_code rc = parse_vkey(key, vkey, err);

	if (rc != PV_OK)
		memset(key, 0, sizeof(*key));
	return rc;
}

bool note_key_equal(const struct note_key *a, const struct note_key *b)
{
	return strcmp(a->name, b->name) == 0 && a->type == b->type &&
	       span_equal((struct span){ a->spki, a->spki_len },
			  (struct span){ b->spki, b->spki_len });
}

void note_key_put(const struct note_key *key, struct buf *out)
{
	size_t head = key->type == NOTE_ED25519 ? sizeof(ed25519_head) : 0;
	size_t len = key->spki_len - head;
	uint8_t blob[1 + NOTE_SPKI_MAX];
	char text[BASE64_LEN(sizeof(blob)) + 1];
	char hex[2 * KEY_ID_LEN + 1];

	blob[0] = (uint8_t)key->type;
	memcpy(blob + 1, key->spki + head, len);
	base64_encode(blob, len + 1, text);
	hex_encode(key->id, KEY_ID_LEN, hex);
	buf_printf(out, "%s+%s+%s", key->name, hex, text);
}

static enum pv_code verify(const struct note_key *key, struct span text,
			   struct span sig, struct err *err)
{
	const EVP_MD *md = key->type == NOTE_ECDSA ? EVP_sha256() : NULL;
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *pkey = load(key);
	CLEANUP(cleanup_EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	if (!pkey || !ctx ||
	    EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey) != 1)
		return crypto_failed(err);
	ok = EVP_DigestVerify(ctx, sig.p, sig.len, text.p, text.len);
	ERR_clear_error();
	if (ok == 1)
		return PV_OK;
	return err_fail(err, PV_INTEGRITY, "note.signature",
			"get the note again from its source",
			"the signature of %s on the note is wrong", key->name);
}

enum pv_code note_verify(const struct note *n, const struct note_key *key,
			 struct err *err)
{
	size_t found = 0;

	for (size_t i = 0; i < n->sigs_n; i++) {
		const struct note_sig *s = &n->sigs[i];
		enum pv_code rc;

		if (!span_is(s->name, key->name) ||
		    memcmp(s->key_id, key->id, KEY_ID_LEN) != 0)
			continue;
		rc = verify(key, n->text, s->sig, err);
		if (rc != PV_OK)
			return rc;
		found++;
	}
	if (found == 0)
		return err_fail(err, PV_NOT_FOUND, "note.unsigned",
				"ask that person or log to sign it",
				"no signature of %s on the note", key->name);
	return PV_OK;
}

/* INTEGER of 32 big-endian bytes, shortest form (X.690 8.3.2). */
static size_t put_integer(const uint8_t v[32], uint8_t *out)
{
	size_t skip = 0;
	size_t pad, len;

	while (skip < 31 && v[skip] == 0)
		skip++;
	pad = v[skip] >> 7;
	len = 32 - skip + pad;
	out[0] = 0x02;
	out[1] = (uint8_t)len;
	out[2] = 0;
	memcpy(out + 2 + pad, v + skip, 32 - skip);
	return 2 + len;
}

bool note_raw_to_der(const uint8_t raw[NOTE_RAW_LEN], uint8_t der[NOTE_DER_MAX],
		     size_t *len)
{
	static const uint8_t zero[32];
	size_t n;

	if (memcmp(raw, zero, 32) == 0 || memcmp(raw + 32, zero, 32) == 0)
		return false;
	n = put_integer(raw, der + 2);
	n += put_integer(raw + 32, der + 2 + n);
	der[0] = 0x30;
	der[1] = (uint8_t)n;
	*len = n + 2;
	return true;
}

/* The signature in the form of its type, behind the key id, verified. */
static enum pv_code make_blob(uint8_t blob[KEY_ID_LEN + NOTE_DER_MAX],
			      size_t *len, struct span text,
			      const struct note_signer *signer, struct err *err)
{
	const struct note_key *key = signer->key;
	uint8_t digest[SHA256_LEN];
	uint8_t raw[NOTE_RAW_LEN] = { 0 };
	struct span sig = { blob + KEY_ID_LEN, NOTE_RAW_LEN };
	enum pv_code rc;

	if (EVP_Digest(text.p, text.len, digest, NULL, EVP_sha256(), NULL) != 1)
		return crypto_failed(err);
	rc = signer->sign(signer->ctx, text, digest, raw, err);
	if (rc != PV_OK)
		return rc;
	memcpy(blob, key->id, KEY_ID_LEN);
	if (key->type == NOTE_ED25519)
		memcpy(blob + KEY_ID_LEN, raw, NOTE_RAW_LEN);
	else if (!note_raw_to_der(raw, blob + KEY_ID_LEN, &sig.len))
		return err_fail(err, PV_INTEGRITY, "note.signature", NULL,
				"%s gave an empty signature", key->name);
	*len = KEY_ID_LEN + sig.len;
	return verify(key, text, sig, err);
}

enum pv_code note_sign(struct buf *out, struct span text,
		       const struct note_signer *signer, struct err *err)
{
	uint8_t blob[KEY_ID_LEN + NOTE_DER_MAX];
	char base64[BASE64_LEN(sizeof(blob)) + 1];
	enum pv_code rc = note_text_check(text, err);
	size_t len = 0;

	if (rc != PV_OK)
		return rc;
	if (out->len <= text.len || out->data[text.len] != '\n' ||
	    memcmp(out->data, text.p, text.len) != 0)
		return err_fail(err, PV_INTERNAL, "note.text", NULL,
				"a note does not start with the signed text");
	rc = make_blob(blob, &len, text, signer, err);
	if (rc != PV_OK)
		return rc;
	base64_encode(blob, len, base64);
	buf_printf(out, "\xE2\x80\x94 %s %s\n", signer->key->name, base64);
	return buf_check(out, err);
}
