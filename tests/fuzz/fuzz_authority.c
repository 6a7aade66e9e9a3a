/*
 * Any bytes as provctl.json: what parses is written as text that parses to the
 * same; texts in it end inside their room.
 */
#include <string.h>

#include "lib/flow/authority_json.h"
#include "tests/fuzz/fuzz.h"

static bool parses(struct span text, struct authority *a)
{
	struct err err;

	memset(a, 0, sizeof(*a));
	authority_defaults(a);
	err_init(&err);
	if (authority_parse(a, text, &err) == PV_OK)
		return true;
	FUZZ_CHECK(err.code == PV_INPUT || err.code == PV_DENIED);
	FUZZ_CHECK(err.rule[0] && err.message[0]);
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct authority a, b;
	struct span text = { data, len };
	struct buf first, second;

	if (!parses(text, &a))
		return 0;
	FUZZ_CHECK(a.name[0] && a.module[0] == '/');
	FUZZ_CHECK(a.tokens_n >= 1 && a.tokens_n <= AUTHORITY_TOKENS_MAX);
	FUZZ_CHECK(a.keys_n <= AUTHORITY_KEYS_MAX);
	buf_init(&first, AUTHORITY_JSON_MAX);
	buf_init(&second, AUTHORITY_JSON_MAX);
	FUZZ_CHECK(authority_format(&a, &first, NULL) == PV_OK);
	FUZZ_CHECK(parses(buf_span(&first), &b));
	FUZZ_CHECK(authority_format(&b, &second, NULL) == PV_OK);
	FUZZ_CHECK(span_equal(buf_span(&first), buf_span(&second)));
	buf_release(&second);
	buf_release(&first);
	return 0;
}
