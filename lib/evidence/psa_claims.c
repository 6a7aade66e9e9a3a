#include "lib/evidence/psa_claims.h"

#include <string.h>

#include "lib/evidence/eat.h"

#define HASH_256 32
#define HASH_384 48
#define HASH_512 64
#define IMPLEMENTATION_LEN 32
#define BOOT_SEED_MIN 8
#define BOOT_SEED_MAX 32
#define UEID_RAND 0x01 /* RFC 9711 4.2.1 */
#define LABEL_COMPONENTS 2399
#define LABEL_NONE INT64_MIN

struct part { /* a claim, or a key of a component */
	int64_t label;
	const char *rule;
	bool needed;
	bool (*take)(struct eat_reader *r, void *out);
};

static bool is_hash(struct span s)
{
	return s.len == HASH_256 || s.len == HASH_384 || s.len == HASH_512;
}

static bool take_hash(struct eat_reader *r, struct span *out)
{
	return eat_get_bstr(r, out) && is_hash(*out);
}

static bool take_text(struct eat_reader *r, struct span *out)
{
	return eat_get_tstr(r, out) && out->len > 0;
}

/* ---- a software component (RFC 9783 4.4.1) ---- */

static bool take_type(struct eat_reader *r, void *out)
{
	return take_text(r, &((struct psa_component *)out)->type);
}

static bool take_value(struct eat_reader *r, void *out)
{
	return take_hash(r, &((struct psa_component *)out)->value);
}

static bool take_version(struct eat_reader *r, void *out)
{
	return take_text(r, &((struct psa_component *)out)->version);
}

static bool take_signer(struct eat_reader *r, void *out)
{
	return take_hash(r, &((struct psa_component *)out)->signer);
}

static bool take_description(struct eat_reader *r, void *out)
{
	return take_text(r, &((struct psa_component *)out)->description);
}

static const struct part component_parts[] = {
	{ 1, "evidence.claim.component-type", false, take_type },
	{ 2, "evidence.claim.component-value", true, take_value },
	{ 4, "evidence.claim.component-version", false, take_version },
	{ 5, "evidence.claim.component-signer", true, take_signer },
	{ 6, "evidence.claim.component-description", false, take_description },
};
#define COMPONENT_PARTS (sizeof(component_parts) / sizeof(component_parts[0]))

/* ---- the claims ---- */

static bool take_nonce(struct eat_reader *r, void *out)
{
	return take_hash(r, &((struct psa_claims *)out)->nonce);
}

static bool take_ueid(struct eat_reader *r, void *out)
{
	struct psa_claims *c = out;

	return eat_get_bstr(r, &c->ueid) && c->ueid.len == EVIDENCE_UEID_LEN &&
	       c->ueid.p[0] == UEID_RAND;
}

static bool take_profile(struct eat_reader *r, void *out)
{
	struct span s;

	(void)out;
	return eat_get_tstr(r, &s) && span_is(s, PSA_PROFILE);
}

static bool take_boot_seed(struct eat_reader *r, void *out)
{
	struct psa_claims *c = out;

	return eat_get_bstr(r, &c->boot_seed) &&
	       c->boot_seed.len >= BOOT_SEED_MIN &&
	       c->boot_seed.len <= BOOT_SEED_MAX;
}

static bool take_client(struct eat_reader *r, void *out)
{
	struct psa_claims *c = out;

	return eat_get_int(r, &c->client) && c->client >= INT32_MIN &&
	       c->client <= INT32_MAX;
}

static bool take_lifecycle(struct eat_reader *r, void *out)
{
	struct psa_claims *c = out;

	return eat_get_uint(r, &c->lifecycle) &&
	       psa_lifecycle_name(c->lifecycle) != NULL;
}

static bool take_implementation(struct eat_reader *r, void *out)
{
	struct psa_claims *c = out;

	return eat_get_bstr(r, &c->implementation) &&
	       c->implementation.len == IMPLEMENTATION_LEN;
}

/* 13 digits, a hyphen, 5 digits (RFC 9783 4.2.3). */
static bool take_certification(struct eat_reader *r, void *out)
{
	struct psa_claims *c = out;
	size_t i;

	if (!eat_get_tstr(r, &c->certification) || c->certification.len != 19)
		return false;
	for (i = 0; i < c->certification.len; i++) {
		uint8_t at = c->certification.p[i];

		if (i == 13 ? at != '-' : at < '0' || at > '9')
			return false;
	}
	return true;
}

static bool take_verifier(struct eat_reader *r, void *out)
{
	return take_text(r, &((struct psa_claims *)out)->verifier);
}

/* How many there are is in order; what they are comes when all else is. */
static bool take_components(struct eat_reader *r, void *out)
{
	struct psa_claims *c = out;
	uint64_t n;

	if (!eat_get_array(r, &n) || n == 0 || n > PSA_COMPONENTS_MAX)
		return false;
	c->component_n = (size_t)n;
	for (; n > 0; n--) {
		if (eat_peek(r) != CBOR_MAP || !eat_skip(r))
			return false;
	}
	return true;
}

