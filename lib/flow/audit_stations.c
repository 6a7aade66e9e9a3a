#include "lib/flow/audit_stations.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/audit_entries.h"
#include "lib/flow/logged.h"
#include "lib/flow/stationclaim.h"
#include "lib/log/factory.h"
#include "lib/store/store_order.h"
#include "policy/orderfile.h"

static enum pv_code unsigned_by(const struct log_entry *e, const char *what,
				struct err *err)
{
	return audit_fail(err, "", "audit.station", "%.*s: %s",
			  (int)(e->object.len > 64 ? 64 : e->object.len),
			  (const char *)e->object.p, what);
}

/* ---- who signed under which order ---- */

static enum pv_code hash_pair(struct span order, struct span station,
			      uint8_t out[32], struct err *err)
{
	const struct span parts[] = { order,
				      { (const uint8_t *)"\n", 1 },
				      station };

	return sha256_parts(parts, 3, out, err);
}

static bool knows(struct audit_stations *a, const uint8_t pair[32])
{
	if (a->last < a->n && memcmp(a->list[a->last], pair, 32) == 0)
		return true;
	for (size_t i = 0; i < a->n; i++)
		if (memcmp(a->list[i], pair, 32) == 0) {
			a->last = i;
			return true;
		}
	return false;
}

static enum pv_code remember(struct audit_stations *a, const uint8_t pair[32],
			     struct err *err)
{
	if (knows(a, pair))
		return PV_OK;
	if (a->n == a->room) {
		size_t room = 2 * a->room + 16;
		uint8_t(*list)[32] = realloc(a->list, room * sizeof(*list));

		if (!list)
			return err_fail(err, PV_INTERNAL, "memory", NULL,
					"out of memory for an audit");
		a->list = list;
		a->room = room;
	}
	memcpy(a->list[a->n++], pair, 32);
	return PV_OK;
}

/* ---- a claim ---- */

static enum pv_code take_order(void *ctx, const struct store_order *row,
			       struct err *err)
{
	return order_parse(row->bytes, ctx, err);
}

static enum pv_code take_claim(struct audit_stations *a, struct store *store,
			       const char *log, const struct log_entry *e,
			       struct err *err)
{
	const struct log_fact *name =
		log_fact_find(e, LOG_CLAIM_ORDER, LOG_TSTR);
	const struct log_fact *input =
		log_fact_find(e, LOG_CLAIM_INPUT, LOG_BSTR);
	CLEANUP(mem_cleanup) struct order *o = mem_new(sizeof(*o), err);
	const struct store_visit v = { o, { .order = take_order } };
	char order[STORE_ID_MAX + 1];
	uint8_t pair[32];
	bool found = false;
	enum pv_code rc;

	if (!o)
		return PV_INTERNAL;
	if (!name || name->s.len == 0 || name->s.len >= sizeof(order))
		return unsigned_by(e, "a claim under no order", err);
	memcpy(order, name->s.p, name->s.len);
	order[name->s.len] = '\0';
	rc = store_order_get(store, order, &v, &found, err);
	if (rc == PV_OK && !found)
		return unsigned_by(
			e, "a claim under an order that is not there", err);
	if (rc == PV_OK)
		rc = stationclaim_check(e, log, o, err);
	if (rc == PV_OK)
		rc = hash_pair(name->s, e->object, pair, err);
	if (rc != PV_OK)
		return rc;
	memcpy(a->pair, pair, sizeof(pair));
	memset(a->input, 0, sizeof(a->input));
	if (input && input->s.len == sizeof(a->input))
		memcpy(a->input, input->s.p, sizeof(a->input));
	return remember(a, pair, err);
}

/* ---- a device or an event that one signed for ---- */

static enum pv_code take_signed(struct audit_stations *a,
				const struct log_entry *e, bool event,
				struct err *err)
{
	const struct log_fact *order = log_fact_find(e, "order", LOG_TSTR);
	const struct log_fact *station = log_fact_find(e, "station", LOG_TSTR);
	uint8_t pair[32];
	enum pv_code rc;

	if (!order || !station)
		return unsigned_by(e, "signed for by no station", err);
	rc = hash_pair(order->s, station->s, pair, err);
	if (rc == PV_OK && !knows(a, pair))
		return unsigned_by(e, "its station has signed nothing before",
				   err);
	if (rc == PV_OK && event &&
	    (memcmp(a->pair, pair, sizeof(pair)) != 0 ||
	     !log_fact_is(e, "hash", a->input, sizeof(a->input))))
		rc = unsigned_by(e, "its station signed for something else",
				 err);
	return rc;
}

enum pv_code audit_stations_take(struct audit_stations *a, struct store *store,
				 const char *log, const struct log_entry *e,
				 struct err *err)
{
	if (span_is(e->type, LOG_STATION_CLAIM))
		return take_claim(a, store, log, e, err);
	if (logged_uint_is(e, "station_signed", 1))
		return take_signed(a, e, span_is(e->type, LOG_EVENT), err);
	return PV_OK;
}

void audit_stations_release(struct audit_stations *a)
{
	free(a->list);
	a->list = NULL;
}
