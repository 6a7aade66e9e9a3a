#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/ceremony/ceremony_media.h"
#include "lib/ceremony/ceremony_ready.h"
#include "lib/ceremony/ceremonyended.h"
#include "lib/ceremony/ceremonysign.h"
#include "lib/ceremony/plantemplate.h"
#include "lib/flow/ceremonyfolder.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/officers.h"
#include "lib/flow/publish.h"
#include "lib/flow/settings.h"
#include "policy/ceremonytext.h"

#define DOES_MAX 4096 /* bytes of what the script says of a step */
#define CLOCK_SLACK_S 2 /* as a clock is set by others */

static void ceremony_release(struct ceremony *c)
{
	hsm_close(c->hsm);
	c->hsm = NULL;
	fd_cleanup(&c->templates);
	buf_release(&c->shown);
	buf_release(&c->end_lists);
	buf_release(&c->told);
	ceremony_points_release(&c->points);
	transcript_close(&c->t);
}

static enum pv_code put(struct ceremony *c, const char *event,
			const struct transcript_pair *pairs, size_t n,
			struct err *err)
{
	enum pv_code rc = transcript_put(
		&c->t, c->steps ? (uint32_t)c->n + 1 : 0, event, pairs, n, err);

	if (rc == PV_OK && c->opts->told)
		c->opts->told(c->opts->progress_ctx, event, pairs, n);
	return rc;
}

/* Times of lines never go back: what the clock says stands in one of its own,
 * once. */
static enum pv_code tell_clock(struct ceremony *c, struct err *err)
{
	char said[PVTIME_RFC3339_LEN + 1], last[PVTIME_RFC3339_LEN + 1];
	const struct transcript_pair pairs[] = { { "said", said },
						 { "before", last } };
	int64_t now_s = pvtime_now_s();
	bool told = c->clock_told;

	c->clock_told = now_s + CLOCK_SLACK_S < c->t.head.time_s;
	if (!c->clock_told || told || !pvtime_format(now_s, said) ||
	    !pvtime_format(c->t.head.time_s, last))
		return PV_OK;
	return put(c, "clock", pairs, 2, err);
}

enum pv_code ceremony_put(struct ceremony *c, const char *event,
			  const struct transcript_pair *pairs, size_t n,
			  struct err *err)
{
	enum pv_code rc;

	/* The log has that line as the last one. */
	if (c->ended)
		return PV_OK;
	rc = tell_clock(c, err);
	return rc == PV_OK ? put(c, event, pairs, n, err) : rc;
}

enum pv_code ceremony_target(struct ceremony *c, const char *label,
			     uint64_t value, struct err *err)
{
	char text[24];
	enum pv_code rc;

	if (c->target[c->n] != 0)
		return PV_OK;
	c->target[c->n] = value;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	rc = CEREMONY_PUT(c, "target", { "label", label }, { "value", text });
	return rc == PV_OK ? ceremony_log_step(c, "begun", err) : rc;
}

struct tokens ceremony_tokens(struct ceremony *c)
{
	return (struct tokens){ .a = c->a,
				.backends = c->opts->backends,
				.login = &c->login,
				.hsm = &c->hsm };
}

enum pv_code ceremony_window(const struct plan *plan, const char *mode,
			     struct err *err)
{
	int64_t now_s = pvtime_now_s();
	bool early = now_s < plan->not_before_s;
	int64_t limit_s = early ? plan->not_before_s : plan->not_after_s;
	char now[PVTIME_RFC3339_LEN + 1], limit[PVTIME_RFC3339_LEN + 1];

	if (strcmp(mode, "rehearsal") == 0)
		return PV_OK;
	if (!early && now_s <= plan->not_after_s)
		return PV_OK;
	if (!pvtime_format(now_s, now) || !pvtime_format(limit_s, limit))
		return err_fail(err, PV_INTERNAL, "time.range", NULL,
				"a time that cannot be written");
	err_object(err, plan->name);
	return err_fail(
		err, PV_DENIED, "plan.window",
		"compare the clock with a watch; if it is right, have a "
		"plan for today approved",
		"the clock says %s, and the plan is not to be run %s "
		"%s",
		now, early ? "before" : "after", limit);
}

/* ---- one step ---- */

