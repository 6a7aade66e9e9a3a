/* ceremony: what the people in the room are asked. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/ceremony.h"
#include "cmd/guard.h"
#include "cmd/newpin.h"
#include "cmd/out.h"
#include "lib/base/fileio.h"

/* One line without its end; "stop" behind the last one. */
static void script_line(FILE *answers, char answer[CEREMONY_ANSWER_MAX])
{
	if (!fgets(answer, CEREMONY_ANSWER_MAX, answers))
		snprintf(answer, CEREMONY_ANSWER_MAX, "stop");
	answer[strcspn(answer, "\n")] = '\0';
}

static enum pv_code open_terminal(int *tty, struct err *err)
{
	*tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	return *tty >= 0 ? PV_OK
			 : err_fail(err, PV_DENIED, "ceremony.terminal",
				    "run it on a terminal, or give --answers",
				    "there is no terminal to ask on");
}

static enum pv_code ready(void *ctx, struct err *err)
{
	const struct ceremony_room *room = ctx;
	CLEANUP(fd_cleanup) int tty = -1;

	return room->answers ? PV_OK : open_terminal(&tty, err);
}

/* What was typed before the question is no answer to it. */
static enum pv_code ask_terminal(const char *text,
				 char answer[CEREMONY_ANSWER_MAX],
				 struct err *err)
{
	CLEANUP(fd_cleanup) int tty = -1;
	enum pv_code rc = open_terminal(&tty, err);
	ssize_t n;

	if (rc != PV_OK)
		return rc;
	tcflush(tty, TCIFLUSH);
	ceremony_put_question(tty, text);
	/* Nothing is under way while people think: ^C ends it. */
	guard_release_signals();
	n = read(tty, answer, CEREMONY_ANSWER_MAX - 1);
	guard_hold_signals();
	if (n <= 0)
		return err_fail(err, PV_INTERRUPTED, "ceremony.stopped",
				"`provctl ceremony resume' goes on",
				"the terminal is gone");
	answer[n] = '\0';
	answer[strcspn(answer, "\r\n")] = '\0';
	return PV_OK;
}

static enum pv_code ask(void *ctx, const char *text,
			char answer[CEREMONY_ANSWER_MAX], struct err *err)
{
	const struct ceremony_room *room = ctx;
	enum pv_code rc = PV_OK;

	if (room->answers) {
		script_line(room->answers, answer);
		out_note(room->app, "%s? %s", text, answer);
	} else {
		rc = ask_terminal(text, answer, err);
	}
	if (rc != PV_OK)
		return rc;
	if (strcmp(answer, "yes") == 0)
		ceremony_show_answer(room);
	else if (strcmp(answer, "stop") != 0)
		out_note(room->app, "answer yes or stop");
	return PV_OK;
}

static enum pv_code ask_pin(void *ctx, const char *whose, struct secret *pin,
			    struct err *err)
{
	const struct ceremony_room *room = ctx;

	out_note(room->app, "the token took that PIN for wrong: once more");
	secret_release(pin);
	return room->app->backends->person_pin("prompt", whose, pin, err);
}

static enum pv_code next_pin(void *ctx, const char *whose, struct secret *pin,
			     struct err *err)
{
	const struct ceremony_room *room = ctx;

	for (;;) {
		struct err why;
		enum pv_code rc;

		err_init(&why);
		rc = newpin_read(room->app->backends, room->new_pin_source,
				 whose, pin, &why);
		if (rc == PV_OK)
			return PV_OK;
		if (strcmp(why.rule, "pin.twice") != 0) {
			*err = why;
			return rc;
		}
		out_note(room->app, "the two are not the same: once more");
		secret_release(pin);
	}
}

enum pv_code ceremony_room_open(struct ceremony_room *room,
				const struct app *app, const char *answers,
				struct err *err)
{
	room->app = app;
	room->answers = NULL;
	room->new_pin_source = NULL;
	room->people =
		(struct ceremony_people){ .ask = ask,
					  .ready = ready,
					  .pin = ask_pin,
					  .next_pin = next_pin,
					  .ctx = room,
					  .answers = answers ? "file"
							     : "terminal" };
	if (!answers)
		return PV_OK;
	room->answers = fopen(answers, "re");
	if (room->answers)
		return PV_OK;
	err_object(err, answers);
	return err_errno(err, errno == ENOENT ? PV_NOT_FOUND : PV_STORAGE,
			 "ceremony.answers", NULL, "cannot open the answers");
}

void ceremony_room_release(struct ceremony_room *room)
{
	if (room->answers)
		fclose(room->answers);
	room->answers = NULL;
}
