/* The writer: reserving, and taking up what an earlier run reserved. */
#include <stdio.h>
#include <string.h>

#include "lib/flow/kept.h"
#include "lib/flow/logged.h"
#include "lib/flow/succession.h"
#include "lib/flow/writer_held.h"
#include "lib/flow/writer_kdf.h"
#include "lib/flow/writer_kept.h"
#include "lib/flow/writer_parts.h"
#include "lib/flow/writer_release.h"
#include "lib/flow/writer_replace.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"

static enum store_why why_of(enum request_replace replace)
{
	switch (replace) {
	case REQUEST_FIRST:
	case REQUEST_RELEASE:
		break;
	case REQUEST_REWORK:
		return STORE_REWORK;
	case REQUEST_SCRAP:
		return STORE_SCRAP;
	case REQUEST_ROTATE:
		return STORE_ROTATE;
	}
	return STORE_NEW;
}

/* d: what it is in place of; NULL: of nothing. */
static void fill_intent(const struct writer *w, const struct record_intent *i,
			const struct store_device *d, struct store_intent *to)
{
	const struct template *t = w->opts->ctx->tmpl;
	size_t role = 0;

	memset(to, 0, sizeof(*to));
	if (!template_role(t, i->req->role[0] ? i->req->role : NULL, &role))
		role = 0;
	to->s.number = i->number;
	memcpy(to->s.device, i->req->device, sizeof(to->s.device));
	memcpy(to->s.request, i->req->id, sizeof(to->s.request));
	memcpy(to->s.template_sha256, i->template_sha256, 32);
	to->s.ca_generation = i->ca_generation;
	snprintf(to->s.role, sizeof(to->s.role), "%s", t->roles[role].name);
	if (w->opts->order)
		snprintf(to->s.order, sizeof(to->s.order), "%s",
			 w->opts->order->id);
	if (w->opts->station)
		snprintf(to->s.station, sizeof(to->s.station), "%s",
			 w->opts->station);
	memcpy(to->s.body_sha256, i->body, 32);
	to->s.has_spki = i->has_spki;
	to->s.has_seal = i->seal_key;
	memcpy(to->s.spki_sha256, i->spki_sha256, 32);
	memcpy(to->s.seal_sha256, i->seal_sha256, 32);
	to->s.serial_len =
		i->serial.len <= STORE_SERIAL_MAX ? i->serial.len : 0;
	memcpy(to->s.serial, i->serial.p, to->s.serial_len);
	to->s.created_ms = i->created_ms;
	if (d) {
		to->s.replaces = d->s.number;
		to->s.why = why_of(i->req->replace);
	}
	to->tbs = i->tbs;
	to->secrets = i->secrets;
}

/* The stored secrets that the device gets; out stays empty for none. */
static enum pv_code put_stored_names(const struct writer *w,
				     const struct store_intent *i,
				     struct buf *out, struct err *err)
{
	const struct template *t = w->opts->ctx->tmpl;
	size_t role = 0;

	if (w->opts->ctx->stored.n == 0)
		return PV_OK;
	if (template_role(t, i->s.role, &role))
		stored_rows_put(&w->opts->ctx->stored, t,
				prepared_components_now(t, role), out);
	if (out->len > 0)
		buf_put(out, "", 1);
	return buf_check(out, err);
}

static enum pv_code reserve(struct writer *w, const struct record_intent *i,
			    const struct store_device *d, uint64_t seq,
			    struct err *err)
{
	struct store_intent intent;
	char serial[2 * STORE_SERIAL_MAX + 1];
	char replaces[2 * STORE_SERIAL_MAX + 1];
	uint8_t tbs[32], secrets[32], kept_hash[32];
	struct log_intent facts = { .serial = serial };
	CLEANUP(buf_release) struct buf stored;
	CLEANUP(buf_release) struct buf kept;
	CLEANUP(buf_release) struct buf changed;
	struct log_who by = writer_who(w);
	struct log_entry e;
	enum pv_code rc;

