#include "lib/flow/rotate_ca.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/pvtime.h"
#include "lib/flow/cachain.h"
#include "lib/flow/caimport.h"
#include "lib/flow/camake.h"
#include "lib/flow/canewest.h"
#include "lib/flow/decision.h"
#include "lib/flow/keymake.h"
#include "lib/flow/raised.h"
#include "lib/flow/rotate_ca_import.h"
#include "lib/flow/subject_acts.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_log.h"

void rotate_ca_release(struct rotate_ca *r)
{
	tokensign_close(&r->old_key);
	tokensign_close(&r->new_key);
	tokensign_close(&r->parent_key);
	x509_issuer_release(&r->old_ca);
	x509_issuer_release(&r->new_ca);
	x509_issuer_release(&r->parent);
	for (size_t i = 0; i < ROTATE_CERTS; i++)
		camake_release(&r->made[i]);
	template_free(r->tmpl);
	buf_release(&r->subject);
}

/* ---- what there is ---- */

static enum pv_code too_many(const struct rotate_ca *r, struct err *err)
{
	return err_fail(err, PV_DENIED, "rotate.anchors",
			"go on with a new authority",
			"there are %u generations, and a device takes no more "
			"than %d trust anchors",
			r->generation, ANCHORS_MAX);
}

static enum pv_code pending(const struct rotate_ca *r, struct err *err)
{
	char when[PVTIME_RFC3339_LEN + 1];

	if (!pvtime_format((int64_t)(r->active_ms / 1000), when))
		when[0] = '\0';
	err_object(err, r->opts->ca);
	return err_fail(err, PV_CONFLICT, "rotate.pending",
			"wait until it has taken over, move that with --at, "
			"or withdraw it",
			"generation %u takes over at %s only", r->generation,
			when);
}

/* Planned for longer nobody remembers it, and one that was mistyped is not
 * seen. Who issues until then must be able to. */
#define AHEAD_S (366 * 86400)

static enum pv_code check_time(const struct rotate_ca *r, int64_t end_s,
			       struct err *err)
{
	int64_t at_s = (int64_t)(r->wanted_ms / 1000);

	if (r->wanted_ms == 0 || r->wanted_ms == STORE_CA_NEVER)
		return PV_OK;
	if (at_s <= r->now_s)
		return err_fail(err, PV_INPUT, "rotate.time",
				"leave --at out to rotate now",
				"the time that it takes over is over");
	if (at_s > r->now_s + AHEAD_S)
		return err_fail(err, PV_INPUT, "rotate.time",
				"plan it for a time within a year",
				"the time that it takes over is more than a "
				"year away");
	if (at_s > end_s)
		return err_fail(err, PV_INPUT, "rotate.time",
				"plan it for a time before that",
				"the CA's certificate ends before the time "
				"that it takes over");
	return PV_OK;
}

static enum pv_code newest(void *ctx, const struct store_ca *ca,
			   struct err *err)
{
	struct rotate_ca *r = ctx;

	(void)err;
	r->generation = ca->generation;
	if (ca->active_ms == STORE_CA_NEVER)
		return PV_OK;
	r->former = ca->generation;
	r->active_ms = ca->active_ms;
	snprintf(r->old_label, sizeof(r->old_label), "%s", r->newest_label);
	snprintf(r->newest_label, sizeof(r->newest_label), "%s", ca->label);
	memcpy(r->template_sha256, ca->template_sha256, STORE_HASH);
	return PV_OK;
}

/* To withdraw one there must be one that waits, and all of it. */
static enum pv_code none_waits(const struct rotate_ca *r, struct err *err)
{
	if (r->cut_off)
		return err_fail(err, PV_CONFLICT, "rotate.pending",
				"end the rotation first: provctl rotate ca",
				"generation %u was cut off before it was given "
				"out",
				r->generation);
	return err_fail(err, PV_CONFLICT, "rotate.pending",
			"where its key is lost: provctl revoke --ca",
			"no generation waits to take over: %u issues",
			r->former);
}

/* A CA that is not there yet, or was cut off before it was given out. */
static enum pv_code look_at_first(struct rotate_ca *r, struct err *err)
{
	const char *issuer = r->opts->first_issuer;
	struct ca_newest there;
	enum pv_code rc = ca_newest(r->store, r->opts->ca, &there, err);

