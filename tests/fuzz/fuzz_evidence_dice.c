/*
 * Any bytes as DICE evidence, and as a DiceTcbInfo: what is taken is within its
 * bounds, and nothing passes that no anchor stands for.
 */
#include <string.h>

#include "lib/evidence/evidence.h"
#include "lib/evidence/tcbinfo.h"
#include "tests/fuzz/fuzz.h"

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
	struct evidence_want want = { .format = EVIDENCE_DICE,
				      .device = "fuzz",
				      .key = { key, sizeof(key) } };
	struct evidence_report report;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	rc = evidence_verify((struct span){ data, len }, &want, &report, &err);
	FUZZ_CHECK(rc == PV_INPUT || rc == PV_INTEGRITY);
	FUZZ_CHECK(strncmp(err.rule, "evidence.", 9) == 0);
	parse((struct span){ data, len });
	return 0;
}
