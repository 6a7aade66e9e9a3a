/*
 * approvals: the gate before everything that people decide. One way for all:
 *
 *   got = approvals_gate()        before the transaction: verifies and counts,
 *                                 or writes the request and says PV_WAITING
 *   decision.h                  the change, with its entry, and in the same
 *                               transaction approvals_use(): the nonce is used
 *                               up, entry approval.use
 *
 * While no roster is in force nothing is asked for (got->needed is 0), and
 * approvals_use() only makes sure that none came meanwhile: call it always.
 *
 * What the subject is: of QUORUM_ROSTER, QUORUM_ADOPT and QUORUM_ORDER the
 * bytes of the file; of all others a text of lines "key value", each ended by
 * LF, of characters that may stand in a note (formats.md 6), which says all
 * that is decided: approval_render.h shows it.
 *
 * Does not check: that who asks may ask (actor_allow()), that the subject is
 * sound (the caller has parsed it), that the change was not made before.
 * Specification: policy.md, "Officers".
 */
#ifndef PV_FLOW_APPROVALS_H
#define PV_FLOW_APPROVALS_H

#include "lib/flow/authority.h"
#include "lib/flow/event.h"
#include "policy/approval_request.h"

#define APPROVALS_FOLDER "requests" /* in the home */
#define APPROVALS_VALID_S (7u * 24 * 3600)
#define APPROVALS_PERSONS_MAX (ROSTER_MAX * (ROSTER_NAME_MAX + 1))

struct approvals_want {
	enum quorum_op op;
	struct span subject;
	const char *what; /* in words, for messages: "roster version 2" */
	const struct tpl_approvals *raised; /* of its template; NULL: none */
	const char *const *files;	    /* --approval: signed notes */
	size_t files_n;
	bool mixed; /* of several operations: other ones are left aside */
	const char
		*request_out;  /* --request FILE; NULL: below the home,
				* requests/<op>-<12 hex of the subject>.json */
	const json_t *context; /* texts for people, not signed; may be NULL */
};

struct approvals {
	uint32_t needed;    /* 0: no roster is in force */
	uint32_t max_age_s; /* of its entry approval.ask; 0: none is needed */
	struct approval asked;
	uint8_t text_sha256[32];
	uint8_t roster_sha256[32]; /* of the roster that counted them */
	uint64_t roster_version;   /* 0: none was in force */
	uint64_t size; /* of the log then: what came since is judged again */
	char persons[APPROVALS_PERSONS_MAX + 1]; /* names with commas */
	struct buf note; /* the text and everybody's lines; empty: none */
};

/*
 * store: outside a transaction; its actor is the requester, who has to be the
 * same in all approvals. got need not be initialised; release it in any case.
 * PV_WAITING, "approval.missing": how many are missing, who may give them, and
 * the request file, which was written (O_EXCL, 0600) or, when one of the same
 * subject and requester is there and has not expired, is used again.
 * PV_DENIED: "approval.used" (before this command began), and all of
 * approval_count(); "approval.expiry" (later than is allowed);
 * "approval.age" (of a request older than the template's max_age_s, or, where
 * witnesses are required, that the log does not know);
 * PV_WAITING, "log.witnesses" (cosigned_gate(), cosigned_recent());
 * PV_INTEGRITY: approval_count()'s, and an edited roster; PV_CONFLICT,
 * "output.exists", when --request names another file; PV_INPUT (a note that
 * does not parse); PV_NOT_FOUND.
 */
PV_MUST enum pv_code approvals_gate(const struct authority *a,
				    struct store *store,
				    const struct approvals_want *want,
				    struct approvals *got, struct err *err);
/*
 * The gate of the ceremony that makes an authority: there is no store yet, the
 * people are those of roster, the bytes of the one that it sets, and the root
 * is none; nothing remembers that they were used elsewhere, so the subject
 * names what there is once (subject_plan.h). at_s: the time that the approvals
 * have to be good at, 0: now. a has name and origin. The request goes to
 * want->request_out, or else to ceremony-<12 hex of the subject>.json in the
 * working folder. Used up by ceremony_approve().
 */
PV_MUST enum pv_code approvals_gate_first(const struct authority *a,
					  struct span roster, uint64_t at_s,
					  const struct approvals_want *want,
					  struct approvals *got,
					  struct err *err);
/*
 * Inside the caller's write transaction, behind the change. PV_CONFLICT,
 * "approval.used": somebody else was faster; and when the roster is not any
 * more the one that counted, or there is one by now: "approval.roster". What
 * came meanwhile may ask for more than the gate did: the decision is judged as
 * whoever opens the store will (judge.h), and is PV_CONFLICT "approval.raised"
 * when it would not pass, so that nothing is committed that stops everybody.
 * PV_DENIED: expired or too old by who's time, which an audit judges by.
 */
PV_MUST enum pv_code approvals_use(struct store *store,
				   const struct log_who *who,
				   const struct approvals *got,
				   struct err *err);
/* NULL for an entry that names persons, or the nonce, when nobody was asked. */
static inline const char *approvals_persons(const struct approvals *got)
{
	return got->needed ? got->persons : NULL;
}
static inline const uint8_t *approvals_nonce(const struct approvals *got)
{
	return got->needed ? got->asked.nonce : NULL;
}
void approvals_release(struct approvals *got);

#endif
