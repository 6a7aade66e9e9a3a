#include "lib/flow/rotate_key.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/decision.h"
#include "lib/flow/keymake.h"
#include "lib/flow/keystand.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/raised.h"
#include "lib/flow/remanifest.h"
#include "lib/flow/rotate_key_impl.h"
#include "lib/flow/subject_acts.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_log.h"

#define LOG_KEYS_MAX (CHECKPOINT_KEYS_MAX - 2)
#define ALL_KEYS_MAX (CONTEXT_OWN_KEYS_MAX - 2)

/* These may come later than the authority. */
static const char *const later[] = { "ocsp", "event" };

/* And these, where a plan says so. */
static const char *const by_plan[] = { "bundle", "kdf", "store" };

static const char *const purposes[] = { "bundle",    "kdf",  "store", "log",
					"log-ecdsa", "ocsp", "event" };

struct rotation {
	struct authority *a;
	struct store *store;
	struct hsm *hsm;
	const struct rotate_key_opts *opts;
	struct rotate_key_report *report;
	struct authority_key now; /* as provctl.json has it */
	struct issue_key old, next;
	unsigned generation; /* of next */
	bool used;	     /* next is in use, but for provctl.json */
	bool log;
	struct buf subject; /* what is approved */
	char old_purpose[sizeof(((struct authority_key *)0)->purpose)];
};

bool rotate_key_purpose(const char *purpose)
{
	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++)
		if (strcmp(purposes[i], purpose) == 0)
			return true;
	return false;
}

/* ---- what there is ---- */

static enum pv_code too_many(const struct rotation *r, size_t n,
			     struct err *err)
{
	err_object(err, r->opts->purpose);
	return err_fail(err, PV_DENIED, "rotate.keys",
			"go on with a new authority",
			"there are %zu keys: an authority holds no more", n);
}

static bool may_come_later(const char *purpose)
{
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (strcmp(later[i], purpose) == 0)
			return true;
	return false;
}

bool rotate_key_may_be_first(const char *purpose)
{
	for (size_t i = 0; i < sizeof(by_plan) / sizeof(by_plan[0]); i++)
		if (strcmp(by_plan[i], purpose) == 0)
			return true;
	return may_come_later(purpose);
}

/* As provctl.json has it. A first key of such a purpose takes nobody's place.
 */
static enum pv_code look_at_named(struct rotation *r, struct err *err)
{
	const struct authority_key *named = NULL;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = authority_key(r->a, r->opts->purpose, &named, &why);
	if (rc == PV_NOT_FOUND &&
	    (may_come_later(r->opts->purpose) ||
	     (r->opts->first && rotate_key_may_be_first(r->opts->purpose)))) {
		r->old.kind = HSM_KEY_P256;
		return PV_OK;
	}
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	r->now = *named;
	return ownkey_load(r->store, r->now.label, &r->old, err);
}

/* The key in use, and *next: its successor, recorded and not yet in use. */
static enum pv_code look(struct rotation *r, bool *next, struct err *err)
{
	struct keymake_known known;
	enum pv_code rc = look_at_named(r, err);

	if (rc == PV_OK)
		rc = keymake_known(r->store, r->opts->purpose, &known, err);
	if (rc != PV_OK)
		return rc;
	*next = known.generation > r->now.generation;
	r->generation = *next ? known.generation : r->now.generation + 1;
	if (*next)
		r->next = known.newest;
	r->used = *next && known.used;
	if (*next && r->opts->kind)
		rc = keymake_is_kind(&r->next, *r->opts->kind, err);
	if (rc != PV_OK || *next ||
	    (known.all < ALL_KEYS_MAX && (!r->log || known.n < LOG_KEYS_MAX)))
		return rc;
	return too_many(r, known.all, err);
}

