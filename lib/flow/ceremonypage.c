#include "lib/flow/ceremonypage.h"

#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/flow/ceremonytext.h"
#include "lib/flow/transcript.h"

struct page {
	struct buf *out;
	bool html;
};

/* A key as bytes is for programs; its hash stands beside it. */
static bool is_for_people(const char *key)
{
	return strcmp(key, "spki") != 0;
}

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
			   strlen(value) == 64 ? groups : value);
	}
}

static void put_facts_html(const struct page *p, const json_t *facts)
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
		buf_put_str(p->out, "<br>");
		ceremonytext_escaped(p->out, key);
		buf_put_str(p->out, strlen(value) == 64 ? ": <code>" : ": ");
		ceremonytext_escaped(p->out,
				     strlen(value) == 64 ? groups : value);
		if (strlen(value) == 64)
			buf_put_str(p->out, "</code>");
	}
}

static enum pv_code put_line(void *ctx, const struct transcript_line *line,
			     struct err *err)
{
	const struct page *p = ctx;
	char time[PVTIME_RFC3339_LEN + 1] = "";

	if (!pvtime_format(line->time_s, time))
		time[0] = '\0';
	if (!p->html) {
		buf_printf(p->out, "%4llu  %s  step %u  %s\n",
			   (unsigned long long)line->seq, time, line->step,
			   line->event);
		put_facts_text(p, line->facts);
		return buf_check(p->out, err);
	}
	buf_printf(p->out, "<tr><td>%llu</td><td>%s</td><td>",
		   (unsigned long long)line->seq, time);
	if (line->step > 0)
		buf_printf(p->out, "%u", line->step);
	buf_printf(p->out, "</td><td><b>%s</b>", line->event);
	put_facts_html(p, line->facts);
	buf_put_str(p->out, "</td></tr>\n");
	return buf_check(p->out, err);
}

static void put_end(const struct page *p, const struct transcript_head *head)
{
	char hex[65], groups[CEREMONYTEXT_GROUPS];

	hex_encode(head->sha256, sizeof(head->sha256), hex);
	ceremonytext_groups(hex, groups);
	if (!p->html) {
		buf_printf(p->out, "\nhead  %s\n", groups);
		return;
	}
	buf_printf(p->out,
		   "</table>\n<p>%llu lines. SHA-256 of the head:<br>"
		   "<code>%s</code></p>\n<table class=\"line\"><tr>"
		   "<th>Name</th><th>Signature</th><th>Time</th></tr>\n",
		   (unsigned long long)head->lines, groups);
	for (int i = 0; i < 4; i++)
		buf_put_str(p->out, "<tr><td></td><td></td><td></td></tr>\n");
	buf_put_str(p->out, "</table>\n</body></html>\n");
}

enum pv_code ceremonypage(struct span transcript, bool html, struct buf *out,
			  struct err *err)
{
	struct page p = { out, html };
	const struct transcript_sink sink = { put_line, &p };
	struct transcript_head head;
	enum pv_code rc;

	if (html) {
		ceremonytext_page(out, "Transcript", "");
		buf_put_str(out, "<h1>Transcript of a ceremony</h1>\n<table>"
				 "<tr><th>Line</th><th>Time</th><th>Step</th>"
				 "<th>What happened</th></tr>\n");
	}
	rc = transcript_read(transcript, &sink, &head, err);
	if (rc != PV_OK)
		return rc;
	put_end(&p, &head);
	return buf_check(out, err);
}
