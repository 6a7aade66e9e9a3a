#include "lib/flow/ocspmake.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/crlrecord.h"
#include "lib/flow/crlrow.h"
#include "lib/flow/ocspcert.h"
#include "lib/flow/ocspfiles.h"
#include "lib/flow/ocsplink.h"
#include "lib/x509/der.h"

#define BATCH_BYTES (OCSP_BATCH_MAX * X509_OCSP_MAX)

/* One CA's answers, batch after batch: a pass. */
struct work {
	struct ocsp_maker *m;
	const struct crl_issuer *i;
	struct crl_record record;
	struct ocsp_files files;
	struct crl_row last;
	/* The log up to there is taken in: by the passes before this one, and
	 * by this one once it has come to its end. */
	uint64_t from, upto;
	bool begun;				   /* upto is known */
	uint32_t due[OCSP_BATCH_MAX + OCSP_PIECE]; /* numbers; not signed yet */
	size_t due_n;
	uint64_t newest; /* number of the last that was signed */
	bool said_more;	 /* its intent: others were due */
	uint32_t spare;	 /* number of a certificate that has not ended */
	bool look;	 /* at every answer */
	int64_t until_s;
	struct x509_ocsp_head head;
	struct buf cert, tbs, answers;
	struct store_crl row; /* of the batch: its answers' number in entries */
};

static void work_release(struct work *w)
{
	ocsp_files_close(&w->files);
	crl_row_release(&w->last);
	buf_release(&w->cert);
	buf_release(&w->tbs);
	buf_release(&w->answers);
}

enum pv_code ocsp_maker_open(struct ocsp_maker *m, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = ocsp_key(m->a, m->crl->store, &m->key, &why);
	m->has_key = rc == PV_OK;
	if (rc != PV_OK && rc != PV_NOT_FOUND) {
		*err = why;
		return rc;
	}
	return PV_OK;
}

void ocsp_maker_release(struct ocsp_maker *m)
{
	tokensign_close(&m->sign);
}

/* ---- signing ---- */

static enum pv_code open_key(struct work *w, struct err *err)
{
	struct tokens *tokens = w->m->crl->tokens;
	enum pv_code rc;

	if (w->m->sign.key && w->m->turns == tokens->turns)
		return PV_OK;
	tokensign_close(&w->m->sign);
	rc = tokens_find(tokens, &w->m->key, err);
	if (rc == PV_OK)
		rc = tokensign_open(&w->m->sign, *tokens->hsm, &w->m->key, err);
	w->m->turns = tokens->turns;
	return rc;
}

/* The responder's certificate: the one of the last batch, or a new one. */
static enum pv_code have_cert(struct work *w, struct err *err)
{
	struct span answers = w->last.row.der, one;
	struct x509_ocsp r;

	if (w->cert.len > 0)
		return PV_OK;
	if (w->last.found && der_next(&answers, NULL, NULL, &one) &&
	    x509_ocsp_decode(one, &r, NULL) == PV_OK &&
	    ocsp_cert_fits(w->i, &w->m->key, w->until_s, r.cert)) {
		buf_put(&w->cert, r.cert.p, r.cert.len);
		return buf_check(&w->cert, err);
	}
	return ocsp_cert_issue(w->m->crl, w->m->a, w->i, &w->m->key, w->until_s,
			       &w->cert, err);
}

static enum pv_code sign_one(struct work *w, struct span tbs, struct err *err)
{
	uint8_t digest[32], sig[64];
	enum pv_code rc = sha256(tbs, digest, err);

	if (rc == PV_OK)
		rc = tokensign_digest(&w->m->sign, digest, sig, err);
	if (rc == PV_OK)
		rc = x509_ocsp_assemble(tbs, sig, buf_span(&w->cert),
					&w->answers, err);
	return rc;
}

static enum pv_code sign(struct work *w, struct span tbs, struct err *err)
{
	struct span one;
	enum pv_code rc = have_cert(w, err); /* by another key */

