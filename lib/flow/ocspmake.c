#include "lib/flow/ocspmake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/crlrow.h"
#include "lib/flow/event.h"
#include "lib/flow/ocspcert.h"
#include "lib/flow/ocspfind.h"
#include "lib/flow/ocsplink.h"
#include "lib/log/lifecycle.h"
#include "lib/x509/der.h"

#define FILE_MODE 0644
#define BATCH_BYTES (OCSP_BATCH_MAX * X509_OCSP_MAX)

CLEANUP_PTR(struct file_group, file_group_free);

/* One CA's answers, batch after batch. */
struct work {
	struct ocsp_maker *m;
	const struct crl_issuer *i;
	char object[CRL_OBJECT_MAX];
	int folder;
	struct crl_row last;
	int64_t now_s, until_s;
	struct x509_ocsp_head head;
	struct buf cert, tbs, answers;
	size_t n;  /* in tbs */
	bool look; /* at every answer */
};

static void work_release(struct work *w)
{
	fd_cleanup(&w->folder);
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

void ocsp_name(struct span serial, char out[OCSP_NAME_MAX])
{
	size_t len =
		serial.len < STORE_SERIAL_MAX ? serial.len : STORE_SERIAL_MAX;

	hex_encode(serial.p, len, out);
	memcpy(out + 2 * len, ".ors", sizeof(".ors"));
}

/* ---- the folder ---- */

static enum pv_code put_answers(struct work *w, struct span answers,
				struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	struct span one;
	size_t written = 0;
	enum pv_code rc = file_group_new(&g, err);

	while (rc == PV_OK && der_next(&answers, NULL, NULL, &one)) {
		char name[OCSP_NAME_MAX];
		struct x509_ocsp r;

		rc = x509_ocsp_decode(one, &r, err);
		if (rc != PV_OK)
			break;
		ocsp_name(r.status.serial, name);
		if (publish_same(w->folder, name, one))
			continue;
		if (written == 0)
			rc = publish_hook_due(w->m->a, err);
		if (rc == PV_OK)
			rc = file_group_replace(g, w->folder, name, FILE_MODE,
						one.p, one.len, err);
		written++;
	}
	if (rc == PV_OK)
		rc = file_group_commit(g, err);
	w->m->dir->files += rc == PV_OK ? written : 0;
	return rc;
}

static enum pv_code put_links(struct work *w, struct span answers,
			      struct err *err)
{
	struct span one;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && der_next(&answers, NULL, NULL, &one)) {
		struct x509_ocsp_head h;
		struct x509_ocsp r;

		rc = x509_ocsp_decode(one, &r, err);
		if (rc != PV_OK)
			break;
		memcpy(h.issuer_name, r.issuer_name.p, sizeof(h.issuer_name));
		memcpy(h.issuer_key, r.issuer_key.p, sizeof(h.issuer_key));
		rc = ocsp_link(w->m->dir, w->folder, &h, r.status.serial, err);
	}
	return rc;
}

static enum pv_code publish_answers(struct work *w, struct span answers,
				    struct err *err)
{
	enum pv_code rc = put_answers(w, answers, err);

	return rc == PV_OK ? put_links(w, answers, err) : rc;
}

