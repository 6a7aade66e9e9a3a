/* fuzz_evidence: any bytes as evidence of one format: nothing passes under a
 * key that signed nothing, and without anchors. */
#ifndef PV_TESTS_FUZZ_EVIDENCE_H
#define PV_TESTS_FUZZ_EVIDENCE_H

#include <string.h>

#include "lib/evidence/evidence.h"
#include "tests/fuzz/fuzz.h"

static inline void fuzz_evidence(enum evidence_format format, struct span key,
				 const uint8_t *data, size_t len)
{
	struct evidence_want want = { .format = format,
				      .device = "fuzz",
				      .key = key };
	struct evidence_report report;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	rc = evidence_verify((struct span){ data, len }, &want, &report, &err);
	FUZZ_CHECK(rc == PV_INPUT || rc == PV_INTEGRITY);
	FUZZ_CHECK(report.n <= EVIDENCE_CHECKS_MAX);
	FUZZ_CHECK(strncmp(err.rule, "evidence.", 9) == 0);
}

#endif
