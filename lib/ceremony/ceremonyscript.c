#include "lib/ceremony/ceremonyscript.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/ceremony/ceremonyblanks.h"
#include "policy/ceremonyhtml.h"
#include "policy/ceremonytext.h"

#define WIDTH 76u /* characters of a line, behind its margin */
#define SIGNERS 4
#define END                                                                    \
	"When the steps are done: compare each revocation list that is shown " \
	"and say yes to it, leave the token in its place until the head of "   \
	"the transcript is shown, and write that here."

/* Eight groups of four digits each. */
#define HASH_ROW "    ____ ____ ____ ____ ____ ____ ____ ____\n"

struct script {
	const struct plan *plan;
	int templates;
	struct buf *out;
	struct err *err;
	char hex[65], groups[CEREMONYTEXT_GROUPS]; /* of the plan */
	char window[128];
	bool expects; /* of the step: something stood there */
};

/* ---- text ---- */

/* Lines that end between words. */
static void put_wrapped(struct buf *out, const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == ' ')
		len--;
	while (len > 0) {
		size_t end = ceremonytext_line(text, len, WIDTH);

		buf_printf(out, "    %.*s\n", (int)end, text);
		for (text += end, len -= end; len > 0 && *text == ' '; len--)
			text++;
	}
}

/* A hash gets two lines of its own, as the screen has it. */
static void put_words(struct buf *out, const char *text)
{
	const size_t half = (CEREMONYTEXT_GROUPS - 1) / 2;
	const char *at;

	while ((at = ceremonytext_find(text))) {
		put_wrapped(out, text, (size_t)(at - text));
		buf_printf(out, "      %.*s\n      %.*s\n", (int)half, at,
			   (int)half, at + half + 1);
		text = at + CEREMONYTEXT_GROUPS - 1;
		text += strspn(text, " ;,.");
	}
	put_wrapped(out, text, strlen(text));
}

static void blank_text(void *ctx, const char *label, bool hash)
{
	struct script *s = ctx;

	if (!hash) {
		buf_printf(s->out, "    %s: ______________________\n", label);
		return;
	}
	buf_printf(s->out, "    %s:\n\n" HASH_ROW "\n" HASH_ROW, label);
}

static void expect_text(void *ctx, const char *name, const char *value)
{
	struct script *s = ctx;
	char line[1024];

	if (!s->expects)
		buf_put_str(s->out, "    It will say:\n");
	s->expects = true;
	snprintf(line, sizeof(line), "  %s: %s", name, value);
	put_wrapped(s->out, line, strlen(line));
}

static void shares_text(struct script *s, const struct plan_step *step)
{
	buf_put_str(s->out, "    Share  Keeper                "
			    "Check, as shown   Handed over\n");
	for (uint32_t i = 0; i < step->shares; i++)
		buf_printf(s->out, "    %5u  %-20s  ____ ____         [ ]\n",
			   i + 1,
			   step->officers[i][0] ? step->officers[i]
						: "____________________");
}

static enum pv_code step_text(struct script *s, size_t i)
{
	const struct plan_step *step = &s->plan->steps[i];
	const struct ceremonyblanks to = { blank_text, expect_text, s };
	CLEANUP(buf_release) struct buf words;
	enum pv_code rc;

	buf_init(&words, CEREMONYSCRIPT_MAX);
	ceremonytext_step(step, &words);
	buf_printf(s->out, "%zu of %zu: %s\n", i + 1, s->plan->steps_n,
		   plan_kind_name(step->kind));
	put_words(s->out, buf_cstr(&words));
	s->expects = false;
	rc = ceremonyblanks_expect(step, s->templates, &to, s->err);
	if (rc != PV_OK)
		return rc;
	if (step->present[0]) {
		buf_reset(&words);
		buf_printf(&words, "Present: %s", step->present);
		put_words(s->out, buf_cstr(&words));
	}
	ceremonyblanks_step(s->plan, step, &to);
	if (step->kind == PLAN_BACK_UP_KEY)
		shares_text(s, step);
	buf_put_str(s->out, "    [ ] done   time ________   initials "
			    "________   ________\n\n");
	return PV_OK;
}

