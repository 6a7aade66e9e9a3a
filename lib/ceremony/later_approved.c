/*
 * Later plans: approved, and begun once. What says so is the log: an entry
 * ceremony.begin of the plan's bytes, with its approvals under a roster. It
 * comes before the ceremony's folder, which gets copies of note and roster from
 * the store, so that others can verify them offline.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremony_ready.h"
#include "lib/ceremony/ceremonypoints.h"
#include "lib/ceremony/later_impl.h"
#include "lib/flow/decision.h"
#include "lib/flow/people.h"
#include "lib/flow/subject_plan.h"
#include "lib/log/acts.h"
#include "lib/log/ceremony.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"
#include "policy/approval_render.h"

CLEANUP_PTR(struct roster, roster_free);
CLEANUP_PTR(json_t, json_decref);

/* ---- what the log says ---- */

struct search {
	struct store *store;
	const struct plan *plan;
	struct later_begun *b;
	uint64_t rosters; /* set so far */
};

static enum pv_code take(struct search *s, uint64_t index, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	const struct log_fact *persons, *subject, *rehearsed;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = store_log_read(s->store, index, &room, err);
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&room), &e, err);
	if (rc != PV_OK || !log_fact_is(&e, "hash", s->plan->sha256, 32))
		return rc;
	s->b->found = true;
	s->b->index = index;
	s->b->roster = s->rosters;
	s->b->time_ms = e.time_ms;
	snprintf(s->b->actor, sizeof(s->b->actor), "%.*s", (int)e.actor.len,
		 (const char *)e.actor.p);
	rehearsed = log_fact_find(&e, "rehearsed", LOG_BSTR);
	if (rehearsed && rehearsed->s.len == sizeof(s->b->rehearsed))
		memcpy(s->b->rehearsed, rehearsed->s.p, rehearsed->s.len);
	s->b->approved = log_nonce(&e) != NULL;
	if (!s->b->approved)
		return PV_OK;
	memcpy(s->b->nonce, log_nonce(&e), LOG_NONCE);
	persons = log_fact_find(&e, "persons", LOG_TSTR);
	if (persons && persons->s.len < sizeof(s->b->persons))
		memcpy(s->b->persons, persons->s.p, persons->s.len);
	subject = log_fact_find(&e, LOG_SUBJECT, LOG_BSTR);
	if (subject && subject->s.len < sizeof(s->b->subject))
		memcpy(s->b->subject, subject->s.p, subject->s.len);
	return PV_OK;
}

static enum pv_code look(void *ctx, const struct store_governance *g,
			 struct err *err)
{
	struct search *s = ctx;

	s->rosters += strcmp(g->kind, LOG_ROSTER_CHANGE) == 0;
	if (s->b->found || strcmp(g->kind, LOG_CEREMONY_BEGIN) != 0 ||
	    strcmp(g->name, s->plan->name) != 0)
		return PV_OK;
	return take(s, g->index, err);
}

enum pv_code later_begun(struct store *store, const struct plan *plan,
			 struct later_begun *b, struct err *err)
{
	struct search s = { store, plan, b, 0 };
	const struct store_visit v = { .ctx = &s, .fn.governance = look };

	memset(b, 0, sizeof(*b));
	return store_governance_each(store, 0, &v, err);
}

/* Who takes the folder away does not get another run for the same approvals. */
enum pv_code later_not_stepped(struct store *store, const struct plan *plan,
			       const struct later_begun *b, struct err *err)
{
	CLEANUP(ceremony_points_release) struct ceremony_points points;
	enum pv_code rc;

	ceremony_points_init(&points, plan->sha256);
	rc = ceremony_points_load(&points, store, b->index, err);
	if (rc != PV_OK || points.n == 0)
		return rc;
	err_object(err, plan->name);
	return err_fail(err, PV_INTEGRITY, "ceremony.folder",
			"put the ceremony's folder back from a backup, or run "
			"another version of the plan",
			"the log has steps of that plan, and its folder is not "
			"there");
}

/* ---- approved ---- */

static enum pv_code record(struct store *store, const struct later_subject *of,
			   const struct approvals *got, struct span subject,
			   const char *mode, struct err *err)
{
	const struct plan *plan = of->plan;
	DECISION d = DECISION_INIT;
	struct log_entry e;
	enum pv_code rc = decision_begin(&d, store, got, err);

	if (rc != PV_OK)
		return rc;
	log_ceremony_begin(&e, &d.who.who, plan->name, plan->version,
			   plan->sha256, approvals_persons(got));
	log_ceremony_mode(&e, mode);
	if (of->rehearsed)
		log_ceremony_rehearsed(&e, of->rehearsed->sha256);
	if (got->needed > 0)
		log_fact_bytes(&e, LOG_SUBJECT, subject.p, subject.len);
	rc = decision_entry(&d, &e, err);
	if (rc == PV_OK)
		rc = store_governance_add(store, buf_span(&d.entry), NULL, err);
	return rc == PV_OK ? decision_commit(&d, err) : rc;
}

static enum pv_code waits_for(size_t n, struct err *err)
{
	if (n > 1)
		snprintf(err->hint, sizeof(err->hint),
			 "%zu requests lie below the home's " APPROVALS_FOLDER
			 "/: let them run `provctl approve' for each, then "
			 "repeat the command with --approval NOTE for all",
			 n);
	return PV_WAITING;
}

