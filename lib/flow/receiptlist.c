#include "lib/flow/receiptlist.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/due.h"
#include "lib/flow/event.h"
#include "lib/flow/logged.h"
#include "lib/flow/orders_close.h"
#include "lib/flow/succession.h"
#include "lib/log/lines.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"

/* By seq, oldest first: the last one counts. */
static enum pv_code take_receipt(void *ctx, const struct store_receipt *r,
				 struct err *err)
{
	struct receiptlist_line *line = ctx;

	(void)err;
	line->failed = r->result != 0;
	line->seq = r->seq;
	line->result = r->result;
	return PV_OK;
}

static enum pv_code look(const struct succession *s, const char *device,
			 struct receiptlist_line *line, struct err *err)
{
	const struct store_visit v = { .ctx = line,
				       .fn.receipt = take_receipt };
	struct store_device d;
	bool found = false;
	enum pv_code rc = store_device_get(s->store, device, &d, &found, err);

	if (rc == PV_OK && !found)
		rc = logged_edited("a device's row", err);
	if (rc == PV_OK)
		rc = logged_device(s->store, &d, err);
	if (rc == PV_OK)
		rc = store_receipt_each(s->store, d.s.number, &v, err);
	if (rc == PV_OK && line->failed)
		rc = succession_may_go_back(s, &d, &line->may_go_back, err);
	hex_encode(d.s.serial, d.s.serial_len, line->serial);
	return rc;
}

enum pv_code receiptlist_each(
	struct store *store, const char *order,
	enum pv_code (*told)(void *ctx, const struct receiptlist_line *line,
			     struct err *err),
	void *ctx, struct err *err)
{
	CLEANUP(orders_end_release) struct orders_end e;
	CLEANUP(due_release) struct due due = { 0 };
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	struct span list, id;
	enum pv_code rc = orders_count(store, order, &e, err);

	list = buf_span(&e.missing);
	if (rc == PV_OK)
		rc = store_begin(store, STORE_READ, &txn, err);
	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	while (rc == PV_OK && lines_next(&list, &id)) {
		const struct succession s = { store, &due, who.who };
		char device[STORE_ID_MAX + 1];
		struct receiptlist_line line = { .device = device };

		if (id.len > STORE_ID_MAX)
			return logged_edited("a device's row", err);
		memcpy(device, id.p, id.len);
		device[id.len] = '\0';
		rc = look(&s, device, &line, err);
		if (rc == PV_OK)
			rc = told(ctx, &line, err);
		else
			err_object(err, device);
	}
	return rc;
}
