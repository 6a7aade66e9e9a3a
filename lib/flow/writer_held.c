#include "lib/flow/writer_held.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/pem.h"
#include "lib/flow/governance.h"

CLEANUP_PTR(json_t, json_decref);

#define HELD_BYTES_MAX ((size_t)256 * 1024)

static bool set(json_t *o, const char *key, json_t *value)
{
	return json_object_set_new(o, key, value) == 0;
}

static bool set_text(json_t *o, const char *key, const char *value)
{
	return !value || !value[0] || set(o, key, json_string(value));
}

static bool set_pem(json_t *o, const char *key, const char *label,
		    const struct buf *der)
{
	CLEANUP(buf_release) struct buf text;

	buf_init(&text, HELD_BYTES_MAX);
	if (der->len == 0)
		return true;
	pem_encode(&text, label, buf_span(der));
	return set(o, key, json_stringn((const char *)text.data, text.len));
}

static bool set_signature(json_t *o, const struct buf *sig, struct err *err)
{
	CLEANUP(mem_cleanup) char *text = NULL;

	if (sig->len == 0)
		return true;
	text = mem_new(BASE64_LEN(sig->len) + 1, err);
	if (!text)
		return false;
	base64_encode(sig->data, sig->len, text);
	return set(o, "seal_key_sig", json_string(text));
}

static bool set_fields(json_t *o, const struct request *r)
{
	json_t *fields = json_object();

	for (size_t i = 0; i < r->fields_n; i++)
		if (!set(fields, request_text(r, r->fields[i].name),
			 json_string(request_text(r, r->fields[i].value)))) {
			json_decref(fields);
			return false;
		}
	return set(o, "fields", fields);
}

/* What is kept of each request begins so. */
static bool set_asked(json_t *o, const struct writer *w)
{
	const struct writer_opts *opts = w->opts;

	return set_text(o, "template", opts->ctx->tmpl->name) &&
	       set_text(o, "order", opts->order ? opts->order->id : NULL);
}

/* Of that template's very bytes, and by whom as far as it was proved. */
static bool set_under(json_t *o, const struct writer *w)
{
	char hex[2 * LOG_HASH + 1];

	hex_encode(w->opts->ctx->template_sha256, LOG_HASH, hex);
	return set_text(o, "template_sha256", hex) &&
	       set_text(o, "station", w->opts->station) &&
	       (!w->opts->station_signed ||
		set(o, "station_signed", json_true()));
}

/*
 * The request as one line of JSON, whatever it came as (a row of CSV, options,
 * a CSR in a file), and what it was asked under: a release is for exactly this.
 */
static enum pv_code put_bytes(const struct writer *w, const struct request *r,
			      struct buf *out, struct err *err)
{
	CLEANUP(cleanup_json_decref) json_t *o = json_object();
	char *text = NULL;

	if (set_asked(o, w) && set_under(o, w) &&
	    set_text(o, "request", r->id) && set_text(o, "device", r->device) &&
	    set_text(o, "role", r->role) &&
	    set_text(o, "key", r->host_key ? "host" : NULL) &&
	    set_text(o, "replace", request_replace_name(r->replace)) &&
	    set_pem(o, "csr", "CERTIFICATE REQUEST", &r->csr) &&
	    set_pem(o, "seal_key", "PUBLIC KEY", &r->seal_key) &&
	    set_signature(o, &r->seal_sig, err) && set_fields(o, r))
		text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (!text)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"no memory to hold a request");
	buf_put_str(out, text);
	free(text);
	return buf_check(out, err);
}

/* ---- what people decided ---- */

struct looking {
	struct writer *w;
	struct span bytes;
	struct writer_decided *to;
};

static enum pv_code take_held(void *ctx, const struct store_held *h,
			      struct err *err)
{
	struct looking *l = ctx;
	struct writer_decided *to = l->to;
	enum pv_code rc;

	if (!span_equal(h->bytes, l->bytes))
		return PV_OK;
	rc = governance_held(l->w->store, h, err);
	to->waits |= h->state == STORE_HELD;
	if (rc != PV_OK || h->state == STORE_HELD)
		return rc;
	/* Decided while this run goes on: nobody has judged it yet. */
	if (h->decided_index >= l->w->log.seen.size)
		rc = governance_go_on(l->w->store, &l->w->log, err);
	if (rc != PV_OK)
		return rc;
	if (to->n == WRITER_DECIDED_MAX)
		return governance_wrong(LOG_QUARANTINE_PUT, h->request,
					"it was decided on more often than "
					"there are rules",
					err);
	memcpy(to->rules[to->n], h->rule, sizeof(h->rule));
	if (h->state == STORE_RELEASED)
		to->released[to->released_n++] = to->rules[to->n];
	to->n++;
	return PV_OK;
}

