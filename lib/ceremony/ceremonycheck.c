#include "lib/ceremony/ceremonycheck_lines_impl.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/ceremony/ceremonycheck_approvals.h"
#include "lib/ceremony/ceremonycheck_files.h"
#include "lib/ceremony/ceremonycheck_shown.h"

enum pv_code ceremonycheck_order(const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "ceremony.order",
			"take the transcript as the ceremony left it; if this "
			"is it, ask who ran it",
			"%s", what);
}

const char *ceremonycheck_fact(const struct transcript_line *line,
			       const char *key)
{
	const char *s = transcript_fact(line, key);

	return s ? s : "";
}

bool ceremonycheck_is(const struct ceremonycheck_state *c, enum plan_kind kind)
{
	return strcmp(c->kind, plan_kind_name(kind)) == 0;
}

const struct plan_step *
ceremonycheck_plan_step(const struct ceremonycheck_state *c)
{
	return c->in->plan && c->open > 0 ? &c->in->plan->steps[c->open - 1]
					  : NULL;
}

#define TAKE_FACT(out, line, key)                                              \
	snprintf((out), sizeof(out), "%.*s", (int)sizeof(out) - 1,             \
		 ceremonycheck_fact((line), (key)))

static bool is_of_plan(const struct ceremonycheck_state *c,
		       const struct transcript_line *line)
{
	const struct plan *p = c->in->plan;
	char version[16];

	if (!p)
		return true;
	snprintf(version, sizeof(version), "%u", p->version);
	return memcmp(p->sha256, c->out->plan_sha256, 32) == 0 &&
	       strcmp(c->out->plan, p->name) == 0 &&
	       strcmp(ceremonycheck_fact(line, "version"), version) == 0;
}

static enum pv_code on_begin(struct ceremonycheck_state *c,
			     const struct transcript_line *line,
			     struct err *err)
{
	const char *sha256 = ceremonycheck_fact(line, "sha256");

	if (line->seq != 1 || line->step != 0)
		return ceremonycheck_order("a ceremony begins once", err);
	if (strlen(sha256) != 64 ||
	    !hex_decode(sha256, c->out->plan_sha256, 32))
		return ceremonycheck_order(
			"it does not say of which plan it is", err);
	TAKE_FACT(c->out->plan, line, "plan");
	TAKE_FACT(c->out->authority, line, "authority");
	TAKE_FACT(c->out->origin, line, "log");
	TAKE_FACT(c->out->mode, line, "mode");
	TAKE_FACT(c->out->answers, line, "answers");
	TAKE_FACT(c->out->rehearsed, line, "rehearsed");
	TAKE_FACT(c->out->binding, line, "binding_sha256");
	if (strcmp(c->out->mode, "run") == 0 && strlen(c->out->rehearsed) != 64)
		return ceremonycheck_order(
			"a run that does not say of which rehearsal", err);
	c->out->began_s = line->time_s;
	c->begun = true;
	if (!is_of_plan(c, line))
		return err_fail(err, PV_INTEGRITY, "ceremony.plan",
				"compare with the plan that was run",
				"it is of another plan");
	return ceremonycheck_kept(c, line, err);
}

static enum pv_code on_approvals(struct ceremonycheck_state *c,
				 const struct transcript_line *line,
				 struct err *err)
{
	if (line->step != 0 || c->out->steps > 0 || c->open > 0 ||
	    c->out->approvals[0] || !ceremonycheck_fact(line, "persons")[0])
		return ceremonycheck_order(
			"approvals that are not before its first step", err);
	TAKE_FACT(c->out->approvals, line, "persons");
	return ceremonycheck_approvals(c->in, c->out, line, err);
}

/* What the step is bound to; it says so, and says nothing where it is not. */
static bool is_bound_so(const struct plan_step *s, const char *sha256)
{
	char hex[65] = "";

	if (s->bound)
		hex_encode(s->template_sha256, sizeof(s->template_sha256), hex);
	return strcmp(sha256, hex) == 0;
}

