/*
 * Any bytes as the answer of the box that took apart what a TPM brought: a
 * stranger may have taken that process over. What is believed is within bounds.
 */
#include <string.h>

#include "lib/base/p256.h"
#include "lib/flow/evidencebox_impl.h"
#include "tests/fuzz/fuzz.h"

static void take(struct wire_rec rec)
{
	static struct offer_made made;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	rc = box_get_offer(&rec, &made, &err);
	FUZZ_CHECK(rc == PV_OK || rc == PV_INPUT || rc == PV_INTERNAL);
	FUZZ_CHECK(made.file_len <= sizeof(made.file));
	if (rc != PV_OK) {
		FUZZ_CHECK(err.code == rc);
		FUZZ_CHECK(rc == PV_INTERNAL ||
			   strcmp(err.rule, "evidence.parser") == 0);
		return;
	}
	FUZZ_CHECK(strlen(made.why.message) < sizeof(made.why.message));
	if (made.why.code != PV_OK) {
		FUZZ_CHECK(strncmp(made.why.rule, "ak.", 3) == 0 ||
			   strncmp(made.why.rule, "ek.", 3) == 0);
		return;
	}
	FUZZ_CHECK(made.file_len > 0);
	FUZZ_CHECK(p256_point(
		(struct span){ made.ak_spki, sizeof(made.ak_spki) }));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire w = { .fd = -1 };
	struct wire_rec rec;

	buf_init(&w.in, WIRE_BUFFER_MAX);
	buf_init(&w.out, WIRE_BUFFER_MAX);
	buf_put(&w.in, data, len);
	while (wire_next(&w, &rec))
		take(rec);
	buf_release(&w.in);
	buf_release(&w.out);
	return 0;
}