/* What the step is about, for people. */
static enum pv_code announce(struct ceremony *c, const struct plan_step *s,
			     struct err *err)
{
	const char *kind = plan_kind_name(s->kind);
	const char *what = plan_step_about(s);
	CLEANUP(buf_release) struct buf does;
	char text[2 * PLAN_NAME_MAX + 32], hex[65];

	buf_init(&does, DOES_MAX);
	/* A pause's is its question. */
	if (s->kind == PLAN_INIT_TOKEN && !c->opts->so_pin)
		buf_put_str(&does, "Nothing on it is changed by this step. "
				   "Compare its serial number with its label "
				   "and with the script.");
	else if (s->kind != PLAN_PAUSE)
		ceremonytext_does(s, &does);
	hex_encode(s->template_sha256, sizeof(s->template_sha256), hex);
	if (s->kind == PLAN_INIT_TOKEN)
		what = c->a->name;
	if (s->kind == PLAN_INIT_TOKEN && !c->opts->so_pin)
		snprintf(text, sizeof(text),
			 "the token is there and left as it is");
	else
		snprintf(text, sizeof(text), "%s%s%s", kind, *what ? " " : "",
			 what);
	if (c->opts->progress)
		c->opts->progress(c->opts->progress_ctx, c->n, c->plan->steps_n,
				  text, buf_cstr(&does));
	return CEREMONY_PUT(c, "step", { "kind", kind }, { "about", what },
			    { "present", s->present[0] ? s->present : NULL },
			    { "template_sha256", s->bound ? hex : NULL });
}

/* Best effort: the first cause stays. */
static void tell_failure(struct ceremony *c, enum pv_code rc,
			 const struct err *why)
{
	const char *what = rc == PV_INTERRUPTED ? "stopped" : "failed";
	struct err second, *err = &second;
	enum pv_code ignored;
	char code[8];

	err_init(err);
	snprintf(code, sizeof(code), "%d", (int)rc);
	ignored = CEREMONY_PUT(c, what, { "code", code }, { "rule", why->rule },
			       { "message", why->message });
	err_init(err);
	ignored = ceremony_log_step(c, what, err);
	err_init(err);
	/* While people are away the log is signed. */
	if (c->opts->later && c->hsm && rc == PV_INTERRUPTED)
		ignored = checkpoint_now(c->a, c->store, c->hsm, err);
	(void)ignored;
}

static enum pv_code run_step(struct ceremony *c, struct err *err)
{
	const struct plan_step *step = &c->plan->steps[c->n];
	char text[96];
	enum pv_code rc;

	c->object[0] = '\0';
	if (c->done[c->n])
		return ceremony_step_done(c, step, err);
	rc = announce(c, step, err);
	if (rc == PV_OK)
		rc = ceremony_window(c->plan, c->mode, err);
	if (rc == PV_OK && step->kind == PLAN_INIT_TOKEN)
		rc = ceremony_show_token(c, err);
	snprintf(text, sizeof(text), "Step %zu of %zu: go on", c->n + 1,
		 c->plan->steps_n);
	if (rc == PV_OK && step->kind != PLAN_PAUSE)
		rc = ceremony_ask(c, text, err);
	if (rc == PV_OK)
		rc = ceremony_step(c, step, err);
	if (rc == PV_OK)
		rc = ceremony_put(c, "done", NULL, 0, err);
	/* What fails there is found undone, and the line is no one's. */
	if (rc == PV_OK)
		return ceremony_log_step(c, "done", err);
	if (strcmp(err->rule, "hsm.token-changed") == 0)
		snprintf(err->rule, sizeof(err->rule), "ceremony.token");
	err_prefix(err, "step %zu, %s%s%s", c->n + 1,
		   plan_kind_name(step->kind), c->object[0] ? " " : "",
		   c->object);
	tell_failure(c, rc, err);
	return rc;
}

/* ---- the end ---- */

static enum pv_code set_roster(const struct ceremony *c, struct err *err)
{
	const struct approvals_want want = { .op = QUORUM_ROSTER };
	struct officers_report set;

	if (c->opts->roster.len == 0)
		return PV_OK;
	return officers_set(c->a, c->store, c->opts->roster, &want, &set, err);
}

/* Those that certificates name are there before the first certificate is.
 * What has ended signs nothing more: nobody would be told. */
static enum pv_code make_lists(struct ceremony *c, struct err *err)
{
	struct tokens tokens = ceremony_tokens(c);
	const struct publish_job job = { .a = c->a,
					 .store = c->store,
					 .tokens = c->ended ? NULL : &tokens,
					 .no_lists = true,
					 .covered = c->opts->covered };
	struct publish_report report;
	enum pv_code rc = PV_OK;

