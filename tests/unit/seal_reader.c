#include "tests/unit/seal_reader.h"

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/sha.h>
#include <string.h>

#include "lib/base/cbor.h"

struct component {
	uint64_t chunk, total;
	struct cbor_bytes commit, mac;
};

static void hkdf(int mode, struct span key, struct span salt, struct span info,
		 uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	char digest[] = "SHA256";
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key.p, key.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
						  (void *)(uintptr_t)salt.p,
						  salt.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
						  (void *)(uintptr_t)info.p,
						  info.len),
		OSSL_PARAM_construct_end()
	};

	ck_assert_int_eq(EVP_KDF_derive(ctx, out, len, p), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

/* LabeledExtract and LabeledExpand of RFC 9180 4; an L of 0 extracts. */
static void labeled(const char *suite, size_t suite_len, struct span key,
		    const char *label, struct span rest, uint8_t *out,
		    size_t len, bool expand)
{
	struct span none = { (const uint8_t *)"", 0 };
	struct buf b;

	buf_init(&b, 4096);
	if (expand)
		buf_put_be16(&b, (uint16_t)len);
	buf_put_str(&b, "HPKE-v1");
	buf_put(&b, suite, suite_len);
	buf_put_str(&b, label);
	buf_put(&b, rest.p, rest.len);
	if (expand)
		hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, key, none, buf_span(&b),
		     out, len);
	else
		hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, buf_span(&b), key, none,
		     out, 32);
	buf_release(&b);
}

static bool gcm_open(const uint8_t *key, const uint8_t *nonce, struct span aad,
		     struct span sealed, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t tag[16], none[16];
	int n;
	bool ok;

	if (sealed.len < 16) {
		EVP_CIPHER_CTX_free(ctx);
		return false;
	}
	memcpy(tag, sealed.p + sealed.len - 16, 16);
	ck_assert_int_eq(
		EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, NULL),
		1);
	if (aad.len)
		ck_assert_int_eq(
			EVP_DecryptUpdate(ctx, NULL, &n, aad.p, (int)aad.len),
			1);
	ck_assert_int_eq(
		EVP_DecryptUpdate(ctx, out, &n, sealed.p, (int)sealed.len - 16),
		1);
	EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag);
	ok = EVP_DecryptFinal_ex(ctx, none, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* DH and kem_context for the recipient's key. */
static bool agree(EVP_PKEY *recipient, const uint8_t *enc, uint8_t dh[32],
		  uint8_t context[130])
{
	EVP_PKEY *peer = EVP_PKEY_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, recipient, NULL);
	unsigned char *own = NULL;
	size_t len = 32;
	bool ok;

	ck_assert_int_eq(EVP_PKEY_copy_parameters(peer, recipient), 1);
	ok = EVP_PKEY_set1_encoded_public_key(peer, enc, 65) == 1 &&
	     EVP_PKEY_derive_init(ctx) == 1 &&
	     EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
	     EVP_PKEY_derive(ctx, dh, &len) == 1 && len == 32;
	ck_assert_uint_eq(EVP_PKEY_get1_encoded_public_key(recipient, &own),
			  65);
	memcpy(context, enc, 65);
	memcpy(context + 65, own, 65);
	OPENSSL_free(own);
	EVP_PKEY_free(peer);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool open_kem(const struct reader *r, const uint8_t *envelope,
		     uint8_t bs[32])
{
	static const char kem[] = "KEM\x00\x10",
			  hpke[] = "HPKE\x00\x10\x00\x01\x00\x02";
	const struct span none = { (const uint8_t *)"", 0 };
	uint8_t dh[32], context[130], prk[32], shared[32], schedule[65] = { 0 };
	uint8_t secret[32], key[32], nonce[12], info[52];
	struct span c = { context, 130 }, sch = { schedule, 65 };

	if (!agree(r->recipient, envelope, dh, context))
		return false;
	memcpy(info, "provctl/seal-kem/v1", 20);
	memcpy(info + 20, r->bh, 32);
	labeled(kem, 5, none, "eae_prk", (struct span){ dh, 32 }, prk, 0,
		false);
	labeled(kem, 5, (struct span){ prk, 32 }, "shared_secret", c, shared,
		32, true);
	labeled(hpke, 10, none, "psk_id_hash", none, schedule + 1, 0, false);
	labeled(hpke, 10, none, "info_hash", (struct span){ info, 52 },
		schedule + 33, 0, false);
	labeled(hpke, 10, (struct span){ shared, 32 }, "secret", none, secret,
		0, false);
	labeled(hpke, 10, (struct span){ secret, 32 }, "key", sch, key, 32,
		true);
	labeled(hpke, 10, (struct span){ secret, 32 }, "base_nonce", sch, nonce,
		12, true);
	return gcm_open(key, nonce, none, (struct span){ envelope + 65, 48 },
			bs);
}

static bool open_kek(const struct reader *r, const uint8_t *envelope,
		     uint8_t bs[32])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t out[48];
	int n = 0;
	bool ok;

	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = EVP_DecryptInit_ex2(ctx, EVP_aes_256_wrap(), r->kek, NULL, NULL) ==
		     1 &&
	     EVP_DecryptUpdate(ctx, out, &n, envelope, 40) == 1 && n == 32;
	memcpy(bs, out, 32);
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* commit || key || base-iv || dk */
static void derive(const struct reader *r, const uint8_t bs[32], size_t i,
		   uint8_t okm[108])
{
	uint8_t info[16 + 32 + 2];

	memcpy(info, "provctl/seal/v1", 16);
	memcpy(info + 16, r->bh, 32);
	info[48] = (uint8_t)(i >> 8);
	info[49] = (uint8_t)i;
	hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, (struct span){ bs, 32 },
	     (struct span){ (const uint8_t *)"", 0 },
	     (struct span){ info, sizeof(info) }, okm, 108);
}