static const struct part claim_parts[] = {
	{ 265, "evidence.claim.profile", true, take_profile },
	{ 10, "evidence.claim.nonce", true, take_nonce },
	{ 256, "evidence.claim.instance-id", true, take_ueid },
	{ 268, "evidence.claim.boot-seed", false, take_boot_seed },
	{ 2394, "evidence.claim.client-id", true, take_client },
	{ 2395, "evidence.claim.lifecycle", true, take_lifecycle },
	{ 2396, "evidence.claim.implementation-id", true, take_implementation },
	{ 2398, "evidence.claim.certification-reference", false,
	  take_certification },
	{ LABEL_COMPONENTS, "evidence.claim.components", true,
	  take_components },
	{ 2400, "evidence.claim.verification-service", false, take_verifier },
};
#define CLAIM_PARTS (sizeof(claim_parts) / sizeof(claim_parts[0]))

static const struct part *part_of(const struct part *parts, size_t n,
				  int64_t label)
{
	for (size_t i = 0; i < n; i++) {
		if (parts[i].label == label)
			return &parts[i];
	}
	return NULL;
}

/* A key of a map; LABEL_NONE: text, or a number of another range. */
static int64_t take_label(struct eat_reader *r)
{
	struct eat_reader before = *r;
	int64_t label;

	if (eat_get_int(r, &label))
		return label;
	*r = before;
	eat_skip(r);
	return LABEL_NONE;
}

/*
 * One map. unknown: the rule of a key that parts has not, NULL: it is ignored.
 * Keys are unique: eat_valid().
 */
static enum pv_code take_map(struct evidence_run *run, struct eat_reader *r,
			     const struct part *parts, size_t parts_n,
			     const char *unknown, void *out)
{
	const struct part *p;
	bool have[CLAIM_PARTS] = { false };
	uint64_t n;

	if (!eat_get_map(r, &n))
		return evidence_malformed(run, "evidence.form",
					  "the claims are not a map");
	for (; n > 0; n--) {
		p = part_of(parts, parts_n, take_label(r));
		if (!p && unknown)
			return evidence_malformed(run, unknown,
						  "a key that is not of "
						  "RFC 9783");
		if (p && !p->take(r, out))
			return evidence_malformed(run, p->rule,
						  "it is not as RFC 9783 says");
		if (!p && !eat_skip(r))
			break;
		if (p)
			have[p - parts] = true;
	}
	for (size_t i = 0; i < parts_n; i++) {
		if (parts[i].needed && !have[i])
			return evidence_malformed(run, parts[i].rule,
						  "it is missing");
	}
	return r->failed ? evidence_malformed(run, "evidence.form",
					      "the claims end early")
			 : PV_OK;
}

static enum pv_code twice(struct evidence_run *run, const struct eat_twice *t,
			  const char *why)
{
	const struct part *p = NULL;

	if (t->depth == 1)
		p = part_of(claim_parts, CLAIM_PARTS, t->label);
	else if (t->depth == 3 && t->top == LABEL_COMPONENTS)
		p = part_of(component_parts, COMPONENT_PARTS, t->label);
	return evidence_malformed(run, p ? p->rule : "evidence.form",
				  p ? "it is there twice" : why);
}

/* Puts r before the array of components. */
static void find_components(struct eat_reader *r)
{
	uint64_t n;

	eat_get_map(r, &n);
	while (n-- > 0 && take_label(r) != LABEL_COMPONENTS)
		eat_skip(r);
}

static enum pv_code each_component(struct evidence_run *run,
				   struct span payload, struct psa_claims *c)
{
	struct eat_reader r;
	enum pv_code rc = PV_OK;
	uint64_t n;

	eat_reader_init(&r, payload);
	find_components(&r);
	if (!eat_get_array(&r, &n) || n != c->component_n)
		return evidence_malformed(run, "evidence.claim.components",
					  "it is not as RFC 9783 says");
	for (size_t i = 0; rc == PV_OK && i < c->component_n; i++)
		rc = take_map(run, &r, component_parts, COMPONENT_PARTS,
			      "evidence.claim.components", &c->component[i]);
	return rc;
}

enum pv_code psa_claims_parse(struct evidence_run *run, struct span payload,
			      struct psa_claims *claims)
{
	struct eat_twice doubled;
	struct eat_reader r;
	const char *why;
	enum pv_code rc;

	memset(claims, 0, sizeof(*claims));
	if (!eat_valid(payload, &why, &doubled))
		return twice(run, &doubled, why);
	eat_reader_init(&r, payload);
	rc = take_map(run, &r, claim_parts, CLAIM_PARTS, NULL, claims);
	return rc == PV_OK ? each_component(run, payload, claims) : rc;
}

const char *psa_lifecycle_name(uint64_t lifecycle)
{
	/* RFC 9783 4.3.1: 00-ff of each. */
	static const char *const names[] = {
		"unknown",
		"assembly-and-test",
		"psa-rot-provisioning",
		"secured",
		"non-psa-rot-debug",
		"recoverable-psa-rot-debug",
		"decommissioned",
	};
	size_t state = (size_t)(lifecycle >> 12);

	if (lifecycle > 0xffff || (lifecycle & 0x0f00) != 0 ||
	    state >= sizeof(names) / sizeof(names[0]))
		return NULL;
	return names[state];
}
