/* ceremony: what the people in the room are asked. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/ceremony.h"
#include "cmd/confirm.h"
#include "cmd/guard.h"
#include "cmd/newpin.h"
#include "lib/base/fileio.h"

/* One line without its end, whole; "stop" behind the last one. */
static enum pv_code script_line(FILE *answers, char answer[CEREMONY_ANSWER_MAX],
				struct err *err)
{
	size_t n = 0;
	int c;

	while ((c = fgetc(answers)) != EOF && c != '\n') {
		if (c == '\0' || n + 1 == CEREMONY_ANSWER_MAX)
			return err_fail(err, PV_INPUT, "ceremony.answers",
					"write yes or stop, one a line",
					"a line of the answers is longer than "
					"an answer, or has a NUL");
		answer[n++] = (char)c;
	}
	answer[n] = '\0';
	if (n == 0 && c == EOF)
		snprintf(answer, CEREMONY_ANSWER_MAX, "stop");
	return PV_OK;
}

/* As plan and binding: nobody else is to answer. */
static enum pv_code check_owner(FILE *answers, struct err *err)
{
	struct stat st;

	if (fstat(fileno(answers), &st) != 0)
		return err_errno(err, PV_STORAGE, "ceremony.answers", NULL,
				 "cannot look at the answers");
	if ((!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) ||
	    ((st.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
	     (st.st_uid == geteuid() || st.st_uid == 0)))
		return PV_OK;
	return err_fail(err, PV_DENIED, "ceremony.answers",
			"own it, and take others the right to write",
			"others can write the answers");
}

static enum pv_code no_terminal(struct err *err)
{
	return err_fail(err, PV_DENIED, "ceremony.terminal",
			"run it on a terminal, or give --answers",
			"there is no terminal to ask on");
}

/* What people are asked about is shown there, too, from here on. */
static enum pv_code ready(void *ctx, struct err *err)
{
	const struct ceremony_room *room = ctx;
	struct ceremony_screen *s = room->screen;

	if (room->answers || s->tty >= 0)
		return PV_OK;
	s->tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	return s->tty >= 0 ? PV_OK : no_terminal(err);
}

static enum pv_code gone(struct err *err)
{
	return err_fail(err, PV_INTERRUPTED, "ceremony.stopped",
			"`provctl ceremony resume' goes on",
			"the terminal is gone");
}

/* People say it in more than one way; a file of answers does not. */
static void as_one_word(char answer[CEREMONY_ANSWER_MAX])
{
	enum confirm_answer said = confirm_answer(answer);

	if (said != CONFIRM_NONE)
		snprintf(answer, CEREMONY_ANSWER_MAX, "%s",
			 said == CONFIRM_YES ? "yes" : "stop");
}

/* What was typed before the question is no answer to it. */
static enum pv_code ask_terminal(const struct ceremony_room *room,
				 const char *text,
				 char answer[CEREMONY_ANSWER_MAX],
				 struct err *err)
{
	int tty = room->screen->tty;
	ssize_t n;

	if (tty < 0)
		return no_terminal(err);
	tcflush(tty, TCIFLUSH);
	ceremony_put_question(room, text);
	if (room->screen->lost)
		return gone(err);
	/* Nothing is under way while people think: ^C ends it. */
	guard_release_signals();
	n = read(tty, answer, CEREMONY_ANSWER_MAX - 1);
	guard_hold_signals();
	if (n <= 0)
		return gone(err);
	tcflush(tty, TCIFLUSH);
	answer[n] = '\0';
	answer[strcspn(answer, "\r\n")] = '\0';
	as_one_word(answer);
	return PV_OK;
}

static enum pv_code ask(void *ctx, const char *text,
			char answer[CEREMONY_ANSWER_MAX], struct err *err)
{
	const struct ceremony_room *room = ctx;
	enum pv_code rc = PV_OK;

	if (room->answers) {
		rc = script_line(room->answers, answer, err);
		if (rc == PV_OK)
			ceremony_say(room, "%s? %s", text, answer);
	} else {
		rc = ask_terminal(room, text, answer, err);
	}
	if (rc != PV_OK)
		return rc;
	if (strcmp(answer, "yes") == 0)
		ceremony_show_answer(room);
	else if (strcmp(answer, "stop") != 0)
		ceremony_say(room, "answer yes or stop");
	return PV_OK;
}

/* One that is no PIN at all is asked for again, too. */
static enum pv_code ask_pin(void *ctx, const char *whose, struct secret *pin,
			    struct err *err)
{
	const struct ceremony_room *room = ctx;

	for (;;) {
		struct err why;
		enum pv_code rc;

		ceremony_say(room, "the token does not take that PIN: once "
				   "more");
		secret_release(pin);
		err_init(&why);
		rc = room->app->backends->person_pin("prompt", whose, pin,
						     &why);
		if (rc == PV_OK || strcmp(why.rule, "pin.length") != 0) {
			if (rc != PV_OK)
				*err = why;
			return rc;
		}
	}
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
		ceremony_say(room, "the two are not the same: once more");
		secret_release(pin);
	}
}

enum pv_code ceremony_room_open(struct ceremony_room *room,
				const struct app *app, const char *answers,
				struct err *err)
{
	enum pv_code rc;

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
	rc = room->answers ? check_owner(room->answers, err) : PV_NOT_FOUND;
	if (rc == PV_OK)
		return PV_OK;
	err_object(err, answers);
	if (room->answers)
		return rc;
	return err_errno(err, errno == ENOENT ? PV_NOT_FOUND : PV_STORAGE,
			 "ceremony.answers", NULL, "cannot open the answers");
}

void ceremony_room_release(struct ceremony_room *room)
{
	if (room->answers)
		fclose(room->answers);
	room->answers = NULL;
	fd_cleanup(&room->screen->tty);
}
