#include "lib/flow/writer_release.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/logged.h"
#include "lib/flow/orders.h"
#include "lib/flow/released.h"
#include "lib/seal/container.h"
#include "lib/store/store_device.h"

#define HOUR_MS UINT64_C(3600000)

static const struct template *template_of(const struct writer *w)
{
	return w->opts->ctx->tmpl;
}

/* The stage that asks for evidence; stages_n: none does. */
static size_t stage_of(const struct writer *w)
{
	const struct template *t = template_of(w);
	size_t k = 0;

	while (k < t->stages_n && !t->stages[k].requires_attestation)
		k++;
	return k;
}

/* What was shown before d was issued speaks of another credential, and maybe
 * of another board: for d it is none. */
static enum policy_evidence state_of(const struct released *r,
				     const struct store_device *d)
{
	if (!r->found || r->x.log_index <= d->intent_index)
		return POLICY_EVIDENCE_NONE;
	return r->x.state == EVIDENCE_RELEASED ? POLICY_EVIDENCE_RELEASED
					       : POLICY_EVIDENCE_VERIFIED;
}

/* ---- the manifest ---- */

struct newest {
	const uint8_t *sha256;
	bool is;
};

static enum pv_code take_newest(void *ctx, const struct store_template *row,
				struct err *err)
{
	struct newest *n = ctx;

	(void)err;
	n->is = memcmp(row->sha256, n->sha256, 32) == 0;
	return PV_OK;
}

/* The template that this run seals under is the one in effect still, and the
 * evidence names its manifest. */
static enum pv_code hold_manifest(struct writer *w, size_t stage,
				  const struct store_evidence *x, bool *fits,
				  struct err *err)
{
	const struct issue_context *ctx = w->opts->ctx;
	struct newest n = { .sha256 = ctx->template_sha256 };
	const struct store_visit v = { &n, { .template = take_newest } };
	enum pv_code rc =
		store_template_current(w->store, ctx->tmpl->name, &v, err);

	*fits = rc == PV_OK && n.is &&
		memcmp(ctx->stages[stage].payload_sha256, x->manifest, 32) == 0;
	return rc;
}

/* ---- whom it is sealed to ---- */

/* seal: hash of the key that it is sealed to; NULL: a KEK. */
static enum pv_code hold_recipient(const struct store_evidence *x,
				   const uint8_t *seal, bool *fits,
				   struct err *err)
{
	uint8_t bound[32];
	enum pv_code rc = PV_OK;

	if (x->seal_spki.len > 0)
		rc = sha256(x->seal_spki, bound, err);
	*fits = rc == PV_OK && (x->seal_spki.len > 0) == (seal != NULL) &&
		(!seal || memcmp(bound, seal, 32) == 0);
	return rc;
}

/* As a signer will do it. */
static const uint8_t *recipient_of(const struct writer *w,
				   const struct record_intent *i)
{
	switch (template_of(w)->recipient) {
	case TPL_RECIPIENT_SEALING_KEY:
		return i->seal_sha256;
	case TPL_RECIPIENT_CERTIFIED_KEY:
		return i->spki_sha256;
	case TPL_RECIPIENT_KDF:
	case TPL_RECIPIENT_NONE:
		break;
	}
	return NULL;
}

/* ---- the order ---- */

static enum pv_code load_order(struct writer *w, const struct store_device *d,
			       struct err *err)
{
	memset(&w->order, 0, sizeof(w->order));
	return d->s.order[0] ? orders_load(w->store, d->s.order, &w->order,
					   NULL, NULL, err)
			     : PV_OK;
}

/* Where it was issued, and whether the station proved that it is it. */
static enum pv_code find_station(struct writer *w, const struct store_device *d,
				 struct policy_facts *f, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	char serial[2 * STORE_SERIAL_MAX + 1];
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	hex_encode(d->s.serial, d->s.serial_len, serial);
	rc = logged_entry(w->store, d->intent_index, LOG_CERT_INTENT, serial,
			  &room, &e, err);
	f->station = d->s.station[0] ? d->s.station : NULL;
	f->station_signed =
		rc == PV_OK && logged_uint_is(&e, "station_signed", 1);
	return rc;
}

