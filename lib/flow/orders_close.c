#include "lib/flow/orders_close.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/checkpoint_sign.h"
#include "lib/flow/logged.h"
#include "lib/flow/people.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"

#define TRIES 8 /* while others issue under the order */
#define TEXT_MAX 2048u

CLEANUP_PTR(struct checkpoint_signer, checkpoint_signer_free);

/* ---- what there is ---- */

struct leaf { /* a certificate, by its place in the log */
	uint64_t index;
	uint8_t sha256[32];
};

struct counting {
	struct store *store;
	const char *name;
	struct orders_end *e;
	struct buf leaves; /* struct leaf */
};

static void counting_release(struct counting *c)
{
	buf_release(&c->leaves);
}

static enum pv_code add_leaf(struct counting *c, const struct store_device *d,
			     struct span cert, struct err *err)
{
	struct leaf leaf = { .index = d->issue_index };
	enum pv_code rc = logged_cert(c->store, d, cert, err);

	if (rc == PV_OK)
		rc = sha256(cert, leaf.sha256, err);
	buf_put(&c->leaves, &leaf, sizeof(leaf));
	return rc == PV_OK ? buf_check(&c->leaves, err) : rc;
}

static enum pv_code count_device(void *ctx, const struct store_device *d,
				 struct span cert, struct err *err)
{
	struct counting *c = ctx;
	struct orders_end *e = c->e;
	enum pv_code rc;

	if (strcmp(d->s.order, c->name) != 0)
		return PV_OK;
	rc = logged_device(c->store, d, err);
	if (rc == PV_OK && d->has_cert)
		rc = add_leaf(c, d, cert, err);
	if (rc != PV_OK) {
		err_object(err, d->s.device);
		return rc;
	}
	e->unfinished += d->state == STORE_RESERVED;
	if (d->state == STORE_RESERVED || d->state == STORE_QUARANTINED)
		return PV_OK;
	e->revoked += d->state == STORE_REVOKED;
	if (store_is_rework(&d->s))
		e->reworked++;
	else
		e->issued++;
	e->missing_n++;
	buf_put_str(&e->missing, d->s.device);
	buf_put_u8(&e->missing, '\n');
	return buf_check(&e->missing, err);
}

