#include "cmd/ceremony_moved.h"

#include <string.h>

#include "lib/log/transcript.h"

/* Words around the label and two facts; NULL: there is none. */
static const struct moved {
	const char *event;
	const char *before, *first, *then, *second, *after;
} kinds[] = {
	{ "sent", "sent to ", "to",
	  "; it is here, too, and may leave its token", NULL, "" },
	{ "key-taken", "taken from ", "from", "", NULL, "" },
	{ "backup", "backed up in ", "shares", " shares, of which ",
	  "threshold", " restore it" },
	{ "restored", "restored on token ", "token", ", serial number ",
	  "serial", "" },
	{ "destroyed", "destroyed", NULL, "", NULL, "" },
	{ "transport-destroyed", "destroyed, that another one was sent to",
	  NULL, "", NULL, "" },
};

static const struct moved *find(const char *event)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].event, event) == 0)
			return &kinds[i];
	return NULL;
}

static const char *fact(const struct transcript_line *line, const char *key)
{
	const char *s = key ? transcript_fact(line, key) : "";

	return s ? s : "";
}

static enum pv_code put_line(void *ctx, const struct transcript_line *line,
			     struct err *err)
{
	const struct moved *m = find(line->event);
	struct buf *out = ctx;

	if (!m)
		return PV_OK;
	buf_printf(out, "key %s %s%s%s%s%s\n", fact(line, "label"), m->before,
		   fact(line, m->first), m->then, fact(line, m->second),
		   m->after);
	return buf_check(out, err);
}

enum pv_code ceremony_moved(struct span transcript, struct buf *out,
			    struct err *err)
{
	const struct transcript_sink sink = { put_line, out };
	struct transcript_head head;

	return transcript_read(transcript, &sink, &head, err);
}

static enum pv_code add_line(void *ctx, const struct transcript_line *line,
			     struct err *err)
{
	const struct moved *m = find(line->event);
	json_t *list = ctx, *o;

	if (!m)
		return PV_OK;
	o = json_pack("{s:s, s:s}", "event", line->event, "label",
		      fact(line, "label"));
	if (!o ||
	    (m->first &&
	     json_object_set_new(o, m->first,
				 json_string(fact(line, m->first))) != 0) ||
	    (m->second &&
	     json_object_set_new(o, m->second,
				 json_string(fact(line, m->second))) != 0)) {
		json_decref(o);
		o = NULL;
	}
	return json_array_append_new(list, o) == 0
		       ? PV_OK
		       : err_fail(err, PV_INTERNAL, NULL, NULL,
				  "no memory for what became of keys");
}

enum pv_code ceremony_moved_json(struct span transcript, json_t **list,
				 struct err *err)
{
	struct transcript_head head;
	enum pv_code rc;

	*list = json_array();
	const struct transcript_sink sink = { add_line, *list };

	if (!*list)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"no memory for what became of keys");
	rc = transcript_read(transcript, &sink, &head, err);
	if (rc == PV_OK)
		return rc;
	json_decref(*list);
	*list = NULL;
	return rc;
}