static void plan_text(const struct script *s)
{
	buf_printf(s->out, "Plan %s, version %u. SHA-256 of its file:\n",
		   s->plan->name, s->plan->version);
	put_words(s->out, s->groups);
}

static void end_text(struct script *s)
{
	const struct ceremonyblanks to = { blank_text, expect_text, s };

	put_words(s->out, END);
	ceremonyblanks_end(s->plan, &to);
	buf_put_str(s->out, "    Lines of the transcript: ________\n");
	blank_text(s, "SHA-256 of its head", true);
	buf_put_str(s->out, "\nPresent, and witness that it happened as "
			    "written:\n");
	plan_text(s);
	buf_put_str(s->out, "\n");
	for (int i = 0; i < SIGNERS; i++)
		buf_put_str(s->out, "Name ____________________  Signature "
				    "____________________  Time ________\n\n");
}

static enum pv_code put_text(struct script *s)
{
	enum pv_code rc = PV_OK;

	buf_printf(s->out, "CEREMONY %s, version %u\n\n", s->plan->name,
		   s->plan->version);
	plan_text(s);
	buf_printf(s->out,
		   "%s\n\nAuthority: ______________________  Date: "
		   "______________\n\n"
		   "Rehearsed on: ___________________\n",
		   s->window);
	blank_text(s, "Head of the rehearsal's transcript", true);
	buf_put_str(s->out, "\n");
	for (size_t i = 0; rc == PV_OK && i < s->plan->steps_n; i++)
		rc = step_text(s, i);
	if (rc == PV_OK)
		end_text(s);
	return rc;
}

/* ---- HTML ---- */

static void blank_html(void *ctx, const char *label, bool hash)
{
	const struct script *s = ctx;

	ceremonyhtml_blank(s->out, label, hash);
}

static void expect_html(void *ctx, const char *name, const char *value)
{
	struct script *s = ctx;

	if (!s->expects)
		buf_put_str(s->out, "<br><span class=\"label\">It will say:"
				    "</span>");
	s->expects = true;
	buf_put_str(s->out, "<br>&#8195;<span class=\"label\">");
	ceremonyhtml_text(s->out, name);
	buf_put_str(s->out, ":</span> ");
	ceremonyhtml_text(s->out, value);
}

static void shares_html(const struct script *s, const struct plan_step *step)
{
	buf_put_str(s->out,
		    "<table><tr><th>Share</th><th>Keeper</th><th>Check, "
		    "as shown</th><th>Handed over</th></tr>\n");
	for (uint32_t i = 0; i < step->shares; i++) {
		buf_printf(s->out, "<tr><td>%u</td><td>", i + 1);
		ceremonyhtml_text(s->out, step->officers[i]);
		buf_put_str(s->out, "</td><td></td><td class=\"box\"><i></i>"
				    "</td></tr>\n");
	}
	buf_put_str(s->out, "</table>");
}

static enum pv_code step_html(struct script *s, size_t i)
{
	const struct plan_step *step = &s->plan->steps[i];
	const struct ceremonyblanks to = { blank_html, expect_html, s };
	CLEANUP(buf_release) struct buf words;
	enum pv_code rc;

	buf_init(&words, CEREMONYSCRIPT_MAX);
	ceremonytext_step(step, &words);
	buf_printf(s->out, "<tr><td class=\"n\">%zu</td><td><b>%s</b><br>",
		   i + 1, plan_kind_name(step->kind));
	ceremonyhtml_words(s->out, buf_cstr(&words));
	s->expects = false;
	rc = ceremonyblanks_expect(step, s->templates, &to, s->err);
	if (rc != PV_OK)
		return rc;
	if (step->present[0]) {
		buf_put_str(s->out,
			    "<br><span class=\"label\">Present:</span> ");
		ceremonyhtml_text(s->out, step->present);
	}
	ceremonyblanks_step(s->plan, step, &to);
	if (step->kind == PLAN_BACK_UP_KEY)
		shares_html(s, step);
	buf_put_str(s->out, "</td><td class=\"box\"><i></i></td><td></td>"
			    "<td></td></tr>\n");
	return PV_OK;
}

