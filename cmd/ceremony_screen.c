/* ceremony: what the people in the room see, one step a screen. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/ceremony.h"
#include "cmd/out.h"
#include "lib/base/fileio.h"
#include "lib/base/notechars.h"
#include "lib/base/pvtime.h"
#include "policy/ceremonytext.h"

#define CLEAR "\033[H\033[2J"
#define SHA256_HEX 64u
#define GROUP 4u /* hex digits between two blanks */
#define GROUPS_LEN (SHA256_HEX + SHA256_HEX / GROUP - 1)
#define ROW 32u	      /* digits on a line */
#define WIDTH 76u     /* characters of a line of words */
#define LINE_CAP 4096 /* a value of the transcript, and its name */
#define QUESTION_CAP (TRANSCRIPT_VALUE_MAX + 1)

/* People go on by what they see: a line that did not arrive is remembered. */
static void put_terminal(struct ceremony_screen *s, const char *text)
{
	if (fd_write_all(s->tty, text, strlen(text), NULL) != PV_OK)
		s->lost = true;
}

void ceremony_say(const struct ceremony_room *room, const char *fmt, ...)
{
	char raw[LINE_CAP], text[LINE_CAP];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (room->screen->tty >= 0) {
		notechars_clean(
			text, sizeof(text),
			(struct span){ (const uint8_t *)raw, strlen(raw) });
		put_terminal(room->screen, text);
		put_terminal(room->screen, "\n");
	}
	if (room->screen->tty < 0 || isatty(STDERR_FILENO) != 1)
		out_note(room->app, "%s", raw);
}

static bool can_clear(const struct ceremony_screen *s)
{
	const char *term = getenv("TERM");

	return s->tty >= 0 && term && *term && strcmp(term, "dumb") != 0;
}

/* As it is read aloud: eight groups on each of two lines, no longer, so that a
 * signature's screen has room on 24 lines of 80 columns. */
static void put_hash(const struct ceremony_room *room, const char *name,
		     const char *hex)
{
	for (size_t i = 0; i < SHA256_HEX; i += ROW) {
		char row[2 * ROW] = "";

		for (size_t k = i; k < i + ROW; k += GROUP)
			snprintf(row + strlen(row), sizeof(row) - strlen(row),
				 " %.4s", hex + k);
		ceremony_say(room, "    %-20s%s", i == 0 ? name : "", row);
	}
}

/* Lines that end between words, also of a terminal that is narrow. */
static void put_words(const struct ceremony_room *room, const char *text)
{
	while (*text) {
		size_t end = ceremonytext_line(text, strlen(text), WIDTH);

		ceremony_say(room, "  %.*s", (int)end, text);
		text += end;
		text += strspn(text, " ");
	}
}

/* Who has to be there, and what it is made under. */
static void put_terms(const struct ceremony_room *room)
{
	const struct ceremony_screen *s = room->screen;

	if (s->present[0])
		ceremony_say(room, "  present: %s", s->present);
	if (!s->template_sha256[0])
		return;
	put_hash(room, "template_sha256", s->template_sha256);
}

static void put_step(const struct ceremony_room *room)
{
	const struct ceremony_screen *s = room->screen;

	ceremony_say(room, "==== step %zu of %zu: %s", s->step + 1, s->steps,
		     s->title);
	put_words(room, s->does);
	put_terms(room);
}

/* The results before it stay in sight until somebody says to go on. */
void ceremony_show_step(const void *ctx, size_t step, size_t steps,
			const char *text, const char *does)
{
	const struct ceremony_room *room = ctx;
	struct ceremony_screen *s = room->screen;

	s->step = step;
	s->steps = steps;
	s->fresh = true;
	s->present[0] = s->template_sha256[0] = '\0';
	snprintf(s->title, sizeof(s->title), "%s", text);
	snprintf(s->does, sizeof(s->does), "%s", does ? does : "");
	ceremony_say(room, "%s", "");
	put_step(room);
}

void ceremony_show_answer(const struct ceremony_room *room)
{
	struct ceremony_screen *s = room->screen;

	if (s->fresh && can_clear(s)) {
		put_terminal(s, CLEAR);
		put_step(room);
	}
	s->fresh = false;
}