	if (rc == PV_OK)
		rc = open_key(w, err);
	buf_reset(&w->answers);
	while (rc == PV_OK && der_next(&tbs, NULL, NULL, &one))
		rc = sign_one(w, one, err);
	return rc;
}

/* ---- batches ---- */

static enum pv_code build_one(struct work *w, const struct ocsp_candidate *c,
			      struct err *err)
{
	const struct x509_ocsp_status s = { .serial = { c->serial,
							c->serial_len },
					    .revoked = c->revoked,
					    .reason = c->reason,
					    .revoked_s = c->revoked_s };
	size_t from = w->tbs.len;
	enum pv_code rc = x509_ocsp_build(&w->head, &s, &w->tbs, err);

	if (rc == PV_OK)
		rc = x509_ocsp_lint(
			&w->head, &s,
			(struct span){ w->tbs.data + from, w->tbs.len - from },
			err);
	w->row.entries += rc == PV_OK;
	return rc;
}

/* What is there and says what is so, and what has ended, is not. */
static enum pv_code is_due(struct work *w, const struct ocsp_candidate *c,
			   bool *due, struct err *err)
{
	*due = false;
	if (c->ended)
		return ocsp_files_drop(&w->files, &w->head, c, err);
	if (ocsp_files_has(&w->files, &w->head, c))
		return ocsp_link(w->m->dir, w->files.folder, &w->head,
				 (struct span){ c->serial, c->serial_len },
				 err);
	*due = true;
	return PV_OK;
}

/* As it is now, if it is due; any: if an answer may be made at all. */
static enum pv_code build_number(struct work *w, struct ocsp_find *f,
				 uint32_t number, bool any, struct err *err)
{
	struct ocsp_candidate c;
	bool due = false;
	enum pv_code rc = ocsp_find_again(f, number, &c, &due, err);

	if (rc == PV_OK && due && any)
		due = !c.ended;
	else if (rc == PV_OK && due)
		rc = is_due(w, &c, &due, err);
	return rc == PV_OK && due ? build_one(w, &c, err) : rc;
}

/* The first n that are due, as they are now. Where the log says that more are
 * due, and none is any more, one is signed anew: its intent says that these
 * were all. */
static enum pv_code build(struct work *w, struct ocsp_find *f, size_t n,
			  struct err *err)
{
	enum pv_code rc = PV_OK;

	buf_reset(&w->tbs);
	for (size_t j = 0; rc == PV_OK && j < n; j++)
		rc = build_number(w, f, w->due[j], false, err);
	if (rc == PV_OK && w->row.entries == 0 && n == w->due_n &&
	    w->said_more && w->spare)
		rc = build_number(w, f, w->spare, true, err);
	return rc;
}

/* How far the log goes that this pass takes in: what comes later, while its
 * batches are signed, is the next one's. */
static enum pv_code view(struct work *w, struct err *err)
{
	struct crl_tail *t = w->m->crl->tail;
	enum pv_code rc = crl_tail_view(t, err);

	if (rc == PV_OK && !w->begun)
		w->upto = t->size;
	w->begun |= rc == PV_OK;
	return rc;
}

static enum pv_code begin(struct work *w, struct event_who *who,
			  struct err *err)
{
	enum pv_code rc = view(w, err);

	if (rc == PV_OK)
		rc = event_now(w->m->crl->store, who, err);
	if (rc == PV_OK)
		w->head.this_s = (int64_t)(who->who.time_ms / 1000);
	return rc;
}

/* Issued in one piece of the log and revoked in another it is one. */
static bool is_noted(const struct work *w, const struct ocsp_candidate *c)
{
	for (size_t j = 0; j < w->due_n; j++)
		if (w->due[j] == c->number)
			return true;
	return false;
}

