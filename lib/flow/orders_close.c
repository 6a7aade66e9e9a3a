#include "lib/flow/orders_close.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/checkpoint_sign.h"
#include "lib/flow/orders_ending.h"
#include "lib/flow/orders_note.h"
#include "lib/flow/people.h"

#define TRIES 8 /* while others issue under the order */
#define TEXT_MAX 2048u

CLEANUP_PTR(struct checkpoint_signer, checkpoint_signer_free);

/* ---- what waits for its result ---- */

static enum pv_code hold_one(struct store *store, const struct log_who *who,
			     const struct store_device *d, struct err *err)
{
	char serial[2 * STORE_SERIAL_MAX + 1];
	const struct log_quarantine why = { .request = d->s.request[0]
							       ? d->s.request
							       : d->s.device,
					    .device = d->s.device,
					    .rule = QUOTA_GIVEN_UP,
					    .serial = serial };
	CLEANUP(buf_release) struct buf entry;
	struct log_entry e;
	enum pv_code rc;

	hex_encode(d->s.serial, d->s.serial_len, serial);
	buf_init(&entry, LOG_ENTRY_MAX);
	log_quarantine_put(&e, who, &why);
	rc = log_entry_encode(&e, &entry, err);
	return rc == PV_OK ? store_quarantine(store, d->s.number,
					      buf_span(&entry), err)
			   : rc;
}

/* In the transaction of the end: none is held for an order that goes on, and
 * none but by those who agree to its end. */
static enum pv_code hold_unfinished(struct store *store,
				    const struct log_who *who,
				    const struct orders_end *e, struct err *err)
{
	uint64_t number = 0;
	uint32_t v;
	enum pv_code rc = PV_OK;

	for (;
	     rc == PV_OK && numbermap_next(&e->scan.quota.numbers, &number, &v);
	     number++) {
		struct store_device d;

		if (v & (QUOTA_DONE | QUOTA_HELD))
			continue;
		rc = orders_device(store, e->order.id, (uint32_t)number,
				   v & QUOTA_FLAGS, &d, err);
		if (rc == PV_OK && d.state == STORE_RESERVED)
			rc = hold_one(store, who, &d, err);
	}
	return rc;
}

/* ---- closing ---- */

struct closing {
	const struct authority *a;
	struct store *store;
	struct hsm *hsm;
	const struct checkpoint_base *base;
	const char *name;
	bool give_up;
	const struct approvals_want *want;
	struct orders_end *e;
};

static enum pv_code put_text(const struct closing *c, struct buf *text,
			     struct err *err)
{
	const struct orders_end *e = c->e;
	struct orders_note n = { .origin = c->a->origin,
				 .issued = e->issued,
				 .quantity = e->order.quantity,
				 .revoked = e->revoked,
				 .receipts = e->receipts,
				 .first = e->first,
				 .last = e->last };
	enum pv_code rc = people_root(c->store, n.root, err);

	memcpy(n.order, e->order.sha256, sizeof(n.order));
	memcpy(n.certificates, e->certificates, LOG_HASH);
	orders_note_put(&n, text);
	return rc == PV_OK ? buf_check(text, err) : rc;
}

static enum pv_code sign(const struct closing *c, struct err *err)
{
	CLEANUP(cleanup_checkpoint_signer_free)
	struct checkpoint_signer *signer = NULL;
	CLEANUP(buf_release) struct buf text;
	struct log_point last = c->base->last;
	enum pv_code rc;

	buf_init(&text, TEXT_MAX);
	if (c->base->own_n == 0)
		return err_fail(err, PV_NOT_FOUND, "order.key",
				"name a log key in provctl.json",
				"the authority has no log key, which signs the "
				"end of an order");
	rc = put_text(c, &text, err);
	if (rc == PV_OK)
		rc = checkpoint_signer_new(c->base, c->hsm, &last, &signer,
					   err);
	return rc == PV_OK ? checkpoint_sign_text(signer, buf_span(&text),
						  &c->e->note, err)
			   : rc;
}

static enum pv_code write_end(const struct closing *c,
			      const struct log_who *who,
			      const struct approvals *got, struct err *err)
{
	const struct orders_end *end = c->e;
	uint8_t note[32];
	const struct log_order_end facts = {
		.name = c->name,
		.hash = end->order.sha256,
		.issued = end->issued,
		.revoked = end->revoked,
		.receipts = end->receipts,
		.first = end->first,
		.last = end->last,
		.certificates = end->certificates,
		.note = note,
		.persons = got ? approvals_persons(got) : NULL,
	};
	CLEANUP(buf_release) struct buf entry;
	struct log_entry e;
	enum pv_code rc = sha256(buf_span(&end->note), note, err);

	buf_init(&entry, LOG_ENTRY_MAX);
	if (rc != PV_OK)
		return rc;
	log_order_close(&e, who, &facts);
	if (got && got->needed > 0)
		log_fact_bytes(&e, LOG_NONCE_FACT, got->asked.nonce, LOG_NONCE);
	if (orders_ending_gives_up(end))
		log_fact_uint(&e, LOG_GIVEN_UP, 1);
	rc = event_decision(c->store, &e, &entry, err);
	if (rc == PV_OK)
		rc = store_order_close(c->store, c->name, buf_span(&end->note),
				       buf_span(&entry), err);
	return rc == PV_OK && got ? approvals_use(c->store, who, got, err) : rc;
}

