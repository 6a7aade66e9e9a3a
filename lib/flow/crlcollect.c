#include "lib/flow/crlcollect.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/logged.h"
#include "lib/store/store_device.h"
#include "lib/store/store_revoke.h"

void crl_entries_release(struct crl_entries *e)
{
	free(e->list);
	memset(e, 0, sizeof(*e));
}

struct rows {
	struct store_revocation *list; /* of all generations, when several */
	size_t n, room;
};

struct collect {
	struct store *store;
	struct crl_tail *tail;
	uint64_t from; /* it begins there */
	const struct crl_row *last;
	struct crl_entries *out;
	struct span left; /* of the last list, not yet passed */
	struct x509_crl_entry at;
	bool at_end;
};

static int order(const struct x509_crl_entry *a, const struct x509_crl_entry *b)
{
	if (a->serial_len != b->serial_len)
		return a->serial_len < b->serial_len ? -1 : 1;
	return memcmp(a->serial, b->serial, a->serial_len);
}

static void entry_of(const struct store_revocation *r, struct x509_crl_entry *e)
{
	*e = (struct x509_crl_entry){
		.serial_len = (uint8_t)r->serial_len,
		.reason = (uint8_t)r->reason,
		.revoked_s = (int64_t)(r->revoked_ms / 1000),
		.invalidity_s =
			r->invalidity_s == STORE_NO_TIME ? -1 : r->invalidity_s,
	};
	memcpy(e->serial, r->serial, r->serial_len);
}

/* Something that the last list had is not there any more. */
static void pass(struct collect *c)
{
	c->at_end = !x509_crl_next(&c->left, &c->at);
}

static bool on_last(struct collect *c, const struct x509_crl_entry *e)
{
	while (!c->at_end && order(&c->at, e) < 0) {
		c->out->changed = true;
		pass(c);
	}
	if (c->at_end || order(&c->at, e) != 0)
		return false;
	pass(c);
	return true;
}

static enum pv_code keep(struct crl_entries *out,
			 const struct x509_crl_entry *e, struct err *err)
{
	if (out->n == out->room) {
		size_t room = out->room ? 2 * out->room : 256;
		struct x509_crl_entry *list =
			realloc(out->list, room * sizeof(*list));

		if (!list)
			return err_fail(err, PV_INTERNAL, "memory", NULL,
					"out of memory for a revocation list");
		out->list = list;
		out->room = room;
	}
	out->list[out->n++] = *e;
	return PV_OK;
}

/* The entry that the row names says so, and none after it says otherwise. */
static enum pv_code is_logged(struct collect *c,
			      const struct store_revocation *r, struct err *err)
{
	enum pv_code rc;

	if (!c->tail)
		return logged_revocation(c->store, r, err);
	rc = crl_tail_to(c->tail, c->from, err);
	if (rc == PV_OK &&
	    crl_tail_word(c->tail, r->number) != CRL_WORD_REVOKED)
		rc = logged_edited("the row of a revocation", err);
	return rc;
}

static enum pv_code take(struct collect *c, const struct store_revocation *r,
			 struct err *err)
{
	const struct crl_row *last = c->last;
	bool old = last->found && r->log_index < last->row.intent_index;
	bool expired = last->found && r->not_after_s != STORE_NO_TIME &&
		       r->not_after_s < last->crl.this_s;
	struct x509_crl_entry e;
	bool known;
	enum pv_code rc = PV_OK;

	entry_of(r, &e);
	known = on_last(c, &e);
	/* It stood on a list that was made once it had expired. */
	if (old && expired)
		return PV_OK;
	if (old && !known)
		return logged_edited("a revocation that the last list lacks",
				     err);
	if (!old) {
		c->out->changed = true;
		rc = is_logged(c, r, err);
	}
	return rc == PV_OK ? keep(c->out, &e, err) : rc;
}

static enum pv_code take_row(void *ctx, const struct store_revocation *r,
			     struct err *err)
{
	return take(ctx, r, err);
}

