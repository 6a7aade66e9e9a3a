/*
 * quorum: how many persons an operation asks for. The roster says a number for
 * each operation; a template may ask for more, never for less.
 *
 * Does not check: who approved (approval.h), that so many persons exist
 * (roster_parse() does for the roster's own numbers).
 * Specification: policy.md, "Officers"; the template's "approvals".
 */
#ifndef PV_POLICY_QUORUM_H
#define PV_POLICY_QUORUM_H

#include "lib/base/buf.h"
#include "policy/rules.h"

enum quorum_op {
	QUORUM_ROSTER, /* change the roster itself */
	QUORUM_ADOPT,
	QUORUM_ORDER,
	QUORUM_REVOKE,
	QUORUM_ROTATE_CA,
	QUORUM_EXPORT_OFFLINE,
	QUORUM_EXPORT_KEK,
	QUORUM_RELEASE_QUARANTINE,
	QUORUM_CLOCK_ACCEPT,
	QUORUM_SECRET,
	QUORUM_CONFIG_ACCEPT,
	QUORUM_CEREMONY, /* run a plan */
	QUORUM_ATTEST_ENROL,
	QUORUM_OPS
};

struct roster_quorum { /* persons, at least 1 each */
	uint32_t persons[QUORUM_OPS];
};

struct roster;

/* "roster", "rotate_ca" and so on: in rosters and in approvals. */
const char *quorum_op_name(enum quorum_op op);
/* False, with *op untouched, when no operation has that name. */
PV_MUST bool quorum_op_find(struct span name, enum quorum_op *op);

struct quorum_ask {
	uint32_t persons;
	bool token;	    /* only keys in tokens count */
	uint32_t max_age_s; /* of the request; 0: no bound of its own */
};

/*
 * What op asks for: of persons the larger number of roster and template, and
 * how they are to approve. more is the template that the operation is about,
 * NULL when it is about none. All zero only when roster is NULL: without a
 * roster nobody can approve.
 */
struct quorum_ask quorum_ask(const struct roster *roster, enum quorum_op op,
			     const struct tpl_approvals *more);

#endif