	fill_intent(w, i, d, &intent);
	intent.seq = seq;
	buf_init(&stored, LOG_ENTRY_MAX);
	rc = put_stored_names(w, &intent, &stored, err);
	hex_encode(intent.s.serial, intent.s.serial_len, serial);
	facts.device = intent.s.device;
	facts.template_hash = intent.s.template_sha256;
	facts.order = intent.s.order[0] ? intent.s.order : NULL;
	facts.spki = i->has_spki ? i->spki_sha256 : NULL;
	if (intent.s.request[0] &&
	    strcmp(intent.s.request, intent.s.device) != 0)
		facts.request = intent.s.request;
	facts.role = intent.s.role;
	facts.station = intent.s.station[0] ? intent.s.station : NULL;
	facts.station_signed = w->opts->station_signed;
	facts.body = intent.s.body_sha256;
	facts.seal = intent.s.has_seal ? intent.s.seal_sha256 : NULL;
	facts.generation = intent.s.ca_generation;
	facts.created_ms = intent.s.created_ms;
	facts.seq = intent.seq;
	buf_init(&changed, LOG_ENTRY_MAX);
	if (d) {
		hex_encode(d->s.serial, d->s.serial_len, replaces);
		facts.replaces = replaces;
		facts.why = request_replace_name(i->req->replace);
	}
	if (rc == PV_OK && d && i->req->replace == REQUEST_ROTATE)
		rc = writer_changed(w, i->req, intent.s.role, d, &changed, err);
	if (changed.len > 0)
		facts.changed = buf_cstr(&changed);
	if (rc == PV_OK && stored.len > 0)
		facts.stored = (const char *)stored.data;
	if (rc == PV_OK && i->tbs.len > 0) {
		rc = writer_hash(w, i->tbs, tbs, err);
		facts.tbs = tbs;
	}
	if (rc == PV_OK && i->secrets.len > 0) {
		rc = writer_hash(w, i->secrets, secrets, err);
		facts.secrets = secrets;
	}
	buf_init(&kept, KEPT_MAX);
	if (rc == PV_OK && kept_by(w->opts->ctx->tmpl))
		rc = kept_put(i->req, &kept, err);
	intent.kept = buf_span(&kept);
	if (rc == PV_OK && kept.len > 0) {
		rc = writer_hash(w, intent.kept, kept_hash, err);
		facts.kept = kept_hash;
	}
	log_cert_intent(&e, &by, &facts);
	if (rc == PV_OK)
		rc = writer_encode(w, &e, &intent.entry, err);
	if (rc == PV_OK)
		rc = store_reserve(w->store, &intent, NULL, err);
	if (rc == PV_OK)
		writer_keep(w, &intent, facts.tbs);
	w->wrote = true;
	return rc;
}

struct restoring {
	struct writer *w;
	struct wire *to;
	uint64_t line;
	const struct store_device *d;
};

static enum pv_code put_stored(void *ctx, const struct store_intent *i,
			       struct err *err)
{
	struct restoring *r = ctx;
	struct record_stored s = { .line = r->line,
				   .number = i->s.number,
				   .created_ms = i->s.created_ms,
				   .seq = i->seq,
				   .serial = { i->s.serial, i->s.serial_len },
				   .tbs = i->tbs,
				   .secrets = i->secrets };
	struct writer_kdf kdf = { .known = false };
	uint8_t id[ATREST_ID_LEN];
	struct buf row;
	bool found = true;
	/* Only what was made durable before may be signed now. */
	enum pv_code rc = logged_open(r->w->store, r->d, i, err);

	memcpy(s.template_sha256, i->s.template_sha256, 32);
	s.ca_generation = i->s.ca_generation;
	if (rc == PV_OK)
		rc = writer_kdf(r->w, r->d, &kdf, err);
	if (kdf.known)
		s.kdf = (struct span){ kdf.id, sizeof(kdf.id) };
	buf_init(&row, 4096);
	if (rc == PV_OK && i->secrets.len > 0) {
		rc = atrest_row_id(i->secrets, id, err);
		if (rc == PV_OK)
			rc = store_datakey_get(r->w->store, id, &row, &found,
					       err);
		s.datakey = buf_span(&row);
	}
	if (rc == PV_OK && !found)
		rc = err_fail(err, PV_INTEGRITY, "store.datakey",
			      "restore the store from a backup",
			      "the key of a stored intent is missing");
	if (rc == PV_OK)
		record_put_stored(r->to, &s);
	buf_release(&row);
	return rc;
}

static enum pv_code refuse_intent(struct writer *w, struct wire *from,
				  const struct record_intent *i,
				  const struct err *why, struct err *err)
{
	struct record_refused r = { .line = i->req->line, .why = *why };

	memcpy(r.id, i->req->id, sizeof(r.id));
	memcpy(r.device, i->req->device, sizeof(r.device));
	memcpy(r.bytes_sha256, i->req->bytes_sha256, 32);
	err_object(&r.why, i->req->device);
	wire_put_mark(from, WIRE_SKIP, i->req->line);
	return writer_refuse(w, &r, err);
}

