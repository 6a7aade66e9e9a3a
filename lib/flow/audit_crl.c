#include "lib/flow/audit_crl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/audit_entries.h"
#include "lib/flow/crlcollect.h"
#include "lib/flow/logged.h"
#include "lib/log/lifecycle.h"

void audit_crls_release(struct audit_crls *c)
{
	free(c->list);
	memset(c, 0, sizeof(*c));
}

/* ---- entries ---- */

static int order(const struct audit_crl *a, bool ocsp, const char *object)
{
	if (a->ocsp != ocsp)
		return a->ocsp < ocsp ? -1 : 1;
	return strcmp(a->object, object);
}

/* Where it is, or where it would be. */
static size_t place(const struct audit_crls *c, bool ocsp, const char *object)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (order(&c->list[mid], ocsp, object) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct audit_crl *find(struct audit_crls *c, bool ocsp,
			      const char *object)
{
	size_t at = place(c, ocsp, object);

	return at < c->n && order(&c->list[at], ocsp, object) == 0
		       ? &c->list[at]
		       : NULL;
}

static struct audit_crl *add(struct audit_crls *c, bool ocsp,
			     const char *object, struct err *err)
{
	size_t at = place(c, ocsp, object);

	if (c->n == c->room) {
		size_t room = 2 * c->room + 64;
		struct audit_crl *list = realloc(c->list, room * sizeof(*list));

		if (!list) {
			err_fail(err, PV_INTERNAL, "memory", NULL,
				 "out of memory for an audit");
			return NULL;
		}
		c->list = list;
		c->room = room;
	}
	memmove(&c->list[at + 1], &c->list[at],
		(c->n - at) * sizeof(c->list[0]));
	c->n++;
	memset(&c->list[at], 0, sizeof(c->list[at]));
	c->list[at].ocsp = ocsp;
	snprintf(c->list[at].object, CRL_OBJECT_MAX, "%s", object);
	return &c->list[at];
}

static bool take_hash(const struct log_entry *e, const char *key,
		      uint8_t out[32])
{
	const struct log_fact *f = log_fact_find(e, key, LOG_BSTR);

	if (!f || f->s.len != 32)
		return false;
	memcpy(out, f->s.p, 32);
	return true;
}

static enum pv_code miscounted(const char *object, struct err *err)
{
	return audit_fail(err, object, "audit.crl",
			  "what is published of it is not counted up by one, "
			  "or was signed before it was recorded");
}

static enum pv_code take_intent(struct audit_crl *one,
				const struct log_entry *e, struct err *err)
{
	if (one->open || !logged_uint_is(e, "number", one->number + 1) ||
	    !take_hash(e, "tbs", one->tbs))
		return miscounted(one->object, err);
	one->number++;
	one->open = true;
	return PV_OK;
}

/* How an open one ends: it is signed, or given up. */
static enum pv_code take_end(struct audit_crls *c, struct audit_crl *one,
			     const struct log_entry *e, struct err *err)
{
	bool issued = span_is(e->type, LOG_CRL_ISSUE) ||
		      span_is(e->type, LOG_OCSP_ISSUE);

	if (!one->open || !logged_uint_is(e, "number", one->number) ||
	    (issued && !take_hash(e, one->ocsp ? "answers" : "crl", one->der)))
		return miscounted(one->object, err);
	one->open = false;
	if (issued) {
		one->issued = one->number;
		*(one->ocsp ? &c->batches : &c->lists) += 1;
	}
	return PV_OK;
}

enum pv_code audit_crls_take(struct audit_crls *c, const struct log_entry *e,
			     struct err *err)
{
	bool intent = span_is(e->type, LOG_CRL_INTENT) ||
		      span_is(e->type, LOG_OCSP_INTENT);
	bool ocsp = span_is(e->type, LOG_OCSP_INTENT) ||
		    span_is(e->type, LOG_OCSP_ISSUE) ||
		    span_is(e->type, LOG_OCSP_VOID);
	char object[CRL_OBJECT_MAX];
	struct audit_crl *one;

	if (e->object.len >= sizeof(object))
		return audit_fail(err, "", "audit.crl",
				  "a list of a CA that there is not");
	snprintf(object, sizeof(object), "%.*s", (int)e->object.len,
		 (const char *)e->object.p);
	one = find(c, ocsp, object);
	if (!one && intent)
		one = add(c, ocsp, object, err);
	if (!one && intent)
		return PV_INTERNAL;
	if (!one)
		return miscounted(object, err);
	return intent ? take_intent(one, e, err) : take_end(c, one, e, err);
}

/* ---- rows ---- */

struct rows {
	struct audit_crls *c;
	const struct crl_issuers *issuers;
};

static const struct crl_issuer *issuer_of(const struct crl_issuers *all,
					  const struct store_crl *row)
{
	for (size_t j = 0; j < all->n; j++)
		if (strcmp(all->list[j].ca, row->ca) == 0 &&
		    all->list[j].generation == row->generation)
			return &all->list[j];
	return NULL;
}

/* Only what waits for its signature and the newest that has one have bytes. */
static bool is_logged(struct audit_crl *one, const struct store_crl *row,
		      const uint8_t tbs[32], const uint8_t der[32])
{
	bool open = row->number == one->number && one->open;
	bool newest = row->number == one->issued;

	return row->number == ++one->rows && open == (row->tbs.len > 0) &&
	       newest == (row->der.len > 0) &&
	       (!open || memcmp(tbs, one->tbs, 32) == 0) &&
	       (!newest || memcmp(der, one->der, 32) == 0);
}

static enum pv_code take_row(void *ctx, const struct store_crl *row,
			     struct err *err)
{
	struct rows *r = ctx;
	const struct crl_issuer *i = issuer_of(r->issuers, row);
	char object[CRL_OBJECT_MAX];
	struct audit_crl *one = NULL;
	uint8_t tbs[32], der[32];
	enum pv_code rc = sha256(row->tbs, tbs, err);

	if (rc == PV_OK)
		rc = sha256(row->der, der, err);
	if (rc != PV_OK)
		return rc;
	if (i) {
		crl_object(i, row->shard, object);
		one = find(r->c, row->kind == STORE_OCSP, object);
	}
	if (!one || !is_logged(one, row, tbs, der))
		return audit_fail(err, i ? object : row->ca, "audit.crl",
				  "the row of what is published is not what "
				  "was logged");
	return PV_OK;
}

/* A list that is not due for what is revoked says what the rows say. */
static enum pv_code check_list(struct store *store, const struct crl_issuer *i,
			       uint32_t shard, struct err *err)
{
	CLEANUP(crl_entries_release) struct crl_entries entries = { .n = 0 };
	CRL_ROW last = { .found = false };
	enum pv_code rc = crl_row_newest(store, i, shard, &last, err);

	return rc == PV_OK && last.found
		       ? crl_collect(store, NULL, i, shard, &last, &entries, err)
		       : rc;
}

enum pv_code audit_crls_rows(struct audit_crls *c, const struct authority *a,
			     struct store *store, struct err *err)
{
	CLEANUP(crl_issuers_release) struct crl_issuers all = { .n = 0 };
	struct rows rows = { c, &all };
	const struct store_visit v = { .ctx = &rows, .fn.crl = take_row };
	enum pv_code rc;

	if (c->n == 0)
		return store_crl_each(store, STORE_CRL_ALL, &v, err);
	/* Those that have expired signed lists, too. */
	rc = crl_issuers_load(a, store, 0, &all, err);
	if (rc == PV_OK && all.left_out.code == PV_INTEGRITY) {
		*err = all.left_out;
		return PV_INTEGRITY;
	}
	if (rc == PV_OK)
		rc = crl_issuers_bad(&all, NULL, err);
	if (rc == PV_OK)
		rc = store_crl_each(store, STORE_CRL_ALL, &v, err);
	for (size_t j = 0; rc == PV_OK && j < c->n; j++)
		if (c->list[j].rows != c->list[j].number)
			rc = audit_fail(err, c->list[j].object, "audit.crl",
					"the store lacks what was published");
	for (size_t j = 0; rc == PV_OK && j < all.n; j++)
		for (uint32_t s = 0; rc == PV_OK && s < all.list[j].shards; s++)
			rc = check_list(store, &all.list[j], s, err);
	return rc;
}
