/*
 * evidence_impl: what the verifiers of this folder share: the checks of one
 * run, and signatures. Only this folder includes it.
 */
#ifndef PV_EVIDENCE_EVIDENCE_IMPL_H
#define PV_EVIDENCE_EVIDENCE_IMPL_H

#include <openssl/evp.h>

#include "lib/base/cleanup.h"
#include "lib/evidence/claimed.h"
#include "lib/evidence/evidence.h"

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);
CLEANUP_PTR(EVP_PKEY_CTX, EVP_PKEY_CTX_free);

enum evidence_rule {
	RULE_TYPE,
	RULE_ALGORITHM,
	RULE_CHAIN,
	RULE_SIGNATURE,
	RULE_NONCE,
	RULE_IDENTITY,
	RULE_LIFECYCLE,
	RULE_DEBUG,
	RULE_MEASUREMENT,
	RULE_SVN
};

struct evidence_run {
	const struct evidence_want *want;
	struct evidence_report *report; /* may be NULL */
	struct err *err;
	enum pv_code rc; /* of the first check that failed */
	bool all_made;	 /* set last: without it nothing has passed */
};

/*
 * Records one check; the first that fails gives run->rc. Texts are cleaned and
 * cut to fit. Returns passed.
 */
bool evidence_note(struct evidence_run *run, enum evidence_rule rule,
		   bool passed, const char *expected, const char *found);
/* The same for two byte strings, shown in hex; passed when they are equal. */
bool evidence_note_bytes(struct evidence_run *run, enum evidence_rule rule,
			 struct span expected, struct span found);
/* One component's digest against the references. Not for where there are none.
 */
void evidence_note_digest(struct evidence_run *run, struct span component,
			  struct span digest);
/* Each name of a reference that the evidence has not, as has() says. */
void evidence_note_absent(struct evidence_run *run,
			  bool (*has)(const void *of, const char *name),
			  const void *of);
/* Whether a state of that name passes (evidence_want.lifecycle). */
bool evidence_state_allowed(const struct evidence_want *want, const char *name);
/* The names that pass, separated by commas. */
void evidence_states(const struct evidence_want *want, char *out, size_t cap);

/* PV_INPUT with that rule: the bytes are not what they should be. */
enum pv_code evidence_malformed(struct evidence_run *run, const char *rule,
				const char *why);
/* PV_INTERNAL; empties OpenSSL's error queue. */
enum pv_code evidence_openssl(struct evidence_run *run, const char *what);

/*
 * ECDSA P-256, raw r||s, over a digest, noted as RULE_SIGNATURE. PV_INPUT, rule
 * "evidence.key", when spki is no such key; PV_INTEGRITY.
 */
PV_MUST enum pv_code evidence_ecdsa(struct evidence_run *run, struct span spki,
				    const uint8_t digest[static 32],
				    const uint8_t sig[static 64]);

/* The formats. They set run->rc through the functions above or return it. */
PV_MUST enum pv_code evidence_psa(struct evidence_run *run, struct span bytes);
PV_MUST enum pv_code evidence_tpm2(struct evidence_run *run, struct span bytes);
PV_MUST enum pv_code evidence_dice(struct evidence_run *run, struct span bytes);
/* What evidence_claimed() says of that format. */
void evidence_dice_claimed(struct span bytes, struct evidence_claimed *out);

#endif