/* Does the answer in the folder say that, until then, by this responder? */
static bool is_there(const struct work *w, const struct ocsp_candidate *c)
{
	CLEANUP(buf_release) struct buf der;
	struct span serial = { c->serial, c->serial_len };
	char name[OCSP_NAME_MAX];
	struct x509_ocsp r;

	buf_init(&der, X509_OCSP_MAX);
	ocsp_name(serial, name);
	return file_read(w->folder, name, FILEIO_NOFOLLOW, &der, NULL) ==
		       PV_OK &&
	       x509_ocsp_decode(buf_span(&der), &r, NULL) == PV_OK &&
	       span_equal(r.status.serial, serial) &&
	       r.status.revoked == c->revoked &&
	       (!c->revoked || (r.status.revoked_s == c->revoked_s &&
				r.status.reason == c->reason)) &&
	       r.next_s >= w->until_s && r.this_s <= w->now_s &&
	       memcmp(r.responder.p, w->head.responder,
		      sizeof(w->head.responder)) == 0;
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

static enum pv_code record(struct work *w, uint64_t number, uint64_t n,
			   struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	STORE_TXN txn = STORE_TXN_INIT;
	struct store_crl row = { .kind = STORE_OCSP,
				 .generation = w->i->generation,
				 .number = number,
				 .der = buf_span(&w->answers) };
	struct event_who who;
	uint8_t hash[32];
	struct log_entry e;
	enum pv_code rc = sha256(buf_span(&w->answers), hash, err);

	buf_init(&entry, LOG_ENTRY_MAX);
	snprintf(row.ca, sizeof(row.ca), "%s", w->i->ca);
	if (rc == PV_OK)
		rc = store_begin(w->m->crl->store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = event_now(w->m->crl->store, &who, err);
	if (rc != PV_OK)
		return rc;
	log_crl_issue(&e, &who.who, LOG_OCSP_ISSUE, w->object, number, hash);
	rc = log_entry_encode(&e, &entry, err);
	if (rc == PV_OK)
		rc = store_crl_complete(w->m->crl->store, &row,
					buf_span(&entry), err);
	if (rc == PV_OK)
		rc = store_commit(&txn, err);
	if (rc == PV_OK)
		w->m->made += n;
	return rc;
}

/* Durable when PV_OK: only then may the token be asked. */
static enum pv_code reserve(struct work *w, uint64_t number, struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	STORE_TXN txn = STORE_TXN_INIT;
	struct store_crl row = { .kind = STORE_OCSP,
				 .generation = w->i->generation,
				 .number = number,
				 .this_s = w->now_s,
				 .next_s = w->until_s,
				 .entries = w->n,
				 .tbs = buf_span(&w->tbs) };
	uint8_t hash[32];
	struct log_crl c = { .object = w->object,
			     .number = number,
			     .tbs = hash,
			     .this_s = w->now_s,
			     .next_s = w->until_s,
			     .entries = w->n };
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = sha256(buf_span(&w->tbs), hash, err);

	buf_init(&entry, LOG_ENTRY_MAX);
	snprintf(row.ca, sizeof(row.ca), "%s", w->i->ca);
	if (rc == PV_OK)
		rc = store_begin(w->m->crl->store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = event_now(w->m->crl->store, &who, err);
	if (rc != PV_OK)
		return rc;
	log_crl_intent(&e, &who.who, LOG_OCSP_INTENT, &c);
	rc = log_entry_encode(&e, &entry, err);
	if (rc == PV_OK)
		rc = store_crl_reserve(w->m->crl->store, &row, buf_span(&entry),
				       err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

static enum pv_code build(struct work *w, const struct ocsp_candidate *list,
			  size_t n, struct err *err)
{
	enum pv_code rc = PV_OK;

	buf_reset(&w->tbs);
	w->n = 0;
	for (size_t j = 0; rc == PV_OK && j < n; j++) {
		const struct x509_ocsp_status s = {
			.serial = { list[j].serial, list[j].serial_len },
			.revoked = list[j].revoked,
			.reason = list[j].reason,
			.revoked_s = list[j].revoked_s
		};
		size_t from = w->tbs.len;

		if (w->look && is_there(w, &list[j])) {
			rc = ocsp_link(w->m->dir, w->folder, &w->head, s.serial,
				       err);
			continue;
		}
		rc = x509_ocsp_build(&w->head, &s, &w->tbs, err);
		if (rc == PV_OK)
			rc = x509_ocsp_lint(&w->head, &s,
					    (struct span){ w->tbs.data + from,
							   w->tbs.len - from },
					    err);
		w->n += rc == PV_OK;
	}
	return rc;
}

/* ---- batches ---- */

static enum pv_code make_batch(struct work *w,
			       const struct ocsp_candidate *list, size_t n,
			       uint64_t *number, struct err *err)
{
	enum pv_code rc = build(w, list, n, err);

	if (rc != PV_OK || w->n == 0)
		return rc;
	rc = reserve(w, *number + 1, err);
	if (rc == PV_OK)
		rc = sign(w, buf_span(&w->tbs), err);
	if (rc == PV_OK)
		rc = record(w, ++*number, w->n, err);
	return rc == PV_OK ? publish_answers(w, buf_span(&w->answers), err)
			   : rc;
}

static enum pv_code make_batches(struct work *w, struct err *err)
{
	CLEANUP(mem_cleanup)
	struct ocsp_candidate *list =
		mem_array(OCSP_BATCH_MAX, sizeof(*list), err);
	CLEANUP(ocsp_find_release) struct ocsp_find f = { .asks = NULL };
	uint64_t number = w->last.found ? w->last.row.number : 0;
	uint64_t from = w->last.found ? w->last.row.intent_index + 1 : 0;
	enum pv_code rc = PV_INTERNAL;

	if (list)
		rc = ocsp_find_open(&f, w->m->crl->store, w->i, !w->look,
				    w->look ? 0 : from, err);
	while (rc == PV_OK && !f.end) {
		size_t n;

		rc = ocsp_find_next(&f, list, OCSP_BATCH_MAX, &n, err);
		if (rc == PV_OK)
			rc = make_batch(w, list, n, &number, err);
	}
	return rc;
}

static enum pv_code finish_pending(struct work *w, struct err *err)
{
	CRL_ROW p = { .found = false };
	enum pv_code rc =
		crl_row_pending(w->m->crl->store, STORE_OCSP, w->i, 0, &p, err);

	if (rc != PV_OK || !p.found)
		return rc;
	w->until_s = p.row.next_s;
	rc = sign(w, p.row.tbs, err);
	if (rc == PV_OK)
		rc = record(w, p.row.number, p.row.entries, err);
	if (rc == PV_OK)
		rc = publish_answers(w, buf_span(&w->answers), err);
	buf_reset(&w->cert);
	crl_row_release(&w->last);
	return rc == PV_OK ? ocsp_row_newest(w->m->crl->store, w->i, 0,
					     &w->last, err)
			   : rc;
}

/* All answers of a CA end together. */
static enum pv_code plan(struct work *w, struct err *err)
{
	struct event_who who;
	enum pv_code rc = event_now(w->m->crl->store, &who, err);

	if (rc != PV_OK)
		return rc;
	w->now_s = (int64_t)(who.who.time_ms / 1000);
	w->look = w->m->look;
	w->until_s = w->now_s + w->i->lifetime_s;
	if (w->last.found && !w->m->crl->all &&
	    w->last.row.next_s - w->now_s > w->i->overlap_s)
		w->until_s = w->last.row.next_s;
	if (w->until_s > w->i->cert.not_after_s)
		w->until_s = w->i->cert.not_after_s;
	/* Of a later end are all or none: status knows the last batch's. */
	w->look |= w->last.found && w->until_s != w->last.row.next_s;
	return x509_ocsp_head(
		&w->i->cert,
		(struct span){ w->m->key.spki, w->m->key.spki_len }, w->now_s,
		w->until_s, &w->head, err);
}

static enum pv_code run(struct work *w, struct err *err)
{
	enum pv_code rc =
		publish_sub(w->m->dir, "ocsp", w->i->ca, &w->folder, err);

	if (rc == PV_OK)
		rc = ocsp_row_newest(w->m->crl->store, w->i, 0, &w->last, err);
	if (rc == PV_OK)
		rc = finish_pending(w, err);
	/* What was signed and, after a crash, did not get there. */
	if (rc == PV_OK && w->last.found)
		rc = publish_answers(w, w->last.row.der, err);
	if (rc == PV_OK)
		rc = plan(w, err);
	return rc == PV_OK ? make_batches(w, err) : rc;
}

enum pv_code ocsp_make(struct ocsp_maker *m, const struct crl_issuer *i,
		       struct err *err)
{
	CLEANUP(work_release)
	struct work w = { .m = m, .i = i, .folder = -1 };
	enum pv_code rc;

	if (!i->ocsp || !m->has_key)
		return PV_OK;
	buf_init(&w.cert, X509_CERT_MAX);
	buf_init(&w.tbs, BATCH_BYTES);
	buf_init(&w.answers, BATCH_BYTES);
	crl_object(i, 0, w.object);
	rc = run(&w, err);
	if (rc != PV_OK)
		err_object(err, i->ca);
	return rc;
}