/* What is suspect and cannot be kept is denied like anything else. */
static enum pv_code hold_intent(struct writer *w, struct wire *from,
				const struct record_intent *i,
				const struct err *why, struct err *err)
{
	struct err full;
	enum pv_code rc;

	err_init(&full);
	rc = writer_hold(w, from, i, why, &full);
	if (rc == PV_DENIED)
		return refuse_intent(w, from, i, &full, err);
	if (rc != PV_OK)
		*err = full;
	return rc;
}

/*
 * What was begun under one order is finished under it, before its end: its id
 * may stand in the certificate. Who may issue within an order only gets nothing
 * of another.
 */
static bool may_answer(const struct writer *w, const struct store_device *d,
		       struct err *why)
{
	const char *order = w->opts->order ? w->opts->order->id : "";

	bool ended = w->opts->order && !w->order.open;

	if (strcmp(d->s.order, order) == 0 &&
	    (d->state != STORE_RESERVED || !ended))
		return true;
	if (strcmp(d->s.order, order) == 0)
		(void)err_fail(why, PV_CONFLICT, "order.closed",
			       "run provctl audit verify",
			       "the device waits for its result, and order %s "
			       "has ended",
			       order);
	else if (d->state == STORE_RESERVED)
		(void)err_fail(why, PV_CONFLICT, "order.other",
			       "issue it under the order that it was begun "
			       "under",
			       "the device was begun %s%s",
			       d->s.order[0] ? "under order "
					     : "without an order",
			       d->s.order);
	else if (w->bound)
		(void)err_fail(why, PV_DENIED, "actor.role",
			       "act as an operator: --as and --key",
			       "the device was not issued under order %s",
			       order);
	return why->code == PV_OK;
}

static enum pv_code answer_existing(struct writer *w, struct wire *from,
				    const struct record_intent *i,
				    const struct store_device *d,
				    struct err *err)
{
	struct restoring r = { w, from, i->req->line, d };
	struct store_visit v = { .ctx = &r, .fn.intent = put_stored };
	struct err why;
	bool given_up = false;
	enum pv_code rc = PV_OK;

	err_init(&why);
	if (!may_answer(w, d, &why))
		return refuse_intent(w, from, i, &why, err);
	/* What is signed anew is an event, an old answer is none. */
	if (d->state == STORE_RESERVED && w->clock.code != PV_OK)
		return refuse_intent(w, from, i, &w->clock, err);
	if (d->state == STORE_RESERVED)
		rc = writer_may_sign(w, d, &why);
	if (rc == PV_DENIED)
		return refuse_intent(w, from, i, &why, err);
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	if (d->state == STORE_RESERVED) {
		rc = writer_stands(w, d->s.number, &given_up, &why, err);
		if (rc != PV_OK)
			return rc;
		if (given_up)
			return refuse_intent(w, from, i, &why, err);
		return store_intent_get(w->store, d->s.number, &v, err);
	}
	if (i->req->replace == REQUEST_RELEASE)
		rc = writer_put_released(w, i->req->line, i->req->id, d,
					 i->req->evidence.data, err);
	else
		rc = writer_put_existing(w, i->req->line, i->req->id, d, 0,
					 err);
	if (rc == PV_OK)
		wire_put_mark(from, WIRE_SKIP, i->req->line);
	return rc;
}

static void put_go(struct wire *to, uint64_t line, uint64_t seq,
		   const struct writer_kdf *kdf)
{
	size_t mark = wire_begin(to, WIRE_GO);

	wire_put_u64(to, line);
	wire_put_u64(to, seq);
	writer_put_kdf(to, kdf);
	wire_end(to, mark);
}

/* CA, manifests and stored secrets are asked again: a line may have waited
 * since it was asked. */
static enum pv_code check_again(struct writer *w, const struct record_intent *i,
				const struct store_device *d, struct err *why)
{
	enum pv_code rc;

	if (w->issuer.code != PV_OK) {
		*why = w->issuer;
		return why->code;
	}
	rc = issue_context_manifests(w->opts->ctx,
				     i->req->replace == REQUEST_RELEASE,
				     (int64_t)(w->now_ms / 1000), why);
	if (rc == PV_OK)
		rc = stored_rows_stand(&w->opts->ctx->stored, w->store, why);
	if (rc == PV_OK && request_parts(i->req))
		rc = writer_parts_check(i, d, why);
	return rc;
}