static void plan_html(const struct script *s)
{
	buf_put_str(s->out, "<span class=\"label\">Plan ");
	ceremonyhtml_text(s->out, s->plan->name);
	buf_printf(s->out, ", version %u. SHA-256 of its file:</span><br>",
		   s->plan->version);
	ceremonyhtml_hash(s->out, s->hex);
}

static void head_html(const struct script *s)
{
	char foot[PLAN_NAME_MAX + 128];

	snprintf(foot, sizeof(foot), "%s, version %u, sha256:%s", s->plan->name,
		 s->plan->version, s->hex);
	ceremonyhtml_begin(s->out, "Ceremony ", s->plan->name, foot);
	buf_put_str(s->out, "<table class=\"fill\"><tr><td>");
	plan_html(s);
	buf_put_str(s->out, "</td><td>");
	ceremonyhtml_text(s->out, s->window);
	buf_put_str(s->out, "</td></tr>\n<tr><td class=\"label\">Authority</td>"
			    "<td class=\"label\">Date and place</td></tr>"
			    "<tr><td class=\"label\">Head of the rehearsal's "
			    "transcript<div class=\"line\"></div><div "
			    "class=\"line\"></div></td><td class=\"label\">"
			    "Rehearsed on</td></tr></table>\n<h2>Steps</h2>\n"
			    "<table><thead><tr><th class=\"n\">Step</th>"
			    "<th>What happens</th><th class=\"box\">Done</th>"
			    "<th class=\"time\">Time</th>"
			    "<th class=\"sign\">Initials</th></tr></thead>\n");
}

static void end_html(struct script *s)
{
	const struct ceremonyblanks to = { blank_html, expect_html, s };

	buf_put_str(s->out, "</table>\n<h2>What came of it</h2>\n<p>" END
			    "</p>\n<div>");
	ceremonyblanks_end(s->plan, &to);
	buf_put_str(s->out, "<br></div><table class=\"fill\">"
			    "<tr><td class=\"label\">SHA-256 of the "
			    "transcript's head<div class=\"line\"></div><div "
			    "class=\"line\"></div></td>"
			    "<td class=\"label\">Its lines</td></tr>"
			    "</table>\n<h2>Present, and witness that it "
			    "happened as written</h2>\n<p>");
	plan_html(s);
	buf_put_str(s->out, "</p>\n");
	ceremonyhtml_signatures(s->out);
	ceremonyhtml_end(s->out);
}

static enum pv_code put_html(struct script *s)
{
	enum pv_code rc = PV_OK;

	head_html(s);
	for (size_t i = 0; rc == PV_OK && i < s->plan->steps_n; i++)
		rc = step_html(s, i);
	if (rc == PV_OK)
		end_html(s);
	return rc;
}

enum pv_code ceremonyscript(const struct plan *plan, int templates, bool html,
			    struct buf *out, struct err *err)
{
	struct script s = {
		.plan = plan, .templates = templates, .out = out, .err = err
	};
	char from[PVTIME_RFC3339_LEN + 1], to[PVTIME_RFC3339_LEN + 1];
	enum pv_code rc;

	hex_encode(plan->sha256, sizeof(plan->sha256), s.hex);
	ceremonytext_groups(s.hex, s.groups);
	if (!pvtime_format(plan->not_before_s, from) ||
	    !pvtime_format(plan->not_after_s, to) ||
	    (plan->not_before_s == 0 && plan->not_after_s == PVTIME_MAX))
		snprintf(s.window, sizeof(s.window),
			 "The plan names no days on which it may be run.");
	else
		snprintf(s.window, sizeof(s.window),
			 "To be run from %s to %s,%sand at no other time.",
			 from, to, html ? " " : "\n");
	rc = html ? put_html(&s) : put_text(&s);
	return rc == PV_OK ? buf_check(out, err) : rc;
}
