/* What became of evidence: row, entry, quarantine. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/notechars.h"
#include "lib/base/sha256.h"
#include "lib/flow/attestverify_impl.h"
#include "lib/flow/kept.h"
#include "lib/flow/logged.h"
#include "lib/log/attest.h"
#include "lib/store/store_held.h"

CLEANUP_PTR(json_t, json_decref);

#define HELD_MAX ((size_t)64 * 1024)

/* ---- rows and the log ---- */

enum pv_code attestverify_fits(const struct log_entry *e,
			       const struct store_evidence *x, bool *fits,
			       struct err *err)
{
	const struct span seal = x->seal_spki;
	const char *result =
		x->state == EVIDENCE_FAILED ? x->rule : LOG_VERIFIED;
	uint8_t hash[32];
	enum pv_code rc = sha256(seal, hash, err);

	*fits = rc == PV_OK && e->time_ms == x->verified_ms &&
		logged_text_is(e, "stage", x->stage) &&
		logged_text_is(e, "format",
			       evidence_format_name(
				       (enum evidence_format)x->format)) &&
		logged_text_is(e, "result", result) &&
		logged_hash_is(e, "evidence", x->sha256) &&
		logged_hash_is(e, "nonce", x->nonce) &&
		logged_hash_is(e, "nonce value",
			       x->uses_nonce ? x->nonce_value : NULL) &&
		logged_hash_is(e, "manifest", x->manifest) &&
		logged_hash_is(e, "seal", seal.len > 0 ? hash : NULL);
	return rc;
}

enum pv_code attestverify_logged(struct store *store,
				 const struct store_evidence *x,
				 struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	bool fits = false;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(store, x->log_index, LOG_ATTEST_VERIFY, x->device,
			  &room, &e, err);
	if (rc == PV_OK)
		rc = attestverify_fits(&e, x, &fits, err);
	if (rc == PV_OK && !fits)
		rc = logged_edited("the row of evidence", err);
	return rc;
}

/* ---- before ---- */

static enum pv_code find_before(struct verifying *w, struct store_evidence *x,
				struct buf *seal, bool *found, struct err *err)
{
	enum pv_code rc =
		store_evidence_get(w->v->store, w->x.d.s.device,
				   w->said->sha256, x, seal, found, err);

	return rc == PV_OK && *found ? attestverify_logged(w->v->store, x, err)
				     : rc;
}

enum pv_code attestverify_known(struct verifying *w, struct err *err)
{
	CLEANUP(buf_release) struct buf seal;
	struct store_evidence x;
	bool found = false;
	enum pv_code rc;

	buf_init(&seal, ATTESTKEY_ROW_MAX);
	rc = find_before(w, &x, &seal, &found, err);
	found = rc == PV_OK && found &&
		memcmp(x.nonce, w->nonce_hash, sizeof(x.nonce)) == 0;
	w->released = found && x.state == EVIDENCE_RELEASED;
	w->said->existing =
		found && x.state == EVIDENCE_VERIFIED &&
		memcmp(x.manifest, w->manifest, sizeof(x.manifest)) == 0 &&
		strcmp(x.stage, w->said->stage) == 0 &&
		span_equal(x.seal_spki, buf_span(&w->seal));
	return rc;
}

/* What is not the device's, refused for the same before: the same bytes, or
 * others for the same nonce, of which a stranger has as many as he likes. And
 * what was released, given once more: it says nothing new. */
static enum pv_code refused_before(struct verifying *w, bool *before,
				   struct err *err)
{
	CLEANUP(buf_release) struct buf seal;
	struct store_evidence x;
	bool found = false;
	enum pv_code rc;

	buf_init(&seal, ATTESTKEY_ROW_MAX);
	rc = find_before(w, &x, &seal, &found, err);
	*before = rc == PV_OK && found &&
		  (w->released ||
		   (x.state == EVIDENCE_FAILED &&
		    strcmp(x.rule, w->said->verdict.why.rule) == 0));
	return rc == PV_OK && !*before
		       ? store_evidence_stranger(
				 w->v->store, w->x.d.s.device, w->nonce_hash,
				 w->said->verdict.why.rule, before, err)
		       : rc;
}

/* ---- row and entry ---- */

