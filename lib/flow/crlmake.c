#include "lib/flow/crlmake.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/crlcollect.h"
#include "lib/flow/crlrecord.h"

struct work {
	struct crl_maker *m;
	const struct crl_issuer *i;
	uint32_t shard;
	struct crl_record record;
	struct crl_row last;
	struct crl_entries entries;
	struct buf room; /* of URIs */
	const char *uris[X509_CRL_URIS_MAX];
	struct x509_crl_head head;
	struct buf tbs, der;
	struct event_who who;
};

static void work_release(struct work *w)
{
	crl_row_release(&w->last);
	crl_entries_release(&w->entries);
	buf_release(&w->room);
	buf_release(&w->tbs);
	buf_release(&w->der);
}

void crl_maker_release(struct crl_maker *m)
{
	tokensign_close(&m->key);
	m->opened = NULL;
}

enum pv_code crl_maker_key(struct crl_maker *m, const struct crl_issuer *i,
			   struct err *err)
{
	enum pv_code rc;

	if (m->opened == i && m->turns == m->tokens->turns)
		return PV_OK;
	crl_maker_release(m);
	rc = tokens_find(m->tokens, &i->key, err);
	if (rc == PV_OK)
		rc = tokensign_open(&m->key, *m->tokens->hsm, &i->key, err);
	if (rc == PV_OK)
		m->opened = i;
	m->turns = m->tokens->turns;
	return rc;
}

/* ---- is it due ---- */

static bool names(struct span uris, const char *uri)
{
	struct span have;

	while (x509_crl_uri_next(&uris, &have))
		if (span_is(have, uri))
			return true;
	return false;
}

static bool same_places(const struct work *w)
{
	if (!w->last.crl.uris.p || w->head.uris_n == 0)
		return !w->last.crl.uris.p == (w->head.uris_n == 0);
	for (size_t j = 0; j < w->head.uris_n; j++)
		if (!names(w->last.crl.uris, w->uris[j]))
			return false;
	return true;
}

static bool is_due(const struct work *w)
{
	return w->m->all || !w->last.found || w->entries.changed ||
	       w->last.crl.next_s - w->head.this_s <= w->i->overlap_s ||
	       !same_places(w);
}

/* ---- what is signed ---- */

static enum pv_code fill_head(struct work *w, struct err *err)
{
	enum pv_code rc = crl_uris(w->i, w->shard, &w->room, w->uris,
				   &w->head.uris_n, err);

	w->head.issuer = &w->i->cert;
	w->head.this_s = (int64_t)(w->who.who.time_ms / 1000);
	w->head.next_s = w->head.this_s + w->i->lifetime_s;
	if (w->head.next_s > w->i->cert.not_after_s)
		w->head.next_s = w->i->cert.not_after_s;
	w->head.uris = w->uris;
	return rc;
}

static enum pv_code refuse(const char *rule, const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, rule, "run `provctl audit verify'",
			"this revocation list may not be: %s", what);
}

/* Also of a first list, which has none before it. */
static enum pv_code compare(struct work *w, const struct x509_crl *next,
			    struct err *err)
{
	struct crl_leaving leaving = { w->m->store, w->m->tail, &w->last };
	const struct x509_crl_gone gone = { crl_may_leave, &leaving };

	if (!span_equal(next->issuer, w->i->cert.subject) ||
	    !span_equal(next->aki, w->i->cert.ski))
		return refuse("crl.foreign", "it is another CA's", err);
	if (next->next_s - next->this_s > (int64_t)w->i->lifetime_s)
		return refuse("crl.lifetime",
			      "it is valid for longer than the template says",
			      err);
	return w->last.found ? x509_crl_compare(&w->last.crl, next, &gone, err)
			     : PV_OK;
}

static enum pv_code build(struct work *w, struct err *err)
{
	struct x509_crl next;
	enum pv_code rc = x509_crl_build(&w->head, w->entries.list,
					 w->entries.n, &w->tbs, err);

	if (rc == PV_OK)
		rc = x509_crl_lint(&w->head, w->entries.list, w->entries.n,
				   buf_span(&w->tbs), err);
	if (rc == PV_OK)
		rc = x509_crl_tbs_decode(buf_span(&w->tbs), &next, NULL, err);
	return rc == PV_OK ? compare(w, &next, err) : rc;
}

static enum pv_code reserve(struct work *w, struct err *err)
{
	const struct store_crl row = { .number = w->head.number,
				       .this_s = w->head.this_s,
				       .next_s = w->head.next_s,
				       .entries = w->entries.n,
				       .tbs = buf_span(&w->tbs) };

