#include "lib/base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

struct json_doc {
	json_t *root;
	size_t len;
	char text[]; /* len bytes */
};

static void place_of(const char *text, size_t at, size_t *line, size_t *column)
{
	size_t start = 0;

	*line = 1;
	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n') {
			++*line;
			start = i + 1;
		}
	}
	*column = at - start + 1;
}

static enum pv_code refuse(struct err *err, const char *rule, const char *hint,
			   const char *what, const char *text, size_t at)
{
	size_t line, column;

	place_of(text, at, &line, &column);
	return err_fail(err, PV_INPUT, rule, hint, "%s at line %zu column %zu",
			what, line, column);
}

/* Behind the string that opens at text[i]; len when it does not close. */
static size_t string_end(const char *text, size_t len, size_t i)
{
	for (i++; i < len; i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			return i + 1;
	}
	return len;
}

/*
 * jansson recurses, so brackets are counted before it sees the text. Where the
 * text is not JSON the count may be wrong, and then jansson refuses it: up to
 * the first error both agree on what is inside a string. jansson passes over
 * raw NUL bytes between tokens; they are refused here.
 */
static enum pv_code check_before(const char *text, size_t len, struct err *err)
{
	const char *nul = memchr(text, '\0', len);
	size_t depth = 0;
	size_t i = 0;

