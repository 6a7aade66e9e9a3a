/*
 * Any bytes as base64: a value has one text, so what decodes encodes to what
 * came; and any bytes come back from their own text.
 */
#include <string.h>

#include "lib/base/base64.h"
#include "tests/fuzz/fuzz.h"

static void there_and_back(const uint8_t *data, size_t len)
{
	char *text = malloc(BASE64_LEN(len) + 1);
	uint8_t *again = malloc(BASE64_DECODED_MAX(BASE64_LEN(len)) + 1);
	size_t got = 0;

	FUZZ_CHECK(text && again);
	base64_encode(data, len, text);
	FUZZ_CHECK(strlen(text) == BASE64_LEN(len));
	FUZZ_CHECK(base64_decode(text, BASE64_LEN(len), again, len, &got));
	FUZZ_CHECK(got == len && (!len || memcmp(again, data, len) == 0));
	if (len > 0)
		FUZZ_CHECK(!base64_decode(text, BASE64_LEN(len), again, len - 1,
					  &got));
	free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t cap = BASE64_DECODED_MAX(len), got = cap + 1;
	uint8_t *out = malloc(cap + 1);
	char *text = malloc(BASE64_LEN(cap) + 1);

	FUZZ_CHECK(out && text);
	if (base64_decode((const char *)data, len, out, cap, &got)) {
		FUZZ_CHECK(got <= cap);
		base64_encode(out, got, text);
		FUZZ_CHECK(strlen(text) == len &&
			   (!len || memcmp(text, data, len) == 0));
	} else {
		FUZZ_CHECK(got == cap + 1);
	}
	free(text);
	free(out);
	there_and_back(data, len);
	return 0;
}