static enum pv_code scan_piece(struct work *w, struct ocsp_find *f,
			       struct ocsp_candidate list[OCSP_PIECE],
			       struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	size_t n = 0;
	enum pv_code rc = store_begin(w->m->crl->store, STORE_READ, &txn, err);

	f->now_s = w->head.this_s;
	if (rc == PV_OK)
		rc = view(w, err);
	if (rc == PV_OK)
		rc = crl_tail_to(w->m->crl->tail, f->since, err);
	if (rc == PV_OK)
		rc = ocsp_find_next(f, list, &n, err);
	for (size_t j = 0; rc == PV_OK && j < n; j++) {
		bool due;

		rc = is_due(w, &list[j], &due, err);
		if (!list[j].ended)
			w->spare = list[j].number;
		if (rc == PV_OK && due &&
		    !(f->from_log && is_noted(w, &list[j])))
			w->due[w->due_n++] = list[j].number;
	}
	return rc;
}

/* Until more than a batch is due, so that one knows whether it is the last.
 * Nobody who writes waits for it. */
static enum pv_code scan(struct work *w, struct ocsp_find *f, struct err *err)
{
	CLEANUP(mem_cleanup)
	struct ocsp_candidate *list = mem_array(OCSP_PIECE, sizeof(*list), err);
	enum pv_code rc = list ? PV_OK : PV_INTERNAL;

	while (rc == PV_OK && !f->end && w->due_n <= OCSP_BATCH_MAX)
		rc = scan_piece(w, f, list, err);
	return rc;
}

/* What follows is held against the log since then. */
static enum pv_code hold(struct work *w, uint64_t since, struct err *err)
{
	struct crl_tail *t = w->m->crl->tail;
	enum pv_code rc = crl_tail_to(t, since, err);

	return rc == PV_OK ? crl_tail_agrees(t, STORE_OCSP, w->i, 0,
					     w->row.number - 1, w->newest, err)
			   : rc;
}

/* One view of the store from the statuses to the intent, so that none changes
 * in between. row.entries 0: nothing is to be signed. */
static enum pv_code prepare(struct work *w, struct ocsp_find *f, size_t n,
			    struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	bool gave_up = false, more = n < w->due_n;
	enum pv_code rc = store_begin(w->m->crl->store, STORE_WRITE, &txn, err);

	w->row = (struct store_crl){ .next_s = w->until_s };
	if (rc == PV_OK)
		rc = begin(w, &who, err);
	if (rc == PV_OK)
		rc = crl_record_next(&w->record, &who, &w->row.number, &gave_up,
				     err);
	if (rc == PV_OK)
		rc = hold(w, f->since, err);
	f->now_s = w->head.this_s;
	if (rc == PV_OK)
		rc = build(w, f, n, err);
	w->row.this_s = w->head.this_s;
	w->row.tbs = buf_span(&w->tbs);
	if (rc == PV_OK && w->row.entries > 0)
		rc = crl_record_intent(&w->record, &who, &w->row,
				       more ? w->from : w->upto, more, err);
	return rc == PV_OK && (gave_up || w->row.entries > 0)
		       ? store_commit(&txn, err)
		       : rc;
}

/* Also where nothing is due: what was not signed is given up. */
static enum pv_code make_batch(struct work *w, struct ocsp_find *f,
			       struct err *err)
{
	size_t n = w->due_n < OCSP_BATCH_MAX ? w->due_n : OCSP_BATCH_MAX;
	bool more = n < w->due_n;
	enum pv_code rc = prepare(w, f, n, err);

	w->due_n -= n;
	memmove(w->due, w->due + n, w->due_n * sizeof(w->due[0]));
	if (rc != PV_OK || w->row.entries == 0)
		return rc;
	rc = sign(w, w->row.tbs, err);
	if (rc == PV_OK)
		rc = crl_record_issue(&w->record, w->row.number,
				      buf_span(&w->answers), err);
	if (rc != PV_OK)
		return rc;
	w->newest = w->row.number;
	w->said_more = more;
	w->m->made += w->row.entries;
	return ocsp_files_put(&w->files, buf_span(&w->answers), err);
}

