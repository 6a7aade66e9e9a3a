#include "lib/flow/approvals.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/approvals_impl.h"
#include "lib/flow/cosigned.h"
#include "lib/flow/people.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

CLEANUP_PTR(struct roster, roster_free);

struct gate {
	const struct authority *a;
	struct store *store; /* NULL: it is made only afterwards */
	const struct approvals_want *want;
	struct roster *roster;
	struct quorum_ask ask;
	struct note *notes; /* room for want->files_n */
	size_t notes_n;
	uint64_t now_s;
	uint32_t valid_s; /* a request's life */
	struct approvals *got;
	struct err *err;
};

static void gate_release(struct gate *g)
{
	for (size_t i = 0; g->notes && i < g->want->files_n; i++)
		note_release(&g->notes[i]);
	mem_cleanup(&g->notes);
	roster_free(g->roster);
}

/* The time of a decision: one that an entry of the log may have. */
static enum pv_code take_time(struct gate *g)
{
	struct event_who who;
	enum pv_code rc = PV_OK;

	if (!g->store && g->now_s == 0)
		g->now_s = (uint64_t)pvtime_now_s();
	if (!g->store)
		return PV_OK;
	rc = g->want->op == QUORUM_CLOCK_ACCEPT
		     ? event_now_any_step(g->store, &who, g->err)
		     : event_now(g->store, &who, g->err);
	if (rc == PV_OK)
		g->now_s = who.who.time_ms / 1000;
	return rc;
}

static enum pv_code fill_asked(struct gate *g)
{
	struct approval *asked = &g->got->asked;
	enum pv_code rc =
		g->store ? people_root(g->store, asked->root, g->err) : PV_OK;

	snprintf(asked->log, sizeof(asked->log), "%s", g->a->origin);
	event_actor(g->store, asked->requester);
	if (rc == PV_OK)
		rc = sha256(g->want->subject, asked->subject, g->err);
	return rc;
}

/* Of another operation or another subject, among those that are given for all
 * of a plan. One that is no approval stays, and is refused. */
static bool is_aside(const struct gate *g, const struct note *note)
{
	struct approval said;

	return g->want->mixed &&
	       approval_text_parse(note->text, &said, NULL) == PV_OK &&
	       (said.operation != g->want->op ||
		memcmp(said.subject, g->got->asked.subject,
		       sizeof(said.subject)) != 0);
}

static enum pv_code read_note(struct gate *g, const char *file)
{
	CLEANUP(buf_release) struct buf text;
	struct note *note = &g->notes[g->notes_n];
	enum pv_code rc;

	buf_init(&text, NOTE_SIZE_MAX);
	rc = file_read(AT_FDCWD, file, 0, &text, g->err);
	if (rc == PV_OK)
		rc = note_parse(note, buf_span(&text), g->err);
	if (rc != PV_OK)
		err_object(g->err, file);
	else if (is_aside(g, note))
		note_release(note);
	else
		g->notes_n++;
	return rc;
}

static enum pv_code read_notes(struct gate *g)
{
	enum pv_code rc = PV_OK;

	if (g->want->files_n == 0)
		return PV_OK;
	g->notes = mem_new(g->want->files_n * sizeof(*g->notes), g->err);
	if (!g->notes)
		return PV_INTERNAL;
	for (size_t i = 0; rc == PV_OK && i < g->want->files_n; i++)
		rc = read_note(g, g->want->files[i]);
	return rc;
}

/*
 * Nonce and expiry are what the officers signed: whether the same text stands
 * in all notes and says what is wanted is counted afterwards.
 */
static enum pv_code take_nonce(struct gate *g)
{
	CLEANUP(buf_release) struct buf note;
	struct approval *asked = &g->got->asked;
	struct store_approval row;
	struct approval signed_one;
	bool used = false;
	enum pv_code rc;

	asked->expires_s = g->now_s + g->valid_s;
	if (approval_text_parse(g->notes[0].text, &signed_one, NULL) != PV_OK)
		return PV_OK;
	memcpy(asked->nonce, signed_one.nonce, sizeof(asked->nonce));
	if (signed_one.expires_s > asked->expires_s)
		return err_fail(g->err, PV_DENIED, "approval.expiry",
				"ask for approvals again",
				"an approval that is good for longer than is "
				"allowed here");
	asked->expires_s = signed_one.expires_s;
	if (!g->store)
		return PV_OK;
	buf_init(&note, NOTE_SIZE_MAX);
	rc = store_approval_get(g->store, asked->nonce, &row, &note, &used,
				g->err);
	if (rc == PV_OK && used)
		rc = err_fail(g->err, PV_DENIED, "approval.used",
			      "ask for approvals again",
			      "the approval was used before: entry %llu of the "
			      "log",
			      (unsigned long long)row.index);
	return rc;
}

/* One note with everybody's lines: what is kept. */
static enum pv_code keep_note(struct gate *g)
{
	struct buf *out = &g->got->note;
	struct span text = g->notes[0].text;
	enum pv_code rc = note_start(out, text, g->err);

	for (size_t i = 0; rc == PV_OK && i < g->notes_n; i++)
		for (size_t k = 0; k < g->notes[i].sigs_n; k++)
			note_sig_put(out, &g->notes[i].sigs[k]);
	return rc == PV_OK ? buf_check(out, g->err) : rc;
}

static enum pv_code keep(struct gate *g, const struct approval_tally *tally)
{
	CLEANUP(buf_release) struct buf names;
	struct approvals *got = g->got;
	enum pv_code rc;

	buf_init(&names, APPROVALS_PERSONS_MAX);
	approval_persons_put(tally, &names);
	rc = buf_check(&names, g->err);
	if (rc != PV_OK)
		return rc;
	snprintf(got->persons, sizeof(got->persons), "%.*s", (int)names.len,
		 (const char *)names.data);
	memcpy(got->text_sha256, tally->text_sha256, 32);
	memcpy(got->roster_sha256, g->roster->sha256, 32);
	return keep_note(g);
}

