/*
 * Any bytes as DICE evidence, and as a DiceTcbInfo: what is taken is within its
 * bounds, and nothing passes that no anchor stands for.
 */
#include "lib/evidence/tcbinfo.h"
#include "tests/fuzz/fuzz_evidence.h"

static void parse(struct span value)
{
	struct tcbinfo t;
	const char *why = NULL;

	if (!tcbinfo_parse(value, &t, &why)) {
		FUZZ_CHECK(why != NULL);
		return;
	}
	FUZZ_CHECK(t.fwid_n <= TCBINFO_FWIDS_MAX && t.sha256_n <= t.fwid_n);
	for (size_t i = 0; i < t.sha256_n; i++)
		FUZZ_CHECK(t.sha256[i].len == 32 && t.sha256[i].p >= value.p &&
			   t.sha256[i].p + 32 <= value.p + value.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t key[] = { 1 };

	fuzz_evidence(EVIDENCE_DICE, (struct span){ key, sizeof(key) }, data, len);
	parse((struct span){ data, len });
	return 0;
}
