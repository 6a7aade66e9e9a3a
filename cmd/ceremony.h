/* ceremony: what its files share. */
#ifndef PV_CMD_CEREMONY_H
#define PV_CMD_CEREMONY_H

#include <stdio.h>

#include "cmd/app.h"
#include "cmd/opts.h"
#include "lib/ceremony/ceremony.h"
#include "lib/ceremony/media.h"

#define CEREMONY_PATH_CAP 4096
#define CEREMONY_DOES_CAP 2048 /* longer ones are cut: the script has them */

extern const char ceremony_help[];
extern const struct verb_part ceremony_parts[];

/* argv[0] is the word. */
PV_MUST enum pv_code ceremony_run_explain(const struct app *app, int argc,
					  char **argv, struct err *err);
PV_MUST enum pv_code ceremony_run_show(const struct app *app, int argc,
				       char **argv, struct err *err);
PV_MUST enum pv_code ceremony_run_plan(const struct app *app, int argc,
				       char **argv, struct err *err);
PV_MUST enum pv_code ceremony_run_verify(const struct app *app, int argc,
					 char **argv, struct err *err);
PV_MUST enum pv_code ceremony_run_cosign(const struct app *app, int argc,
					 char **argv, struct err *err);

/* Of rehearse, run and resume. */
struct ceremony_args {
	const char *home, *binding, *rehearsal, *answers, *templates;
	const char *name, *origin, *roster, *media, *plan;
	const char *new_pin_source, *request;
	struct opt_list approvals;
	struct media medium; /* that --media names */
	bool rehearse, resume;
	char dir[CEREMONY_PATH_CAP];
};
/* The same for a plan of an authority that is there (later.h). */
PV_MUST enum pv_code ceremony_run_later(const struct app *app,
					const struct ceremony_args *in,
					struct err *err);
/* What became of it: struct init_report. */
struct init_report;
PV_MUST enum pv_code ceremony_report(const struct app *app,
				     const struct init_report *r,
				     struct err *err);

/* A plan from a file; *plan is the caller's. Codes of plan_parse(). */
struct plan;
PV_MUST enum pv_code ceremony_read_plan(const char *path, struct plan **plan,
					struct err *err);

/*
 * The people: who is asked on the terminal, or a script of answers, one a line,
 * that is read to its end and then says stop.
 */
struct ceremony_screen { /* what stands on it */
	int tty;	 /* where people are asked; -1: not yet, or nobody is */
	bool lost;	 /* something that was to be shown there was not */
	size_t step, steps;
	bool fresh; /* announced, and nobody has said to go on */
	char title[2 * PLAN_NAME_MAX + 32], present[PLAN_PRESENT_MAX + 1];
	char does[CEREMONY_DOES_CAP];	  /* what the script says of it */
	char template_sha256[2 * 32 + 1]; /* "": the step names none */
};
struct ceremony_room {
	const struct app *app;
	struct ceremony_screen *screen; /* the caller's */
	FILE *answers;			/* NULL: the terminal */
	const char *new_pin_source;	/* NULL: the terminal */
	struct ceremony_people people;
};
#define CEREMONY_ROOM CLEANUP(ceremony_room_release) struct ceremony_room
/* room->screen is set. answers: path, or NULL. PV_NOT_FOUND; PV_DENIED,
 * "ceremony.answers": others can write it. */
PV_MUST enum pv_code ceremony_room_open(struct ceremony_room *room,
					const struct app *app,
					const char *answers, struct err *err);
void ceremony_room_release(struct ceremony_room *room);
/* One line where the questions go, whatever --quiet says and wherever standard
 * error goes; a copy there where it is no terminal. Nobody is asked on one: a
 * note. */
PV_PRINTF(2, 3)
void ceremony_say(const struct ceremony_room *room, const char *fmt, ...);
/* A step begins, a line was written. ctx is the room. */
void ceremony_show_step(const void *ctx, size_t step, size_t steps,
			const char *text, const char *does);
void ceremony_show_line(const void *ctx, const char *event,
			const struct transcript_pair *pairs, size_t n);
/* The question on the terminal, fit for it, with the groups of a SHA-256 on
 * lines of their own. */
void ceremony_put_question(const struct ceremony_room *room, const char *text);
/* People said to go on: a step that was announced gets a screen of its own,
 * where there is a terminal that can be cleared. */
void ceremony_show_answer(const struct ceremony_room *room);

#endif