enum pv_code writer_decided(struct writer *w, const struct record_intent *i,
			    struct writer_decided *to, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct looking l = { .w = w, .to = to };
	const struct store_visit v = { .ctx = &l, .fn.held = take_held };
	enum pv_code rc;

	to->n = to->released_n = 0;
	to->waits = false;
	buf_init(&bytes, HELD_BYTES_MAX);
	rc = put_bytes(w, i->req, &bytes, err);
	l.bytes = buf_span(&bytes);
	return rc == PV_OK ? store_held_of(w->store, i->req->device, &v, err)
			   : rc;
}

/* ---- how many there may be ---- */

/* Those of this run's order, or without one of its template. */
static enum pv_code count_alike(const struct writer *w, uint64_t *n,
				struct err *err)
{
	CLEANUP(cleanup_json_decref) json_t *o = json_object();
	char *text = NULL;
	enum pv_code rc;

	if (set_asked(o, w))
		text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (!text)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"no memory to count what is held");
	text[strlen(text) - 1] = ','; /* something always follows */
	rc = store_held_count(
		w->store, (struct span){ (const uint8_t *)text, strlen(text) },
		n, err);
	free(text);
	return rc;
}

/* A hostile station fills its own order's share. */
static enum pv_code check_room(struct writer *w, const struct err *why,
			       struct err *err)
{
	const uint32_t max = w->opts->ctx->tmpl->limits.quarantine_max;
	uint64_t all;
	enum pv_code rc =
		store_held_count(w->store, (struct span){ NULL, 0 }, &all, err);

	if (rc != PV_OK || all < max)
		return rc;
	if (w->held != all)
		rc = count_alike(w, &w->held_alike, err);
	if (rc != PV_OK)
		return rc;
	w->held = all;
	if (w->held_alike < max)
		return PV_OK;
	return err_fail(err, PV_DENIED, "quarantine.full",
			"decide on some: `provctl quarantine list`",
			"%.120s; and %llu of its %s wait in quarantine already",
			why->message, (unsigned long long)w->held_alike,
			w->opts->order ? "order" : "template");
}

/* ---- holding ---- */

static void put_source(const struct writer *w, const struct request *r,
		       struct store_held *h)
{
	const char *station = w->opts->station;

	snprintf(h->source, sizeof(h->source),
		 "request %llu of a run by %s%s%s", (unsigned long long)r->line,
		 w->opts->actor, station ? " at station " : "",
		 station ? station : "");
}

static enum pv_code keep(struct writer *w, const struct store_held *h,
			 uint64_t *id, struct err *err)
{
	struct log_who by = writer_who(w);
	struct log_quarantine facts = { .request = h->request,
					.device = h->device,
					.rule = h->rule,
					.source = h->source };
	uint8_t hash[LOG_HASH];
	struct log_entry e;
	struct span entry;
	enum pv_code rc = writer_hash(w, h->bytes, hash, err);

	if (rc == PV_OK)
		rc = store_held_next(w->store, &facts.held, err);
	if (rc != PV_OK)
		return rc;
	facts.bytes = hash;
	log_quarantine_put(&e, &by, &facts);
	log_fact_bytes(&e, "template hash", w->opts->ctx->template_sha256,
		       LOG_HASH);
	rc = writer_encode(w, &e, &entry, err);
	if (rc == PV_OK)
		rc = store_held_put(w->store, h, entry, id, err);
	w->wrote = true;
	return rc;
}

enum pv_code writer_hold(struct writer *w, struct wire *from,
			 const struct record_intent *i, const struct err *why,
			 struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct record_out out = { .line = i->req->line,
				  .status = ISSUE_QUARANTINED,
				  .err = *why };
	struct store_held h = { .id = 0 };
	uint64_t id = 0;
	enum pv_code rc;

	buf_init(&bytes, HELD_BYTES_MAX);
	rc = check_room(w, why, err);
	if (rc == PV_OK)
		rc = put_bytes(w, i->req, &bytes, err);
	if (rc != PV_OK)
		return rc;
	memcpy(h.request, i->req->id, sizeof(h.request));
	memcpy(h.device, i->req->device, sizeof(h.device));
	snprintf(h.rule, sizeof(h.rule), "%s", why->rule);
	put_source(w, i->req, &h);
	h.bytes = buf_span(&bytes);
	rc = keep(w, &h, &id, err);
	if (rc != PV_OK)
		return rc;
	memcpy(out.id, i->req->id, sizeof(out.id));
	memcpy(out.device, i->req->device, sizeof(out.device));
	err_object(&out.err, i->req->device);
	snprintf(out.err.hint, sizeof(out.err.hint),
		 "see `provctl quarantine show %llu`", (unsigned long long)id);
	wire_put_mark(from, WIRE_SKIP, i->req->line);
	record_put_out(w->opts->parent, &out);
	return PV_OK;
}
