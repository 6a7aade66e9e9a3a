#include "lib/seal/shares.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <libgfshare.h>
#include <openssl/rand.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"

#define SLACK 65536u /* bytes: more than libgfshare takes */

typedef gfshare_ctx *gfshare_ptr;

static void gfshare_cleanup(gfshare_ctx **ctx)
{
	if (*ctx)
		gfshare_ctx_free(*ctx);
}

/* It has no way to fail: what is left to zeros is found by who splits. */
static void fill_rand(unsigned char *p, unsigned int len)
{
	if (RAND_priv_bytes(p, (int)len) != 1)
		memset(p, 0, len);
}

static void close_maps(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* What is small comes from the heap, which the slack has made large enough. */
bool shares_lock_memory(void)
{
	CLEANUP(close_maps) FILE *maps = NULL;
	void *volatile slack = malloc(SLACK);
	char line[512];
	uintptr_t from, to, at = (uintptr_t)slack;
	bool locked = false;

	free(slack);
	maps = at ? fopen("/proc/self/maps", "re") : NULL;
	while (maps && !locked && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%zx-%zx", &from, &to) == 2 && at >= from &&
		    at < to)
			locked = mlock((const void *)from, to - from) == 0;
	return locked;
}

void share_release(struct share *s)
{
	secret_release(&s->value);
	memset(s, 0, sizeof(*s));
}

void shares_release(struct shares *s)
{
	for (unsigned i = 0; i < SHARES_MAX; i++)
		share_release(&s->share[i]);
	s->n = 0;
}

/* ---- split ---- */

static enum pv_code check_split(const struct secret *secret, const char *key,
				unsigned m, unsigned n, struct err *err)
{
	size_t len = strlen(key);
	bool fits = len > 0 && len <= SHARES_KEY_MAX;

	if (secret->len != SHARES_SECRET_LEN)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"a secret of another length is to be split");
	if (m < 2 || m > n || n > SHARES_MAX)
		return err_fail(err, PV_INPUT, "shares.count", NULL,
				"%u of %u: at least 2 shares have to come "
				"together, of at most %d",
				m, n, SHARES_MAX);
	for (size_t i = 0; fits && i < len; i++)
		fits = key[i] > 0x20 && key[i] < 0x7f;
	return fits ? PV_OK
		    : err_fail(err, PV_INPUT, "shares.key", NULL,
			       "not a label for a share");
}

static enum pv_code no_split(struct err *err)
{
	return err_fail(err, PV_INTERNAL, "shares.split", NULL,
			"the secret cannot be split");
}

static enum pv_code draw(const struct secret *secret, struct shares *out,
			 unsigned m, struct err *err)
{
	unsigned char numbers[SHARES_MAX];
	CLEANUP(gfshare_cleanup) gfshare_ptr ctx = NULL;
	enum pv_code rc = PV_OK;

	for (unsigned i = 0; i < out->n; i++)
		numbers[i] = (unsigned char)(i + 1);
	gfshare_fill_rand = fill_rand;
	ctx = gfshare_ctx_init_enc(numbers, out->n, (unsigned char)m,
				   SHARES_SECRET_LEN);
	if (!ctx)
		return no_split(err);
	gfshare_ctx_enc_setsecret(ctx, secret->data);
	for (unsigned i = 0; rc == PV_OK && i < out->n; i++) {
		struct secret *value = &out->share[i].value;

		rc = secret_alloc(value, SHARES_SECRET_LEN, err);
		if (rc == PV_OK)
			gfshare_ctx_enc_getshare(ctx, (unsigned char)i,
						 value->data);
		/* Without random coefficients each share is the secret. */
		if (rc == PV_OK &&
		    secret_equal(value, secret->data, secret->len))
			rc = no_split(err);
	}
	return rc;
}

/* Any m in a row join: each share is in one of them. */
static enum pv_code try_joins(const struct secret *secret,
			      const struct shares *s, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (unsigned i = 0; rc == PV_OK && i < s->n; i++) {
		const struct share *some[SHARES_MAX];
		SECRET again = SECRET_INIT;

		for (unsigned j = 0; j < s->share[i].m; j++)
			some[j] = &s->share[(i + j) % s->n];
		rc = shares_join(some, s->share[i].m, &again, err);
		if (rc == PV_OK &&
		    !secret_equal(&again, secret->data, secret->len))
			rc = no_split(err);
	}
	return rc;
}