struct looking {
	const uint8_t *evidence;
	bool any, same; /* a release; for that evidence */
};

static enum pv_code take_bundle(void *ctx, const struct store_bundle *b,
				struct err *err)
{
	struct looking *l = ctx;

	(void)err;
	l->any |= b->released_ms > 0;
	l->same |=
		b->released_ms > 0 && memcmp(b->evidence, l->evidence, 32) == 0;
	return PV_OK;
}

static enum pv_code find_limits(struct writer *w, const struct store_device *d,
				const uint8_t evidence[32],
				struct policy_facts *f, struct err *err)
{
	struct looking l = { .evidence = evidence };
	const struct store_visit v = { &l, { .bundle = take_bundle } };
	enum pv_code rc = store_bundle_each(w->store, d->s.number, &v, err);

	f->in_field = d->s.why == STORE_ROTATE || l.any;
	/* Its row was set back: it is used up. */
	if (rc == PV_OK && l.same && f->evidence != POLICY_EVIDENCE_RELEASED)
		rc = logged_edited("the row of evidence", err);
	if (rc == PV_OK)
		rc = load_order(w, d, err);
	if (rc == PV_OK)
		rc = find_station(w, d, f, err);
	if (rc == PV_OK)
		rc = store_released_since(
			w->store, w->opts->ctx->template_sha256,
			w->now_ms > HOUR_MS ? w->now_ms - HOUR_MS : 0,
			&f->issued_last_hour, err);
	return rc;
}

/* ---- all of it ---- */

/* seal as above. */
static enum pv_code find_facts(struct writer *w, const struct store_device *d,
			       const uint8_t evidence[32], const uint8_t *seal,
			       struct policy_facts *f, struct err *err)
{
	CLEANUP(released_release) struct released r;
	size_t stage = stage_of(w);
	enum pv_code rc;

	released_init(&r);
	if (stage == template_of(w)->stages_n)
		return PV_OK;
	rc = released_evidence(w->store, d->s.device,
			       w->opts->ctx->stages[stage].name, evidence, &r,
			       err);
	f->evidence = rc == PV_OK ? state_of(&r, d) : POLICY_EVIDENCE_NONE;
	f->evidence_ms = r.x.verified_ms;
	if (rc == PV_OK && r.found)
		rc = hold_manifest(w, stage, &r.x, &f->evidence_manifest, err);
	if (rc == PV_OK && r.found)
		rc = hold_recipient(&r.x, seal, &f->evidence_recipient, err);
	return rc == PV_OK ? find_limits(w, d, evidence, f, err) : rc;
}

enum pv_code writer_release_facts(struct writer *w,
				  const struct record_intent *i,
				  const struct store_device *d,
				  struct policy_facts *f, struct err *err)
{
	/* The sealing key is the evidence's: it may be another than before. */
	f->same_spki = i->spki_given == d->s.has_spki &&
		       memcmp(i->spki_sha256, d->s.spki_sha256, 32) == 0;
	if (!i->spki_given) /* a key that we made, or none */
		f->same_spki = true;
	return find_facts(w, d, i->req->evidence.data, recipient_of(w, i), f,
			  err);
}

enum pv_code writer_fresh_facts(struct writer *w, const struct store_device *d,
				struct policy_facts *f, struct err *err)
{
	CLEANUP(released_release) struct released r;
	size_t stage = stage_of(w);
	bool fits = false;
	enum pv_code rc;

	released_init(&r);
	if (!template_of(w)->rotation.fresh_evidence ||
	    stage == template_of(w)->stages_n)
		return PV_OK;
	rc = released_evidence(w->store, d->s.device,
			       w->opts->ctx->stages[stage].name, NULL, &r, err);
	if (rc == PV_OK && r.found)
		rc = hold_manifest(w, stage, &r.x, &fits, err);
	f->evidence =
		rc == PV_OK && fits ? state_of(&r, d) : POLICY_EVIDENCE_NONE;
	f->evidence_ms = r.x.verified_ms;
	return rc;
}

