/* ceremony rehearse, run, resume: a plan of an authority that is there. */
#include <stdio.h>
#include <string.h>

#include "cmd/ceremony.h"
#include "cmd/guard.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/ceremony/later.h"

static enum pv_code check(const struct ceremony_args *in, struct err *err)
{
	const char *what = NULL;

	if (in->binding || in->name || in->origin)
		what = "the authority is there, with its token and its name";
	else if (in->rehearse && (in->rehearsal || in->answers))
		what = "a rehearsal asks nobody, and needs no other one";
	else if (in->resume && (in->rehearsal || in->roster))
		what = "resume goes on as it was begun";
	else if (!in->rehearse && !in->resume && !in->rehearsal)
		what = "run takes --rehearsal";
	return what ? err_fail(err, PV_USAGE, "usage.option",
			       "see provctl ceremony run --help", "%s", what)
		    : PV_OK;
}

static enum pv_code run(const struct app *app, const struct ceremony_args *in,
			const struct session *s, struct ceremony_room *room,
			struct init_report *r, struct err *err)
{
	const struct approvals_want want = { .files = in->approvals.values,
					     .files_n = in->approvals.n,
					     .request_out = in->request };
	const struct later_opts opts = {
		.backends = app->backends,
		.watch = app->guard ? &app->guard->watch : NULL,
		.a = s->a,
		.store = s->store,
		.who = &s->who,
		.covered = &s->log.last,
		.templates_dir = in->templates,
		.plan = in->plan,
		.roster = in->roster,
		.media = in->media ? &in->medium : NULL,
		.rehearse = in->rehearse,
		.resume = in->resume,
		.rehearsal = in->rehearsal,
		.want = &want,
		.people = &room->people,
		.told = ceremony_show_line,
		.progress = ceremony_show_step,
		.progress_ctx = room,
	};

	return later_run(&opts, r, err);
}

/* A home that people would make with init is no rehearsal's. */
static enum pv_code not_rehearsed(const struct ceremony_args *in,
				  struct err *err)
{
	err_init(err);
	err_object(err, in->dir);
	return err_fail(err, PV_NOT_FOUND, "authority.missing",
			"name the folder of the rehearsal of the plan before "
			"it; where that is lost, rehearse in a new one what "
			"came before, plan by plan",
			"there is no rehearsal that this one can follow");
}

enum pv_code ceremony_run_later(const struct app *app,
				const struct ceremony_args *in, struct err *err)
{
	struct ceremony_screen screen = { .tty = -1 };
	CEREMONY_ROOM room = { .screen = &screen };
	SESSION s = { .a = NULL };
	struct app at = *app;
	struct init_report r = { .steps = 0 };
	enum pv_code rc = check(in, err);

	at.home = in->dir;
	room.app = app;
	if (rc == PV_OK)
		rc = ceremony_room_open(&room, app, in->answers, err);
	room.new_pin_source = in->new_pin_source;
	if (rc == PV_OK)
		rc = session_open(
			&at, SESSION_STORE | SESSION_GATED | SESSION_ROTATES,
			&s, err);
	if (rc == PV_NOT_FOUND && in->rehearse &&
	    strcmp(err->rule, "authority.missing") == 0)
		return not_rehearsed(in, err);
	if (rc != PV_OK)
		return rc;
	if (app->guard)
		app->guard->timeout_s = s.a->hsm_timeout_s;
	guard_hold_signals();
	rc = run(app, in, &s, &room, &r, err);
	if (rc == PV_OK)
		return ceremony_report(app, &r, err);
	if (r.touched)
		out_note(app, "the ceremony is incomplete: `provctl ceremony "
			      "resume' goes on");
	return rc;
}
