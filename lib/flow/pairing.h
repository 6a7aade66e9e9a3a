/*
 * pairing: which approvals belong to which decision, as the log says it by
 * itself: under a roster each decision names persons and a nonce, and the next
 * entry of the chain (lib/log/govern.h) is the approval.use of that nonce, for
 * the same operation and subject, by the same actor at the same time, with the
 * same persons. None is without, and no approval.use stands alone: what is many
 * entries, or none of the chain, has one people.decide behind it (acts.h).
 * Several secret.destroy of one approval are one decision. Ending an order that
 * is finished takes no approval (judge.h), and before the first roster nothing
 * does but the ceremony that sets it: its ceremony.begin is the chain's first.
 *
 * Does not check: the chain itself (governance_take()), the signatures, how
 * many were needed, the rows (judge.h), what a people.decide is about (acts.h).
 */
#ifndef PV_FLOW_PAIRING_H
#define PV_FLOW_PAIRING_H

#include "lib/log/events.h"
#include "policy/quorum.h"

#define PAIRING_PERSONS_MAX 4096u /* bytes; 32 names of 64, and commas */

struct pairing {     /* zeroed: before the first entry */
	bool roster; /* one is in force */
	bool early;  /* what was approved first was so before there was one */
	bool open;   /* a decision, whose approval.use comes next */
	enum quorum_op op;
	uint64_t index; /* of the decision's newest entry */
	uint64_t n;	/* entries of it */
	uint64_t newest;
	uint8_t subject[32];
	/* Of that entry, to be repeated: */
	uint8_t nonce[LOG_NONCE];
	uint64_t time_ms;
	char actor[LOG_TEXT_MAX + 1], object[LOG_TEXT_MAX + 1];
	char persons[PAIRING_PERSONS_MAX];
};

/* False when e is no decision that a roster's people approve; *op else. */
PV_MUST bool pairing_op(const struct log_entry *e, enum quorum_op *op);
/*
 * The next entry of the chain, at index; others pass. Afterwards, for an
 * approval.use, p still says what it belongs to. PV_INTEGRITY,
 * "store.governance", "log entry N: what".
 */
PV_MUST enum pv_code pairing_take(struct pairing *p, const struct log_entry *e,
				  uint64_t index, struct err *err);
/* Nothing waits any more. */
PV_MUST enum pv_code pairing_end(const struct pairing *p, struct err *err);

#endif