/* Which key may leave its token a plan says. */
static enum hsm_key_kind kind_of(const struct rotation *r)
{
	if (r->opts->kind)
		return *r->opts->kind;
	return hsm_is_p256(r->old.kind) ? HSM_KEY_P256 : r->old.kind;
}

static struct keymake_job job_of(const struct rotation *r)
{
	return (struct keymake_job){ .authority = r->a->name,
				     .store = r->store,
				     .hsm = r->hsm,
				     .purpose = r->opts->purpose,
				     .generation = r->generation,
				     .kind = kind_of(r) };
}

/* Made, or the recorded one found on the token. */
static enum pv_code have_next(struct rotation *r, bool there, struct err *err)
{
	const struct keymake_job job = job_of(r);
	struct hsm_key *key;
	enum pv_code rc = there ? ownkey_find(r->hsm, &r->next, &key, err)
				: keymake(&job, &r->next, err);

	r->report->made = rc == PV_OK && !there;
	return rc;
}

/* ---- approved ---- */

static enum pv_code put_subject(struct rotation *r, struct err *err)
{
	const struct keymake_job job = job_of(r);
	char label[HSM_LABEL_MAX];
	struct subject_rotate_key s = { .purpose = log_str(r->opts->purpose),
					.from = log_str(r->now.label),
					.ends = r->opts->step ==
						ROTATE_FINISH };

	keymake_label(&job, label);
	s.to = log_str(label);
	subject_rotate_key(&r->subject, &s);
	return buf_check(&r->subject, err);
}

static enum pv_code gate(struct rotation *r, struct approvals *got,
			 struct err *err)
{
	struct approvals_want want = { .op = QUORUM_ROTATE_CA };
	struct tpl_approvals raised;
	char what[HSM_LABEL_MAX + 32];
	enum pv_code rc = put_subject(r, err);

	/* Devices of all templates are made with it. */
	if (rc == PV_OK)
		rc = raised_of_key(r->store, NULL, NULL, UINT64_MAX, &raised,
				   err);
	if (rc == PV_OK && r->opts->ahead)
		raised_add(&raised, r->opts->ahead);
	if (r->opts->want)
		want = *r->opts->want;
	snprintf(what, sizeof(what), "rotate key %.127s",
		 r->now.label[0] ? r->now.label : r->opts->purpose);
	want.op = QUORUM_ROTATE_CA;
	want.subject = buf_span(&r->subject);
	want.what = what;
	want.raised = &raised;
	return rc == PV_OK ? approvals_gate(r->a, r->store, &want, got, err)
			   : rc;
}

/* ---- in use ---- */

/* In the caller's transaction. */
static enum pv_code put_entry(struct rotation *r, const struct approvals *got,
			      struct err *err)
{
	struct log_key facts;
	struct event_who who;
	struct log_entry e;
	uint8_t hash[32];
	uint64_t index;
	enum pv_code rc =
		keymake_facts(&r->next, r->generation, hash, &facts, err);

	if (rc == PV_OK)
		rc = event_now(r->store, &who, err);
	if (rc != PV_OK)
		return rc;
	log_key_rotate(&e, &who.who, &facts, r->old.label);
	if (r->opts->step == ROTATE_FINISH)
		log_fact_uint(&e, LOG_ENDS, 1);
	log_fact_bytes(&e, LOG_NONCE_FACT, approvals_nonce(got), LOG_NONCE);
	rc = store_log_size(r->store, &index, err);
	if (rc == PV_OK && r->opts->step == ROTATE_USE)
		rc = store_key_rotate(r->store, r->next.label, index, err);
	if (rc == PV_OK)
		rc = event_append(r->store, &e, err);
	return rc == PV_OK ? decision_on_acts(r->store, &who.who, got,
					      buf_span(&r->subject), 1, err)
			   : rc;
}