static enum pv_code on_step(struct ceremonycheck_state *c,
			    const struct transcript_line *line, struct err *err)
{
	const struct plan *plan = c->in->plan;
	const struct plan_step *s;

	if (line->step != c->out->steps + 1)
		return ceremonycheck_order("a step that is not the next one",
					   err);
	if (strcmp(c->out->mode, "run") == 0 && !c->out->approvals[0])
		return ceremonycheck_order(
			"a run that does not say who approved its plan", err);
	TAKE_FACT(c->kind, line, "kind");
	TAKE_FACT(c->name, line, "about");
	/* One that goes on may have given its shares before. */
	if (c->open != line->step) {
		memset(&c->backup, 0, sizeof(c->backup));
		c->root[0] = '\0';
		buf_reset(&c->signs);
	}
	c->open = line->step;
	c->about = false;
	c->first |= line->step == 1 && ceremonycheck_is(c, PLAN_INIT_TOKEN);
	if (!plan)
		return PV_OK;
	if (line->step > plan->steps_n)
		return ceremonycheck_order("more steps than the plan has", err);
	s = &plan->steps[line->step - 1];
	/* The token's step is about the authority. */
	if (strcmp(c->kind, plan_kind_name(s->kind)) != 0 ||
	    (s->kind != PLAN_INIT_TOKEN &&
	     strcmp(c->name, plan_step_about(s)) != 0) ||
	    strcmp(ceremonycheck_fact(line, "present"), s->present) != 0)
		return ceremonycheck_order("a step that the plan has not there",
					   err);
	return is_bound_so(s, ceremonycheck_fact(line, "template_sha256"))
		       ? PV_OK
		       : ceremonycheck_order(
				 "a step by another template than the plan's",
				 err);
}

/* One that was adopted. */
static enum pv_code on_template(struct ceremonycheck_state *c,
				const struct transcript_line *line,
				struct err *err)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);

	if (strcmp(ceremonycheck_fact(line, "name"), c->name) != 0)
		return ceremonycheck_order(
			"a template that the step is not about", err);
	if (s && s->bound &&
	    !is_bound_so(s, ceremonycheck_fact(line, "sha256")))
		return ceremonycheck_order("a template that is not the plan's",
					   err);
	c->about = true;
	return PV_OK;
}

static enum pv_code on_roster(struct ceremonycheck_state *c,
			      const struct transcript_line *line,
			      struct err *err)
{
	const struct plan *plan = c->in->plan;
	char hex[65] = "";

	if (plan && c->open > 0)
		hex_encode(plan->steps[c->open - 1].roster, 32, hex);
	if (c->open == 0 || !ceremonycheck_is(c, PLAN_SET_ROSTER) ||
	    (plan && strcmp(ceremonycheck_fact(line, "sha256"), hex) != 0))
		return ceremonycheck_order(
			"a roster that the step does not set", err);
	c->about = true;
	return PV_OK;
}

/* What was signed: by the template that the step is bound to. */
static enum pv_code on_sign(struct ceremonycheck_state *c,
			    const struct transcript_line *line, struct err *err)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);
	const char *sha256 = transcript_fact(line, "template_sha256");

	/* Behind the steps lists are signed, and nothing else. */
	if (line->step != c->open ||
	    (c->open == 0 && !transcript_fact(line, "list")))
		return ceremonycheck_order("a line of a step that does not run",
					   err);
	return !s || !sha256 || !s->bound || is_bound_so(s, sha256)
		       ? ceremonycheck_shown(c, line, err)
		       : ceremonycheck_order("a signature by another template "
					     "than the plan's",
					     err);
}

