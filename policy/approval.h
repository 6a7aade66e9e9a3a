/*
 * approval: what officers sign, and whose signatures count. The text is the
 * note of formats.md 6; a note may carry lines of several officers, and several
 * notes of the same text may come together.
 *
 * Does not check: that the nonce is unused (the store does, in the transaction
 * that uses it), that the roster is the one in force, that the subject's bytes
 * are what somebody wants.
 * Specification: policy.md, "Officers"; formats.md 6.
 */
#ifndef PV_POLICY_APPROVAL_H
#define PV_POLICY_APPROVAL_H

#include "lib/base/note.h"
#include "policy/roster.h"

#define APPROVAL_NONCE_LEN 16u
#define APPROVAL_TEXT_MAX 1024u /* bytes, more than the longest text */
#define APPROVAL_REQUESTER_MAX 64u
#define APPROVAL_NO_ROOT "-"

struct approval {
	char log[NOTE_NAME_MAX + 1]; /* origin */
	uint8_t root[32]; /* SHA-256 of the root's SPKI; all zero: there is
			   * none, of the ceremony that makes it: "-" */
	enum quorum_op operation;
	uint8_t subject[32]; /* SHA-256 of the subject's bytes */
	char requester[APPROVAL_REQUESTER_MAX + 1]; /* officer or "os:<uid>" */
	uint8_t nonce[APPROVAL_NONCE_LEN];
	uint64_t expires_s; /* not valid from then on */
};

/* False for the ceremony that makes the root. */
PV_MUST bool approval_has_root(const struct approval *a);

struct approval_tally {
	const struct roster_officer *persons[ROSTER_MAX]; /* roster's order */
	size_t n;
	uint8_t text_sha256[32]; /* of the text that they signed */
};

/*
 * Appends the text to sign. PV_INPUT, rule "approval.text", when a field
 * cannot stand in one; out is then as before.
 */
PV_MUST enum pv_code
approval_text_put(struct buf *out, const struct approval *a, struct err *err);
/*
 * Reads such a text; exactly one text is taken for each approval. PV_INPUT,
 * rule "approval.text", with *a zeroed.
 */
PV_MUST enum pv_code approval_text_parse(struct span text, struct approval *a,
					 struct err *err);

/*
 * Counts the persons behind notes_n parsed notes that ask for exactly want, at
 * now_s. ask is quorum_ask(): of its age the caller makes sure. Every line has
 * to be a right signature by a key of the roster, whether or not it is needed:
 * PV_DENIED: "approval.expired", "approval.unknown" (no officer has the key),
 * "approval.role" (no security officer), "approval.key" (a key that may be a
 * file where ask wants a token's), "approval.requester" (an officer who
 * asked for it approves it, or who asked is neither one nor "os:<uid>", which
 * is nobody in particular), "approval.person" (one person twice),
 * "approval.few" (not so many may approve at all);
 * PV_INTEGRITY: "approval.signature" (edited), "approval.subject" (signed for
 * other bytes), "approval.other" (for another log, root, operation, requester,
 * nonce or expiry);
 * PV_WAITING: "approval.missing", with who may still give one.
 * *tally is empty unless PV_OK or PV_WAITING is returned; its persons are
 * borrowed from roster.
 */
PV_MUST enum pv_code approval_count(const struct roster *roster,
				    const struct note *notes, size_t notes_n,
				    const struct approval *want, uint64_t now_s,
				    const struct quorum_ask *ask,
				    struct approval_tally *tally,
				    struct err *err);
/* Names of the officers with commas, for the log; nothing for nobody. */
void approval_persons_put(const struct approval_tally *tally, struct buf *out);

#endif