/* size: of the log, this entry included. */
static enum pv_code record(struct rotation *r, const struct remanifest *m,
			   const struct approvals *got, uint64_t *size,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc = store_begin(r->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = remanifest_put(r->store, m, err);
	if (rc == PV_OK)
		rc = put_entry(r, got, err);
	if (rc == PV_OK)
		rc = store_log_size(r->store, size, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

static enum pv_code sign_manifests(struct rotation *r, struct remanifest *m,
				   struct err *err)
{
	CLEANUP(tokensign_close) struct tokensign key = { .hsm = NULL };
	enum pv_code rc;

	if (strcmp(r->opts->purpose, "bundle") != 0)
		return PV_OK;
	rc = tokensign_open(&key, r->hsm, &r->next, err);
	if (rc == PV_OK)
		rc = remanifest_sign(r->store, &key, m, err);
	r->report->manifests = m->n;
	return rc;
}

static struct authority_key named(const char *purpose, const char *label,
				  unsigned generation, uint64_t from)
{
	struct authority_key k = { .generation = generation, .from = from };

	snprintf(k.purpose, sizeof(k.purpose), "%s", purpose);
	snprintf(k.label, sizeof(k.label), "%s", label);
	return k;
}

/* Beside a new log key the old one goes on signing. */
static enum pv_code change_config(struct rotation *r, struct err *err)
{
	const struct authority_key keys[] = {
		named(r->opts->purpose, r->next.label, r->generation, 0),
		named(r->old_purpose, r->now.label, r->now.generation,
		      r->now.from),
	};

	return authority_change_keys(r->a, keys, r->log ? 2 : 1, err);
}

/*
 * The first checkpoint without the old key's line is kept before provctl.json
 * asks for none: a process that knows only the old key keeps no other then.
 */
static enum pv_code end_config(struct rotation *r, uint64_t size,
			       struct err *err)
{
	const struct authority_key keys[] = {
		named(r->opts->purpose, r->next.label, r->generation, size),
		named(r->old_purpose, "", 0, 0),
	};
	enum pv_code rc = authority_set_key(r->a, &keys[0], err);

	if (rc == PV_OK)
		rc = authority_set_key(r->a, &keys[1], err);
	if (rc == PV_OK)
		rc = checkpoint_now(r->a, r->store, r->hsm, err);
	return rc == PV_OK ? authority_change_keys(r->a, keys, 2, err) : rc;
}

static enum pv_code unfinished(const struct rotation *r, bool is,
			       struct err *err)
{
	char next[80];

	snprintf(next, sizeof(next),
		 is ? "end it: `provctl rotate %s --finish'"
		    : "begin one: `provctl rotate %s'",
		 r->opts->purpose);
	err_object(err, r->opts->purpose);
	return err_fail(err, PV_CONFLICT, "rotate.ended", next,
			is ? "an earlier rotation of the log's key goes on: "
			     "the old key signs, too"
			   : "no rotation of that key goes on");
}

/*
 * provctl.json names the new key once a checkpoint of those before it says that
 * it is ours (keystand.h): nobody goes by it before.
 */
static enum pv_code give_out(struct rotation *r, struct err *err)
{
	enum pv_code rc = checkpoint_now(r->a, r->store, r->hsm, err);

	if (rc == PV_OK)
		rc = keystand_label(r->store, r->next.label, err);
	return rc == PV_OK ? change_config(r, err) : rc;
}

/* All but what give_out() does. */
static enum pv_code put_to_use(struct rotation *r, bool there, struct err *err)
{
	CLEANUP(remanifest_release) struct remanifest m = { .n = 0 };
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	uint64_t size;
	enum pv_code rc = gate(r, &got, err);

	if (rc == PV_OK)
		rc = have_next(r, there, err);
	if (rc == PV_OK)
		rc = sign_manifests(r, &m, err);
	if (rc == PV_OK)
		rc = record(r, &m, &got, &size, err);
	snprintf(r->report->persons, sizeof(r->report->persons), "%s",
		 got.persons);
	return rc;
}

static enum pv_code use(struct rotation *r, struct err *err)
{
	const struct authority_key *before = NULL;
	bool there = false;
	enum pv_code rc;

	if (r->log &&
	    authority_key(r->a, r->old_purpose, &before, NULL) == PV_OK)
		return unfinished(r, true, err);
	rc = look(r, &there, err);
	/* One that was cut off was approved, and goes on. */
	if (rc == PV_OK)
		rc = r->used ? have_next(r, there, err)
			     : put_to_use(r, there, err);
	return rc == PV_OK ? give_out(r, err) : rc;
}

static enum pv_code prepare(struct rotation *r, struct err *err)
{
	bool there = false;
	enum pv_code rc = look(r, &there, err);

	return rc == PV_OK ? have_next(r, there, err) : rc;
}

/* *size: of the log, which says that the old one signs no more. */
static enum pv_code record_end(struct rotation *r, uint64_t *size,
			       struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	const struct remanifest none = { .n = 0 };
	enum pv_code rc = gate(r, &got, err);

	if (rc == PV_OK)
		rc = record(r, &none, &got, size, err);
	snprintf(r->report->persons, sizeof(r->report->persons), "%s",
		 got.persons);
	return rc;
}

/* The old one signs no more. */
static enum pv_code finish(struct rotation *r, struct err *err)
{
	const struct authority_key *in_use = NULL, *old = NULL;
	uint64_t size = 0;
	enum pv_code rc;

	if (!r->log || authority_key(r->a, r->old_purpose, &old, NULL) != PV_OK)
		return unfinished(r, false, err);
	rc = authority_key(r->a, r->opts->purpose, &in_use, err);
	if (rc != PV_OK)
		return rc;
	r->now = *old;
	r->generation = in_use->generation;
	rc = ownkey_load(r->store, in_use->label, &r->next, err);
	if (rc == PV_OK)
		rc = ownkey_load(r->store, old->label, &r->old, err);
	if (rc == PV_OK)
		rc = rotate_key_ended(r->store, r->next.label, &size, err);
	if (rc == PV_OK && size == 0)
		rc = record_end(r, &size, err);
	return rc == PV_OK ? end_config(r, size, err) : rc;
}

static void init(struct rotation *r, struct authority *a, struct store *store,
		 const struct rotate_key_opts *opts,
		 struct rotate_key_report *report)
{
	memset(report, 0, sizeof(*report));
	*r = (struct rotation){ .a = a,
				.store = store,
				.opts = opts,
				.report = report,
				.log = ownkey_is_log(opts->purpose) };
	buf_init(&r->subject, SUBJECT_ACTS_MAX);
	snprintf(r->old_purpose, sizeof(r->old_purpose), "%.50s-old",
		 opts->purpose);
}

enum pv_code rotate_key(struct authority *a, struct store *store,
			struct hsm *hsm, const struct rotate_key_opts *opts,
			struct rotate_key_report *report, struct err *err)
{
	struct rotation r;
	enum pv_code rc;

	init(&r, a, store, opts, report);
	r.hsm = hsm;
	if (opts->step == ROTATE_PREPARE)
		rc = prepare(&r, err);
	else
		rc = opts->step == ROTATE_USE ? use(&r, err) : finish(&r, err);
	snprintf(report->from, sizeof(report->from), "%s", r.now.label);
	snprintf(report->to, sizeof(report->to), "%s", r.next.label);
	report->generation = r.generation;
	buf_release(&r.subject);
	return rc;
}

enum pv_code rotate_key_ask(struct authority *a, struct store *store,
			    const struct rotate_key_opts *opts, struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	struct rotate_key_report nothing;
	struct rotation r;
	bool there = false;
	enum pv_code rc;

	init(&r, a, store, opts, &nothing);
	rc = look(&r, &there, err);
	if (rc == PV_OK && !r.used)
		rc = gate(&r, &got, err);
	buf_release(&r.subject);
	return rc;
}