/* ---- its result ---- */

/* What a bundle says itself of whom it is for. */
static enum pv_code find_recipient(const struct record_result *r,
				   struct seal_container_view *v,
				   const uint8_t **seal, struct err *err)
{
	enum pv_code rc =
		r->bundles_n == 1
			? seal_container_parse(r->bundles[0].container, v, err)
			: PV_INPUT;

	*seal = NULL;
	if (rc == PV_INPUT ||
	    (rc == PV_OK && !span_equal(r->evidence, v->head.evidence_sha256)))
		return err_fail(err, PV_INTERNAL, "writer.result", NULL,
				"a signer sent a bundle for no evidence, or "
				"for another one");
	if (rc == PV_OK && v->head.kind == SEAL_KIND_KEM)
		*seal = v->head.key_id.p;
	return rc;
}

/* A clock that went wrong since the first decision denies here as there; a
 * request for a release is never held (policy_decide()). */
enum pv_code writer_release_check(struct writer *w,
				  const struct record_result *r,
				  struct store_device *d, bool *existing,
				  struct err *err)
{
	struct policy_request ask = { .request = r->id,
				      .device = r->device,
				      .release = true };
	struct policy_facts f = { .now_ms = w->now_ms,
				  .store_known = true,
				  .actor = w->opts->actor,
				  .same_spki = true,
				  .state = POLICY_STATE_NONE };
	struct seal_container_view v;
	const uint8_t *seal;
	struct policy_verdict verdict;
	bool found = false;
	enum pv_code rc = find_recipient(r, &v, &seal, err);

	*existing = false;
	if (rc == PV_OK && w->clock.code != PV_OK) {
		*err = w->clock;
		return err->code;
	}
	if (rc == PV_OK)
		rc = store_device_get(w->store, r->device, d, &found, err);
	if (rc == PV_OK && found)
		rc = logged_device(w->store, d, err);
	if (rc == PV_OK && found)
		rc = find_facts(w, d, r->evidence.p, seal, &f, err);
	if (rc != PV_OK)
		return rc;
	if (found)
		f.state = writer_state(d->state);
	policy_decide_release(template_of(w), w->order.id[0] ? &w->order : NULL,
			      &ask, &f, &verdict);
	*existing = verdict.answer == POLICY_EXISTING;
	return verdict.answer == POLICY_APPROVED || *existing
		       ? PV_OK
		       : policy_verdict_fail(&verdict, err);
}

enum pv_code writer_release_record(struct writer *w,
				   const struct record_result *r,
				   struct err *err)
{
	char id[2 * STORE_UUID + 1];
	const struct log_seal facts = { .bundle = id,
					.device = r->device,
					.stage = r->bundles[0].stage,
					.seq = r->bundles[0].seq,
					.evidence = r->evidence.p };
	struct log_who by = writer_who(w);
	struct log_entry e;
	struct span entry;
	enum pv_code rc;

	hex_encode(r->bundles[0].id, STORE_UUID, id);
	log_bundle_release(&e, &by, &facts);
	rc = writer_encode(w, &e, &entry, err);
	return rc == PV_OK ? store_evidence_release(w->store, r->device,
						    r->evidence.p, entry, err)
			   : rc;
}

enum pv_code writer_put_released(struct writer *w, uint64_t line,
				 const char *id, const struct store_device *d,
				 const uint8_t evidence[32], struct err *err)
{
	struct record_out *out = &w->answer.out;
	enum pv_code rc = logged_device(w->store, d, err);

	if (rc == PV_OK)
		rc = answer_load_released(w->store, d, evidence, &w->answer,
					  err);
	if (rc != PV_OK)
		return rc;
	out->line = line;
	out->status = ISSUE_EXISTING;
	memcpy(out->id, id, sizeof(out->id));
	record_put_out(w->opts->parent, out);
	w->gives = true;
	return PV_OK;
}
