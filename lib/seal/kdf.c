#include "lib/seal/kdf.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "lib/base/mem.h"
#include "lib/seal/ossl.h"

#define KDF_PARTS_MAX 8

struct kdf {
	EVP_MAC *mac;
	EVP_MAC_CTX *ctx;
};

static const uint8_t zeros[KDF_HASH_LEN];

CLEANUP_PTR(struct kdf, kdf_free);

static bool rekey(struct kdf *k, const uint8_t *key, size_t len)
{
	return EVP_MAC_init(k->ctx, key, len, NULL) == 1;
}

enum pv_code kdf_new(struct kdf **k, struct err *err)
{
	CLEANUP(cleanup_kdf_free) struct kdf *n = NULL;
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
					OSSL_MAC_PARAM_DIGEST, digest, 0),
				OSSL_PARAM_construct_end() };

	*k = NULL;
	n = mem_new(sizeof(*n), err);
	if (!n)
		return PV_INTERNAL;
	n->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	n->ctx = n->mac ? EVP_MAC_CTX_new(n->mac) : NULL;
	if (!n->ctx || EVP_MAC_init(n->ctx, zeros, sizeof(zeros), params) != 1)
		return ossl_fail(err, "HMAC-SHA256");
	*k = TAKE(n);
	return PV_OK;
}

void kdf_free(struct kdf *k)
{
	if (!k)
		return;
	EVP_MAC_CTX_free(k->ctx);
	EVP_MAC_free(k->mac);
	free(k);
}

void kdf_forget(struct kdf *k)
{
	if (!rekey(k, zeros, sizeof(zeros)))
		ERR_clear_error();
}

enum pv_code kdf_hmac(struct kdf *k, struct span key, const struct span *parts,
		      size_t n, uint8_t out[static KDF_HASH_LEN],
		      struct err *err)
{
	size_t len = 0;

	/* An empty key equals a block of zeros (RFC 2104 2). */
	if (key.p && key.len == 0)
		key = (struct span){ zeros, sizeof(zeros) };
	if (!rekey(k, key.p, key.p ? key.len : 0))
		return ossl_fail(err, "HMAC-SHA256 key");
	for (size_t i = 0; i < n; i++)
		if (parts[i].len &&
		    EVP_MAC_update(k->ctx, parts[i].p, parts[i].len) != 1)
			return ossl_fail(err, "HMAC-SHA256");
	if (EVP_MAC_final(k->ctx, out, &len, KDF_HASH_LEN) != 1 ||
	    len != KDF_HASH_LEN)
		return ossl_fail(err, "HMAC-SHA256");
	return PV_OK;
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
