/*
 * Any bytes as the file of a key that was backed up: what is taken is within
 * its bounds, and those bytes are its only form.
 */
#include <string.h>

#include "lib/seal/backup.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct backup b;
	struct buf same;
	struct err err;

	err_init(&err);
	if (backup_parse((struct span){ data, len }, &b, &err) != PV_OK) {
		FUZZ_CHECK(err.code == PV_INTEGRITY && err.message[0]);
		FUZZ_CHECK(strcmp(err.rule, "backup.format") == 0);
		return 0;
	}
	FUZZ_CHECK(b.spki_len <= sizeof(b.spki) &&
		   b.wrapped_len <= sizeof(b.wrapped));
	FUZZ_CHECK(b.n <= SHARES_MAX && b.m >= 2 && b.m <= b.n);
	buf_init(&same, BACKUP_MAX);
	FUZZ_CHECK(backup_put(&b, &same, NULL) == PV_OK);
	FUZZ_CHECK(span_equal(buf_span(&same), (struct span){ data, len }));
	buf_release(&same);
	return 0;
}