/* The device answered this very nonce. */
static bool answered(const struct verdict *v)
{
	return verdict_passed(v, "evidence.signature") &&
	       verdict_passed(v, "evidence.nonce");
}

static void put_row(const struct verifying *w, struct store_evidence *x)
{
	const struct verdict *v = &w->said->verdict;
	bool failed = v->why.code != PV_OK;

	memset(x, 0, sizeof(*x));
	memcpy(x->device, w->x.d.s.device, sizeof(x->device));
	snprintf(x->stage, sizeof(x->stage), "%s", w->said->stage);
	x->state = failed ? EVIDENCE_FAILED : EVIDENCE_VERIFIED;
	x->format = w->key.format;
	memcpy(x->sha256, w->said->sha256, 32);
	memcpy(x->nonce, w->nonce_hash, 32);
	memcpy(x->manifest, w->manifest, 32);
	x->seal_spki = buf_span(&w->seal);
	x->verified_ms = w->who->who.time_ms;
	x->uses_nonce = !failed || answered(v);
	if (x->uses_nonce)
		memcpy(x->nonce_value, w->in->nonce, 32);
	if (failed)
		snprintf(x->rule, sizeof(x->rule), "%s", v->why.rule);
}

/* What the device was asked for with, where that was kept: by lots, evidence
 * that fails is counted (anomaly_watch.h). */
static enum pv_code find_lot(const struct verifying *w,
			     char lot[STORE_ID_MAX + 1], struct err *err)
{
	CLEANUP(buf_release) struct buf row;
	struct kept k;
	enum pv_code rc;

	lot[0] = '\0';
	buf_init(&row, KEPT_MAX);
	rc = kept_load(w->v->store, &w->x.d, &row, &k, err);
	for (size_t i = 0; rc == PV_OK && i < k.fields_n; i++) {
		const struct span name = { k.fields[i].name.p,
					   k.fields[i].name.len };
		const struct span value = { k.fields[i].value.p,
					    k.fields[i].value.len };

		if (span_is(name, "lot") && value.len <= STORE_ID_MAX &&
		    notechars_plain(value)) {
			memcpy(lot, value.p, value.len);
			lot[value.len] = '\0';
		}
	}
	return rc;
}

static enum pv_code record_row(struct verifying *w,
			       const struct store_evidence *x, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	const struct store_subject *s = &w->x.d.s;
	uint8_t seal[32];
	char lot[STORE_ID_MAX + 1];
	struct log_verify facts = {
		.device = x->device,
		.stage = x->stage,
		.format = w->said->format,
		.result = x->state == EVIDENCE_FAILED ? x->rule : LOG_VERIFIED,
		.evidence = x->sha256,
		.nonce = x->nonce,
		.manifest = x->manifest,
		.nonce_value = x->uses_nonce ? x->nonce_value : NULL,
		.seal = x->seal_spki.len > 0 ? seal : NULL,
		.template_hash = w->x.template_sha256,
		.order = s->order[0] ? s->order : NULL
	};
	struct log_entry e;
	enum pv_code rc = sha256(x->seal_spki, seal, err);

	if (rc == PV_OK)
		rc = find_lot(w, lot, err);
	facts.lot = rc == PV_OK && lot[0] ? lot : NULL;
	buf_init(&bytes, LOG_ENTRY_MAX);
	log_attest_verify(&e, &w->who->who, &facts);
	if (rc == PV_OK)
		rc = log_entry_encode(&e, &bytes, err);
	return rc == PV_OK ? store_evidence_put(w->v->store, x,
						buf_span(&bytes), err)
			   : rc;
}

/* ---- quarantine ---- */

/* What is kept of evidence under that template begins so; answered: it is the
 * device's. */
static bool set_head(json_t *o, const struct verifying *w, bool answered)
{
	return json_object_set_new(o, "evidence_under",
				   json_string(w->x.t->name)) == 0 &&
	       json_object_set_new(o, "answered", json_boolean(answered)) == 0;
}

static enum pv_code no_memory(struct err *err)
{
	return err_fail(err, PV_INTERNAL, "memory", NULL,
			"no memory to hold evidence");
}