/* ["Encrypt0", h'A10103', bh || be16(i) || be32(k) || last] by hand */
static size_t enc_structure(const struct reader *r, size_t i, uint32_t k,
			    bool last, uint8_t out[64])
{
	static const uint8_t head[] = { 0x83, 0x68, 'E',  'n', 'c',  'r',
					'y',  'p',  't',  '0', 0x43, 0xa1,
					0x01, 0x03, 0x58, 0x27 };
	uint8_t *p = out + sizeof(head);

	memcpy(out, head, sizeof(head));
	memcpy(p, r->bh, 32);
	p[32] = (uint8_t)(i >> 8);
	p[33] = (uint8_t)i;
	p[34] = (uint8_t)(k >> 24);
	p[35] = (uint8_t)(k >> 16);
	p[36] = (uint8_t)(k >> 8);
	p[37] = (uint8_t)k;
	p[38] = last;
	return sizeof(head) + 39;
}

static size_t segment_header(uint32_t k, size_t ct, uint8_t out[16])
{
	static const uint8_t head[] = { 0xd0, 0x83, 0x43, 0xa1, 0x01,
					0x03, 0xa1, 0x06, 0x44 };
	size_t n = sizeof(head);

	memcpy(out, head, n);
	out[n++] = (uint8_t)(k >> 24);
	out[n++] = (uint8_t)(k >> 16);
	out[n++] = (uint8_t)(k >> 8);
	out[n++] = (uint8_t)k;
	if (ct < 24) {
		out[n++] = (uint8_t)(0x40 | ct);
	} else if (ct < 256) {
		out[n++] = 0x58;
		out[n++] = (uint8_t)ct;
	} else {
		out[n++] = 0x59;
		out[n++] = (uint8_t)(ct >> 8);
		out[n++] = (uint8_t)ct;
	}
	return n;
}

static bool open_component(struct reader *r, const struct component *c,
			   const uint8_t *okm, size_t i, struct span *seg)
{
	uint32_t n = (uint32_t)((c->total + c->chunk - 1) / c->chunk);
	uint8_t *out;

	buf_init(&r->plain[i], 1u << 24);
	out = buf_room(&r->plain[i], c->total);
	for (uint32_t k = 0; k < n; k++) {
		size_t len = k == n - 1 ? c->total - k * c->chunk : c->chunk;
		uint8_t head[16], aad[64], nonce[12];
		size_t h = segment_header(k, len + 16, head);
		struct span a = { aad,
				  enc_structure(r, i, k, k == n - 1, aad) };

		if (seg->len < h + len + 16 || memcmp(seg->p, head, h) != 0)
			return false;
		memcpy(nonce, okm + 64, 12);
		for (size_t b = 0; b < 4; b++)
			nonce[11 - b] ^= (uint8_t)(k >> (8 * b));
		if (!gcm_open(okm + 32, nonce, a,
			      (struct span){ seg->p + h, len + 16 }, out))
			return false;
		out += len;
		seg->p += h + len + 16;
		seg->len -= h + len + 16;
	}
	buf_commit(&r->plain[i], c->total);
	return true;
}

