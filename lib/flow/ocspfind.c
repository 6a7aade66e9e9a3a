#include "lib/flow/ocspfind.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/audit_entries.h"
#include "lib/flow/crlword.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/succession.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"
#include "lib/store/store_revoke.h"

CLEANUP_PTR(struct template, template_free);

/* What is on none of them, and of which the log says nothing since, is good. */
static enum pv_code take_lists(struct ocsp_find *f, struct err *err)
{
	enum pv_code rc = serialset_init(&f->listed, STORE_SERIAL_FIRST,
					 STORE_SERIALS, err);

	return rc == PV_OK ? crl_word_lists(f->store, f->i, &f->listed,
					    &f->since, err)
			   : rc;
}

enum pv_code ocsp_find_open(struct ocsp_find *f, const struct crl_tail *tail,
			    const struct crl_issuer *i, bool from_log,
			    uint64_t from, struct err *err)
{
	*f = (struct ocsp_find){ .store = tail->store,
				 .i = i,
				 .tail = tail,
				 .from_log = from_log,
				 .next = from_log ? from : 0,
				 .since = from };
	f->asks = mem_array(OCSP_TEMPLATES_MAX, sizeof(*f->asks), err);
	if (!f->asks)
		return PV_INTERNAL;
	return from_log ? PV_OK : take_lists(f, err);
}

void ocsp_find_release(struct ocsp_find *f)
{
	serialset_release(&f->listed);
	free(f->asks);
	f->asks = NULL;
}

/* ---- numbers, some at a time ---- */

struct numbers {
	uint32_t list[OCSP_PIECE];
	size_t n;
};

/* A full piece ends the iteration: PV_NOT_FOUND, which leaves the store as it
 * was, and no cause. */
static enum pv_code take_device(void *ctx, const struct store_device *d,
				struct span cert, struct err *err)
{
	struct numbers *n = ctx;

	(void)cert;
	(void)err;
	if (n->n == OCSP_PIECE)
		return PV_NOT_FOUND;
	n->list[n->n++] = d->s.number;
	return PV_OK;
}

static enum pv_code next_devices(struct ocsp_find *f, struct numbers *n,
				 struct err *err)
{
	const struct store_visit v = { .ctx = n, .fn.device = take_device };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = store_device_each(f->store, (uint32_t)f->next, &v, &why);
	f->end = rc == PV_OK;
	if (rc == PV_NOT_FOUND && n->n == OCSP_PIECE)
		rc = PV_OK;
	else if (rc != PV_OK)
		*err = why;
	if (n->n > 0)
		f->next = (uint64_t)n->list[n->n - 1] + 1;
	return rc;
}

static enum pv_code take_entry(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	struct numbers *n = ctx;
	struct log_entry e;
	struct span type;
	enum pv_code rc;

	(void)index;
	if (log_entry_type(bytes, &type) && !span_is(type, LOG_CERT_ISSUE) &&
	    !span_is(type, LOG_CERT_REVOKE))
		return PV_OK;
	rc = log_entry_decode(bytes, &e, err);
	if (rc == PV_OK && audit_number(e.object, &n->list[n->n]))
		n->n++;
	return rc;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Held and released again is one certificate. */
static void once_each(struct numbers *n)
{
	size_t kept = 0;

	qsort(n->list, n->n, sizeof(n->list[0]), by_number);
	for (size_t j = 0; j < n->n; j++)
		if (kept == 0 || n->list[kept - 1] != n->list[j])
			n->list[kept++] = n->list[j];
	n->n = kept;
}

static enum pv_code next_entries(struct ocsp_find *f, struct numbers *n,
				 struct err *err)
{
	const struct store_visit v = { .ctx = n, .fn.entry = take_entry };
	uint64_t size = 0;
	enum pv_code rc = store_log_size(f->store, &size, err);

	if (rc == PV_OK)
		rc = store_log_each(f->store, f->next, OCSP_PIECE, &v, err);
	once_each(n);
	f->next += OCSP_PIECE;
	f->end = f->next >= size;
	return rc;
}

/* ---- what is true of one ---- */

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	struct ocsp_find *f = ctx;
	enum pv_code rc = logged_template_parse(row, &t, err);

	if (rc == PV_OK)
		f->asks[f->asks_n].yes =
			t->has_certificate && t->profile.ocsp.n > 0 &&
			strcmp(t->profile.issuer, f->i->ca) == 0;
	return rc;
}