static enum pv_code put_bytes(const struct verifying *w, bool answered,
			      struct buf *out, struct err *err)
{
	CLEANUP(cleanup_json_decref) json_t *o = json_object();
	CLEANUP(mem_cleanup) char *base64 = NULL;
	const struct span bytes = w->in->evidence;
	char nonce[2 * EVIDENCE_NONCE_LEN + 1];
	char *text = NULL;

	base64 = mem_new(BASE64_LEN(bytes.len) + 1, err);
	if (!base64)
		return PV_INTERNAL;
	base64_encode(bytes.p, bytes.len, base64);
	hex_encode(w->in->nonce, EVIDENCE_NONCE_LEN, nonce);
	if (o && set_head(o, w, answered) &&
	    json_object_update_new(
		    o, json_pack("{s:s, s:s, s:s, s:s, s:s}", "device",
				 w->x.d.s.device, "stage", w->said->stage,
				 "format", w->said->format, "nonce", nonce,
				 "evidence", base64)) == 0)
		text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (!text)
		return no_memory(err);
	buf_put_str(out, text);
	free(text);
	return buf_check(out, err);
}

/* Of the template's; what devices answered and what strangers brought are
 * counted apart, so that these keep none of those from being kept. */
static enum pv_code has_room(const struct verifying *w, bool answered,
			     bool *room, struct err *err)
{
	CLEANUP(cleanup_json_decref) json_t *o = json_object();
	char *text = NULL;
	uint64_t n = 0;
	enum pv_code rc;

	if (o && set_head(o, w, answered))
		text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (!text)
		return no_memory(err);
	text[strlen(text) - 1] = ','; /* something always follows */
	rc = store_held_count(
		w->v->store,
		(struct span){ (const uint8_t *)text, strlen(text) }, &n, err);
	free(text);
	*room = n < w->x.t->limits.quarantine_max;
	return rc;
}

static enum pv_code put_held(struct verifying *w, const struct store_held *h,
			     struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct log_quarantine facts = { .request = h->request,
					.device =
						h->device[0] ? h->device : NULL,
					.rule = h->rule,
					.source = h->source };
	uint8_t hash[32];
	struct log_entry e;
	enum pv_code rc = sha256(h->bytes, hash, err);

	buf_init(&bytes, LOG_ENTRY_MAX);
	if (rc == PV_OK)
		rc = store_held_next(w->v->store, &facts.held, err);
	if (rc != PV_OK)
		return rc;
	facts.bytes = hash;
	log_quarantine_put(&e, &w->who->who, &facts);
	log_fact_bytes(&e, "template hash", w->x.template_sha256, LOG_HASH);
	rc = log_entry_encode(&e, &bytes, err);
	return rc == PV_OK ? store_held_put(w->v->store, h, buf_span(&bytes),
					    &w->said->held, err)
			   : rc;
}

static enum pv_code hold(struct verifying *w, const struct store_evidence *x,
			 struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct store_held h = { .id = 0 };
	enum pv_code rc;

	buf_init(&bytes, HELD_MAX);
	rc = put_bytes(w, x->uses_nonce, &bytes, err);
	if (rc != PV_OK)
		return rc;
	memcpy(h.request, x->device, sizeof(h.request));
	if (x->uses_nonce)
		memcpy(h.device, x->device, sizeof(h.device));
	memcpy(h.rule, x->rule, sizeof(h.rule));
	snprintf(h.source, sizeof(h.source), "evidence for %s, given by %s",
		 x->device, w->who->actor);
	h.bytes = buf_span(&bytes);
	return put_held(w, &h, err);
}

enum pv_code attestverify_record(struct verifying *w, struct err *err)
{
	struct store_evidence x;
	bool before = false, room = true;
	enum pv_code rc = PV_OK;

	put_row(w, &x);
	if (x.state == EVIDENCE_FAILED && !x.uses_nonce)
		rc = refused_before(w, &before, err);
	w->said->existing = before;
	if (rc == PV_OK && !before && x.state == EVIDENCE_FAILED)
		rc = has_room(w, x.uses_nonce, &room, err);
	/* The log is no stranger's to fill, either. */
	if (rc != PV_OK || before || (!room && !x.uses_nonce))
		return rc;
	rc = record_row(w, &x, err);
	return rc == PV_OK && x.state == EVIDENCE_FAILED && room
		       ? hold(w, &x, err)
		       : rc;
}