	r->first = rc == PV_OK && there.generation == 0;
	if (!r->first)
		return rc;
	r->root = strcmp(issuer, "self") == 0;
	if (!r->root)
		snprintf(r->parent_name, sizeof(r->parent_name), "%s", issuer);
	return PV_OK;
}

/* The newest generation, its chain and the clock. */
static enum pv_code look(struct rotate_ca *r, struct ca_chain *chain,
			 struct err *err)
{
	const struct store_visit v = { .ctx = r, .fn.ca = newest };
	struct event_who who;
	enum pv_code rc = event_now(r->store, &who, err);

	if (rc != PV_OK)
		return rc;
	r->now_s = (int64_t)(who.who.time_ms / 1000);
	rc = check_time(r, INT64_MAX, err);
	if (rc == PV_OK && r->opts->first_issuer)
		rc = look_at_first(r, err);
	if (rc != PV_OK || r->first)
		return rc;
	rc = store_ca_each(r->store, r->opts->ca, &v, err);
	if (rc == PV_OK && !r->newest_label[0])
		return ca_elsewhere(r->opts->ca, err);
	r->cut_off = rc == PV_OK && rotate_ca_is_cut_off(r);
	if (r->cut_off)
		return r->opts->withdraw ? none_waits(r, err) : PV_OK;
	r->moves = rc == PV_OK && r->active_ms > who.who.time_ms;
	if (r->moves)
		return r->wanted_ms && !r->opts->uncrossed ? PV_OK
							   : pending(r, err);
	if (rc == PV_OK && r->former > 0 && r->opts->withdraw)
		rc = none_waits(r, err);
	if (rc == PV_OK)
		rc = ca_chain_load_generation(r->store, r->opts->ca, r->former,
					      -1, chain, err);
	if (rc == PV_OK)
		snprintf(r->old_label, sizeof(r->old_label), "%s",
			 chain->ca[0].label);
	r->root = chain->n == 1;
	if (rc == PV_OK && r->root && r->generation >= ANCHORS_MAX)
		rc = too_many(r, err);
	if (rc != PV_OK)
		err_object(err, r->opts->ca);
	return rc;
}

/* ---- approved ---- */

static enum pv_code put_subject(struct rotate_ca *r, uint32_t to,
				struct err *err)
{
	char named[TPL_NAME_MAX + 32];
	const struct subject_rotate_ca s = {
		.name = log_str(r->opts->ca),
		.from = log_str(r->old_label),
		.to = to,
		.active_ms = r->wanted_ms,
		.template = { (const uint8_t *)named,
			      (size_t)snprintf(named, sizeof(named),
					       "%s version %u", r->tmpl->name,
					       (unsigned)r->tmpl->version) },
		.template_sha256 = r->tmpl->sha256,
		.until_s = r->opts->until_s
	};

	buf_init(&r->subject, SUBJECT_ACTS_MAX);
	return subject_rotate_ca(&r->subject, &s, err);
}

enum pv_code rotate_ca_gate(struct rotate_ca *r, uint32_t to,
			    struct approvals *got, struct err *err)
{
	struct approvals_want want = { .op = QUORUM_ROTATE_CA };
	struct tpl_approvals raised;
	char what[STORE_ID_MAX + 32];
	enum pv_code rc = put_subject(r, to, err);

	if (rc == PV_OK)
		rc = raised_of_key(r->store, r->opts->ca, r->tmpl->sha256,
				   UINT64_MAX, &raised, err);
	if (rc != PV_OK)
		return rc;
	if (r->opts->ahead)
		raised_add(&raised, r->opts->ahead);
	if (r->opts->want)
		want = *r->opts->want;
	snprintf(what, sizeof(what), "%s ca %.64s", r->first ? "new" : "rotate",
		 r->opts->ca);
	want.op = QUORUM_ROTATE_CA;
	want.subject = buf_span(&r->subject);
	want.what = what;
	want.raised = &raised;
	return approvals_gate(r->a, r->store, &want, got, err);
}

/* ---- recorded ---- */

/* Built and durable; the key that signs it may be on another token. */
static enum pv_code make_new(struct rotate_ca *r, struct err *err)
{
	enum pv_code rc = rotate_ca_build(r, err);