/* d: the device that is known, or nothing to look at. */
static enum pv_code act_on_approved(struct writer *w, struct wire *from,
				    const struct record_intent *i,
				    const struct store_device *d, bool replaces,
				    struct err *err)
{
	bool parts = request_parts(i->req) != NULL;
	struct writer_kdf kdf = { .known = false };
	struct err why;
	uint64_t seq = i->seq;
	bool given = false;
	enum pv_code rc = PV_OK;

	if (parts && i->req->replace != REQUEST_RELEASE)
		rc = writer_parts_give(w, from, i, d, &given, err);
	if (rc != PV_OK || given)
		return rc;
	err_init(&why);
	rc = check_again(w, i, d, &why);
	if (rc == PV_DENIED || rc == PV_NOT_FOUND || rc == PV_CONFLICT)
		return refuse_intent(w, from, i, &why, err);
	if (rc == PV_OK && (replaces || parts))
		rc = succession_next_seq(w->store, d, &seq, &why);
	if (rc == PV_OK && (replaces || parts))
		rc = writer_kdf(w, d, &kdf, &why);
	if (rc == PV_OK && !parts)
		rc = reserve(w, i, replaces ? d : NULL, seq, &why);
	if (rc == PV_OK)
		put_go(from, i->req->line, seq, &kdf);
	else
		*err = why;
	return rc;
}

/* What the verdict asks for; PV_INTEGRITY has written nothing. */
static enum pv_code act(struct writer *w, struct wire *from,
			const struct record_intent *i,
			const struct store_device *d,
			const struct policy_verdict *v, struct err *err)
{
	struct err why;

	switch (v->answer) {
	case POLICY_APPROVED:
		return act_on_approved(w, from, i, d, v->replaces, err);
	case POLICY_EXISTING:
		return answer_existing(w, from, i, d, err);
	case POLICY_WAIT:
		wire_put_mark(from, WIRE_HOLD, i->req->line);
		return PV_OK;
	case POLICY_DENIED:
		break;
	}
	err_init(&why);
	policy_verdict_fail(v, &why);
	return v->quarantine ? hold_intent(w, from, i, &why, err)
			     : refuse_intent(w, from, i, &why, err);
}

enum pv_code writer_take_intent(struct writer *w, struct wire *from,
				struct wire_rec *rec, struct err *err)
{
	struct record_intent i = { .req = &w->req };
	struct policy_verdict v;
	struct store_device d;
	struct err why;
	enum pv_code rc = record_get_intent(rec, &i, err);

	if (rc == PV_OK)
		rc = writer_fill_body(w, &i, err);
	if (rc != PV_OK)
		return rc;
	if (w->may.code != PV_OK)
		return refuse_intent(w, from, &i, &w->may, err);
	err_init(&why);
	rc = writer_decide(w, &i, &d, &v, &why);
	if (rc == PV_OK)
		rc = act(w, from, &i, &d, &v, &why);
	/* A damaged row is its device's failure, not the whole run's. */
	if (rc == PV_INTEGRITY)
		return refuse_intent(w, from, &i, &why, err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* A stored answer, or what is stored against it, comes before the denial. */
static enum pv_code act_on_denied(struct writer *w, struct wire *from,
				  const struct record_denied *r,
				  struct err *err)
{
	struct policy_verdict v;
	struct store_device d;
	struct err why = r->why;
	bool settled = false, suspect = r->suspect;
	enum pv_code rc = writer_decide_stored(w, &r->i, &d, &v, &settled, err);

	if (rc != PV_OK)
		return rc;
	if (settled && v.answer == POLICY_EXISTING && !r->suspect)
		return answer_existing(w, from, &r->i, &d, err);
	if (settled && v.answer != POLICY_EXISTING) {
		err_init(&why);
		policy_verdict_fail(&v, &why);
		suspect = v.quarantine;
	}
	return suspect ? hold_intent(w, from, &r->i, &why, err)
		       : refuse_intent(w, from, &r->i, &why, err);
}

enum pv_code writer_take_denied(struct writer *w, struct wire *from,
				struct wire_rec *rec, struct err *err)
{
	struct record_denied r = { .i = { .req = &w->req } };
	struct err why;
	enum pv_code rc = record_get_denied(rec, &r, err);

	if (rc == PV_OK)
		rc = writer_fill_body(w, &r.i, err);
	if (rc != PV_OK)
		return rc;
	if (w->may.code != PV_OK)
		return refuse_intent(w, from, &r.i, &w->may, err);
	err_init(&why);
	rc = act_on_denied(w, from, &r, &why);
	/* As above. */
	if (rc == PV_INTEGRITY)
		return refuse_intent(w, from, &r.i, &why, err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}
