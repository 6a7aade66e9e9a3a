#include "lib/device/crypto_mbedtls.h"

#include <mbedtls/aes.h>
#include <mbedtls/ecdh.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/gcm.h>
#include <mbedtls/platform_util.h>
#include <string.h>

#define KW_BLOCK 8 /* a semiblock of RFC 3394 */

static bool sha256_begin(void *ctx)
{
	struct pvdev_mbedtls *m = ctx;

	return mbedtls_sha256_starts_ret(&m->sha, 0) == 0;
}

static bool sha256_update(void *ctx, const uint8_t *p, size_t len)
{
	struct pvdev_mbedtls *m = ctx;

	return len == 0 || mbedtls_sha256_update_ret(&m->sha, p, len) == 0;
}

static bool sha256_final(void *ctx, uint8_t out[PVDEV_HASH_LEN])
{
	struct pvdev_mbedtls *m = ctx;

	return mbedtls_sha256_finish_ret(&m->sha, out) == 0;
}

static bool hmac_begin(void *ctx, const uint8_t *key, size_t len)
{
	struct pvdev_mbedtls *m = ctx;

	return key && mbedtls_md_hmac_starts(&m->hmac, key, len) == 0;
}

static bool hmac_begin_slot(void *ctx, enum pvdev_slot slot)
{
	struct pvdev_mbedtls *m = ctx;

	if (slot == PVDEV_SLOT_AUTH)
		return hmac_begin(ctx, m->auth, PVDEV_KEY_LEN);
	if (slot == PVDEV_SLOT_RECEIPT)
		return hmac_begin(ctx, m->receipt, PVDEV_KEY_LEN);
	return false;
}

static bool hmac_update(void *ctx, const uint8_t *p, size_t len)
{
	struct pvdev_mbedtls *m = ctx;

	return len == 0 || mbedtls_md_hmac_update(&m->hmac, p, len) == 0;
}

static bool hmac_final(void *ctx, uint8_t out[PVDEV_HASH_LEN])
{
	struct pvdev_mbedtls *m = ctx;

	return mbedtls_md_hmac_finish(&m->hmac, out) == 0;
}

/* False when it is not on the curve, or compressed, hybrid or infinity. */
static bool read_point(struct pvdev_mbedtls *m,
		       const uint8_t in[PVDEV_POINT_LEN],
		       mbedtls_ecp_point *out)
{
	return in[0] == PVDEV_POINT_FORM &&
	       mbedtls_ecp_point_read_binary(&m->group, out, in,
					     PVDEV_POINT_LEN) == 0 &&
	       mbedtls_ecp_check_pubkey(&m->group, out) == 0;
}

static bool p256_verify(void *ctx, const uint8_t point[PVDEV_POINT_LEN],
			const uint8_t digest[PVDEV_HASH_LEN],
			const uint8_t sig[PVDEV_SIG_LEN])
{
	struct pvdev_mbedtls *m = ctx;
	mbedtls_ecp_point key;
	mbedtls_mpi r, s;
	bool ok;

	mbedtls_ecp_point_init(&key);
	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&s);
	ok = read_point(m, point, &key) &&
	     mbedtls_mpi_read_binary(&r, sig, 32) == 0 &&
	     mbedtls_mpi_read_binary(&s, sig + 32, 32) == 0 &&
	     mbedtls_ecdsa_verify(&m->group, digest, PVDEV_HASH_LEN, &key, &r,
				  &s) == 0;
	mbedtls_mpi_free(&s);
	mbedtls_mpi_free(&r);
	mbedtls_ecp_point_free(&key);
	return ok;
}

static const uint8_t *scalar_of(const struct pvdev_mbedtls *m,
				enum pvdev_slot slot)
{
	return slot == PVDEV_SLOT_CERTIFIED ? m->certified
	       : slot == PVDEV_SLOT_SEALING ? m->sealing
					    : NULL;
}

/* Deterministic (RFC 6979): no signature depends on the device's generator. */
static bool p256_sign(void *ctx, enum pvdev_slot slot,
		      const uint8_t digest[PVDEV_HASH_LEN],
		      uint8_t sig[PVDEV_SIG_LEN])
{
	struct pvdev_mbedtls *m = ctx;
	const uint8_t *scalar = scalar_of(m, slot);
	mbedtls_mpi d, r, s;
	bool ok;

	if (!scalar || !m->random)
		return false;
	mbedtls_mpi_init(&d);
	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&s);
	ok = mbedtls_mpi_read_binary(&d, scalar, 32) == 0 &&
	     mbedtls_ecdsa_sign_det_ext(&m->group, &r, &s, &d, digest,
					PVDEV_HASH_LEN, MBEDTLS_MD_SHA256,
					m->random, m->random_ctx) == 0 &&
	     mbedtls_mpi_write_binary(&r, sig, 32) == 0 &&
	     mbedtls_mpi_write_binary(&s, sig + 32, 32) == 0;
	mbedtls_mpi_free(&s);
	mbedtls_mpi_free(&r);
	mbedtls_mpi_free(&d);
	return ok;
}