	if (c->hsm && !c->ended)
		rc = ceremony_due_lists(c, err);
	if (c->hsm && rc == PV_OK)
		rc = publish_run(&job, &report, err);
	if (rc != PV_OK)
		err_prefix(err, "the revocation lists");
	return rc;
}

static enum pv_code settle(struct ceremony *c, struct err *err)
{
	enum pv_code rc;

	/* An authority that is there has its own, and its roster. */
	if (c->opts->later)
		return ceremony_login(c, err);
	rc = settings_record(c->a, c->store, err);
	if (rc == PV_OK)
		rc = set_roster(c, err);
	/* One that goes on behind its last step has nothing open, or a pause.
	 */
	if (rc == PV_OK && c->a->keys_n > 0)
		rc = ceremony_login(c, err);
	return rc;
}

/* The last line, and the log says so: only such a head is signed. */
static enum pv_code end(struct ceremony *c, struct err *err)
{
	enum pv_code rc = PV_OK;
	char keys[16];

	if (c->opts->later)
		rc = ceremony_tell_log_keys(c, err);
	snprintf(keys, sizeof(keys), "%zu", c->a->keys_n);
	c->object[0] = '\0';
	if (rc == PV_OK)
		rc = CEREMONY_PUT(c, "end", { "result", "done" },
				  { "keys", keys });
	if (rc != PV_OK)
		return rc;
	c->ended = true;
	return ceremony_log_step(c, "done", err);
}

static enum pv_code finish(struct ceremony *c, struct err *err)
{
	bool ended = c->ended;
	enum pv_code rc;

	c->steps = false;
	rc = settle(c, err);
	if (rc == PV_OK)
		rc = make_lists(c, err);
	if (rc == PV_OK && !ended)
		rc = ceremony_give_lists(c, err);
	if (rc == PV_OK && !ended)
		rc = end(c, err);
	if (rc != PV_OK && !c->ended)
		tell_failure(c, rc, err);
	if (rc == PV_OK && c->hsm)
		rc = checkpoint_now(c->a, c->store, c->hsm, err);
	/* Signed before the crash; another signature would be another file. */
	if (rc == PV_OK && ended && ceremony_folder_ended(c->opts->folder))
		return ceremony_ended(c->a, c->store, c->plan, c->opts->folder,
				      c->mode, err);
	if (rc == PV_OK && c->hsm)
		rc = ceremony_sign(c->a, c->store, c->hsm, c->opts->folder,
				   c->plan, &c->t.head, err);
	return rc;
}

enum pv_code ceremony_run(const struct ceremony_opts *opts, struct authority *a,
			  struct store *store, const struct plan *plan,
			  struct err *err)
{
	CLEANUP(ceremony_release)
	struct ceremony c = {
		.opts = opts,
		.a = a,
		.store = store,
		.plan = plan,
		.templates = -1,
		.t = TRANSCRIPT_INIT,
	};
	enum pv_code rc =
		plantemplate_open(plan, opts->templates_dir, &c.templates, err);

	snprintf(c.mode, sizeof(c.mode), "%s", opts->mode);
	buf_init(&c.shown, TRANSCRIPT_SIZE_MAX);
	buf_init(&c.end_lists, TRANSCRIPT_SIZE_MAX);
	buf_init(&c.told, TRANSCRIPT_SIZE_MAX);
	ceremony_points_init(&c.points, plan->sha256);
	if (rc == PV_OK)
		rc = ceremony_open_transcript(&c, err);
	if (rc == PV_OK)
		rc = ceremony_sweep(&c, err);
	/* What has ended signs its head, and nothing else. */
	if (rc == PV_OK && !c.ended)
		rc = ceremony_window(plan, c.mode, err);
	if (rc == PV_OK)
		rc = ceremony_ready_media(plan, c.done, opts->media, err);
	if (rc == PV_OK)
		rc = ceremony_approve(&c, err);
	c.steps = true;
	a->making = !opts->later;
	for (; rc == PV_OK && c.n < plan->steps_n; c.n++)
		rc = run_step(&c, err);
	if (rc == PV_OK)
		rc = finish(&c, err);
	if (rc == PV_OK)
		ceremony_tell_head(&c);
	a->making = false;
	return rc;
}
