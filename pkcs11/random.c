#include "pkcs11/random.h"

#include <string.h>

#include <openssl/evp.h>

#include "pkcs11/op.h"

#define BLOCK 16
#define HASH_LEN 32

struct draw {
	uint8_t *out;
	size_t len;
};

static CK_RV draw_run(struct p11 *p, CK_SESSION_HANDLE session,
		      const struct hsm_key *key, void *arg)
{
	struct draw *d = arg;

	(void)key;
	return p->mod.f->C_GenerateRandom(session, d->out, d->len);
}

/* Looks it up and puts it in, as one step: of two threads that get the same
 * bytes at once the later one sees it. */
static bool is_new(struct p11 *p, const uint8_t hash[HASH_LEN])
{
	struct p11_seen *seen = &p->seen;
	bool new = true;

	pthread_mutex_lock(&p->pool.lock);
	for (unsigned i = 0; i < seen->n; i++)
		if (!memcmp(hash, seen->hash[i], HASH_LEN))
			new = false;
	memcpy(seen->hash[seen->next], hash, HASH_LEN);
	seen->next = (seen->next + 1) % P11_SESSIONS_MAX;
	if (seen->n < P11_SESSIONS_MAX)
		seen->n++;
	pthread_mutex_unlock(&p->pool.lock);
	return new;
}

static bool is_healthy(const uint8_t *bytes, size_t len)
{
	static const uint8_t zero[BLOCK];

	for (size_t i = 0; i + BLOCK <= len; i += BLOCK) {
		if (!memcmp(bytes + i, zero, BLOCK))
			return false;
		if (i && !memcmp(bytes + i, bytes + i - BLOCK, BLOCK))
			return false;
	}
	return true;
}

/* len is at least BLOCK. */
static enum pv_code draw(struct p11 *p, uint8_t *out, size_t len,
			 struct err *err)
{
	static const struct p11_op op = { "C_GenerateRandom", draw_run, false };
	struct draw d = { out, len };
	uint8_t hash[HASH_LEN];
	enum pv_code rc;

	/* A module that answers OK and writes nothing must not pass. */
	memset(out, 0, len);
	rc = p11_do(p, NULL, &op, &d, err);
	if (rc != PV_OK)
		return rc;
	/* The bytes may become a secret: only their hash is kept. */
	if (EVP_Digest(out, BLOCK, hash, NULL, EVP_sha256(), NULL) != 1)
		return err_fail(err, PV_INTERNAL, NULL, NULL, "SHA-256 failed");
	if (!is_healthy(out, len) || !is_new(p, hash)) {
		secret_wipe(out, len);
		return err_fail(err, PV_HSM_FATAL, "hsm.random",
				"take the token out of service",
				"the token's random generator repeats itself "
				"or gives zeros");
	}
	return PV_OK;
}

enum pv_code p11_random(struct p11 *p, uint8_t *out, size_t len,
			struct err *err)
{
	uint8_t block[BLOCK];
	enum pv_code rc;

	if (len >= BLOCK)
		return draw(p, out, len, err);
	/* Too little to judge: more is drawn than is asked for. */
	rc = draw(p, block, sizeof(block), err);
	if (rc == PV_OK && len)
		memcpy(out, block, len);
	secret_wipe(block, sizeof(block));
	return rc;
}
