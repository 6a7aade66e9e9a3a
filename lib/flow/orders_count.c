/* What there is of an order: counted from the log, each row held against it. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/governance.h"
#include "lib/flow/logged.h"
#include "lib/flow/orders_close.h"
#include "lib/flow/succession.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"

/* A row says what the log says of that number; a retired device may have been
 * open or held before. */
static bool state_fits(const struct store_device *d, uint32_t flags)
{
	switch (d->state) {
	case STORE_RETIRED:
		return true;
	case STORE_RESERVED:
		return (flags & (QUOTA_DONE | QUOTA_HELD)) == 0;
	case STORE_QUARANTINED:
		return (flags & (QUOTA_DONE | QUOTA_HELD)) == QUOTA_HELD;
	case STORE_ISSUED:
	case STORE_SUSPENDED:
	case STORE_REVOKED:
		break;
	}
	return (flags & (QUOTA_DONE | QUOTA_HELD)) == QUOTA_DONE;
}

enum pv_code orders_device(struct store *store, const char *name,
			   uint32_t number, uint32_t flags,
			   struct store_device *d, struct err *err)
{
	bool found = false;
	enum pv_code rc = store_number_get(store, number, d, &found, err);

	if (rc == PV_OK && !found)
		return governance_wrong(LOG_ORDER_OPEN, name,
					"the store lacks a device of it", err);
	if (rc == PV_OK)
		rc = logged_device(store, d, err);
	if (rc == PV_OK &&
	    (strcmp(d->s.order, name) != 0 || !state_fits(d, flags)))
		rc = logged_edited("a device's row", err);
	if (rc != PV_OK)
		err_object(err, d->s.device);
	return rc;
}

/* ---- receipts ---- */

struct receiving {
	struct store *store;
	uint32_t number;
	uint64_t seq;  /* of the receipt that is looked at */
	bool released; /* the bundle of that number is for evidence */
	bool received;
};

static enum pv_code take_bundle(void *ctx, const struct store_bundle *b,
				struct err *err)
{
	struct receiving *r = ctx;

	(void)err;
	r->released |= b->seq == r->seq && b->released_ms > 0;
	return PV_OK;
}

static enum pv_code take_receipt(void *ctx, const struct store_receipt *row,
				 struct err *err)
{
	struct receiving *r = ctx;
	const struct store_visit v = { r, { .bundle = take_bundle } };
	enum pv_code rc;

	if (row->result != 0 || r->received)
		return PV_OK;
	r->seq = row->seq;
	r->released = false;
	rc = store_bundle_each(r->store, r->number, &v, err);
	r->received = rc == PV_OK && r->released;
	return rc;
}

/* Whether it has to say that it has what its evidence is for. */
static bool is_asked(const struct template *t, const char *role_name)
{
	size_t list[TPL_COMPONENTS_MAX];
	size_t role;
	bool asked = false;

	if (!t->attestation.require_receipt ||
	    !template_role(t, role_name, &role))
		return false;
	for (size_t k = 0; k < t->stages_n; k++)
		asked |= t->stages[k].requires_attestation &&
			 template_select(t, role, k, list) > 0;
	return asked;
}

static enum pv_code has_receipt(struct store *store,
				const struct store_device *d, struct due *due,
				bool *received, struct err *err)
{
	struct receiving r = { .store = store, .number = d->s.number };
	const struct store_visit v = { &r, { .receipt = take_receipt } };
	const struct template *t = NULL;
	enum pv_code rc =
		due_template(due, store, d->s.template_sha256, &t, err);

	if (rc != PV_OK)
		return rc;
	if (!is_asked(t, d->s.role))
		return succession_received(store, d->s.number, received, err);
	rc = store_receipt_each(store, d->s.number, &v, err);
	*received = r.received;
	return rc;
}

/* What is not valid any more misses no receipt. */
static enum pv_code count_device(struct store *store,
				 const struct store_device *d, uint32_t flags,
				 struct orders_end *e, struct err *err)
{
	bool received;
	enum pv_code rc;

	e->unfinished += d->state == STORE_RESERVED;
	if (!(flags & QUOTA_DONE))
		return PV_OK;
	rc = has_receipt(store, d, &e->due, &received, err);
	e->receipts += rc == PV_OK && received;
	if (rc != PV_OK || received || d->state == STORE_REVOKED ||
	    d->state == STORE_RETIRED)
		return rc;
	e->missing_n++;
	buf_put_str(&e->missing, d->s.device);
	buf_put_u8(&e->missing, '\n');
	return buf_check(&e->missing, err);
}

static enum pv_code count_devices(struct store *store, struct orders_end *e,
				  struct err *err)
{
	const struct numbermap *numbers = &e->scan.quota.numbers;
	uint64_t number = 0;
	uint32_t v;
	enum pv_code rc = PV_OK;

	for (; rc == PV_OK && numbermap_next(numbers, &number, &v); number++) {
		struct store_device d;

		rc = orders_device(store, e->order.id, (uint32_t)number,
				   v & QUOTA_FLAGS, &d, err);
		if (rc == PV_OK)
			rc = count_device(store, &d, v & QUOTA_FLAGS, e, err);
	}
	return rc;
}

static enum pv_code take_counts(struct orders_end *e, struct err *err)
{
	const struct quota_order *o = orders_scan_order(&e->scan);

	e->issued = o->issued;
	e->reworked = o->replaced;
	e->revoked = o->revoked;
	e->certificates_n = o->certificates ? o->certificates->size : 0;
	e->first = o->opened;
	e->last = e->scan.next - 1;
	return quota_root(&e->scan.quota, o, e->certificates, err);
}

enum pv_code orders_count(struct store *store, const char *name,
			  struct orders_end *e, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc;

	memset(e, 0, sizeof(*e));
	buf_init(&e->missing, ORDERS_MISSING_MAX);
	buf_init(&e->note, NOTE_SIZE_MAX);
	rc = store_begin(store, STORE_READ, &txn, err);
	if (rc == PV_OK)
		rc = orders_load(store, name, &e->order, &e->row, &e->note,
				 err);
	e->scan = (struct orders_scan){ .name = e->order.id,
					.next = e->row.opened_index };
	if (rc == PV_OK)
		rc = orders_scan_on(store, &e->scan, err);
	if (rc == PV_OK)
		rc = orders_scan_fits(&e->scan, &e->row, err);
	if (rc == PV_OK)
		rc = count_devices(store, e, err);
	return rc == PV_OK ? take_counts(e, err) : rc;
}

void orders_end_release(struct orders_end *e)
{
	orders_scan_release(&e->scan);
	due_release(&e->due);
	buf_release(&e->missing);
	buf_release(&e->note);
}