/* What has to be seen before the step is done. */
static bool has_about(const struct ceremonycheck_state *c)
{
	static const enum plan_kind kinds[] = {
		PLAN_ADOPT,	  PLAN_GENERATE_KEY, PLAN_CHECK_KEY,
		PLAN_SELF_SIGNED, PLAN_ISSUE_CA,     PLAN_SIGN_CRL,
		PLAN_CROSS_SIGN,  PLAN_BACK_UP_KEY,  PLAN_RESTORE_KEY,
		PLAN_ROTATE_PIN,  PLAN_DESTROY_KEY,  PLAN_MAKE_CSR,
		PLAN_SIGN_CSR,	  PLAN_IMPORT_CA,    PLAN_SET_ROSTER,
		PLAN_TRANSPORT,	  PLAN_SEND_KEY,     PLAN_TAKE_KEY
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (ceremonycheck_is(c, kinds[i]))
			return true;
	return false;
}

static enum pv_code on_done(struct ceremonycheck_state *c,
			    const struct transcript_line *line, struct err *err)
{
	(void)line;
	if (!c->about && has_about(c))
		return ceremonycheck_order(
			"a step is done without what it is about: its "
			"key, request, certificate, list, template or backup",
			err);
	if (!c->taken && (ceremonycheck_is(c, PLAN_SIGN_CSR) ||
			  ceremonycheck_is(c, PLAN_IMPORT_CA) ||
			  ceremonycheck_is(c, PLAN_SEND_KEY) ||
			  ceremonycheck_is(c, PLAN_TAKE_KEY)))
		return ceremonycheck_order(
			"a step is done that took nothing from its medium",
			err);
	c->named += ceremonycheck_is(c, PLAN_GENERATE_KEY) ||
		    ceremonycheck_is(c, PLAN_TAKE_KEY);
	c->taken = false;
	c->open = 0;
	buf_reset(&c->signs);
	c->out->steps++;
	return PV_OK;
}

/* The same one all through. */
static enum pv_code on_token(struct ceremonycheck_state *c,
			     const struct transcript_line *line,
			     struct err *err)
{
	const char *serial = ceremonycheck_fact(line, "serial");

	if (!serial[0] || strlen(serial) >= sizeof(c->token) ||
	    (c->token[0] && strcmp(c->token, serial) != 0))
		return ceremonycheck_order("another token than before", err);
	snprintf(c->token, sizeof(c->token), "%s", serial);
	return c->first ? ceremonycheck_approved_token(c->in, c->out, line, err)
			: PV_OK;
}

/* What the authority has when it is made. */
static enum pv_code is_whole(const struct ceremonycheck_state *c,
			     const struct transcript_line *line,
			     struct err *err)
{
	char keys[24];

	if (!c->token[0])
		return ceremonycheck_order("it does not say on which token",
					   err);
	if (!c->first)
		return PV_OK;
	snprintf(keys, sizeof(keys), "%zu", c->named);
	if (strcmp(ceremonycheck_fact(line, "keys"), keys) != 0)
		return ceremonycheck_order("it ends with another number of "
					   "keys than were made",
					   err);
	return keyseen_owes(&c->keys)
		       ? ceremonycheck_order("a CA that signs revocation lists "
					     "has none at its end",
					     err)
		       : PV_OK;
}

static enum pv_code on_end(struct ceremonycheck_state *c,
			   const struct transcript_line *line, struct err *err)
{
	const struct plan *plan = c->in->plan;

	if (line->step != 0 || c->open != 0 ||
	    (plan && c->out->steps != plan->steps_n))
		return ceremonycheck_order("it ends before its steps are done",
					   err);
	c->ended = true;
	return is_whole(c, line, err);
}

static enum pv_code on_aside(struct ceremonycheck_state *c,
			     const struct transcript_line *line,
			     struct err *err)
{
	c->out->asides++;
	return ceremonycheck_file(c, line, err);
}

/* Each event that there is (ceremony.h): a line of another one says what nobody
 * looked at. */
static const struct event {
	const char *name;
	bool in_step; /* of the one that runs */
	enum pv_code (*take)(
		struct ceremonycheck_state *c,
		const struct transcript_line *line,
		struct err *err); /* NULL: counted, or held by others */
} events[] = {
	{ "begin", false, on_begin },
	{ "approvals", false, on_approvals },
	{ "set-aside", false, on_aside },
	{ "step", false, on_step },
	{ "template", true, on_template },
	{ "sign", false, on_sign },
	{ "roster", true, on_roster },
	{ "done", true, on_done },
	{ "key", true, ceremonycheck_key },
	{ "certificate", true, ceremonycheck_certificate },
	{ "csr", true, ceremonycheck_csr },
	{ "taken", true, ceremonycheck_taken },
	{ "older-list", true, ceremonycheck_older_list },
	{ "share", true, ceremonycheck_share },
	{ "backup", true, ceremonycheck_backup },
	{ "restored", true, ceremonycheck_restored },
	{ "crl", false, ceremonycheck_crl },
	{ "pin", true, ceremonycheck_pin },
	{ "destroyed", true, ceremonycheck_destroyed },
	{ "transport-key", true, ceremonycheck_transport_key },
	{ "sent", true, ceremonycheck_sent },
	{ "key-taken", true, ceremonycheck_key_taken },
	{ "transport-destroyed", true, ceremonycheck_transport_end },
	{ "log-key", false, ceremonycheck_log_key },
	{ "end", false, on_end },
	{ "resume", false, NULL },
	{ "failed", false, NULL },
	{ "stopped", false, NULL },
	{ "ask", false, NULL },
	{ "answer", false, NULL },
	{ "orphan", false, NULL },
	{ "token", false, on_token },
	{ "new-token", true, NULL },
	{ "pin-pad", false, NULL },
	{ "wrong-pin", false, NULL },
	{ "target", true, NULL },
	{ "given", false, NULL },
	{ "root", true, ceremonycheck_root },
	{ "ca-key", false, ceremonycheck_ca_key },
	{ "swept", false, NULL },
	{ "unlocked", true, NULL },
	{ "share-taken", true, NULL },
	{ "signer", true, NULL },
	{ "recipient", true, NULL },
	{ "wrapped", true, NULL },
	{ "clock", false, NULL },
};

static const struct event *find_event(const char *name)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (strcmp(events[i].name, name) == 0)
			return &events[i];
	return NULL;
}

