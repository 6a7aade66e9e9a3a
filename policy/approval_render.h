/*
 * approval_render: what an approver is shown before signing, made from the
 * subject's own bytes. Bytes that cannot be shown are refused: nobody signs
 * what nobody saw. Lines hold nothing that a terminal obeys (notechars.h).
 *
 * What the requester says beside it, unsigned, comes first: one short line a
 * fact, behind "? ". What is signed comes last.
 *
 * Operations on a roster, a template, a new order or a plan show what these
 * say; the subjects of all others are lines of text and shown as they are.
 *
 * Does not check: that what it says is wise.
 * Specification: policy.md, "Officers".
 */
#ifndef PV_POLICY_APPROVAL_RENDER_H
#define PV_POLICY_APPROVAL_RENDER_H

#include "policy/approval_request.h"
#include "policy/plan.h"

/*
 * A fact of the context with this name is the base64 of the roster in force,
 * as the requester says. A new roster that names this one's hash ("replaces")
 * is shown by what changes, any other one as new. Of a plan that sets a roster
 * it is that one.
 */
#define APPROVAL_FACT_ROSTER "roster"
/* Of a ceremony: the base64 of its plan, whose hash the subject has in a line
 * that begins so. */
#define APPROVAL_FACT_PLAN "plan"
#define APPROVAL_PLAN_LINE "plan sha256:"
/* With this line begins the subject that ends an order; an order's own is JSON,
 * and never does. */
#define APPROVAL_ORDER_END "order close\n"

/*
 * Appends text for people, ended by LF. PV_INPUT: the subject's own rule
 * ("roster.*", "template.*", "order.*", "plan.*", "json.*"),
 * "approval_request.subject" when it is no clean text,
 * "approval_request.roster" when the roster in force is not the one that the
 * new one replaces, or that of a plan is not there or another one than it sets,
 * "approval_request.plan" when the plan is not there, or is
 * not the one that the subject names.
 */
PV_MUST enum pv_code approval_render(const struct approval_request *request,
				     struct buf *out, struct err *err);
/* The plan of a ceremony's request; *plan is the caller's. PV_INPUT: as above.
 */
PV_MUST enum pv_code approval_plan(const struct approval_request *request,
				   struct buf *bytes, struct plan **plan,
				   struct err *err);

#endif