	if (rc == PV_OK)
		rc = rotate_ca_record(r, ROTATE_NEW, 1, err);
	if (rc == PV_OK && !r->root)
		rc = rotate_ca_parent(r, err);
	if (rc == PV_OK)
		rc = camake_sign(&r->made[ROTATE_NEW], err);
	return rc == PV_OK ? rotate_ca_own(r, err) : rc;
}

/* The cross-certificates, where they are made with it. */
static enum pv_code make_cross(struct rotate_ca *r, struct err *err)
{
	struct span cert = buf_span(&r->made[ROTATE_NEW].cert);
	enum pv_code rc;

	if (r->opts->uncrossed || r->first)
		return PV_OK;
	rc = x509_issuer_load(cert, &r->new_ca, err);
	return rc == PV_OK ? rotate_ca_make_cross(r, err) : rc;
}

static enum pv_code put_row(struct rotate_ca *r, const struct log_who *who,
			    struct err *err)
{
	const struct camake *m = &r->made[ROTATE_NEW];
	struct store_ca row = { .shards = r->tmpl->crl_shards,
				.generation = r->generation + 1,
				.active_ms = r->wanted_ms,
				.cert = buf_span(&m->cert),
				.intent_index = m->intent_index };
	enum pv_code rc = PV_OK;

	snprintf(row.name, sizeof(row.name), "%s", r->opts->ca);
	snprintf(row.parent, sizeof(row.parent), "%s", r->parent_name);
	snprintf(row.label, sizeof(row.label), "%s", r->next.label);
	memcpy(row.spki_sha256, m->spki_sha256, 32);
	memcpy(row.template_sha256, r->tmpl->sha256, 32);
	if (r->opts->brought)
		return ca_import_put(r->store, r->opts->brought->from, who,
				     &row, err);
	rc = camake_put_issue(m, who, &row.issue_index, err);
	return rc == PV_OK ? store_ca_put(r->store, &row, err) : rc;
}

enum pv_code rotate_ca_log(struct rotate_ca *r, uint32_t generation,
			   const struct log_who *who,
			   const struct approvals *got, struct err *err)
{
	struct log_key facts;
	struct log_entry e;
	uint8_t hash[32];
	enum pv_code rc =
		keymake_facts(&r->next, generation, hash, &facts, err);

	if (rc != PV_OK)
		return rc;
	log_key_rotate(&e, who, &facts, r->old_label);
	log_fact_bytes(&e, LOG_CA_TEMPLATE, r->tmpl->sha256, 32);
	if (r->wanted_ms)
		log_fact_uint(&e, LOG_CA_ACTIVE, r->wanted_ms);
	if (r->opts->until_s)
		log_fact_uint(&e, LOG_CA_UNTIL, (uint64_t)r->opts->until_s);
	log_fact_bytes(&e, LOG_NONCE_FACT, approvals_nonce(got), LOG_NONCE);
	return event_append(r->store, &e, err);
}

static enum pv_code put_rotation(struct rotate_ca *r, const struct log_who *who,
				 const struct approvals *got, struct err *err)
{
	uint64_t index;
	enum pv_code rc = store_log_size(r->store, &index, err);

	if (rc == PV_OK)
		rc = store_key_rotate(r->store, r->next.label, index, err);
	return rc == PV_OK ? rotate_ca_log(r, r->generation + 1, who, got, err)
			   : rc;
}

