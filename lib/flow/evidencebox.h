/*
 * evidencebox: boxes (box.h) that take apart and verify what devices attest
 * with, and what a TPM brings to be enrolled. A box is told what to expect and
 * answers with a verdict; what it says is bounded and cleaned, and believed
 * only as that.
 *
 * Does not check: nonces, states and keys: attestverify.h does.
 */
#ifndef PV_FLOW_EVIDENCEBOX_H
#define PV_FLOW_EVIDENCEBOX_H

#include "lib/evidence/claimed.h"
#include "lib/evidence/evidence.h"
#include "lib/evidence/makecred.h"
#include "lib/flow/box.h"

#define VERDICT_RULE_MAX 47

struct verdict_check { /* as struct evidence_check, cleaned */
	char rule[VERDICT_RULE_MAX + 1];
	bool passed;
	char expected[128], found[128];
};

struct verdict {
	struct err why; /* PV_OK: all passed */
	struct verdict_check list[EVIDENCE_CHECKS_MAX];
	size_t n;
	/* Where it is not the enrolled key's: whose it says to be. */
	struct evidence_claimed claimed;
};
/* A check of that rule was made, and none failed. */
PV_MUST bool verdict_passed(const struct verdict *v, const char *rule);
/* One more check, made outside of the box; nothing when there is no room. */
void verdict_add(struct verdict *v, const char *rule, bool passed,
		 const char *expected, const char *found);

struct evidencebox {
	struct box_keeper keeper;
};
#define EVIDENCEBOX_INIT                                                       \
	{                                                                      \
		.keeper = BOX_KEEPER_INIT(NULL)                                \
	}

/* Forks; before anything is open that it must not have. PV_INTERNAL. */
PV_MUST enum pv_code evidencebox_start(struct evidencebox *b, struct err *err);
/*
 * evidence_verify() in a box of its own: PV_OK with the verdict in v, whose
 * code is PV_OK, PV_INPUT, PV_INTEGRITY or PV_DENIED. Evidence that crashes the
 * process, keeps it for longer than its time, has it end without a verdict, or
 * makes it say what no verdict says, is refused: PV_INPUT, "evidence.parser";
 * others are verified after it. PV_INTERNAL, which is no device's fault: the
 * keeper has ended; the box cannot be confined, or was killed by SIGKILL; too
 * many in a row gave no verdict (box.h).
 */
PV_MUST enum pv_code evidencebox_verify(struct evidencebox *b,
					struct span bytes,
					const struct evidence_want *want,
					struct verdict *v, struct err *err);
/* What a TPM is to prove that a key is its own with (makecred.h); borrowed. */
struct offer_want {
	struct span ak;		  /* TPM2B_PUBLIC */
	struct evidence_chain ek; /* certificate of the endorsement key, up */
	const struct secret *secret; /* that it has to give back */
};
struct offer_made {
	struct err why;			/* PV_OK: it was made */
	uint8_t ak_spki[P256_SPKI_LEN]; /* DER */
	uint8_t ek_sha256[32];		/* of the EK's SPKI */
	uint8_t file[TPM2_MADE_MAX];	/* for tpm2_activatecredential */
	size_t file_len;
};
/*
 * tpm2_ak_read(), tpm2_ek_verify() and tpm2_make_credential() in a box of
 * their own; otherwise as evidencebox_verify(). made->why: their codes and
 * rules, or PV_INPUT "evidence.parser".
 */
PV_MUST enum pv_code evidencebox_offer(struct evidencebox *b,
				       const struct offer_want *want,
				       struct offer_made *made,
				       struct err *err);
/* Ends it and waits for it. Takes one that was not started. */
void evidencebox_stop(struct evidencebox *b);

#endif
