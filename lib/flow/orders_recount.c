/* An order's count, made again from the log. */
#include <string.h>

#include "lib/flow/governance.h"
#include "lib/flow/orders.h"
#include "lib/flow/quota.h"
#include "lib/log/events.h"
#include "lib/store/store_log.h"

struct recounting {
	const char *name;
	struct quota quota;
};

static enum pv_code take_entry(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	struct recounting *r = ctx;
	const struct log_fact *order;
	struct log_entry e;
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	(void)index;
	if (rc != PV_OK)
		return rc;
	order = log_fact_find(&e, "order", LOG_TSTR);
	if (span_is(e.type, LOG_CERT_INTENT)
		    ? !order || !span_is(order->s, r->name)
		    : !span_is(e.object, r->name))
		return PV_OK;
	return quota_take(&r->quota, &e, err);
}

enum pv_code orders_recount(struct store *store, const char *name,
			    const struct orders_row *row, struct err *err)
{
	struct recounting r = { .name = name };
	const struct store_visit v = { .ctx = &r, .fn.entry = take_entry };
	uint64_t size = 0;
	enum pv_code rc = store_log_size(store, &size, err);

	if (rc == PV_OK)
		rc = store_log_each(store, row->opened_index,
				    size - row->opened_index, &v, err);
	if (rc == PV_OK &&
	    (r.quota.n != 1 || r.quota.list[0].devices != row->devices ||
	     r.quota.list[0].reworked != row->reworked))
		rc = governance_wrong(LOG_ORDER_OPEN, name,
				      "the store counts other devices than the "
				      "log",
				      err);
	quota_release(&r.quota);
	return rc;
}