static enum pv_code record(struct rotate_ca *r, const struct approvals *got,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	enum pv_code rc = store_begin(r->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(r->store, &who, err);
	if (rc == PV_OK)
		rc = put_row(r, &who.who, err);
	if (rc == PV_OK)
		rc = rotate_ca_put_cross(r, &who.who, err);
	if (rc == PV_OK)
		rc = put_rotation(r, &who.who, got, err);
	if (rc == PV_OK)
		rc = decision_on_acts(r->store, &who.who, got,
				      buf_span(&r->subject), 1, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

/* ---- all together ---- */

static void fill_report(const struct rotate_ca *r, struct rotate_ca_report *out)
{
	out->generation = r->generation + 1;
	out->active_ms = r->wanted_ms;
	out->root = r->root;
	out->crossed = r->made_n > 1;
	snprintf(out->label, sizeof(out->label), "%s", r->next.label);
	snprintf(out->template_name, sizeof(out->template_name), "%s",
		 r->tmpl->name);
	snprintf(out->serial, sizeof(out->serial), "%s",
		 r->made[ROTATE_NEW].serial_hex);
	snprintf(out->new_old, sizeof(out->new_old), "%s",
		 r->made[ROTATE_NEW_OLD].serial_hex);
	snprintf(out->old_new, sizeof(out->old_new), "%s",
		 r->made[ROTATE_OLD_NEW].serial_hex);
}

static enum pv_code run(struct rotate_ca *r, const struct ca_chain *chain,
			struct approvals *got, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!r->first)
		rc = x509_issuer_load(buf_span(&chain->ca[0].der), &r->old_ca,
				      err);
	if (rc == PV_OK && !r->first)
		rc = check_time(r, r->old_ca.not_after_s, err);
	if (rc == PV_OK)
		rc = rotate_ca_find(r, err);
	if (rc == PV_OK)
		rc = rotate_ca_template(r, r->first ? 0 : chain->ca[0].shards,
					err);
	if (rc == PV_OK)
		rc = rotate_ca_gate(r, r->generation + 1, got, err);
	r->nonce = approvals_nonce(got);
	if (rc == PV_OK)
		rc = rotate_ca_next(r, err);
	if (rc == PV_OK)
		rc = r->opts->brought ? rotate_ca_take(r, err)
				      : make_new(r, err);
	if (rc == PV_OK)
		rc = make_cross(r, err);
	return rc == PV_OK ? record(r, got, err) : rc;
}

/* All of it, on a chain that stands. */
static enum pv_code make(struct rotate_ca *r, const struct ca_chain *chain,
			 size_t first, struct rotate_ca_report *report,
			 struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	enum pv_code rc;

	if (!r->first)
		snprintf(r->parent_name, sizeof(r->parent_name), "%s",
			 chain->ca[0].parent);
	snprintf(r->authority, sizeof(r->authority), "%.64s",
		 r->opts->brought ? r->opts->brought->from : r->a->name);
	rc = run(r, chain, &got, err);
	if (rc == PV_OK)
		fill_report(r, report);
	if (rc == PV_OK)
		rc = rotate_ca_give_out(r, r->generation + 1,
					buf_span(&r->made[ROTATE_NEW].cert),
					first, err);
	snprintf(report->persons, sizeof(report->persons), "%s", got.persons);
	return rc;
}

enum pv_code rotate_ca(struct authority *a, struct store *store,
		       struct tokens *tokens, const struct rotate_ca_opts *opts,
		       struct rotate_ca_report *report, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	CLEANUP(mem_cleanup) struct rotate_ca *r = mem_new(sizeof(*r), err);
	size_t first = tokens->login->token;
	enum pv_code rc;

	memset(report, 0, sizeof(*report));
	if (!r)
		return PV_INTERNAL;
	*r = (struct rotate_ca){
		.a = a, .store = store, .tokens = tokens, .opts = opts
	};
	r->wanted_ms = opts->withdraw ? STORE_CA_NEVER : opts->active_ms;
	rc = look(r, &chain, err);
	if (rc == PV_OK)
		rc = r->cut_off ? rotate_ca_resume(r, first, report, err)
		     : r->moves ? rotate_ca_move(r, report, err)
				: make(r, &chain, first, report, err);
	if (rc != PV_OK)
		err_object(err, opts->ca);
	rotate_ca_release(r);
	return rc;
}

enum pv_code rotate_ca_ask(struct authority *a, struct store *store,
			   const struct rotate_ca_opts *opts, struct span tmpl,
			   struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	CLEANUP(mem_cleanup) struct rotate_ca *r = mem_new(sizeof(*r), err);
	enum pv_code rc;

	if (!r)
		return PV_INTERNAL;
	*r = (struct rotate_ca){ .a = a, .store = store, .opts = opts };
	r->wanted_ms = opts->active_ms;
	rc = look(r, &chain, err);
	if (rc == PV_OK && !r->cut_off && !r->moves) {
		rc = template_parse(tmpl, &r->tmpl, NULL, err);
		if (rc == PV_OK)
			rc = rotate_ca_gate(r, r->generation + 1, &got, err);
	}
	if (rc != PV_OK)
		err_object(err, opts->ca);
	rotate_ca_release(r);
	return rc;
}