static bool p256_ecdh(void *ctx, enum pvdev_slot slot,
		      const uint8_t peer[PVDEV_POINT_LEN],
		      uint8_t x[PVDEV_KEY_LEN])
{
	struct pvdev_mbedtls *m = ctx;
	const uint8_t *scalar = scalar_of(m, slot);
	mbedtls_ecp_point other;
	mbedtls_mpi d, z;
	bool ok;

	if (!scalar || !m->random)
		return false;
	mbedtls_ecp_point_init(&other);
	mbedtls_mpi_init(&d);
	mbedtls_mpi_init(&z);
	ok = read_point(m, peer, &other) &&
	     mbedtls_mpi_read_binary(&d, scalar, 32) == 0 &&
	     mbedtls_ecdh_compute_shared(&m->group, &z, &other, &d, m->random,
					 m->random_ctx) == 0 &&
	     mbedtls_mpi_write_binary(&z, x, PVDEV_KEY_LEN) == 0;
	mbedtls_mpi_free(&z);
	mbedtls_mpi_free(&d);
	mbedtls_ecp_point_free(&other);
	return ok;
}

static bool gcm_open(void *ctx, const uint8_t key[PVDEV_KEY_LEN],
		     const uint8_t nonce[PVDEV_NONCE_LEN], const uint8_t *aad,
		     size_t aad_len, uint8_t *p, size_t len)
{
	mbedtls_gcm_context gcm;
	bool ok;

	(void)ctx;
	mbedtls_gcm_init(&gcm);
	ok = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key,
				8 * PVDEV_KEY_LEN) == 0 &&
	     mbedtls_gcm_auth_decrypt(&gcm, len, nonce, PVDEV_NONCE_LEN, aad,
				      aad_len, p + len, PVDEV_TAG_LEN, p,
				      p) == 0;
	mbedtls_gcm_free(&gcm);
	return ok;
}

/* RFC 3394 2.2.2, on n = 4 semiblocks: MBEDTLS_NIST_KW_C is seldom built. */
static bool unwrap(mbedtls_aes_context *aes, uint8_t block[2 * KW_BLOCK],
		   uint8_t r[PVDEV_KEY_LEN])
{
	const unsigned n = PVDEV_KEY_LEN / KW_BLOCK;
	uint8_t wrong = 0;
	unsigned t, i;

	for (t = 6 * n; t > 0; t--) {
		i = (t - 1) % n;
		block[KW_BLOCK - 1] ^= (uint8_t)t;
		memcpy(block + KW_BLOCK, r + KW_BLOCK * i, KW_BLOCK);
		if (mbedtls_aes_crypt_ecb(aes, MBEDTLS_AES_DECRYPT, block,
					  block) != 0)
			return false;
		memcpy(r + KW_BLOCK * i, block + KW_BLOCK, KW_BLOCK);
	}
	for (i = 0; i < KW_BLOCK; i++)
		wrong |= block[i] ^ 0xA6; /* 2.2.3.1 */
	return wrong == 0;
}

static bool kw_unwrap(void *ctx, const uint8_t in[PVDEV_KW_LEN],
		      uint8_t out[PVDEV_KEY_LEN])
{
	struct pvdev_mbedtls *m = ctx;
	mbedtls_aes_context aes;
	uint8_t block[2 * KW_BLOCK], r[PVDEV_KEY_LEN];
	bool ok;

	if (!m->kek)
		return false;
	mbedtls_aes_init(&aes);
	memcpy(block, in, KW_BLOCK);
	memcpy(r, in + KW_BLOCK, sizeof(r));
	ok = mbedtls_aes_setkey_dec(&aes, m->kek, 8 * PVDEV_KEY_LEN) == 0 &&
	     unwrap(&aes, block, r);
	if (ok)
		memcpy(out, r, sizeof(r));
	mbedtls_platform_zeroize(block, sizeof(block));
	mbedtls_platform_zeroize(r, sizeof(r));
	mbedtls_aes_free(&aes);
	return ok;
}

const struct pvdev_crypto pvdev_crypto_mbedtls = {
	.sha256_begin = sha256_begin,
	.sha256_update = sha256_update,
	.sha256_final = sha256_final,
	.hmac_begin = hmac_begin,
	.hmac_begin_slot = hmac_begin_slot,
	.hmac_update = hmac_update,
	.hmac_final = hmac_final,
	.p256_verify = p256_verify,
	.p256_sign = p256_sign,
	.p256_ecdh = p256_ecdh,
	.gcm_open = gcm_open,
	.kw_unwrap = kw_unwrap,
};

bool pvdev_mbedtls_init(struct pvdev_mbedtls *m)
{
	memset(m, 0, sizeof(*m));
	mbedtls_sha256_init(&m->sha);
	mbedtls_md_init(&m->hmac);
	mbedtls_ecp_group_init(&m->group);
	if (mbedtls_md_setup(&m->hmac,
			     mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
			     1) == 0 &&
	    mbedtls_ecp_group_load(&m->group, MBEDTLS_ECP_DP_SECP256R1) == 0)
		return true;
	pvdev_mbedtls_release(m);
	return false;
}

void pvdev_mbedtls_release(struct pvdev_mbedtls *m)
{
	mbedtls_ecp_group_free(&m->group);
	mbedtls_md_free(&m->hmac);
	mbedtls_sha256_free(&m->sha);
	memset(m, 0, sizeof(*m));
}