/* What people compare; the rest is in the transcript. */
static bool is_shown(const char *event)
{
	static const char *const hidden[] = { "step",	 "ask",	   "answer",
					      "done",	 "end",	   "failed",
					      "stopped", "resume", "target" };

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (strcmp(event, hidden[i]) == 0)
			return false;
	return true;
}

static void put_fact(const struct ceremony_room *room,
		     const struct transcript_pair *p)
{
	if (!ceremonytext_is_hash(p->value)) {
		ceremony_say(room, "    %s: %s", p->key, p->value);
		return;
	}
	put_hash(room, p->key, p->value);
}

/* A key as bytes is for programs; its hash stands beside it. A template's hash
 * stands above, where the step began. */
static bool is_elsewhere(const char *event, const char *key)
{
	return strcmp(key, "spki") == 0 ||
	       (strcmp(event, "sign") == 0 &&
		strcmp(key, "template_sha256") == 0);
}

static void take_terms(struct ceremony_screen *s,
		       const struct transcript_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *value = pairs[i].value ? pairs[i].value : "";

		if (strcmp(pairs[i].key, "present") == 0)
			snprintf(s->present, sizeof(s->present), "%s", value);
		if (strcmp(pairs[i].key, "template_sha256") == 0)
			snprintf(s->template_sha256, sizeof(s->template_sha256),
				 "%s", value);
	}
}

/* No network sets an offline machine's: what is signed has its time. For those
 * at a terminal, whenever they begin or go on. */
static void put_clock(const struct ceremony_room *room,
		      const struct transcript_pair *pairs, size_t n)
{
	char now[PVTIME_RFC3339_LEN + 1];

	for (size_t i = 0; i < n; i++)
		if (strcmp(pairs[i].key, "answers") == 0 && pairs[i].value &&
		    strcmp(pairs[i].value, "terminal") == 0 &&
		    pvtime_format(pvtime_now_s(), now))
			ceremony_say(room,
				     "  clock of this machine: %s (UTC); "
				     "compare it with the wall",
				     now);
}

/* The script has a place for a rehearsal's head, and one for the run's. */
static void put_last(const struct ceremony_room *room,
		     const struct transcript_pair *pairs, size_t n)
{
	bool rehearsed = false;

	for (size_t i = 0; i < n; i++)
		if (strcmp(pairs[i].key, "mode") == 0 &&
		    strcmp(pairs[i].value, "rehearsal") == 0)
			rehearsed = true;
	ceremony_say(room, "%s",
		     rehearsed
			     ? "  that is the rehearsal: write its head at the "
			       "beginning of the script; the run shows it"
			     : "  that is the transcript: write both on the "
			       "script and sign it, then lock the token away");
}

void ceremony_show_line(const void *ctx, const char *event,
			const struct transcript_pair *pairs, size_t n)
{
	const struct ceremony_room *room = ctx;

	if (strcmp(event, "step") == 0) {
		take_terms(room->screen, pairs, n);
		put_terms(room);
	}
	if (strcmp(event, "begin") == 0 || strcmp(event, "resume") == 0)
		put_clock(room, pairs, n);
	if (!is_shown(event))
		return;
	ceremony_say(room, "  %s", event);
	for (size_t i = 0; i < n; i++)
		if (pairs[i].value && !is_elsewhere(event, pairs[i].key))
			put_fact(room, &pairs[i]);
	if (strcmp(event, "head") == 0)
		put_last(room, pairs, n);
}

/* No terminal is to break it inside a group. */
static void put_grouped(struct ceremony_screen *s, const char *text)
{
	const char *at = ceremonytext_find(text);
	const char *rest = at ? at + GROUPS_LEN : text;
	const int half = (int)GROUPS_LEN / 2;
	char lines[QUESTION_CAP + 32];

	if (at) {
		snprintf(lines, sizeof(lines), "%.*s\n      %.*s\n      %.*s\n",
			 (int)(at - text), text, half, at, half, at + half + 1);
		put_terminal(s, lines);
	}
	put_terminal(s, rest + (at ? strspn(rest, " ,") : 0));
}

void ceremony_put_question(const struct ceremony_room *room, const char *text)
{
	char clean[QUESTION_CAP];

	notechars_clean(clean, sizeof(clean),
			(struct span){ (const uint8_t *)text, strlen(text) });
	put_grouped(room->screen, clean);
	put_terminal(room->screen, "? [yes/stop] ");
}
