/* json: whatever parses has every member where json_where() says it is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "tests/fuzz/fuzz.h"

#define POINTER_MAX 512

/* RFC 6901 3: '~' and '/' of a key are escaped. False when it does not fit. */
static bool append(char *pointer, size_t *len, const char *key)
{
	if (*len + 2 * strlen(key) + 2 > POINTER_MAX)
		return false;
	pointer[(*len)++] = '/';
	for (; *key; key++) {
		if (*key == '~' || *key == '/') {
			pointer[(*len)++] = '~';
			pointer[(*len)++] = *key == '~' ? '0' : '1';
		} else {
			pointer[(*len)++] = *key;
		}
	}
	pointer[*len] = '\0';
	return true;
}

static const uint8_t *byte_at(struct span text, size_t line, size_t column)
{
	const uint8_t *p = text.p;

	for (; line > 1; line--) {
		p = memchr(p, '\n', text.len - (size_t)(p - text.p));
		FUZZ_CHECK(p != NULL);
		p++;
	}
	p += column - 1;
	FUZZ_CHECK(p < text.p + text.len);
	return p;
}

static void check_place(const struct json_doc *doc, struct span text,
			const char *pointer, const json_t *value)
{
	size_t line, column;
	uint8_t c;

	FUZZ_CHECK(json_where(doc, pointer, &line, &column));
	c = *byte_at(text, line, column);
	FUZZ_CHECK((c == '{') == json_is_object(value));
	FUZZ_CHECK((c == '[') == json_is_array(value));
	FUZZ_CHECK((c == '"') == json_is_string(value));
	FUZZ_CHECK((c == 'n') == json_is_null(value));
	FUZZ_CHECK((c == 't') == json_is_true(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span text = { data, len };
	struct json_doc *doc;
	struct err err;
	const char *key;
	json_t *value;

	err_init(&err);
	if (json_parse(text, &doc, &err) != PV_OK) {
		FUZZ_CHECK(err.code != PV_OK && err.message[0] && !doc);
		return 0;
	}
	FUZZ_CHECK(err.code == PV_OK);
	check_place(doc, text, "", json_root(doc));
	if (json_object_size(json_root(doc)) > 64) {
		json_doc_free(doc);
		return 0;
	}
	json_object_foreach(json_root(doc), key, value)
	{
		char pointer[POINTER_MAX] = "";
		size_t n = 0;

		if (append(pointer, &n, key))
			check_place(doc, text, pointer, value);
	}
	json_fail(&err, PV_INPUT, doc, "/a/0", "fuzz", NULL, "no");
	json_doc_free(doc);
	return 0;
}
