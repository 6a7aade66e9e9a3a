/*
 * Any bytes as a share that somebody typed: what is taken is within its bounds,
 * and its own text is the same share again.
 */
#include <string.h>

#include <openssl/rand.h>

#include "lib/seal/shares.h"
#include "tests/fuzz/fuzz.h"

static void again(const struct share *s)
{
	SECRET text = SECRET_INIT;
	struct share twin;

	FUZZ_CHECK(share_text(s, &text, NULL) == PV_OK);
	FUZZ_CHECK(text.len <= SHARES_TEXT_MAX);
	FUZZ_CHECK(share_parse(&text, &twin, NULL) == PV_OK);
	FUZZ_CHECK(strcmp(twin.key, s->key) == 0 && twin.number == s->number &&
		   twin.n == s->n && twin.m == s->m);
	FUZZ_CHECK(memcmp(twin.split, s->split, SHARES_SPLIT_LEN) == 0);
	FUZZ_CHECK(secret_equal(&twin.value, s->value.data, s->value.len));
	share_release(&twin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	SECRET text = SECRET_INIT;
	struct share s;
	struct err err;

	FUZZ_SECRETS();
	if (len == 0 || len > 2 * (size_t)SHARES_TEXT_MAX)
		return 0;
	err_init(&err);
	FUZZ_CHECK(secret_alloc(&text, len, NULL) == PV_OK);
	memcpy(text.data, data, len);
	if (share_parse(&text, &s, &err) == PV_OK) {
		FUZZ_CHECK(s.value.len == SHARES_SECRET_LEN);
		FUZZ_CHECK(s.number >= 1 && s.number <= s.n &&
			   s.n <= SHARES_MAX && s.m >= 2 && s.m <= s.n);
		FUZZ_CHECK(strlen(s.key) <= SHARES_KEY_MAX);
		again(&s);
	} else {
		FUZZ_CHECK(err.code == PV_INTEGRITY && err.message[0]);
		FUZZ_CHECK(strcmp(err.rule, "shares.text") == 0);
	}
	share_release(&s);
	return 0;
}