/* Which plan, and of which rehearsal; the log's name and root are the
 * authority. */
static enum pv_code put_subject(const struct later_opts *opts,
				const struct later_subject *of,
				struct buf *subject, struct err *err)
{
	const struct subject_plan s = { .plan = of->plan,
					.authority = opts->a->name,
					.rehearsed = of->rehearsed };

	buf_init(subject, LATER_SUBJECT_MAX - 1);
	return subject_plan(&s, subject, err);
}

/* Before its approvals are used up. */
static enum pv_code ready(const struct later_opts *opts,
			  const struct plan *plan, const char *mode,
			  struct err *err)
{
	enum pv_code rc = ceremony_ready_media(plan, NULL, opts->media, err);

	return rc == PV_OK && strcmp(mode, "run") == 0
		       ? ceremony_ready_people(opts->people, err)
		       : rc;
}

enum pv_code later_begin(const struct later_opts *opts,
			 const struct later_subject *of, const char *mode,
			 struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	CLEANUP(cleanup_json_decref) json_t *context = NULL;
	CLEANUP(buf_release) struct buf subject;
	struct approvals_want want = { .op = QUORUM_CEREMONY };
	size_t waiting = 0;
	struct err why;
	enum pv_code rc = PV_OK;

	rc = put_subject(opts, of, &subject, err);
	if (rc == PV_OK)
		rc = subject_plan_context(of->text, of->roster, &context, err);
	if (rc != PV_OK)
		return rc;
	if (opts->want)
		want = *opts->want;
	want.op = QUORUM_CEREMONY;
	want.subject = buf_span(&subject);
	want.context = context;
	want.what = "the plan";
	want.mixed = true;
	err_init(&why);
	rc = approvals_gate(opts->a, opts->store, &want, &got, &why);
	waiting = rc == PV_WAITING;
	if (rc == PV_WAITING)
		rc = PV_OK;
	want.request_out = NULL;
	want.context = NULL;
	if (rc == PV_OK && got.needed > 0)
		rc = later_ask(opts, of->plan, of->roster, &want, &waiting,
			       &why);
	if (rc == PV_OK && waiting == 0) {
		rc = ready(opts, of->plan, mode, err);
		return rc == PV_OK ? record(opts->store, of, &got,
					    buf_span(&subject), mode, err)
				   : rc;
	}
	*err = why;
	return rc == PV_OK ? waits_for(waiting, err) : rc;
}

static enum pv_code fill(struct later_approved *x, const char *persons,
			 struct err *err)
{
	CLEANUP(note_release) struct note note = { .sigs_n = 0 };
	CLEANUP(cleanup_roster_free) struct roster *roster = NULL;
	struct approvals *got = &x->got;
	enum pv_code rc = roster_parse(buf_span(&x->roster), &roster, err);

	if (rc == PV_OK)
		rc = note_parse(&note, buf_span(&got->note), err);
	if (rc == PV_OK)
		rc = approval_text_parse(note.text, &got->asked, err);
	if (rc == PV_OK)
		rc = sha256(note.text, got->text_sha256, err);
	if (rc != PV_OK)
		return rc;
	got->needed = quorum_ask(roster, QUORUM_CEREMONY, NULL).persons;
	memcpy(got->roster_sha256, roster->sha256, 32);
	memcpy(got->persons, persons, strlen(persons) + 1);
	return PV_OK;
}

enum pv_code later_approved(struct store *store, const struct later_begun *b,
			    struct later_approved *x, struct err *err)
{
	struct store_approval use;
	struct store_roster row;
	bool found = false;
	enum pv_code rc;

	memset(x, 0, sizeof(*x));
	buf_init(&x->got.note, NOTE_SIZE_MAX);
	buf_init(&x->roster, ROSTER_SIZE_MAX);
	if (!b->approved)
		return PV_OK;
	rc = store_approval_get(store, b->nonce, &use, &x->got.note, &found,
				err);
	if (rc == PV_OK && found)
		rc = store_roster_get(store, b->roster, &row, &x->roster,
				      &found, err);
	if (rc == PV_OK && !found)
		rc = err_fail(err, PV_INTEGRITY, "store.governance", NULL,
			      "the approvals of the plan are not there");
	return rc == PV_OK ? fill(x, b->persons, err) : rc;
}

enum pv_code later_same_subject(const struct later_opts *opts,
				const struct later_subject *of,
				const struct later_begun *b, struct err *err)
{
	CLEANUP(buf_release) struct buf subject;
	const uint8_t none[sizeof(b->rehearsed)] = { 0 };
	enum pv_code rc = put_subject(opts, of, &subject, err);

	if (rc != PV_OK ||
	    (memcmp(b->rehearsed, of->rehearsed ? of->rehearsed->sha256 : none,
		    sizeof(none)) == 0 &&
	     (!b->approved ||
	      span_equal(buf_span(&subject), log_str(b->subject)))))
		return rc;
	err_object(err, of->plan->name);
	return err_fail(err, PV_DENIED, "plan.rehearsed",
			"give the rehearsal that it began with, or put the "
			"ceremony's folder back from a backup",
			"the plan began with another rehearsal");
}

void later_approved_release(struct later_approved *x)
{
	buf_release(&x->got.note);
	buf_release(&x->roster);
}
