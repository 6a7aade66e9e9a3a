/*
 * Any bytes as PEM: what decodes under a label is given back by the encoder,
 * decodes to the same again, and under no other label.
 */
#include <string.h>

#include "lib/base/pem.h"
#include "tests/fuzz/fuzz.h"

static const char *const labels[] = { "CERTIFICATE", "PUBLIC KEY",
				      "CERTIFICATE REQUEST" };
#define LABELS (sizeof(labels) / sizeof(labels[0]))

static bool decodes(struct span text, const char *label, struct buf *der)
{
	struct err err;

	err_init(&err);
	buf_init(der, text.len + 1);
	if (pem_decode(text, label, der, &err) == PV_OK)
		return true;
	FUZZ_CHECK(err.code == PV_INPUT && err.rule[0] && err.message[0]);
	FUZZ_CHECK(der->len == 0);
	return false;
}

static void check_again(const char *label, struct span der)
{
	struct buf text, again;

	buf_init(&text, 2 * der.len + 256);
	pem_encode(&text, label, der);
	FUZZ_CHECK(!text.failed && pem_is(buf_span(&text), label));
	FUZZ_CHECK(decodes(buf_span(&text), label, &again));
	FUZZ_CHECK(span_equal(buf_span(&again), der));
	buf_release(&again);
	buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span text = { data, len };
	size_t taken = 0;

	for (size_t i = 0; i < LABELS; i++) {
		struct buf der;

		(void)!pem_is(text, labels[i]);
		if (decodes(text, labels[i], &der)) {
			taken++;
			check_again(labels[i], buf_span(&der));
		}
		buf_release(&der);
	}
	FUZZ_CHECK(taken <= 1);
	return 0;
}