/* ---- a list for several generations: their rows, in order of serials ---- */

static enum pv_code keep_row(void *ctx, const struct store_revocation *r,
			     struct err *err)
{
	struct rows *rows = ctx;

	if (rows->n == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 256;
		struct store_revocation *list =
			realloc(rows->list, room * sizeof(*list));

		if (!list)
			return err_fail(err, PV_INTERNAL, "memory", NULL,
					"out of memory for a revocation list");
		rows->list = list;
		rows->room = room;
	}
	rows->list[rows->n++] = *r;
	return PV_OK;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = ((const struct store_revocation *)a)->number;
	uint32_t y = ((const struct store_revocation *)b)->number;

	return x < y ? -1 : x > y;
}

static enum pv_code collect_all(struct collect *c, const struct crl_issuer *i,
				struct err *err)
{
	struct rows rows = { .n = 0 };
	const struct store_visit v = { .ctx = &rows,
				       .fn.revocation = keep_row };
	enum pv_code rc = PV_OK;

	for (uint32_t g = 1; rc == PV_OK && g <= i->generations; g++)
		rc = store_revocation_each(c->store, i->ca, g, 0, 0, &v, err);
	if (rc == PV_OK && rows.n > 0)
		qsort(rows.list, rows.n, sizeof(rows.list[0]), by_number);
	for (size_t j = 0; rc == PV_OK && j < rows.n; j++)
		rc = take(c, &rows.list[j], err);
	free(rows.list);
	return rc;
}

uint64_t crl_tail_start(const struct crl_issuer *i, const struct crl_row *last)
{
	return last->found ? last->row.intent_index : i->since;
}

enum pv_code crl_collect(struct store *store, struct crl_tail *tail,
			 const struct crl_issuer *i, uint32_t shard,
			 const struct crl_row *last, struct crl_entries *out,
			 struct err *err)
{
	struct collect c = { .store = store,
			     .tail = tail,
			     .from = crl_tail_start(i, last),
			     .last = last,
			     .out = out,
			     .left = last->crl.entries };
	const struct store_visit v = { .ctx = &c, .fn.revocation = take_row };
	enum pv_code rc;

	pass(&c);
	if (i->complete && i->generations > 1)
		rc = collect_all(&c, i, err);
	else
		rc = store_revocation_each(store, i->ca, i->generation, shard,
					   0, &v, err);
	out->changed |= !c.at_end;
	return rc;
}

/* ---- what may be gone ---- */

/* By the certificate itself, held against the log. */
static bool expired(struct store *store, uint32_t number, int64_t by_s)
{
	CLEANUP(buf_release) struct buf der;
	struct store_device d;
	struct x509_cert cert;
	bool found = false;

	buf_init(&der, X509_CERT_MAX);
	return store_number_get(store, number, &d, &found, NULL) == PV_OK &&
	       found && store_cert_get(store, number, &der, NULL) == PV_OK &&
	       logged_cert(store, &d, buf_span(&der), NULL) == PV_OK &&
	       x509_cert_decode(buf_span(&der), &cert, NULL) == PV_OK &&
	       cert.not_after_s < by_s;
}

/* The row is gone with the hold: the log says that people let go of it. */
static bool was_released(const struct crl_leaving *l,
			 const struct x509_crl_entry *e)
{
	return e->reason == X509_REASON_HOLD &&
	       crl_tail_word(l->tail, serialset_number(e->serial)) ==
		       CRL_WORD_RELEASED;
}

bool crl_may_leave(void *ctx, const struct x509_crl_entry *e)
{
	struct crl_leaving *l = ctx;
	uint32_t number = serialset_number(e->serial);
	struct store_revocation r;
	bool found = false;

	if (e->serial_len < STORE_SERIAL_MIN ||
	    e->serial_len > STORE_SERIAL_MAX ||
	    store_revocation_get(l->store, number, &r, &found, NULL) != PV_OK)
		return false;
	return was_released(l, e) ||
	       (found && expired(l->store, number, l->last->crl.this_s));
}
