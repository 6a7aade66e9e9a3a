/* Lines of a transcript, read from bytes that anybody may have written. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/notechars.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/log/transcript.h"

CLEANUP_PTR(struct json_doc, json_doc_free);

#define WORD "abcdefghijklmnopqrstuvwxyz0123456789_-"

const char *transcript_fact(const struct transcript_line *line, const char *key)
{
	return json_string_value(json_object_get(line->facts, key));
}

static enum pv_code syntax(const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, "transcript.syntax", NULL, "%s", what);
}

static bool is_word(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	return len > 0 && len <= TRANSCRIPT_EVENT_MAX && strspn(s, WORD) == len;
}

static bool value_fits(const json_t *v)
{
	struct span text = { (const uint8_t *)json_string_value(v),
			     json_string_length(v) };
	uint32_t cp;
	size_t at;

	return json_is_string(v) && text.len <= TRANSCRIPT_VALUE_MAX &&
	       !memchr(text.p, '\n', text.len) && notechars_ok(text, &at, &cp);
}

static enum pv_code check_facts(json_t *facts, struct err *err)
{
	const char *key;
	json_t *v;

	if (!json_is_object(facts) ||
	    json_object_size(facts) > TRANSCRIPT_FACTS_MAX)
		return syntax("facts are an object of at most 16 texts", err);
	json_object_foreach(
		facts, key,
		v) if (!is_word(key) ||
		       !value_fits(v)) return syntax("a fact that is no text, "
						     "or too long",
						     err);
	return PV_OK;
}

/* Of one line: exactly these keys, each of its type. */
static enum pv_code take_line(json_t *root, struct transcript_line *line,
			      uint8_t prev[32], struct err *err)
{
	const json_t *seq = json_object_get(root, "seq");
	const json_t *step = json_object_get(root, "step");
	const char *time = json_string_value(json_object_get(root, "time"));
	const char *hex = json_string_value(json_object_get(root, "prev"));
	json_t *facts = json_object_get(root, "facts");

	line->event = json_string_value(json_object_get(root, "event"));
	if (!json_is_object(root) || json_object_size(root) != 6)
		return syntax("a line has seq, time, prev, step, event and "
			      "facts, and nothing else",
			      err);
	if (!json_is_integer(seq) || json_integer_value(seq) < 1 ||
	    !json_is_integer(step) || json_integer_value(step) < 0 ||
	    json_integer_value(step) > UINT16_MAX)
		return syntax("seq and step are numbers", err);
	if (!time || !pvtime_parse(time, strlen(time), &line->time_s))
		return syntax("time is no RFC 3339 time in UTC", err);
	if (!hex || strlen(hex) != 64 ||
	    strspn(hex, "0123456789abcdef") != 64 || !hex_decode(hex, prev, 32))
		return syntax("prev is no SHA-256 in hex", err);
	if (!is_word(line->event))
		return syntax("event is no word", err);
	line->seq = (uint64_t)json_integer_value(seq);
	line->step = (uint32_t)json_integer_value(step);
	line->facts = facts;
	return check_facts(facts, err);
}

static enum pv_code follows(const struct transcript_head *head,
			    const struct transcript_line *line,
			    const uint8_t prev[32], struct err *err)
{
	if (line->seq != head->lines + 1)
		return err_fail(err, PV_INTEGRITY, "transcript.chain",
				"take the transcript as the ceremony left it",
				"its number is %llu: lines are missing, or "
				"were put in",
				(unsigned long long)line->seq);
	if (memcmp(prev, head->sha256, 32) != 0)
		return err_fail(err, PV_INTEGRITY, "transcript.chain",
				"take the transcript as the ceremony left it",
				"it does not follow from the line before, "
				"which was changed");
	if (line->time_s < head->time_s)
		return err_fail(err, PV_INTEGRITY, "transcript.time", NULL,
				"its time is before that of the line before");
	return PV_OK;
}

static enum pv_code read_line(struct span bytes,
			      const struct transcript_sink *sink,
			      struct transcript_head *head, struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	struct transcript_line line = { .seq = 0 };
	uint8_t prev[32], hash[32];
	enum pv_code rc = json_parse_max(bytes, TRANSCRIPT_LINE_MAX, &doc, err);

	if (rc == PV_OK)
		rc = take_line(json_root(doc), &line, prev, err);
	if (rc == PV_OK)
		rc = follows(head, &line, prev, err);
	if (rc == PV_OK)
		rc = sha256(bytes, hash, err);
	if (rc == PV_OK && sink)
		rc = sink->line(sink->ctx, &line, err);
	if (rc != PV_OK)
		return rc;
	head->lines = line.seq;
	head->time_s = line.time_s;
	memcpy(head->sha256, hash, sizeof(hash));
	return PV_OK;
}

enum pv_code transcript_read(struct span bytes,
			     const struct transcript_sink *sink,
			     struct transcript_head *head, struct err *err)
{
	memset(head, 0, sizeof(*head));
	while (bytes.len > 0) {
		const uint8_t *end = memchr(bytes.p, '\n', bytes.len);
		struct span line = { bytes.p, 0 };
		enum pv_code rc;

		line.len = end ? (size_t)(end - bytes.p) + 1 : bytes.len;
		rc = end ? read_line(line, sink, head, err)
			 : syntax("the last line does not end", err);
		if (rc != PV_OK) {
			err_prefix(err, "line %llu of the transcript",
				   (unsigned long long)head->lines + 1);
			return rc;
		}
		bytes.p += line.len;
		bytes.len -= line.len;
	}
	return PV_OK;
}
