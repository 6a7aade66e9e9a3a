/* What is said of an order. */
#include <stdio.h>
#include <string.h>

#include "cmd/order.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/pvtime.h"

#define MISSING_SHOWN 20 /* devices, to people */

static const char *time_of(uint64_t time_s, char out[PVTIME_RFC3339_LEN + 1])
{
	if (!time_s || !pvtime_format((int64_t)time_s, out))
		return "-";
	return out;
}

static const char *state_of(const struct orders_end *e)
{
	return e->order.open ? "open" : "closed";
}

static uint64_t left_of(const struct orders_end *e)
{
	return e->row.devices < e->order.quantity
		       ? e->order.quantity - e->row.devices
		       : 0;
}

static json_t *stations_json(const struct order *o)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < o->stations_n; i++)
		json_array_append_new(list, json_string(o->stations[i]));
	return list;
}

static json_t *missing_json(const struct orders_end *e)
{
	json_t *list = json_array();
	const char *at = (const char *)e->missing.data;
	const char *end = at + e->missing.len;

	while (list && at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		json_array_append_new(list,
				      json_stringn(at, (size_t)(stop - at)));
		at = stop + 1;
	}
	return list;
}

/* Only what was read device by device. */
static void add_counted(json_t *j, const struct orders_end *e)
{
	json_object_set_new(j, "issued", json_integer((json_int_t)e->issued));
	json_object_set_new(j, "unfinished",
			    json_integer((json_int_t)e->unfinished));
	json_object_set_new(j, "revoked", json_integer((json_int_t)e->revoked));
	json_object_set_new(j, "receipts",
			    json_integer((json_int_t)e->receipts));
	json_object_set_new(j, "receipts_missing",
			    json_integer((json_int_t)e->missing_n));
	json_object_set_new(j, "missing", missing_json(e));
}

json_t *order_json(const struct orders_end *e, bool counted)
{
	const struct order *o = &e->order;
	char from[PVTIME_RFC3339_LEN + 1], until[PVTIME_RFC3339_LEN + 1];
	char hash[65];
	json_t *j;

	hex_encode(o->sha256, sizeof(o->sha256), hash);
	j = json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, "
		"s:s, s:s, s:b}",
		"order", o->id, "state", state_of(e), "sha256", hash,
		"template", o->template_name, "version", (json_int_t)o->version,
		"quantity", (json_int_t)o->quantity, "taken",
		(json_int_t)e->row.devices, "left", (json_int_t)left_of(e),
		"rework", (json_int_t)o->rework, "reworked",
		(json_int_t)e->row.reworked, "stations", stations_json(o),
		"from", time_of(o->from_s, from), "until",
		time_of(o->until_s, until), "offline", o->offline);
	if (j && counted)
		add_counted(j, e);
	return j;
}

/* The first of them; all are in --json, and in order close --missing. */
static void print_missing(const struct orders_end *e)
{
	const char *at = (const char *)e->missing.data;
	uint64_t n = 0;

	for (; n < e->missing_n && n < MISSING_SHOWN; n++) {
		size_t len = strcspn(at, "\n");

		printf("  no receipt: %.*s\n", (int)len, at);
		at += len + 1;
	}
	if (n < e->missing_n)
		printf("  no receipt: %llu more\n",
		       (unsigned long long)(e->missing_n - n));
}

void order_print(const struct orders_end *e, bool counted)
{
	const struct order *o = &e->order;
	char from[PVTIME_RFC3339_LEN + 1], until[PVTIME_RFC3339_LEN + 1];

	printf("order %s is %s: %llu of %llu devices, %llu left; %llu of %llu "
	       "replacements\n",
	       o->id, state_of(e), (unsigned long long)e->row.devices,
	       (unsigned long long)o->quantity, (unsigned long long)left_of(e),
	       (unsigned long long)e->row.reworked,
	       (unsigned long long)o->rework);
	printf("  template %s version %u; from %s until %s; stations",
	       o->template_name, (unsigned)o->version, time_of(o->from_s, from),
	       time_of(o->until_s, until));
	for (size_t i = 0; i < o->stations_n; i++)
		printf(" %s", o->stations[i]);
	printf("%s\n", o->stations_n ? "" : " as the template says");
	if (counted)
		printf("  %llu issued, %llu unfinished, %llu revoked; %llu "
		       "receipts, %llu missing\n",
		       (unsigned long long)e->issued,
		       (unsigned long long)e->unfinished,
		       (unsigned long long)e->revoked,
		       (unsigned long long)e->receipts,
		       (unsigned long long)e->missing_n);
	if (counted)
		print_missing(e);
}

/* ---- all of them, by their rows ---- */

struct names {
	struct buf room; /* of STORE_ID_MAX + 1 bytes each */
	size_t n;
};

static enum pv_code take_name(void *ctx, const struct store_order *o,
			      struct err *err)
{
	struct names *names = ctx;

	if (o->state == STORE_ORDER_COUNTED)
		return PV_OK;
	buf_put(&names->room, o->name, sizeof(o->name));
	names->n++;
	return buf_check(&names->room, err);
}

static enum pv_code show_row(const struct app *app, struct store *store,
			     const char *name, json_t *list, struct err *err)
{
	struct orders_end e = { .missing_n = 0 };
	enum pv_code rc = orders_load(store, name, &e.order, &e.row, NULL, err);

	if (rc == PV_OK && app->json)
		json_array_append_new(list, order_json(&e, false));
	else if (rc == PV_OK)
		order_print(&e, false);
	return rc;
}

static enum pv_code show_all(const struct app *app, struct store *store,
			     struct err *err)
{
	struct names names = { .n = 0 };
	const struct store_visit v = { &names, { .order = take_name } };
	json_t *list = json_array();
	enum pv_code rc;

	buf_init(&names.room, SIZE_MAX / 2);
	rc = store_order_each(store, &v, err);
	for (size_t i = 0; rc == PV_OK && i < names.n; i++)
		rc = show_row(app, store,
			      (const char *)names.room.data +
				      i * (STORE_ID_MAX + 1),
			      list, err);
	buf_release(&names.room);
	if (rc == PV_OK && app->json)
		return out_json(json_pack("{s:o}", "orders", list), err);
	json_decref(list);
	return rc;
}

static enum pv_code show_one(const struct app *app, struct store *store,
			     const char *name, struct err *err)
{
	struct orders_end e;
	enum pv_code rc = orders_count(store, name, &e, err);

	if (rc == PV_OK && app->json)
		rc = out_json(order_json(&e, true), err);
	else if (rc == PV_OK)
		order_print(&e, true);
	orders_end_release(&e);
	return rc;
}

enum pv_code order_run_show(const struct app *app, const char *name,
			    struct err *err)
{
	SESSION s = { .a = NULL };
	enum pv_code rc = session_open(
		app, SESSION_STORE | SESSION_MAY(ROLE_OP_READ), &s, err);

	if (rc != PV_OK)
		return rc;
	return name ? show_one(app, s.store, name, err)
		    : show_all(app, s.store, err);
}