static int by_index(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

/* RFC 6962 over the certificates' hashes, in log order. */
static enum pv_code make_root(struct counting *c, struct err *err)
{
	struct log_hasher h = LOG_HASHER_INIT;
	struct leaf *leaves = (struct leaf *)(void *)c->leaves.data;
	struct log_tree tree = { .size = 0 };
	size_t n = c->leaves.len / sizeof(*leaves);
	enum pv_code rc = log_hasher_init(&h, err);

	if (n > 0)
		qsort(leaves, n, sizeof(*leaves), by_index);
	for (size_t i = 0; rc == PV_OK && i < n; i++) {
		uint8_t hash[LOG_HASH];

		rc = log_hash_leaf(&h, (struct span){ leaves[i].sha256, 32 },
				   hash, err);
		if (rc == PV_OK)
			rc = log_tree_append(&tree, &h, hash, NULL, err);
	}
	if (rc == PV_OK)
		rc = log_tree_root(&tree, &h, c->e->certificates, err);
	c->e->certificates_n = n;
	log_hasher_release(&h);
	return rc;
}

enum pv_code orders_count(struct store *store, const char *name,
			  struct orders_end *e, struct err *err)
{
	CLEANUP(counting_release)
	struct counting c = { .store = store, .name = name, .e = e };
	const struct store_visit v = { .ctx = &c, .fn.device = count_device };
	STORE_TXN txn = STORE_TXN_INIT;
	uint64_t size = 0;
	enum pv_code rc;

	memset(e, 0, sizeof(*e));
	buf_init(&c.leaves, ORDERS_MISSING_MAX);
	buf_init(&e->missing, ORDERS_MISSING_MAX);
	buf_init(&e->note, NOTE_SIZE_MAX);
	rc = store_begin(store, STORE_READ, &txn, err);
	if (rc == PV_OK)
		rc = orders_load(store, name, &e->order, &e->row, &e->note,
				 err);
	if (rc == PV_OK)
		rc = orders_recount(store, name, &e->row, err);
	if (rc == PV_OK)
		rc = store_device_each(store, 0, &v, err);
	if (rc == PV_OK)
		rc = store_log_size(store, &size, err);
	if (rc == PV_OK)
		rc = make_root(&c, err);
	e->first = e->row.opened_index;
	e->last = size > 0 ? size - 1 : 0;
	return rc;
}

void orders_end_release(struct orders_end *e)
{
	buf_release(&e->missing);
	buf_release(&e->note);
}

/* ---- what waits for its result ---- */

struct giving_up {
	struct store *store;
	const char *name;
	uint32_t number; /* of one; 0: none is left */
	char device[STORE_ID_MAX + 1], request[STORE_ID_MAX + 1];
	char serial[2 * STORE_SERIAL_MAX + 1];
};

static enum pv_code take_intent(void *ctx, const struct store_intent *i,
				struct err *err)
{
	struct giving_up *g = ctx;
	struct store_device d;
	bool found = false;
	enum pv_code rc;

	if (g->number != 0 || strcmp(i->s.order, g->name) != 0)
		return PV_OK;
	rc = store_number_get(g->store, i->s.number, &d, &found, err);
	/* One that is held already has no result either. */
	if (rc != PV_OK || !found || d.state != STORE_RESERVED)
		return rc;
	g->number = i->s.number;
	snprintf(g->device, sizeof(g->device), "%s", i->s.device);
	snprintf(g->request, sizeof(g->request), "%s", i->s.request);
	hex_encode(i->s.serial, i->s.serial_len, g->serial);
	return PV_OK;
}

static enum pv_code hold_one(const struct giving_up *g, struct err *err)
{
	const struct log_quarantine why = { .request = g->request,
					    .device = g->device,
					    .rule = "order.closed",
					    .serial = g->serial };
	CLEANUP(buf_release) struct buf entry;
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = event_now(g->store, &who, err);

	buf_init(&entry, LOG_ENTRY_MAX);
	if (rc != PV_OK)
		return rc;
	log_quarantine_put(&e, &who.who, &why);
	rc = log_entry_encode(&e, &entry, err);
	return rc == PV_OK ? store_quarantine(g->store, g->number,
					      buf_span(&entry), err)
			   : rc;
}

/* All in one transaction: none is signed while others are held. */
static enum pv_code hold_unfinished(struct store *store, const char *name,
				    struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct giving_up g;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	do {
		const struct store_visit v = { &g, { .intent = take_intent } };

		g = (struct giving_up){ .store = store, .name = name };
		if (rc == PV_OK)
			rc = store_intent_each(store, &v, err);
		if (rc == PV_OK && g.number != 0)
			rc = hold_one(&g, err);
	} while (rc == PV_OK && g.number != 0);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

/* ---- closing ---- */

struct closing {
	const struct authority *a;
	struct store *store;
	struct hsm *hsm;
	const struct checkpoint_base *base;
	const char *name;
	bool give_up;
	struct orders_end *e;
};

static enum pv_code put_text(const struct closing *c, struct buf *text,
			     struct err *err)
{
	const struct orders_end *e = c->e;
	char tree[BASE64_LEN(LOG_HASH) + 1], order[65], root[65];
	uint8_t spki[32];
	enum pv_code rc = people_root(c->store, spki, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(spki, sizeof(spki), root);
	hex_encode(e->order.sha256, 32, order);
	base64_encode(e->certificates, LOG_HASH, tree);
	buf_printf(text,
		   "provctl end-of-order/v1\nlog %s\nroot %s\n"
		   "order sha256:%s\nissued %llu of %llu\nrevoked %llu\n"
		   "receipts %llu\nentries %llu..%llu\ncertificates %s\n",
		   c->a->origin, root, order, (unsigned long long)e->issued,
		   (unsigned long long)e->order.quantity,
		   (unsigned long long)e->revoked,
		   (unsigned long long)e->receipts,
		   (unsigned long long)e->first, (unsigned long long)e->last,
		   tree);
	return buf_check(text, err);
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

static enum pv_code write_end(const struct closing *c, struct err *err)
{
	const struct orders_end *end = c->e;
	uint8_t note[32];
	const struct log_order_end facts = {
		.name = c->name,
		.hash = end->order.sha256,
		.issued = end->issued,
		.first = end->first,
		.last = end->last,
		.certificates = end->certificates,
		.note = note,
	};
	CLEANUP(buf_release) struct buf entry;
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = event_now(c->store, &who, err);

	buf_init(&entry, LOG_ENTRY_MAX);
	if (rc == PV_OK)
		rc = sha256(buf_span(&end->note), note, err);
	if (rc != PV_OK)
		return rc;
	log_order_close(&e, &who.who, &facts);
	rc = event_decision(c->store, &e, &entry, err);
	return rc == PV_OK ? store_order_close(c->store, c->name,
					       buf_span(&end->note),
					       buf_span(&entry), err)
			   : rc;
}

/* *moved: something was issued under it since it was counted. */
static enum pv_code record(const struct closing *c, bool *moved,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct orders_row row;
	struct order order;
	enum pv_code rc = store_begin(c->store, STORE_WRITE, &txn, err);

	*moved = false;
	if (rc == PV_OK)
		rc = orders_load(c->store, c->name, &order, &row, NULL, err);
	if (rc != PV_OK)
		return rc;
	*moved = row.state != STORE_ORDER_OPEN ||
		 row.devices != c->e->row.devices ||
		 row.reworked != c->e->row.reworked;
	if (*moved)
		return PV_OK;
	rc = write_end(c, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

static enum pv_code unfinished(const struct closing *c, struct err *err)
{
	return err_fail(err, PV_CONFLICT, "order.unfinished",
			"repeat the interrupted run, or hold them for good "
			"with --give-up",
			"%llu devices of order %s wait for their result",
			(unsigned long long)c->e->unfinished, c->name);
}

/* *again: it has to be counted anew. */
static enum pv_code try_close(struct closing *c, bool *again, bool *existing,
			      struct err *err)
{
	enum pv_code rc = orders_count(c->store, c->name, c->e, err);

	*again = false;
	*existing = c->e->row.state == STORE_ORDER_CLOSED;
	if (rc != PV_OK || *existing)
		return rc;
	if (c->e->unfinished > 0 && !c->give_up)
		return unfinished(c, err);
	if (c->e->unfinished > 0) {
		*again = true;
		return hold_unfinished(c->store, c->name, err);
	}
	rc = sign(c, err);
	return rc == PV_OK ? record(c, again, err) : rc;
}

enum pv_code orders_close(const struct authority *a, struct store *store,
			  struct hsm *hsm, const struct checkpoint_base *base,
			  const char *name, bool give_up, struct orders_end *e,
			  bool *existing, struct err *err)
{
	struct closing c = { a, store, hsm, base, name, give_up, e };
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
