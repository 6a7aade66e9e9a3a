/*
 * json: strict JSON (RFC 8259) with positions, over jansson.
 *
 * Refuses: duplicate keys, nesting past a limit, invalid UTF-8, a byte order
 * mark, NUL (raw or \u0000), anything behind the value, integers outside
 * int64, inputs past a size. jansson drops positions, so a scan of our own
 * finds where a JSON pointer (RFC 6901) stands in the text.
 */
#ifndef PV_BASE_JSON_H
#define PV_BASE_JSON_H

#include <jansson.h>

#include "lib/base/buf.h"

#define JSON_DEPTH_MAX 32
#define JSON_SIZE_MAX (1024u * 1024u)

struct json_doc;                 /* owns the text and the value */

/*
 * Parses a copy of text. PV_INPUT, rule "json.syntax", "json.duplicate",
 * "json.depth", "json.size" or "json.encoding"; the message ends with
 * "at line L column C" (both from 1, column in bytes).
 */
PV_MUST enum pv_code json_parse(struct span text, struct json_doc **doc,
				struct err *err);
/* Also for JSON Lines: as json_parse() with a bound on the size. */
PV_MUST enum pv_code json_parse_max(struct span text, size_t max,
				    struct json_doc **doc, struct err *err);
void json_doc_free(struct json_doc *doc);

/* Borrowed; lives as long as doc. */
json_t *json_root(const struct json_doc *doc);

/* Where the value behind pointer ("" is the root) starts; false if nowhere. */
PV_MUST bool json_where(const struct json_doc *doc, const char *pointer,
			size_t *line, size_t *column);

/*
 * Fails with code at a pointer: "#pointer" is put behind the object, which the
 * caller may have named before; the message is "<text> at /a/b (line L, column
 * C)". A pointer to nothing has the place of its nearest parent. NULL doc: no
 * place. As err_fail(), changes nothing when err already holds a cause.
 */
PV_PRINTF(7, 8)
enum pv_code json_fail(struct err *err, enum pv_code code,
		       const struct json_doc *doc, const char *pointer,
		       const char *rule, const char *hint,
		       const char *fmt, ...);

#endif
