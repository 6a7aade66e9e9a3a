/* The writer: deciding again with what the store knows. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/logged.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/writer_held.h"
#include "lib/flow/writer_release.h"
#include "lib/flow/writer_replace.h"
#include "lib/store/store_device.h"
#include "lib/store/store_held.h"
#include "lib/store/store_order.h"

CLEANUP_PTR(struct template, template_free);
#define HOUR_MS UINT64_C(3600000)

static enum policy_owner owner_of(const struct store_owner *o,
				  const char *device)
{
	switch (o->kind) {
	case STORE_OWNER_AUTHORITY:
		return POLICY_OWNER_AUTHORITY;
	case STORE_OWNER_DEVICE:
		return strcmp(o->name, device) == 0 ? POLICY_OWNER_SAME_DEVICE
						    : POLICY_OWNER_OTHER_DEVICE;
	case STORE_OWNER_NONE:
		break;
	}
	return POLICY_OWNER_NONE;
}

enum policy_state writer_state(enum store_state s)
{
	switch (s) {
	case STORE_RESERVED:
	case STORE_QUARANTINED:
		return POLICY_STATE_PENDING;
	case STORE_ISSUED:
		return POLICY_STATE_ISSUED;
	case STORE_SUSPENDED:
		return POLICY_STATE_SUSPENDED;
	case STORE_REVOKED:
		return POLICY_STATE_REVOKED;
	case STORE_RETIRED:
		return POLICY_STATE_RETIRED;
	}
	return POLICY_STATE_RETIRED;
}

enum pv_code writer_fill_body(const struct writer *w, struct record_intent *i,
			      struct err *err)
{
	const struct template *t = w->opts->ctx->tmpl;
	const char *role = i->req->role;
	size_t n;

	if (template_role(t, role, &n))
		role = t->roles[n].name;
	return request_body(i->req, role, i->asked, i->body, err);
}

struct only_role {
	char name[TPL_NAME_MAX + 1]; /* "" when there are several */
};

static enum pv_code take_only_role(void *ctx, const struct store_template *t,
				   struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *parsed = NULL;
	struct only_role *role = ctx;
	enum pv_code rc = logged_template_parse(t, &parsed, err);

	if (rc == PV_OK && parsed->roles_n == 1)
		snprintf(role->name, sizeof(role->name), "%s",
			 parsed->roles[0].name);
	return rc;
}

/*
 * Is the body the one stored? A request that names no role means the only one
 * of the template that the device was issued under, whatever the current one
 * has.
 */
static enum pv_code same_body(struct writer *w, const struct record_intent *i,
			      const struct store_device *d, bool *same,
			      struct err *err)
{
	struct only_role role = { .name = "" };
	struct store_visit v = { .ctx = &role, .fn.template = take_only_role };
	uint8_t body[32];
	enum pv_code rc;

	*same = memcmp(d->s.body_sha256, i->body, 32) == 0;
	if (*same || i->req->role[0] ||
	    memcmp(d->s.template_sha256, i->template_sha256, 32) == 0)
		return PV_OK;
	rc = store_template_digest(w->store, d->s.template_sha256, &v, err);
	if (rc == PV_OK)
		rc = request_body(i->req, role.name, i->asked, body, err);
	*same = rc == PV_OK && memcmp(d->s.body_sha256, body, 32) == 0;
	return rc;
}

/* A request id that is the device's own is none. */
static bool is_request(const struct store_device *d, const struct request *r)
{
	return strcmp(d->s.request[0] ? d->s.request : d->s.device, r->id) == 0;
}

static enum pv_code compare(struct writer *w, const struct record_intent *i,
			    const struct store_device *d,
			    struct policy_facts *f, struct err *err)
{
	bool same = false;
	enum pv_code rc = same_body(w, i, d, &same, err);

