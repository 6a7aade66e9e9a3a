/*
 * Any bytes as a medium's SHA256SUMS: a file is found with the hash of its
 * only line, and with no other.
 */
#include <string.h>

#include "lib/ceremony/media.h"
#include "tests/fuzz/fuzz.h"

#define FILE_NAME "issuing-1.csr"

static const char hex[] =
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char other[] =
	"f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span sums = { data, len };
	bool found = false, any = false;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	rc = media_sums_find(sums, FILE_NAME, hex, PV_INTEGRITY, &found, &err);
	if (rc != PV_OK) {
		FUZZ_CHECK(rc == PV_INTEGRITY && err.message[0]);
		FUZZ_CHECK(strcmp(err.rule, "media.sums") == 0);
		return 0;
	}
	FUZZ_CHECK(len == 0 || data[len - 1] == '\n');
	rc = media_sums_find(sums, FILE_NAME, other, PV_CONFLICT, &any, NULL);
	FUZZ_CHECK(found ? rc == PV_CONFLICT : rc == PV_OK && !any);
	return 0;
}