enum pv_code shares_split(const struct secret *secret, const char *key,
			  unsigned m, unsigned n, struct shares *out,
			  struct err *err)
{
	uint8_t split[SHARES_SPLIT_LEN];
	enum pv_code rc = check_split(secret, key, m, n, err);

	memset(out, 0, sizeof(*out));
	if (rc == PV_OK && RAND_bytes(split, sizeof(split)) != 1)
		rc = no_split(err);
	if (rc != PV_OK)
		return rc;
	out->n = n;
	for (unsigned i = 0; i < n; i++) {
		struct share *s = &out->share[i];

		memcpy(s->key, key, strlen(key));
		memcpy(s->split, split, sizeof(split));
		s->number = i + 1;
		s->n = n;
		s->m = m;
	}
	rc = draw(secret, out, m, err);
	if (rc == PV_OK)
		rc = try_joins(secret, out, err);
	if (rc != PV_OK)
		shares_release(out);
	return rc;
}

/* ---- join ---- */

static bool same_split(const struct share *a, const struct share *b)
{
	return a->n == b->n && a->m == b->m &&
	       memcmp(a->split, b->split, sizeof(a->split)) == 0 &&
	       strcmp(a->key, b->key) == 0;
}

static enum pv_code other(struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "shares.other",
			"bring shares of one backup together: their line "
			"\"split\" is the same",
			"the shares are of more than one backup");
}

/* The first m of different numbers; the rest has to belong to them. */
static enum pv_code pick(const struct share *const *shares, size_t n,
			 const struct share *some[SHARES_MAX], size_t *got,
			 struct err *err)
{
	const struct share *of[SHARES_MAX + 1] = { NULL };

	*got = 0;
	for (size_t i = 0; i < n; i++) {
		const struct share *s = shares[i];

		if (!same_split(shares[0], s) || s->number < 1 ||
		    s->number > s->n || s->n > SHARES_MAX ||
		    s->value.len != SHARES_SECRET_LEN)
			return other(err);
		if (of[s->number] &&
		    !secret_equal(&s->value, of[s->number]->value.data,
				  SHARES_SECRET_LEN))
			return other(err);
		if (of[s->number])
			continue;
		of[s->number] = s;
		if (*got < s->m)
			some[(*got)++] = s;
	}
	return PV_OK;
}

enum pv_code shares_join(const struct share *const *shares, size_t n,
			 struct secret *secret, struct err *err)
{
	const struct share *some[SHARES_MAX];
	CLEANUP(gfshare_cleanup) gfshare_ptr ctx = NULL;
	unsigned char numbers[SHARES_MAX];
	unsigned m = n > 0 ? shares[0]->m : 2;
	size_t got = 0;
	enum pv_code rc = n > 0 ? pick(shares, n, some, &got, err) : PV_OK;

	if (rc == PV_OK && (got < m || m < 2))
		rc = err_fail(err, PV_INPUT, "shares.few",
			      "bring more of them together",
			      "%zu shares, and %u are needed", got, m);
	if (rc == PV_OK)
		rc = secret_alloc(secret, SHARES_SECRET_LEN, err);
	if (rc != PV_OK)
		return rc;
	for (size_t i = 0; i < got; i++)
		numbers[i] = (unsigned char)some[i]->number;
	gfshare_fill_rand = fill_rand;
	ctx = gfshare_ctx_init_dec(numbers, (unsigned)got, SHARES_SECRET_LEN);
	if (!ctx) {
		secret_release(secret);
		return err_fail(err, PV_INTERNAL, "shares.join", NULL,
				"the shares cannot be joined");
	}
	for (size_t i = 0; i < got; i++)
		gfshare_ctx_dec_giveshare(ctx, (unsigned char)i,
					  some[i]->value.data);
	gfshare_ctx_dec_extract(ctx, secret->data);
	return PV_OK;
}

/* ---- what is no secret of a share ---- */

enum pv_code share_digest(const struct share *s, uint8_t digest[32],
			  struct err *err)
{
	static const char domain[] = "provctl/share/v1"; /* with its NUL */
	const uint8_t numbers[] = { (uint8_t)s->number, (uint8_t)s->m,
				    (uint8_t)s->n };
	const struct span parts[] = {
		{ (const uint8_t *)domain, sizeof(domain) },
		{ (const uint8_t *)s->key, strlen(s->key) + 1 },
		{ s->split, sizeof(s->split) },
		{ numbers, sizeof(numbers) },
		{ s->value.data, s->value.len },
	};

	return sha256_parts(parts, sizeof(parts) / sizeof(parts[0]), digest,
			    err);
}
