#include "lib/flow/orders_scan.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/governance.h"
#include "lib/log/events.h"
#include "lib/store/store_log.h"

void orders_scan_release(struct orders_scan *s)
{
	quota_release(&s->quota);
}

/* What is of other orders; what names none belongs to a serial number. */
static bool is_other(const struct orders_scan *s, const struct log_entry *e)
{
	const struct log_fact *order = log_fact_find(e, "order", LOG_TSTR);

	if (span_is(e->type, LOG_CERT_INTENT))
		return !order || !span_is(order->s, s->name);
	return (span_is(e->type, LOG_ORDER_OPEN) ||
		span_is(e->type, LOG_ORDER_CLOSE)) &&
	       !span_is(e->object, s->name);
}

static enum pv_code take_entry(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	struct orders_scan *s = ctx;
	struct log_entry e;
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	s->next = index + 1;
	return rc == PV_OK && !is_other(s, &e)
		       ? quota_take(&s->quota, &e, index, err)
		       : rc;
}

enum pv_code orders_scan_until(struct store *store, struct orders_scan *s,
			       uint64_t end, struct err *err)
{
	const struct store_visit v = { .ctx = s, .fn.entry = take_entry };
	enum pv_code rc = PV_OK;

	if (s->next < end)
		rc = store_log_each(store, s->next, end - s->next, &v, err);
	if (rc == PV_OK && s->quota.n != 1)
		rc = governance_wrong(LOG_ORDER_OPEN, s->name,
				      "the log does not have it where the "
				      "store says",
				      err);
	return rc;
}

enum pv_code orders_scan_on(struct store *store, struct orders_scan *s,
			    struct err *err)
{
	uint64_t size = 0;
	enum pv_code rc = store_log_size(store, &size, err);

	return rc == PV_OK ? orders_scan_until(store, s, size, err) : rc;
}

enum pv_code orders_scan_fits(const struct orders_scan *s,
			      const struct orders_row *row, struct err *err)
{
	const struct quota_order *o = orders_scan_order(s);

	return o->devices == row->devices && o->reworked == row->reworked
		       ? PV_OK
		       : governance_wrong(LOG_ORDER_OPEN, s->name,
					  "the store counts other devices than "
					  "the log",
					  err);
}

enum pv_code orders_recount(struct store *store, const char *name,
			    const struct orders_row *row, struct err *err)
{
	CLEANUP(orders_scan_release)
	struct orders_scan s = { .name = name, .next = row->opened_index };
	enum pv_code rc = orders_scan_on(store, &s, err);

	return rc == PV_OK ? orders_scan_fits(&s, row, err) : rc;
}
