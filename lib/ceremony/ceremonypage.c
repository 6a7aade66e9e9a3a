#include "lib/ceremony/ceremonypage.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/log/transcript.h"
#include "policy/ceremonyhtml.h"
#include "policy/ceremonytext.h"

/* A page is made of whatever file there is. */
#define NOT_VERIFIED                                                           \
	"Not verified: `provctl ceremony verify' tells whether the note over " \
	"the head, the plan and the files agree with this."
#define DAY_LEN 10 /* of 2026-11-26T09:00:00Z */

struct page {
	struct buf *out;
	bool html;
	bool table;    /* one is open */
	uint32_t step; /* of the line before */
};

/* A key as bytes is for programs; its hash stands beside it. */
static bool is_for_people(const char *key)
{
	return strcmp(key, "spki") != 0;
}

static const char *fact(const struct transcript_line *line, const char *key)
{
	const char *s = transcript_fact(line, key);

	return s ? s : "";
}

/* ---- text ---- */

static void put_facts_text(const struct page *p, const json_t *facts)
{
	char groups[CEREMONYTEXT_GROUPS];
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)facts, key, v)
	{
		const char *value = json_string_value(v);

		if (!is_for_people(key))
			continue;
		ceremonytext_groups(value, groups);
		buf_printf(p->out, "        %s: %s\n", key,
			   ceremonytext_is_hash(value) ? groups : value);
	}
}

static void put_line_text(struct page *p, const struct transcript_line *line,
			  const char *time)
{
	buf_printf(p->out, "%4llu  %s  step %u  %s\n",
		   (unsigned long long)line->seq, time, line->step,
		   line->event);
	put_facts_text(p, line->facts);
}

/* ---- HTML: a table for each step ---- */

static void end_table(struct page *p)
{
	if (p->table)
		buf_put_str(p->out, "</table>\n");
	p->table = false;
}

static void begin_table(struct page *p)
{
	if (!p->table)
		buf_put_str(p->out, "<table class=\"log\">\n");
	p->table = true;
}

static void put_step(struct page *p, const struct transcript_line *line)
{
	end_table(p);
	buf_printf(p->out, "<h2>Step %u: ", line->step);
	ceremonyhtml_text(p->out, fact(line, "kind"));
	buf_put_u8(p->out, ' ');
	ceremonyhtml_text(p->out, fact(line, "about"));
	buf_put_str(p->out, "</h2>\n");
	if (fact(line, "present")[0]) {
		buf_put_str(p->out, "<p class=\"label\">Present: ");
		ceremonyhtml_text(p->out, fact(line, "present"));
		buf_put_str(p->out, "</p>\n");
	}
	if (fact(line, "template_sha256")[0]) {
		buf_put_str(p->out,
			    "<p class=\"label\">SHA-256 of its template: ");
		ceremonyhtml_hash(p->out, fact(line, "template_sha256"));
		buf_put_str(p->out, "</p>\n");
	}
}

static void put_fact(struct buf *out, const char *key, const char *value)
{
	buf_put_str(out, "<tr><td>");
	ceremonyhtml_text(out, key);
	buf_printf(out, "</td><td%s>",
		   strcmp(key, "attributes") == 0 ? " class=\"small\"" : "");
	ceremonyhtml_hash(out, value);
	buf_put_str(out, "</td></tr>");
}

static void put_facts_html(const struct page *p, const json_t *facts)
{
	const char *key;
	json_t *v;

	if (json_object_size(facts) == 0)
		return;
	buf_put_str(p->out, "<table class=\"facts\">");
	json_object_foreach((json_t *)facts, key, v) if (is_for_people(key))
		put_fact(p->out, key, json_string_value(v));
	buf_put_str(p->out, "</table>");
}

static void put_line_html(struct page *p, const struct transcript_line *line,
			  const char *time)
{
	if (strcmp(line->event, "step") == 0) {
		put_step(p, line);
	} else if (line->step == 0 && p->step != 0) {
		end_table(p);
		buf_put_str(p->out, "<h2>The whole</h2>\n");
	}
	p->step = line->step;
	begin_table(p);
	buf_printf(p->out,
		   "<tr><td class=\"n\">%llu</td><td class=\"when\">%.*s<br>%s"
		   "</td><td><b>%s</b>",
		   (unsigned long long)line->seq, DAY_LEN, time,
		   time[0] ? time + DAY_LEN + 1 : "", line->event);
	if (strcmp(line->event, "step") != 0)
		put_facts_html(p, line->facts);
	buf_put_str(p->out, "</td></tr>\n");
}

/* ---- both ---- */

static enum pv_code put_line(void *ctx, const struct transcript_line *line,
			     struct err *err)
{
	struct page *p = ctx;
	char time[PVTIME_RFC3339_LEN + 1] = "";

	if (!pvtime_format(line->time_s, time))
		time[0] = '\0';
	if (p->html)
		put_line_html(p, line, time);
	else
		put_line_text(p, line, time);
	return buf_check(p->out, err);
}

static void put_end(struct page *p, const struct transcript_head *head)
{
	char hex[65], groups[CEREMONYTEXT_GROUPS];

	hex_encode(head->sha256, sizeof(head->sha256), hex);
	ceremonytext_groups(hex, groups);
	if (!p->html) {
		buf_printf(p->out, "\nhead  %s\n", groups);
		return;
	}
	end_table(p);
	buf_printf(p->out,
		   "<h2>Head</h2>\n<p>SHA-256 of the last of its %llu lines, "
		   "each of which names the one before it:</p>\n<p>",
		   (unsigned long long)head->lines);
	ceremonyhtml_hash(p->out, hex);
	buf_put_str(p->out, "</p>\n<h2>Present, and witness that it happened "
			    "as written</h2>\n");
	ceremonyhtml_signatures(p->out);
	ceremonyhtml_end(p->out);
}

/* The authority and the plan, of its first line. */
static enum pv_code take_title(void *ctx, const struct transcript_line *line,
			       struct err *err)
{
	struct buf *title = ctx;

	if (line->seq > 1)
		return PV_OK;
	buf_printf(title, "%s, plan %s, version %s", fact(line, "authority"),
		   fact(line, "plan"), fact(line, "version"));
	return buf_check(title, err);
}

static enum pv_code put_title(struct span transcript, const struct page *p,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf title;
	const struct transcript_sink sink = { take_title, &title };
	struct transcript_head head;
	enum pv_code rc;

	buf_init(&title, TRANSCRIPT_LINE_MAX);
	rc = transcript_read(transcript, &sink, &head, err);
	if (rc != PV_OK)
		return rc;
	if (p->html) {
		ceremonyhtml_begin(
			p->out, "Transcript of a ceremony: ", buf_cstr(&title),
			NULL);
		buf_put_str(p->out, "<p>" NOT_VERIFIED "</p>\n");
	} else {
		buf_printf(p->out,
			   "TRANSCRIPT OF A CEREMONY: %s\n\n" NOT_VERIFIED
			   "\n\n",
			   buf_cstr(&title));
	}
	return buf_check(p->out, err);
}

enum pv_code ceremonypage(struct span transcript, bool html, struct buf *out,
			  struct err *err)
{
	struct page p = { .out = out, .html = html };
	const struct transcript_sink sink = { put_line, &p };
	struct transcript_head head;
	enum pv_code rc = put_title(transcript, &p, err);

	if (rc == PV_OK)
		rc = transcript_read(transcript, &sink, &head, err);
	if (rc != PV_OK)
		return rc;
	put_end(&p, &head);
	return buf_check(out, err);
}