/* Key 6 of the binding; the other keys are passed over. */
static bool parse_binding(struct cbor_bytes binding, struct component *list,
			  size_t *n, uint64_t *kind)
{
	struct cbor_reader b;
	struct cbor_bytes id;
	uint64_t pairs, key, count = 0, parts;

	cbor_reader_init(&b, binding.p, binding.len);
	if (!cbor_get_map(&b, &pairs))
		return false;
	for (; pairs > 0; pairs--) {
		if (!cbor_get_uint(&b, &key))
			return false;
		if (key == 8 && cbor_get_array(&b, &parts) &&
		    cbor_get_uint(&b, kind) && cbor_skip(&b, NULL))
			continue;
		if (key != 6 && cbor_skip(&b, NULL))
			continue;
		if (key != 6 || !cbor_get_array(&b, &count) ||
		    count > READER_COMPONENTS)
			return false;
		for (size_t i = 0; i < count; i++)
			if (!cbor_get_array(&b, &parts) ||
			    !cbor_get_tstr(&b, &id) ||
			    !cbor_get_uint(&b, &list[i].chunk) ||
			    !cbor_get_uint(&b, &list[i].total))
				return false;
	}
	*n = (size_t)count;
	return cbor_done(&b);
}

static bool parse_payload(struct span payload, struct cbor_bytes *binding,
			  struct cbor_bytes *envelope, struct component *list,
			  size_t *n, uint64_t *kind)
{
	struct cbor_reader p;
	uint64_t parts;

	if (!cbor_valid(payload.p, payload.len, CBOR_DEPTH_MAX, NULL))
		return false;
	cbor_reader_init(&p, payload.p, payload.len);
	if (!cbor_get_array(&p, &parts) || parts != 3 ||
	    !cbor_skip(&p, binding) || !cbor_get_bstr(&p, envelope) ||
	    !parse_binding(*binding, list, n, kind) ||
	    !cbor_get_array(&p, &parts) || parts != *n)
		return false;
	for (size_t i = 0; i < *n; i++)
		if (!cbor_get_array(&p, &parts) || parts != 2 ||
		    !cbor_get_bstr(&p, &list[i].commit) ||
		    !cbor_get_bstr(&p, &list[i].mac))
			return false;
	return cbor_done(&p);
}

static bool check_mac(const struct reader *r, size_t i, const uint8_t *dk,
		      struct cbor_bytes mac)
{
	uint8_t got[32];

	HMAC(EVP_sha256(), dk, 32, r->plain[i].data, r->plain[i].len, got,
	     NULL);
	return mac.len == 32 && memcmp(got, mac.p, 32) == 0;
}

bool reader_open(struct reader *r, struct span payload, struct span segments)
{
	struct component list[READER_COMPONENTS];
	struct cbor_bytes binding, envelope;
	uint8_t bs[32], okm[108];
	uint64_t kind = 0;

	r->n = 0;
	if (!parse_payload(payload, &binding, &envelope, list, &r->n, &kind))
		return false;
	SHA256(binding.p, binding.len, r->bh);
	for (size_t i = 0; i < r->n; i++)
		buf_init(&r->plain[i], 1);
	if (kind == 1 ? envelope.len != 113 || !open_kem(r, envelope.p, bs)
		      : envelope.len != 40 || !open_kek(r, envelope.p, bs))
		return false;
	for (size_t i = 0; i < r->n; i++) {
		derive(r, bs, i, okm);
		if (list[i].commit.len != 32 ||
		    memcmp(list[i].commit.p, okm, 32) != 0 ||
		    !open_component(r, &list[i], okm, i, &segments) ||
		    !check_mac(r, i, okm + 76, list[i].mac))
			return false;
	}
	return segments.len == 0;
}

void reader_release(struct reader *r)
{
	for (size_t i = 0; i < r->n; i++)
		buf_release(&r->plain[i]);
	r->n = 0;
}