	if (nul)
		return refuse(err, "json.encoding", "write the text as UTF-8",
			      "NUL byte in JSON", text, (size_t)(nul - text));
	while (i < len) {
		switch (text[i]) {
		case '"':
			i = string_end(text, len, i);
			continue;
		case '[':
		case '{':
			if (++depth > JSON_DEPTH_MAX)
				return refuse(err, "json.depth",
					      "nest at most 32 levels",
					      "JSON nested too deep", text, i);
			break;
		case ']':
		case '}':
			depth -= depth > 0;
			break;
		default:
			break;
		}
		i++;
	}
	return PV_OK;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_structure(char c)
{
	return c == '[' || c == ']' || c == '{' || c == '}' || c == ',' ||
	       c == ':';
}

/*
 * jansson reports a byte in or behind the token it dislikes. Goes over the
 * tokens from the start and returns where that token begins.
 */
static size_t token_start(const char *text, size_t len, size_t at)
{
	size_t i = 0;

	while (i < len && i < at) {
		size_t start = i;

		if (is_space(text[i]) || is_structure(text[i])) {
			i++;
		} else if (text[i] == '"') {
			i = string_end(text, len, i);
		} else {
			while (i < len && !is_space(text[i]) &&
			       !is_structure(text[i]) && text[i] != '"')
				i++;
		}
		if (i >= at && !is_space(text[start]))
			return start;
	}
	return at;
}

/* jansson's own text quotes the input, which may hold a secret: not used. */
static enum pv_code refuse_jansson(struct err *err, const json_error_t *je,
				   const char *text, size_t len)
{
	size_t at = je->position < 0 ? 0 : (size_t)je->position;
	/* jansson says nothing when it finds no memory for a value */
	enum json_error_code code =
		je->text[0] ? json_error_code(je) : json_error_out_of_memory;

	if (at > len)
		at = len;
	switch (code) {
	case json_error_out_of_memory:
		return err_fail(err, PV_INTERNAL, "memory",
				"free memory and run again",
				"out of memory for JSON of %zu bytes", len);
	case json_error_invalid_utf8:
		return refuse(err, "json.encoding", "write the text as UTF-8",
			      "invalid UTF-8 in JSON", text, at);
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return refuse(err, "json.encoding", "remove the \\u0000",
			      "NUL in a JSON string", text,
			      token_start(text, len, at));
	case json_error_duplicate_key:
		return refuse(err, "json.duplicate", "name each key once",
			      "key stands twice in a JSON object", text,
			      token_start(text, len, at));
	case json_error_numeric_overflow:
		return refuse(err, "json.syntax",
			      "integers fit 64 bits, reals a double",
			      "JSON number out of range", text,
			      token_start(text, len, at));
	case json_error_premature_end_of_input:
		return refuse(err, "json.syntax", "complete the text",
			      "JSON ends too early", text, len);
	case json_error_end_of_input_expected:
		return refuse(err, "json.syntax", "leave exactly one value",
			      "something stands behind the JSON value", text,
			      token_start(text, len, at));
	default:
		return refuse(err, "json.syntax", "see RFC 8259", "not JSON",
			      text, token_start(text, len, at));
	}
}

void json_doc_free(struct json_doc *doc)
{
	if (!doc)
		return;
	json_decref(doc->root);
	free(doc);
}

CLEANUP_PTR(struct json_doc, json_doc_free);

enum pv_code json_parse_max(struct span text, size_t max, struct json_doc **out,
			    struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	enum pv_code rc;
	json_error_t je = { .text = "" };

	*out = NULL;
	if (text.len > max)
		return err_fail(err, PV_INPUT, "json.size",
				"split the input or shorten it",
				"JSON of %zu bytes, more than %zu,"
				" at line 1 column 1",
				text.len, max);
	if (text.len >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
		return err_fail(err, PV_INPUT, "json.encoding",
				"save it as UTF-8 without byte order mark",
				"byte order mark before JSON"
				" at line 1 column 1");
	doc = malloc(sizeof(*doc) + text.len + 1);
	if (!doc)
		return err_fail(
			err, PV_INTERNAL, "memory", "free memory and run again",
			"out of memory for JSON of %zu bytes", text.len);
	doc->root = NULL;
	doc->len = text.len;
	if (text.len)
		memcpy(doc->text, text.p, text.len);
	rc = check_before(doc->text, doc->len, err);
	if (rc != PV_OK)
		return rc;
	doc->root = json_loadb(doc->text, doc->len,
			       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	if (!doc->root)
		return refuse_jansson(err, &je, doc->text, doc->len);
	*out = TAKE(doc);
	return PV_OK;
}

enum pv_code json_parse(struct span text, struct json_doc **doc,
			struct err *err)
{
	return json_parse_max(text, JSON_SIZE_MAX, doc, err);
}

json_t *json_root(const struct json_doc *doc)
{
	return doc->root;
}

/*
 * The rest of the file walks over text that jansson accepted: brackets match
 * and strings close, so only the way to the wanted value needs thought.
 */
static size_t skip_space(const struct json_doc *doc, size_t i)
{
	while (i < doc->len && is_space(doc->text[i]))
		i++;
	return i;
}

/* Behind the value that starts at i. */
static size_t skip_value(const struct json_doc *doc, size_t i)
{
	size_t depth = 0;

	while (i < doc->len) {
		char c = doc->text[i];

		if (c == '"') {
			i = string_end(doc->text, doc->len, i);
		} else if (c == '[' || c == '{') {
			depth++;
			i++;
		} else if (c == ']' || c == '}') {
			depth--;
			i++;
		} else if (is_space(c) || is_structure(c)) {
			i++;
		} else {
			while (i < doc->len && !is_space(doc->text[i]) &&
			       !is_structure(doc->text[i]))
				i++;
		}
		if (depth == 0)
			break;
	}
	return i;
}

/* One reference token of a pointer, ~0 and ~1 undone (RFC 6901 4). */
static bool token_equal(const char *token, size_t token_len, const char *key,
			size_t key_len)
{
	size_t k = 0;

	for (size_t i = 0; i < token_len; i++, k++) {
		char c = token[i];

		if (c == '~') {
			if (++i == token_len ||
			    (token[i] != '0' && token[i] != '1'))
				return false;
			c = token[i] == '0' ? '~' : '/';
		}
		if (k == key_len || key[k] != c)
			return false;
	}
	return k == key_len;
}

/* The key as it is written, escapes and all, against a token. */
static bool key_is(const char *key, size_t len, const char *token,
		   size_t token_len)
{
	json_t *s = json_loadb(key, len, JSON_DECODE_ANY, NULL);
	bool same = s && token_equal(token, token_len, json_string_value(s),
				     json_string_length(s));

	json_decref(s);
	return same;
}

/* i stands on '{'; *at gets where the member's value starts. */
static bool find_member(const struct json_doc *doc, size_t i, const char *token,
			size_t token_len, size_t *at)
{
	i = skip_space(doc, i + 1);
	while (i < doc->len && doc->text[i] == '"') {
		size_t key = i;
		size_t end = string_end(doc->text, doc->len, i);

		i = skip_space(doc, end); /* on ':' */
		i = skip_space(doc, i + 1);
		if (key_is(doc->text + key, end - key, token, token_len)) {
			*at = i;
			return true;
		}
		i = skip_space(doc, skip_value(doc, i));
		if (i < doc->len && doc->text[i] == ',')
			i = skip_space(doc, i + 1);
	}
	return false;
}

/* "0" or digits without a leading zero (RFC 6901 4). */
static bool parse_index(const char *token, size_t len, size_t *index)
{
	size_t n = 0;

	if (len == 0 || len > 9 || (len > 1 && token[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (token[i] < '0' || token[i] > '9')
			return false;
		n = n * 10 + (size_t)(token[i] - '0');
	}
	*index = n;
	return true;
}

/* i stands on '['. */
static bool find_element(const struct json_doc *doc, size_t i,
			 const char *token, size_t token_len, size_t *at)
{
	size_t index;

	if (!parse_index(token, token_len, &index))
		return false;
	i = skip_space(doc, i + 1);
	for (; i < doc->len && doc->text[i] != ']'; index--) {
		if (index == 0) {
			*at = i;
			return true;
		}
		i = skip_space(doc, skip_value(doc, i));
		if (i < doc->len && doc->text[i] == ',')
			i = skip_space(doc, i + 1);
	}
	return false;
}

/* Follows pointer as far as it leads; true when that is to its end. */
static bool follow(const struct json_doc *doc, const char *pointer, size_t *at)
{
	size_t i = skip_space(doc, 0);
	bool found = pointer[0] == '\0' || pointer[0] == '/';

	*at = i;
	while (found && *pointer == '/') {
		const char *token = ++pointer;
		size_t len = strcspn(token, "/");

		if (doc->text[*at] == '{')
			found = find_member(doc, *at, token, len, &i);
		else if (doc->text[*at] == '[')
			found = find_element(doc, *at, token, len, &i);
		else
			found = false;
		if (found)
			*at = i;
		pointer += len;
	}
	return found;
}

bool json_where(const struct json_doc *doc, const char *pointer, size_t *line,
		size_t *column)
{
	size_t at;

	if (!follow(doc, pointer, &at))
		return false;
	place_of(doc->text, at, line, column);
	return true;
}

enum pv_code json_fail(struct err *err, enum pv_code code,
		       const struct json_doc *doc, const char *pointer,
		       const char *rule, const char *hint, const char *fmt, ...)
{
	const char *where = pointer[0] ? pointer : "the root";
	char place[64] = "";
	char text[sizeof(err->message)];
	char object[sizeof(err->object)];
	va_list ap;

	if (!err)
		return code;
	if (err->code != PV_OK)
		return err->code;
	if (doc) {
		size_t at, line, column;

		(void)follow(doc, pointer, &at);
		place_of(doc->text, at, &line, &column);
		snprintf(place, sizeof(place), " (line %zu, column %zu)", line,
			 column);
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(object, sizeof(object), "%.90s#%.64s", err->object, pointer);
	err->object[0] = '\0';
	err_object(err, object);
	return err_fail(err, code, rule, hint, "%.240s at %.190s%s", text,
			where, place);
}
