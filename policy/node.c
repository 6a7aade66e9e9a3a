#include "policy/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/fileio.h"
#include "lib/base/notechars.h"

struct node node_root(const struct node_reader *r)
{
	struct node n = { r, NULL, NULL, 0, json_root(r->doc) };

	return n;
}

struct node node_get(const struct node *n, const char *key)
{
	struct node child = { n->r, n, key, 0, json_object_get(n->v, key) };

	return child;
}

struct node node_at(const struct node *n, size_t index)
{
	struct node child = { n->r, n, NULL, index,
			      json_array_get(n->v, index) };

	return child;
}

static void put_char(char *out, size_t *len, char c)
{
	if (*len + 1 < NODE_POINTER_MAX)
		out[(*len)++] = c;
}

static void put_key(char *out, size_t *len, const char *key)
{
	for (; *key; key++) {
		if (*key == '~' || *key == '/') {
			put_char(out, len, '~');
			put_char(out, len, *key == '~' ? '0' : '1');
		} else {
			put_char(out, len, *key);
		}
	}
}

/* Depth is bounded by JSON_DEPTH_MAX. */
static void put_pointer(const struct node *n, char *out, size_t *len)
{
	char number[24];

	if (!n->up)
		return;
	put_pointer(n->up, out, len);
	put_char(out, len, '/');
	if (n->key) {
		put_key(out, len, n->key);
		return;
	}
	snprintf(number, sizeof(number), "%zu", n->index);
	put_key(out, len, number);
}

void node_pointer(const struct node *n, char out[NODE_POINTER_MAX])
{
	size_t len = 0;

	put_pointer(n, out, &len);
	out[len] = '\0';
}

enum pv_code node_fail(const struct node *n, const char *rule, const char *hint,
		       const char *fmt, ...)
{
	char pointer[NODE_POINTER_MAX];
	char name[64];
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(name, sizeof(name), "%s.%s", n->r->area, rule);
	node_pointer(n, pointer);
	return json_fail(n->r->err, PV_INPUT, n->r->doc, pointer, name,
			 hint ? hint : n->r->schema, "%s", text);
}

enum pv_code node_need(const struct node *n)
{
	if (n->v)
		return PV_OK;
	return node_fail(n->up ? n->up : n, "missing", "add it",
			 "\"%s\" is missing", n->key ? n->key : "");
}

static enum pv_code wrong_type(const struct node *n, const char *want)
{
	return node_fail(n, "type", n->r->schema, "not %s", want);
}

static bool listed(const char *key, const char *const *keys)
{
	for (; *keys; keys++)
		if (strcmp(key, *keys) == 0)
			return true;
	return false;
}

enum pv_code node_object(const struct node *n, const char *const *keys)
{
	const char *key;
	json_t *value;

	if (!n->v)
		return PV_OK;
	if (!json_is_object(n->v))
		return wrong_type(n, "an object");
	if (!keys)
		return PV_OK;
	json_object_foreach(n->v, key, value)
	{
		struct node child = node_get(n, key);

		if (!listed(key, keys))
			return node_fail(&child, "unknown_key",
					 "remove it or correct its spelling",
					 "unknown key \"%.64s\"", key);
	}
	return PV_OK;
}

enum pv_code node_array(const struct node *n, size_t min, size_t max)
{
	size_t len;

	if (!n->v)
		return PV_OK;
	if (!json_is_array(n->v))
		return wrong_type(n, "an array");
	len = json_array_size(n->v);
	if (len < min || len > max)
		return node_fail(n, "count", NULL,
				 "%zu elements where %zu to %zu are allowed",
				 len, min, max);
	return PV_OK;
}

enum pv_code node_string(const struct node *n, size_t max, const char **out)
{
	const char *s;
	size_t len;