	return crl_record_intent(&w->record, &w->who, &row, 0, false, err);
}

/* No number is signed twice, and nothing that the log says is left out. */
static enum pv_code hold(struct work *w, struct err *err)
{
	struct crl_tail *t = w->m->tail;
	enum pv_code rc = crl_tail_to(t, crl_tail_start(w->i, &w->last), err);

	return rc == PV_OK
		       ? crl_tail_agrees(t, STORE_CRL, w->i, w->shard,
					 w->head.number - 1,
					 w->last.found ? w->last.row.number : 0,
					 err)
		       : rc;
}

/* One view of the store from its rows to the intent, so that nothing is
 * revoked in between. *due false: nothing is to be signed. */
static enum pv_code prepare(struct work *w, bool *due, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	bool gave_up = false;
	enum pv_code rc = store_begin(w->m->store, STORE_WRITE, &txn, err);

	*due = false;
	if (rc == PV_OK)
		rc = crl_tail_view(w->m->tail, err);
	if (rc == PV_OK)
		rc = event_now(w->m->store, &w->who, err);
	if (rc == PV_OK)
		rc = crl_row_newest(w->m->store, w->i, w->shard, &w->last, err);
	if (rc == PV_OK)
		rc = crl_record_next(&w->record, &w->who, &w->head.number,
				     &gave_up, err);
	if (rc == PV_OK)
		rc = fill_head(w, err);
	if (rc == PV_OK)
		rc = crl_collect(w->m->store, w->m->tail, w->i, w->shard,
				 &w->last, &w->entries, err);
	if (rc == PV_OK)
		*due = is_due(w);
	if (*due)
		rc = hold(w, err);
	if (rc == PV_OK && *due)
		rc = build(w, err);
	if (rc == PV_OK && *due)
		rc = reserve(w, err);
	return rc == PV_OK && (*due || gave_up) ? store_commit(&txn, err) : rc;
}

/* ---- signing ---- */

static enum pv_code sign(struct work *w, struct span tbs, struct err *err)
{
	uint8_t digest[32], sig[64];
	struct x509_crl crl;
	enum pv_code rc = sha256(tbs, digest, err);

	if (rc == PV_OK)
		rc = crl_maker_key(w->m, w->i, err);
	if (rc == PV_OK)
		rc = tokensign_digest(&w->m->key, digest, sig, err);
	if (rc == PV_OK)
		rc = x509_crl_assemble(tbs, sig, &w->der, err);
	if (rc == PV_OK)
		rc = x509_crl_decode(buf_span(&w->der), &crl, NULL, err);
	if (rc == PV_OK)
		rc = x509_crl_verify(w->m->key.verifier, &crl, PV_HSM_FATAL,
				     err);
	return rc == PV_OK ? compare(w, &crl, err) : rc;
}

static enum pv_code show(const struct work *w, struct err *err)
{
	const struct crl_shown s = { .i = w->i,
				     .shard = w->shard,
				     .number = w->head.number,
				     .this_s = w->head.this_s,
				     .next_s = w->head.next_s,
				     .entries = w->entries.n,
				     .tbs = buf_span(&w->tbs),
				     .last = w->last.found ? &w->last.crl
							   : NULL };

	return w->m->before ? w->m->before(w->m->ctx, &s, err) : PV_OK;
}

static enum pv_code make_next(struct crl_maker *m, const struct crl_issuer *i,
			      uint32_t shard, struct err *err)
{
	CLEANUP(work_release)
	struct work w = { .m = m,
			  .i = i,
			  .shard = shard,
			  .record = { m->store, STORE_CRL, i, shard } };
	bool due;
	enum pv_code rc;

	buf_init(&w.room, X509_CRL_URIS_MAX * (X509_CRL_URI_MAX + 16));
	buf_init(&w.tbs, X509_CRL_MAX);
	buf_init(&w.der, X509_CRL_MAX);
	rc = prepare(&w, &due, err);
	if (rc != PV_OK || !due)
		return rc;
	rc = show(&w, err);
	if (rc == PV_OK)
		rc = sign(&w, buf_span(&w.tbs), err);
	if (rc == PV_OK)
		rc = crl_record_issue(&w.record, w.head.number,
				      buf_span(&w.der), err);
	m->made += rc == PV_OK;
	return rc;
}

enum pv_code crl_make(struct crl_maker *m, const struct crl_issuer *i,
		      uint32_t shard, struct err *err)
{
	char object[CRL_OBJECT_MAX];
	enum pv_code rc = make_next(m, i, shard, err);

	crl_object(i, shard, object);
	if (rc != PV_OK)
		err_object(err, object);
	return rc;
}