/* Who waits is told for whom, and where the request lies. */
static enum pv_code wait_for_more(struct gate *g, const struct err *why)
{
	const struct approvals_asking asking = { .a = g->a,
						 .store = g->store,
						 .want = g->want,
						 .now_s = g->now_s,
						 .valid_s = g->valid_s,
						 .max_age_s = g->got->max_age_s,
						 .known = g->notes_n > 0,
						 .asked = &g->got->asked };
	char path[APPROVALS_PATH_MAX];
	enum pv_code rc = approvals_request(&asking, path, g->err);

	if (rc != PV_OK)
		return rc;
	*g->err = *why;
	snprintf(g->err->hint, sizeof(g->err->hint),
		 "let them run `provctl approve %.150s', then repeat the "
		 "command with --approval NOTE for each",
		 path);
	err_object(g->err, path);
	if (g->want->what)
		err_prefix(g->err, "%s", g->want->what);
	return PV_WAITING;
}

/* When the request was made that was approved, by what all of them signed. */
static uint64_t asked_at(const struct gate *g)
{
	uint64_t expires_s = g->got->asked.expires_s;

	return expires_s > g->valid_s ? expires_s - g->valid_s : 0;
}

static enum pv_code seen_by_witnesses(struct gate *g)
{
	struct checkpoint_base base;
	enum pv_code rc;

	if (g->a->witnesses_required == 0)
		return PV_OK;
	rc = checkpoint_load(g->a, g->store, &base, g->err);
	if (rc == PV_OK)
		rc = cosigned_gate(g->a, g->store, &base, NULL, g->err);
	return rc == PV_OK ? cosigned_recent(g->a, &base, asked_at(g), g->now_s,
					     g->err)
			   : rc;
}

static enum pv_code count(struct gate *g)
{
	struct approval asked_first;
	struct approval_tally tally;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	asked_first = g->got->asked;
	if (g->notes_n == 0) /* nobody has signed anything yet */
		asked_first.expires_s = g->now_s + 1;
	rc = approval_count(g->roster, g->notes, g->notes_n, &asked_first,
			    g->now_s, &g->ask, &tally, &why);
	if (rc == PV_OK || rc == PV_WAITING) {
		enum pv_code age = PV_OK;

		if (g->notes_n > 0)
			age = approvals_check_age(g->store, g->got, g->now_s,
						  g->err);
		if (age != PV_OK)
			return age;
		return rc == PV_OK ? keep(g, &tally) : wait_for_more(g, &why);
	}
	*g->err = why;
	if (g->want->what)
		err_prefix(g->err, "%s", g->want->what);
	return rc;
}

static enum pv_code pass(struct gate *g)
{
	enum pv_code rc = take_time(g);

	if (rc == PV_OK)
		rc = fill_asked(g);
	if (rc == PV_OK)
		rc = read_notes(g);
	if (rc == PV_OK && g->notes_n > 0)
		rc = take_nonce(g);
	if (rc == PV_OK && g->notes_n > 0)
		rc = seen_by_witnesses(g);
	return rc == PV_OK ? count(g) : rc;
}

enum pv_code approvals_gate(const struct authority *a, struct store *store,
			    const struct approvals_want *want,
			    struct approvals *got, struct err *err)
{
	CLEANUP(gate_release)
	struct gate g = {
		.a = a, .store = store, .want = want, .got = got, .err = err
	};
	enum pv_code rc;

	memset(got, 0, sizeof(*got));
	buf_init(&got->note, NOTE_SIZE_MAX);
	got->asked.operation = want->op;
	rc = people_in_force(store, &g.roster, NULL, err);
	if (rc != PV_OK)
		return rc;
	if (!g.roster && want->files_n > 0)
		return err_fail(err, PV_DENIED, "approval.roster",
				"leave --approval out, or set a roster: "
				"`provctl officer roster'",
				"no roster says who may approve");
	g.ask = quorum_ask(g.roster, want->op, want->raised);
	got->roster_version = g.roster ? g.roster->version : 0;
	rc = store_log_size(store, &got->size, err);
	if (rc != PV_OK)
		return rc;
	got->needed = g.ask.persons;
	got->max_age_s = g.ask.max_age_s;
	/* What a machine that was set back never asked is asked anew. */
	if (got->max_age_s == 0 && a->witnesses_required > 0)
		got->max_age_s = APPROVALS_VALID_S;
	/* A request that is older than its template wants has expired. */
	g.valid_s = APPROVALS_VALID_S;
	if (g.ask.max_age_s && g.ask.max_age_s < g.valid_s)
		g.valid_s = g.ask.max_age_s;
	return got->needed > 0 ? pass(&g) : PV_OK;
}

enum pv_code approvals_gate_first(const struct authority *a, struct span roster,
				  uint64_t at_s,
				  const struct approvals_want *want,
				  struct approvals *got, struct err *err)
{
	CLEANUP(gate_release)
	struct gate g = { .a = a,
			  .want = want,
			  .now_s = at_s,
			  .valid_s = APPROVALS_VALID_S,
			  .got = got,
			  .err = err };
	enum pv_code rc = roster_parse(roster, &g.roster, err);

	memset(got, 0, sizeof(*got));
	buf_init(&got->note, NOTE_SIZE_MAX);
	got->asked.operation = want->op;
	if (rc != PV_OK)
		return rc;
	g.ask = quorum_ask(g.roster, want->op, NULL);
	got->needed = g.ask.persons;
	return pass(&g);
}

void approvals_release(struct approvals *got)
{
	buf_release(&got->note);
}