	f->state = writer_state(d->state);
	f->quarantined = d->state == STORE_QUARANTINED;
	f->renewal = d->s.replaces != 0;
	f->same_request = f->renewal && is_request(d, i->req);
	f->same_spki = (!i->spki_given ||
			(d->s.has_spki &&
			 memcmp(d->s.spki_sha256, i->spki_sha256, 32) == 0)) &&
		       (!i->seal_key ||
			(d->s.has_seal &&
			 memcmp(d->s.seal_sha256, i->seal_sha256, 32) == 0));
	f->same_rest = same && strcmp(d->s.template_name,
				      w->opts->ctx->tmpl->name) == 0;
	return rc;
}

/* Whose a key is, by a row that agrees with the log. */
static enum pv_code find_owner(struct writer *w, const uint8_t sha256[32],
			       const char *device, enum policy_owner *owner,
			       struct err *err)
{
	struct store_owner by;
	struct store_device d;
	bool found = true;
	enum pv_code rc = store_spki_owner(w->store, sha256, &by, err);

	if (rc == PV_OK && by.kind == STORE_OWNER_DEVICE) {
		rc = store_number_get(w->store, by.number, &d, &found, err);
		if (rc == PV_OK && found)
			rc = logged_device(w->store, &d, err);
	}
	if (rc == PV_OK)
		*owner = owner_of(&by, device);
	return rc;
}

static enum pv_code find_owners(struct writer *w, const struct record_intent *i,
				struct policy_facts *f, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (i->spki_given)
		rc = find_owner(w, i->spki_sha256, i->req->device,
				&f->spki_owner, err);
	if (rc == PV_OK && i->seal_key)
		rc = find_owner(w, i->seal_sha256, i->req->device,
				&f->seal_owner, err);
	return rc;
}

/* This request, byte for byte: others are not kept waiting by it. */
static enum pv_code find_held(struct writer *w, const struct record_intent *i,
			      bool *held, struct err *err)
{
	struct writer_decided before = { .waits = false };
	enum pv_code rc = store_held_any(w->store, i->req->device, held, err);

	if (rc == PV_OK && *held)
		rc = writer_decided(w, i, &before, err);
	*held = before.waits;
	return rc;
}

static enum pv_code gather(struct writer *w, const struct record_intent *i,
			   struct policy_facts *f, struct store_device *d,
			   bool *found, struct err *err)
{
	const struct template *t = w->opts->ctx->tmpl;
	struct store_device other;
	struct store_order_count order = { 0, 0 };
	bool known = false;
	enum pv_code rc =
		store_device_get(w->store, i->req->device, d, found, err);

	if (rc == PV_OK && *found)
		rc = logged_device(w->store, d, err);
	if (rc == PV_OK && *found)
		rc = crl_words_device(&w->words, d, err);
	if (rc == PV_OK && *found)
		rc = compare(w, i, d, f, err);
	if (rc == PV_OK && *found && i->req->replace == REQUEST_ROTATE)
		rc = writer_rotation_facts(w, i, d, f, err);
	if (rc == PV_OK && *found && i->req->replace == REQUEST_RELEASE)
		rc = writer_release_facts(w, i, d, f, err);
	if (rc == PV_OK)
		rc = store_request_get(w->store, i->req->id, &other, &known,
				       err);
	if (rc == PV_OK && known)
		rc = logged_device(w->store, &other, err);
	if (rc == PV_OK && known)
		f->request_of_other_device =
			strcmp(other.s.device, i->req->device) != 0;
	if (rc == PV_OK)
		rc = find_owners(w, i, f, err);
	if (rc == PV_OK)
		rc = find_held(w, i, &f->held, err);
	if (rc == PV_OK && i->req->replace != REQUEST_RELEASE &&
	    (t->limits.per_hour > 0 ||
	     (w->opts->order && w->opts->order->per_hour > 0)))
		rc = store_rate_since(w->store, w->opts->ctx->template_sha256,
				      w->now_ms > HOUR_MS ? w->now_ms - HOUR_MS
							  : 0,
				      &f->issued_last_hour, err);
	if (rc == PV_OK && w->opts->order)
		rc = store_order_count(w->store, w->opts->order->id, &order,
				       err);
	f->order_issued = order.devices;
	f->order_reworked = order.reworked;
	return rc;
}