	if (!n->v)
		return PV_OK;
	if (!json_is_string(n->v))
		return wrong_type(n, "a string");
	s = json_string_value(n->v);
	len = json_string_length(n->v);
	if (len == 0 || len > max)
		return node_fail(n, "length", NULL,
				 "text of %zu bytes where 1 to %zu are allowed",
				 len, max);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return node_fail(n, "control", "remove it",
					 "control character in a text");
	*out = s;
	return PV_OK;
}

enum pv_code node_text(const struct node *n, size_t max, const char **out)
{
	const char *s = NULL;
	struct span text;
	uint32_t cp;
	size_t at;

	NODE_TRY(node_string(n, max, &s));
	if (!s)
		return PV_OK;
	text.p = (const uint8_t *)s;
	text.len = strlen(s);
	if (!notechars_ok(text, &at, &cp))
		return node_fail(n, "text",
				 "remove control and direction characters",
				 "character U+%04X in a text", (unsigned)cp);
	*out = s;
	return PV_OK;
}

enum pv_code node_name(const struct node *n, const char **out)
{
	const char *s = NULL;
	enum pv_code rc = node_string(n, SIZE_MAX, &s);

	if (rc != PV_OK || !s)
		return rc;
	if (!name_is_safe(s, strlen(s)))
		return node_fail(n, "name",
				 "1 to 64 of 0x21-0x7E without /, not starting "
				 "with . or -",
				 "not a safe name");
	*out = s;
	return PV_OK;
}

enum pv_code node_bool(const struct node *n, bool *out)
{
	if (!n->v)
		return PV_OK;
	if (!json_is_boolean(n->v))
		return wrong_type(n, "true or false");
	*out = json_is_true(n->v);
	return PV_OK;
}

enum pv_code node_u64(const struct node *n, uint64_t min, uint64_t max,
		      uint64_t *out)
{
	json_int_t v;

	if (!n->v)
		return PV_OK;
	if (!json_is_integer(n->v))
		return wrong_type(n, "an integer");
	v = json_integer_value(n->v);
	if (v < 0 || (uint64_t)v < min || (uint64_t)v > max)
		return node_fail(n, "range", NULL,
				 "%lld is not within %llu to %llu",
				 (long long)v, (unsigned long long)min,
				 (unsigned long long)max);
	*out = (uint64_t)v;
	return PV_OK;
}

enum pv_code node_u32(const struct node *n, uint32_t min, uint32_t max,
		      uint32_t *out)
{
	uint64_t v = 0;

	NODE_TRY(node_u64(n, min, max, &v));
	if (n->v)
		*out = (uint32_t)v;
	return PV_OK;
}

enum pv_code node_digest(const struct node *n, uint8_t out[32])
{
	const char *s = NULL;

	NODE_TRY(node_string(n, 64, &s));
	if (s && (strlen(s) != 64 || strspn(s, "0123456789abcdef") != 64 ||
		  !hex_decode(s, out, 32)))
		return node_fail(n, "digest", NULL,
				 "not a SHA-256 in 64 small hex digits");
	return PV_OK;
}

enum pv_code node_word(const struct node *n, const char *const *words,
		       unsigned *out)
{
	const char *s;

	if (!n->v)
		return PV_OK;
	if (!json_is_string(n->v))
		return wrong_type(n, "a string");
	s = json_string_value(n->v);
	for (unsigned i = 0; words[i]; i++) {
		if (strcmp(s, words[i]) == 0) {
			*out = i;
			return PV_OK;
		}
	}
	return node_fail(n, "value", n->r->schema, "unknown word \"%.40s\"", s);
}

enum pv_code node_pair(const struct node *n, const char **key,
		       struct node *value)
{
	void *it;

	if (!json_is_object(n->v))
		return wrong_type(n, "an object");
	if (json_object_size(n->v) != 1)
		return node_fail(n, "count", NULL,
				 "%zu pairs where exactly 1 is allowed",
				 json_object_size(n->v));
	it = json_object_iter(n->v);
	*key = json_object_iter_key(it);
	*value = node_get(n, *key);
	return PV_OK;
}