/* All that belongs to the end, at one time; got is NULL where nobody had to be
 * asked, which an audit judges by that time. */
static enum pv_code end_it(const struct closing *c, const struct approvals *got,
			   struct err *err)
{
	const struct orders_end *end = c->e;
	struct event_who who;
	enum pv_code rc = event_now(c->store, &who, err);

	if (rc == PV_OK && !got &&
	    !orders_ending_finished(&end->order, orders_scan_order(&end->scan),
				    who.who.time_ms / 1000))
		return err_fail(err, PV_CONFLICT, "order.clock",
				"look at the machine's clock, and run it again",
				"the clock went back: the window of order %s "
				"is open again",
				c->name);
	if (rc == PV_OK && end->unfinished > 0)
		rc = hold_unfinished(c->store, &who.who, end, err);
	return rc == PV_OK ? write_end(c, &who.who, got, err) : rc;
}

static bool same_counts(const struct quota_order *a,
			const struct quota_order *b)
{
	return a->devices == b->devices && a->reworked == b->reworked &&
	       a->issued == b->issued && a->replaced == b->replaced &&
	       a->held == b->held && a->revoked == b->revoked;
}

/* *moved: something became of it since it was counted. */
static enum pv_code record(const struct closing *c, const struct approvals *got,
			   bool *moved, struct err *err)
{
	const struct quota_order before = *orders_scan_order(&c->e->scan);
	STORE_TXN txn = STORE_TXN_INIT;
	struct orders_row row;
	struct order order;
	enum pv_code rc = store_begin(c->store, STORE_WRITE, &txn, err);

	*moved = false;
	if (rc == PV_OK)
		rc = orders_load(c->store, c->name, &order, &row, NULL, err);
	if (rc == PV_OK)
		rc = orders_scan_on(c->store, &c->e->scan, err);
	if (rc != PV_OK)
		return rc;
	*moved = row.state != STORE_ORDER_OPEN ||
		 !same_counts(&before, orders_scan_order(&c->e->scan));
	if (*moved)
		return PV_OK;
	rc = end_it(c, got, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

static enum pv_code unfinished(const struct closing *c, struct err *err)
{
	return err_fail(err, PV_CONFLICT, "order.unfinished",
			"repeat the interrupted run, or hold them for good "
			"with --give-up",
			"%llu device%s of order %s wait%s for %s result",
			(unsigned long long)c->e->unfinished,
			err_s(c->e->unfinished), c->name,
			err_verb(c->e->unfinished),
			c->e->unfinished == 1 ? "its" : "their");
}

/* *again: it has to be counted anew. */
static enum pv_code try_close(struct closing *c, bool *again, bool *existing,
			      struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	bool asked = false;
	enum pv_code rc = orders_count(c->store, c->name, c->e, err);

	*again = false;
	*existing = c->e->row.state == STORE_ORDER_CLOSED;
	if (rc != PV_OK || *existing)
		return rc;
	if (c->e->unfinished > 0 && !c->give_up)
		return unfinished(c, err);
	rc = orders_ending_gate(c->a, c->store, c->e, c->want, &got, &asked,
				err);
	if (rc == PV_OK)
		rc = sign(c, err);
	return rc == PV_OK ? record(c, asked ? &got : NULL, again, err) : rc;
}

enum pv_code orders_close(const struct authority *a, struct store *store,
			  struct hsm *hsm, const struct checkpoint_base *base,
			  const char *name, bool give_up,
			  const struct approvals_want *want,
			  struct orders_end *e, bool *existing, struct err *err)
{
	struct closing c = { .a = a,
			     .store = store,
			     .hsm = hsm,
			     .base = base,
			     .name = name,
			     .give_up = give_up,
			     .want = want,
			     .e = e };
	bool again = true;
	enum pv_code rc = PV_OK;

	memset(e, 0, sizeof(*e));
	for (int i = 0; rc == PV_OK && again && i < TRIES; i++) {
		orders_end_release(e);
		rc = try_close(&c, &again, existing, err);
	}
	if (rc == PV_OK && again)
		rc = err_fail(err, PV_CONFLICT, "order.busy",
			      "let the runs under it end first",
			      "devices are issued under order %s right now",
			      name);
	if (rc != PV_OK)
		err_object(err, name);
	return rc;
}