static enum pv_code make_batches(struct work *w, struct err *err)
{
	CLEANUP(ocsp_find_release) struct ocsp_find f = { .asks = NULL };
	enum pv_code rc = ocsp_find_open(&f, w->m->crl->tail, w->i, !w->look,
					 w->from, err);

	do {
		if (rc == PV_OK)
			rc = scan(w, &f, err);
		if (rc == PV_OK)
			rc = make_batch(w, &f, err);
	} while (rc == PV_OK && w->due_n > 0);
	return rc;
}

/* ---- a pass ---- */

static enum pv_code load_last(struct work *w, struct err *err)
{
	enum pv_code rc =
		ocsp_row_newest(w->m->crl->store, w->i, 0, &w->last, err);

	w->from = w->last.found ? w->last.upto : w->i->since;
	w->newest = w->last.found ? w->last.row.number : 0;
	w->said_more = w->last.found && w->last.more;
	return rc;
}

/* The last batch is by the responder of now. */
static bool same_responder(const struct work *w)
{
	struct span answers = w->last.row.der, one;
	struct x509_ocsp r;

	return der_next(&answers, NULL, NULL, &one) &&
	       x509_ocsp_decode(one, &r, NULL) == PV_OK &&
	       memcmp(r.responder.p, w->head.responder,
		      sizeof(w->head.responder)) == 0;
}

/* All answers of a CA end together; none lives longer than a list does. */
static enum pv_code plan(struct work *w, struct err *err)
{
	struct event_who who;
	int64_t now_s, last_s = w->last.row.next_s;
	enum pv_code rc = event_now(w->m->crl->store, &who, err);

	if (rc != PV_OK)
		return rc;
	now_s = (int64_t)(who.who.time_ms / 1000);
	w->files.now_s = now_s;
	w->until_s = now_s + w->i->lifetime_s;
	if (w->last.found && !w->m->crl->all && last_s <= w->until_s &&
	    last_s - now_s > w->i->overlap_s)
		w->until_s = last_s;
	if (w->until_s > w->i->cert.not_after_s)
		w->until_s = w->i->cert.not_after_s;
	rc = x509_ocsp_head(&w->i->cert,
			    (struct span){ w->m->key.spki, w->m->key.spki_len },
			    now_s, w->until_s, &w->head, err);
	/* Of a later end are all or none: status knows the last batch's. */
	w->look = w->m->look || !w->last.found || w->last.more ||
		  w->until_s != last_s || !same_responder(w);
	return rc;
}

static enum pv_code run(struct work *w, struct err *err)
{
	enum pv_code rc = ocsp_files_open(&w->files, err);

	if (rc == PV_OK)
		rc = load_last(w, err);
	if (rc == PV_OK)
		rc = plan(w, err);
	/* What was signed and, after a crash, did not get there. */
	if (rc == PV_OK && w->last.found)
		rc = ocsp_files_put(&w->files, w->last.row.der, err);
	return rc == PV_OK ? make_batches(w, err) : rc;
}

enum pv_code ocsp_make(struct ocsp_maker *m, const struct crl_issuer *i,
		       struct err *err)
{
	CLEANUP(work_release)
	struct work w = { .m = m,
			  .i = i,
			  .record = { m->crl->store, STORE_OCSP, i, 0 },
			  .files = { .dir = m->dir, .i = i, .folder = -1 } };
	enum pv_code rc;

	if (!i->ocsp || !m->has_key)
		return PV_OK;
	buf_init(&w.cert, X509_CERT_MAX);
	buf_init(&w.tbs, BATCH_BYTES);
	buf_init(&w.answers, BATCH_BYTES);
	rc = run(&w, err);
	if (rc != PV_OK)
		err_object(err, i->ca);
	return rc;
}
