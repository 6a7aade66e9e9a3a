/*
 * roles: which operation asks for which role, once a roster is in force.
 * Without a roster everything is allowed and this is not asked.
 *
 * The roles of an actor are those of the officer whose key signed, ROLE_NONE
 * for "os:<uid>". Where a quorum approved an operation its persons act, so
 * their roles are added to the requester's. What ROLE_NONE may, everybody may:
 * who signs never loses by it.
 *
 * Does not check: who is acting, that approvals are enough (approval.h), that
 * an order is open (decide.h).
 * Specification: policy.md, "Officers".
 */
#ifndef PV_POLICY_ROLES_H
#define PV_POLICY_ROLES_H

#include "policy/roster.h"

enum role_op {
	ROLE_OP_READ,		    /* show, list, lint, test, diff, status */
	ROLE_OP_AUDIT,		    /* verify, show, reconcile, anomalies */
	ROLE_OP_EXPORT_PUBLIC,	    /* chain, keys, log, inventory */
	ROLE_OP_ISSUE,		    /* within an open order */
	ROLE_OP_EXPORT_BUNDLE,	    /* of a device of an open order */
	ROLE_OP_ISSUE_FREE,	    /* without an order */
	ROLE_OP_EXPORT_BUNDLE_FREE, /* of any other device */
	ROLE_OP_WITNESS,	    /* take cosignatures in */
	ROLE_OP_ADOPT,
	ROLE_OP_ORDER_OPEN,
	ROLE_OP_ORDER_CLOSE,
	ROLE_OP_REVOKE,
	ROLE_OP_ROTATE,
	ROLE_OP_ATTEST,	      /* challenges, evidence, release, events */
	ROLE_OP_ATTEST_ENROL, /* which key is whose */
	ROLE_OP_RECEIPT,
	ROLE_OP_QUARANTINE_DECIDE,
	ROLE_OP_ROSTER_CHANGE,
	ROLE_OP_SECRET_CHANGE,
	ROLE_OP_CLOCK_ACCEPT,
	ROLE_OP_EXPORT_SECRET, /* KEKs, escrow */
	ROLE_OP_ROTATE_KEY,    /* another key of ours */
	ROLE_OP_ROTATE_PIN,    /* of the tokens */
	ROLE_OPS
};

/* "issue", "order_open" and so on. */
const char *role_op_name(enum role_op op);
/* For people: "issuing under an order", "opening an order". */
const char *role_op_said(enum role_op op);

/*
 * PV_OK when an actor with these ROLE_* bits may do op; else PV_DENIED, rule
 * "actor.role", with the roles that may. An unknown op is denied.
 */
PV_MUST enum pv_code roles_allow(enum role_op op, unsigned roles,
				 struct err *err);

#endif
