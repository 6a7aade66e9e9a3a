/*
 * evidencebox: a process that takes apart and verifies what devices attest
 * with, and can do nothing else: forked before PIN, token and store are opened,
 * it confines itself (sandbox.h) before the first byte. It is told what to
 * expect and answers with a verdict; what it says is bounded and cleaned, and
 * believed only as that. A MAC key goes to it on a pipe of its own, into
 * memory that is wiped. The caller has SIGPIPE ignored.
 *
 * Does not check: nonces, states and keys: attestverify.h does.
 */
#ifndef PV_FLOW_EVIDENCEBOX_H
#define PV_FLOW_EVIDENCEBOX_H

#include <sys/types.h>

#include "lib/evidence/evidence.h"
#include "lib/flow/wire.h"

#define VERDICT_RULE_MAX 47

struct verdict_check { /* as struct evidence_check, cleaned */
	char rule[VERDICT_RULE_MAX + 1];
	bool passed;
	char expected[128], found[128];
};

struct verdict {
	struct err why; /* PV_OK: all passed */
	struct verdict_check list[EVIDENCE_CHECKS_MAX];
	size_t n;
};
/* A check of that rule was made, and none failed. */
PV_MUST bool verdict_passed(const struct verdict *v, const char *rule);
/* One more check, made outside of the box; nothing when there is no room. */
void verdict_add(struct verdict *v, const char *rule, bool passed,
		 const char *expected, const char *found);

struct evidencebox {
	pid_t pid; /* 0: there is none */
	struct wire wire;
	int keys; /* pipe for MAC keys */
};
#define EVIDENCEBOX_INIT                                                       \
	{                                                                      \
		.pid = 0, .keys = -1                                           \
	}

/* Forks; before anything is open that it must not have. PV_INTERNAL. */
PV_MUST enum pv_code evidencebox_start(struct evidencebox *b, struct err *err);
/*
 * evidence_verify() in there: PV_OK with the verdict in v, whose code is PV_OK,
 * PV_INPUT, PV_INTEGRITY or PV_DENIED. Evidence that ends the process is
 * refused: PV_INPUT, "evidence.parser". PV_INTERNAL: it has ended before, or
 * says what it cannot.
 */
PV_MUST enum pv_code evidencebox_verify(struct evidencebox *b,
					struct span bytes,
					const struct evidence_want *want,
					struct verdict *v, struct err *err);
/* Ends it and waits for it. Takes one that was not started. */
void evidencebox_stop(struct evidencebox *b);

#endif
