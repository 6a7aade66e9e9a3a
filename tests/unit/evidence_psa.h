/*
 * evidence_psa: a PSA token that passes and everything that it is made of, for
 * the tests of them. Each test program includes it once.
 */
#ifndef PV_TESTS_EVIDENCE_PSA_H
#define PV_TESTS_EVIDENCE_PSA_H

#include <string.h>

#include "lib/base/cose.h"
#include "tests/unit/evidence_fix.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/unit.h"

#define PROFILE "tag:psacertified.org,2023:psa#tfm"
#define H32(x) x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x

/* What a claim is, as diagnostic notation; a label with NULL is left out. */
struct claim {
	int label;
	const char *rule, *value;
	bool needed;
};

#define COMPONENT                                                              \
	"{1: \"BL\", 2: h'" H32("03") "', 4: \"3.1.4\", 5: h'" H32(            \
		"04") "',"                                                     \
		      " 6: \"sha-256\"}"
static const struct claim claims[] = {
	{ 265, "evidence.claim.profile", "\"" PROFILE "\"", true },
	{ 10, "evidence.claim.nonce", "h'" H32("01") "'", true },
	{ 256, "evidence.claim.instance-id", "h'01" H32("02") "'", true },
	{ 268, "evidence.claim.boot-seed", "h'0102030405060708'", false },
	{ 2394, "evidence.claim.client-id", "-1", true },
	{ 2395, "evidence.claim.lifecycle", "12288", true },
	{ 2396, "evidence.claim.implementation-id", "h'" H32("00") "'", true },
	{ 2398, "evidence.claim.certification-reference",
	  "\"1234567890123-12345\"", false },
	{ 2399, "evidence.claim.components", "[" COMPONENT "]", true },
	{ 2400, "evidence.claim.verification-service", "\"https://v.example\"",
	  false },
};
#define CLAIMS (sizeof(claims) / sizeof(claims[0]))

static struct evidence_reference references[] = {
	{ "BL", { 0 } },
	{ "BL", { 0 } },
};

static EVP_PKEY *key;
static uint8_t spki[91], instance[33];
static struct evidence_want want;
static struct buf payload, token;

static inline void setup(void)
{
	key = keys_new();
	keys_spki(key, spki);
	memset(instance, 2, sizeof(instance));
	instance[0] = 1;
	memset(references[0].digest, 9, 32);
	memset(references[1].digest, 3, 32);
	want = (struct evidence_want){ .format = EVIDENCE_PSA,
				       .device = "ACME-01",
				       .key = { spki, sizeof(spki) },
				       .instance = { instance,
						     sizeof(instance) },
				       .reference = references,
				       .reference_n = 2,
				       .min_svn = 3 };
	memset(want.a, 1, sizeof(want.a));
	buf_init(&payload, 8192);
	buf_init(&token, 16384);
}

static inline void teardown(void)
{
	EVP_PKEY_free(key);
	buf_release(&payload);
	buf_release(&token);
}

/* The claims with at's value changed (NULL: without it) and more behind. */
static inline void make(size_t at, const char *value, const char *more)
{
	char text[16384];
	size_t n = 0;

	n += (size_t)snprintf(text, sizeof(text), "{");
	for (size_t i = 0; i < CLAIMS; i++) {
		const char *v = i == at ? value : claims[i].value;

		if (v)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "%d: %s, ", claims[i].label, v);
	}
	snprintf(text + n, sizeof(text) - n, "%s}", more);
	ef_diag(text, &payload);
	ef_message(key, (struct span){ 0 }, COSE_ALG_ES256, buf_span(&payload),
		   &token);
}

static inline size_t index_of(int label)
{
	size_t i = 0;

	while (claims[i].label != label)
		i++;
	return i;
}

static inline void no_policy(void)
{
	want.reference_n = 0;
	want.min_svn = 0;
}

#endif