static enum pv_code template_asks(struct ocsp_find *f, const uint8_t *sha256,
				  bool *yes, struct err *err)
{
	const struct store_visit v = { .ctx = f, .fn.template = take_template };
	enum pv_code rc;

	for (size_t j = 0; j < f->asks_n; j++) {
		*yes = f->asks[j].yes;
		if (memcmp(f->asks[j].sha256, sha256, STORE_HASH) == 0)
			return PV_OK;
	}
	if (f->asks_n == OCSP_TEMPLATES_MAX)
		f->asks_n = 0; /* more than that: read again */
	memcpy(f->asks[f->asks_n].sha256, sha256, STORE_HASH);
	f->asks[f->asks_n].yes = false;
	rc = store_template_digest(f->store, sha256, &v, err);
	*yes = rc == PV_OK && f->asks[f->asks_n].yes;
	f->asks_n += rc == PV_OK;
	return rc;
}

static enum pv_code take_status(struct ocsp_find *f,
				const struct store_device *d,
				struct ocsp_candidate *c, struct err *err)
{
	struct store_revocation r;
	int64_t ends = STORE_NO_TIME;
	enum pv_code rc = store_revocation_get(f->store, d->s.number, &r,
					       &c->revoked, err);

	c->number = d->s.number;
	c->serial_len = (uint8_t)d->s.serial_len;
	memcpy(c->serial, d->s.serial, d->s.serial_len);
	if (rc == PV_OK)
		rc = crl_word_agrees(f->tail, &f->listed, d->s.number,
				     c->revoked, &r, err);
	if (rc == PV_OK && c->revoked) {
		c->reason = (uint8_t)r.reason;
		c->revoked_s = (int64_t)(r.revoked_ms / 1000);
	}
	if (rc == PV_OK)
		rc = logged_device(f->store, d, err);
	if (rc == PV_OK)
		rc = succession_ends(f->store, d, &ends, err);
	c->ended = rc == PV_OK && ends != STORE_NO_TIME && ends < f->now_s;
	return rc;
}

enum pv_code ocsp_find_again(struct ocsp_find *f, uint32_t number,
			     struct ocsp_candidate *c, bool *yes,
			     struct err *err)
{
	struct store_device d;
	uint32_t generation;
	bool found = false;
	enum pv_code rc = store_number_get(f->store, number, &d, &found, err);

	*yes = false;
	if (rc != PV_OK || !found || !d.has_cert)
		return rc;
	generation = d.s.ca_generation ? d.s.ca_generation : 1;
	if (generation != f->i->generation)
		return PV_OK;
	rc = template_asks(f, d.s.template_sha256, yes, err);
	if (rc == PV_OK && *yes)
		rc = take_status(f, &d, c, err);
	if (rc != PV_OK)
		err_object(err, d.s.device);
	return rc;
}

enum pv_code ocsp_find_next(struct ocsp_find *f,
			    struct ocsp_candidate list[OCSP_PIECE], size_t *n,
			    struct err *err)
{
	struct numbers numbers = { .n = 0 };
	enum pv_code rc = f->from_log ? next_entries(f, &numbers, err)
				      : next_devices(f, &numbers, err);

	*n = 0;
	for (size_t j = 0; rc == PV_OK && j < numbers.n; j++) {
		bool yes;

		rc = ocsp_find_again(f, numbers.list[j], &list[*n], &yes, err);
		*n += rc == PV_OK && yes;
	}
	return rc;
}
