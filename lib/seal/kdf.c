#include "lib/seal/kdf.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/sha256.h"

#define KDF_PARTS_MAX 8

/*
 * HMAC is made of the hash here (RFC 2104 2): EVP's copies and allocates
 * contexts for each key, and here nearly each key is used once or twice.
 */
#define BLOCK_LEN 64
#define INNER_PAD 0x36
#define OUTER_PAD 0x5c

struct kdf {
	struct sha256 *hash;
	struct secret key; /* one block */
};

static const uint8_t zeros[KDF_HASH_LEN];

CLEANUP_PTR(struct kdf, kdf_free);

enum pv_code kdf_new(struct kdf **k, struct err *err)
{
	CLEANUP(cleanup_kdf_free) struct kdf *n = NULL;
	enum pv_code rc;

	*k = NULL;
	n = mem_new(sizeof(*n), err);
	if (!n)
		return PV_INTERNAL;
	rc = sha256_new(&n->hash, err);
	if (rc == PV_OK)
		rc = secret_alloc(&n->key, BLOCK_LEN, err);
	if (rc == PV_OK)
		*k = TAKE(n);
	return rc;
}

void kdf_free(struct kdf *k)
{
	if (!k)
		return;
	sha256_free(k->hash);
	secret_release(&k->key);
	free(k);
}

void kdf_forget(struct kdf *k)
{
	secret_wipe(k->key.data, BLOCK_LEN);
	sha256_begin(k->hash);
}

/* A key longer than a block is hashed; zeros fill the block. */
static enum pv_code set_key(struct kdf *k, struct span key, struct err *err)
{
	secret_wipe(k->key.data, BLOCK_LEN);
	if (key.len > BLOCK_LEN)
		return sha256_kept(k->hash, key, k->key.data, err);
	memcpy(k->key.data, key.p, key.len);
	return PV_OK;
}

/* Begins a hash with the key, changed by a pad. */
static void begin(struct kdf *k, uint8_t pad)
{
	uint8_t block[BLOCK_LEN];

	for (size_t i = 0; i < BLOCK_LEN; i++)
		block[i] = k->key.data[i] ^ pad;
	sha256_begin(k->hash);
	sha256_add(k->hash, (struct span){ block, BLOCK_LEN });
	secret_wipe(block, sizeof(block));
}

enum pv_code kdf_hmac(struct kdf *k, struct span key, const struct span *parts,
		      size_t n, uint8_t out[static KDF_HASH_LEN],
		      struct err *err)
{
	uint8_t inner[KDF_HASH_LEN];
	enum pv_code rc = key.p ? set_key(k, key, err) : PV_OK;

	if (rc != PV_OK)
		return rc;
	begin(k, INNER_PAD);
	for (size_t i = 0; i < n; i++)
		sha256_add(k->hash, parts[i]);
	rc = sha256_end(k->hash, inner, err);
	if (rc == PV_OK) {
		begin(k, OUTER_PAD);
		sha256_add(k->hash, (struct span){ inner, sizeof(inner) });
		rc = sha256_end(k->hash, out, err);
	}
	secret_wipe(inner, sizeof(inner));
	return rc;
}

enum pv_code kdf_extract(struct kdf *k, struct span salt,
			 const struct span *ikm, size_t n,
			 uint8_t prk[static KDF_HASH_LEN], struct err *err)
{
	struct span key = salt;

	if (salt.len == 0)
		key = (struct span){ zeros, sizeof(zeros) };
	return kdf_hmac(k, key, ikm, n, prk, err);
}

/* T(i) = HMAC(prk, T(i-1) || info || i), into t (RFC 5869 2.3). */
static enum pv_code block(struct kdf *k, struct span prk,
			  const struct span *info, size_t n, uint8_t i,
			  uint8_t t[static KDF_HASH_LEN], struct err *err)
{
	struct span parts[KDF_PARTS_MAX + 2];
	struct span key = { i == 1 ? prk.p : NULL, i == 1 ? prk.len : 0 };

	if (n > KDF_PARTS_MAX)
		return err_fail(err, PV_INTERNAL, "kdf.input", NULL,
				"too many parts in one derivation");
	parts[0] = (struct span){ t, i == 1 ? 0 : KDF_HASH_LEN };
	for (size_t j = 0; j < n; j++)
		parts[j + 1] = info[j];
	parts[n + 1] = (struct span){ &i, 1 };
	return kdf_hmac(k, key, parts, n + 2, t, err);
}

enum pv_code kdf_expand(struct kdf *k, struct span prk, const struct span *info,
			size_t n, uint8_t *okm, size_t len, struct err *err)
{
	uint8_t t[KDF_HASH_LEN];
	enum pv_code rc = PV_OK;

	if (len == 0 || len > KDF_EXPAND_MAX)
		return err_fail(err, PV_INTERNAL, "kdf.length", NULL,
				"HKDF cannot give %zu bytes", len);
	for (size_t done = 0, i = 1; done < len && rc == PV_OK; i++) {
		size_t take = len - done < sizeof(t) ? len - done : sizeof(t);

		rc = block(k, prk, info, n, (uint8_t)i, t, err);
		if (rc == PV_OK)
			memcpy(okm + done, t, take);
		done += take;
	}
	secret_wipe(t, sizeof(t));
	if (rc != PV_OK)
		secret_wipe(okm, len);
	return rc;
}

/* purpose || 00 || [label || 00 ||] x || be32(256) */
static enum pv_code put_input(const char *purpose, const char *label,
			      const char *x, struct buf *out, struct err *err)
{
	size_t len = strlen(purpose) + 1 + strlen(x) + 4;
	size_t before = out->len;

	len += label ? strlen(label) + 1 : 0;
	if (!*purpose || !*x || (label && !*label) || len > KDF_INPUT_MAX)
		return err_fail(err, PV_INPUT, "kdf.input",
				"shorten the device id or the label",
				"the input of a key derivation is empty or "
				"longer than %d bytes",
				KDF_INPUT_MAX);
	buf_put(out, purpose, strlen(purpose) + 1);
	if (label)
		buf_put(out, label, strlen(label) + 1);
	buf_put_str(out, x);
	buf_put_be32(out, 8 * KDF_OUT_LEN);
	if (out->failed)
		out->len = before;
	return buf_check(out, err);
}

enum pv_code kdf_input(const char *purpose, const char *x, struct buf *out,
		       struct err *err)
{
	return put_input(purpose, NULL, x, out, err);
}

enum pv_code kdf_secret_input(const char *label, const char *device_id,
			      struct buf *out, struct err *err)
{
	return put_input(KDF_SECRET, label, device_id, out, err);
}
