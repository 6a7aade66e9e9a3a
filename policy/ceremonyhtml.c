#include "policy/ceremonyhtml.h"

#include <stdio.h>
#include <string.h>

#include "policy/ceremonytext.h"

#define HASH_DIGITS 64
#define GROUP 4
#define ROW 32 /* digits on a line */
#define SIGNERS 5

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<style>\n"
	"body { font: 10.5pt/1.35 sans-serif; max-width: 48em; "
	"margin: 2em auto; padding: 0 1em; color: #000 }\n"
	"h1 { font-size: 1.5em; margin: 0 0 .6em }\n"
	"h2 { font-size: 1.15em; margin: 1.4em 0 .4em; break-after: avoid }\n"
	"code { display: inline-block; font: 1.12em/1.3 monospace; "
	"white-space: nowrap }\n"
	"table { border-collapse: collapse; width: 100% }\n"
	"td, th { border: 1px solid #888; padding: .4em .5em; "
	"text-align: left; vertical-align: top; overflow-wrap: anywhere }\n"
	"thead { display: table-header-group }\n"
	"tr { break-inside: avoid } .log > tbody > tr { break-inside: auto }\n"
	"th { background: #eee; white-space: nowrap; "
	"print-color-adjust: exact; -webkit-print-color-adjust: exact }\n"
	".n { width: 2.8em; text-align: right }\n"
	".time { width: 4.5em } .sign { width: 6em }\n"
	".when { width: 6em; white-space: nowrap; font-size: .92em }\n"
	".box { width: 3.2em; text-align: center }\n"
	".box i { display: inline-block; width: 1.1em; height: 1.1em; "
	"border: 1.5px solid #000 }\n"
	".line { height: 1.9em; border-bottom: 1px solid #000 }\n"
	".fill td { height: 2.6em } .label { color: #444; font-size: .92em }\n"
	".facts td { border: 0; padding: 0 .8em .1em 0 } "
	".facts td:first-child { width: 1%; white-space: nowrap; color: #444; "
	"font-size: .92em }\n"
	"p.label { margin: .2em 0 .5em } .small { font-size: .85em }\n"
	"@page { margin: 16mm 14mm; @bottom-right { font: 8pt sans-serif; "
	"content: counter(page) \" of \" counter(pages) } }\n"
	"@media print { body { max-width: none; margin: 0; padding: 0 1px } }\n";

void ceremonyhtml_begin(struct buf *out, const char *what, const char *name,
			const char *foot)
{
	buf_put_str(out, head);
	if (foot)
		buf_printf(out,
			   "@page { @bottom-left { font: 8pt monospace; "
			   "content: \"%s\" } }\n",
			   foot);
	buf_printf(out, "</style>\n<title>%s", what);
	ceremonyhtml_text(out, name);
	buf_printf(out, "</title></head><body>\n<h1>%s", what);
	ceremonyhtml_text(out, name);
	buf_put_str(out, "</h1>\n");
}

void ceremonyhtml_end(struct buf *out)
{
	buf_put_str(out, "</body></html>\n");
}

void ceremonyhtml_text(struct buf *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			buf_put_str(out, "&amp;");
			break;
		case '<':
			buf_put_str(out, "&lt;");
			break;
		case '>':
			buf_put_str(out, "&gt;");
			break;
		case '"':
			buf_put_str(out, "&quot;");
			break;
		default:
			buf_put_u8(out, (uint8_t)*s);
		}
	}
}

void ceremonyhtml_hash(struct buf *out, const char *hex)
{
	if (!ceremonytext_is_hash(hex)) {
		ceremonyhtml_text(out, hex);
		return;
	}
	buf_put_str(out, "<code>");
	for (size_t i = 0; i < HASH_DIGITS; i += GROUP) {
		char group[GROUP + 1] = "";

		memcpy(group, hex + i, GROUP);
		if (i > 0)
			buf_put_str(out, i % ROW == 0 ? "<br>" : " ");
		ceremonyhtml_text(out, group);
	}
	buf_put_str(out, "</code>");
}

void ceremonyhtml_words(struct buf *out, const char *s)
{
	const char *at;

	while ((at = ceremonytext_find(s))) {
		char before[1024], hex[HASH_DIGITS + 1] = "";
		size_t n = 0;

		for (const char *p = at; n < HASH_DIGITS; p++)
			if (*p != ' ')
				hex[n++] = *p;
		for (; s < at; s += strlen(before)) {
			snprintf(before, sizeof(before), "%.*s", (int)(at - s),
				 s);
			ceremonyhtml_text(out, before);
		}
		ceremonyhtml_hash(out, hex);
		s = at + CEREMONYTEXT_GROUPS - 1;
	}
	ceremonyhtml_text(out, s);
}

void ceremonyhtml_blank(struct buf *out, const char *label, bool hash)
{
	buf_put_str(out, "<br><span class=\"label\">");
	ceremonyhtml_text(out, label);
	buf_printf(out, ":</span><div class=\"line\"></div>%s",
		   hash ? "<div class=\"line\"></div>" : "");
}

void ceremonyhtml_signatures(struct buf *out)
{
	buf_put_str(out, "<table class=\"fill\"><tr><th>Name</th>"
			 "<th>Role</th><th>Signature</th>"
			 "<th class=\"time\">Time</th></tr>\n");
	for (int i = 0; i < SIGNERS; i++)
		buf_put_str(out, "<tr><td></td><td></td><td></td><td></td>"
				 "</tr>\n");
	buf_put_str(out, "</table>\n");
}