/* A question of policy with all that signer and store know about it. */
struct question {
	struct policy_field fields[REQUEST_FIELDS_MAX];
	struct policy_request ask;
	struct policy_facts f;
};

static enum pv_code put_question(struct writer *w,
				 const struct record_intent *i,
				 struct question *q, struct store_device *d,
				 struct err *err)
{
	const struct writer_opts *o = w->opts;
	bool found;

	q->ask = request_policy(i->req, o->ctx, q->fields);
	q->ask.csr = i->csr;
	q->ask.key_sig = i->key_sig.len > 0;
	q->ask.renewed = i->renewed;
	q->ask.seal_key = q->ask.seal_sig = i->seal_key;
	q->ask.host_key = i->req->host_key ||
			  (!i->csr && o->ctx->tmpl->key == TPL_KEY_HOST);
	q->ask.algorithm = i->algorithm;
	q->ask.order = o->order ? o->order->id : NULL;
	q->ask.batch = o->batch;
	q->f = (struct policy_facts){
		.now_ms = w->now_ms,
		.last_event_ms = w->last_ms,
		.witness_ms = w->store->witness_ms,
		.clock_max_step_s =
			(uint64_t)o->authority->clock_max_step_days * 86400,
		/* What a signer checked before it sent the record. */
		.key_ok = true,
		.csr_signature_ok = true,
		.csr_within = true,
		.seal_key_ok = i->seal_key,
		.seal_sig_ok = i->seal_key,
		.store_known = true,
		.actor = o->actor,
		.station = o->station,
		.station_signed = o->station_signed
	};
	return gather(w, i, &q->f, d, &found, err);
}

static void decide(const struct writer *w, const struct question *q,
		   struct policy_verdict *v)
{
	policy_decide(w->opts->ctx->tmpl, w->order.id[0] ? &w->order : NULL,
		      &q->ask, &q->f, v);
}

/*
 * What people decided before about this very request: a release lets it
 * through, and nothing is held twice by the same rule.
 */
static enum pv_code decide_suspect(struct writer *w,
				   const struct record_intent *i,
				   struct question *q, struct policy_verdict *v,
				   struct err *err)
{
	struct writer_decided before;
	enum pv_code rc = writer_decided(w, i, &before, err);

	if (rc != PV_OK || before.n == 0)
		return rc;
	q->f.released = before.released;
	q->f.released_n = before.released_n;
	decide(w, q, v);
	for (size_t n = 0; n < before.n; n++)
		if (strcmp(before.rules[n], v->rule) == 0)
			v->quarantine = false;
	return PV_OK;
}

enum pv_code writer_decide(struct writer *w, const struct record_intent *i,
			   struct store_device *d, struct policy_verdict *v,
			   struct err *err)
{
	struct question q;
	enum pv_code rc = put_question(w, i, &q, d, err);

	if (rc != PV_OK)
		return rc;
	decide(w, &q, v);
	return v->quarantine ? decide_suspect(w, i, &q, v, err) : PV_OK;
}

enum pv_code writer_decide_stored(struct writer *w,
				  const struct record_intent *i,
				  struct store_device *d,
				  struct policy_verdict *v, bool *settled,
				  struct err *err)
{
	struct question q;
	enum pv_code rc = put_question(w, i, &q, d, err);

	*settled = false;
	if (rc == PV_OK)
		*settled = policy_decide_stored(w->opts->ctx->tmpl, &q.ask,
						&q.f, v);
	if (rc == PV_OK && *settled && v->quarantine)
		rc = decide_suspect(w, i, &q, v, err);
	return rc;
}