static enum pv_code take_event(struct ceremonycheck_state *c,
			       const struct event *e,
			       const struct transcript_line *line,
			       struct err *err)
{
	if (!e)
		return ceremonycheck_order("an event that is none of a "
					   "ceremony",
					   err);
	if (e->in_step && (c->open == 0 || line->step != c->open))
		return ceremonycheck_order("a line of a step that does not run",
					   err);
	return e->take ? e->take(c, line, err) : PV_OK;
}

/* As far as it was read, and this line. */
static enum pv_code logged(const struct ceremonycheck_state *c,
			   const struct transcript_line *line, struct err *err)
{
	enum pv_code rc = ceremony_points_meet(c->in->log, &c->out->head, err);

	return rc == PV_OK ? ceremony_points_line(c->in->log, line, err) : rc;
}

static enum pv_code all_logged(const struct ceremonycheck_state *c,
			       struct err *err)
{
	enum pv_code rc = ceremony_points_meet(c->in->log, &c->out->head, err);

	c->out->logged = c->in->log->n;
	return rc == PV_OK ? ceremony_points_end(c->in->log, err) : rc;
}

static enum pv_code take_line(void *ctx, const struct transcript_line *line,
			      struct err *err)
{
	struct ceremonycheck_state *c = ctx;
	enum pv_code rc = PV_OK;

	if (c->ended)
		return ceremonycheck_order("something stands behind its end",
					   err);
	if (!c->begun && strcmp(line->event, "begin") != 0)
		return ceremonycheck_order(
			"it does not begin with its beginning", err);
	if (c->in->log)
		rc = logged(c, line, err);
	if (rc == PV_OK)
		rc = askcheck_line(&c->asks, line, err);
	if (rc != PV_OK)
		return rc;
	c->out->resumes += strcmp(line->event, "resume") == 0;
	c->out->failures += strcmp(line->event, "failed") == 0;
	c->out->orphans += strcmp(line->event, "orphan") == 0;
	ceremonycheck_said(c, line);
	rc = take_event(c, find_event(line->event), line, err);
	return rc == PV_OK ? ceremonycheck_window(c, line, err) : rc;
}

/* Whether it is what it is taken for. */
static enum pv_code check_wanted(const struct ceremonycheck_state *c,
				 struct err *err)
{
	const char *mode = c->in->mode;

	if (mode && strcmp(c->out->mode, mode) != 0)
		return err_fail(err, PV_DENIED, "ceremony.mode",
				"say with --mode what it has to be",
				"it is of mode %s, not of %s", c->out->mode,
				mode);
	if (c->asks.file && !c->in->unattended)
		return err_fail(err, PV_DENIED, "ceremony.unattended",
				"--unattended takes it for all that",
				"its questions were answered from a file, not "
				"by people on a terminal");
	return PV_OK;
}

static void state_release(struct ceremonycheck_state *c)
{
	buf_release(&c->signs);
}

enum pv_code ceremonycheck(const struct ceremonycheck *in,
			   struct ceremonycheck_report *out, struct err *err)
{
	CLEANUP(state_release)
	struct ceremonycheck_state c = { .in = in, .out = out };
	const struct transcript_sink sink = { take_line, &c };
	enum pv_code rc;

	memset(out, 0, sizeof(*out));
	buf_init(&c.signs, TRANSCRIPT_SIZE_MAX);
	rc = transcript_read(in->transcript, &sink, &out->head, err);
	if (rc == PV_OK && in->log)
		rc = all_logged(&c, err);
	if (rc == PV_OK && !c.ended)
		rc = ceremonycheck_order("the ceremony did not end", err);
	if (c.asks.file)
		snprintf(out->answers, sizeof(out->answers), "file");
	if (rc == PV_OK)
		rc = ceremonycheck_note(&c, err);
	return rc == PV_OK ? check_wanted(&c, err) : rc;
}
