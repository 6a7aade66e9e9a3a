/*
 * decide_impl: the steps of a decision. Each either goes on to the next step
 * or stops with the verdict set. Private to policy/.
 */
#ifndef PV_POLICY_DECIDE_IMPL_H
#define PV_POLICY_DECIDE_IMPL_H

#include "policy/decide.h"

enum decide_next { DECIDE_STOP, DECIDE_GO_ON };
struct decide;
typedef enum decide_next decide_step(struct decide *d);

struct decide {
	const struct template *t;
	const struct order *order; /* may be NULL */
	const struct policy_request *r;
	const struct policy_facts *f;
	struct policy_verdict *out;
	bool replaces; /* the store has what the request replaces */
};

struct decide_why {
	enum pv_code code;
	const char *rule;
	const char *field, *value, *fix; /* may be NULL */
	bool anomaly; /* to quarantine, if the template asks */
};

PV_PRINTF(3, 4)
enum decide_next decide_deny(struct decide *d, const struct decide_why *why,
			     const char *fmt, ...);

/* The one place where a verdict becomes an allowing one. */
enum decide_next decide_allow(struct decide *d, enum policy_answer answer);

/* decide_key.c: what the keys show, and what the template asks of them */
enum decide_next decide_proof(struct decide *d);
enum decide_next decide_seal_proof(struct decide *d);
enum decide_next decide_owner(struct decide *d);
enum decide_next decide_key(struct decide *d);
enum decide_next decide_excess(struct decide *d);

/* decide_device.c: the stored answer and its states */
enum decide_next decide_quarantined(struct decide *d);
enum decide_next decide_device(struct decide *d);
enum decide_next decide_held(struct decide *d);
enum decide_next decide_old_key(struct decide *d);
/* Says no to the device; the three are static texts. */
enum decide_next decide_deny_device(struct decide *d, enum pv_code code,
				    const char *rule, const char *fix,
				    const char *message);
enum decide_next decide_revoked(struct decide *d);
enum decide_next decide_suspended(struct decide *d);

/* decide_rotate.c: a device in the field gets something new */
enum decide_next decide_rotate(struct decide *d);
enum decide_next decide_rotation(struct decide *d);

/* decide_release.c: a device has shown what it is */
enum decide_next decide_release(struct decide *d);
enum decide_next decide_evidence(struct decide *d);
enum decide_next decide_released(struct decide *d);

/* decide_limits.c: clock, order, station, hours, quantity, rate */
enum decide_next decide_clock(struct decide *d);
enum decide_next decide_order(struct decide *d);
enum decide_next decide_station(struct decide *d);
enum decide_next decide_hours(struct decide *d);
enum decide_next decide_quantity(struct decide *d);
enum decide_next decide_rate(struct decide *d);

#endif
