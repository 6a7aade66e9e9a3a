/* An audit: what people decided, and what waits for them. */
#include "lib/flow/audit_impl.h"
#include "lib/store/store_held.h"

struct held_pass {
	struct store *store;
	uint64_t n;
};

static enum pv_code take_held(void *ctx, const struct store_held *h,
			      struct err *err)
{
	struct held_pass *p = ctx;

	p->n++;
	return governance_held(p->store, h, err);
}

enum pv_code audit_people(struct audit *au, struct err *err)
{
	struct held_pass p = { au->store, 0 };
	const struct store_visit v = { .ctx = &p, .fn.held = take_held };
	enum pv_code rc = governance_walk(au->store, au->a->origin, NULL,
					  &au->log.governance, err);

	if (rc == PV_OK)
		rc = store_held_each(au->store, &v, err);
	if (rc == PV_OK && p.n != au->log.held)
		rc = audit_fail(err, "held", "audit.quarantine",
				"%llu requests were held, the store has %llu",
				(unsigned long long)au->log.held,
				(unsigned long long)p.n);
	return rc;
}
