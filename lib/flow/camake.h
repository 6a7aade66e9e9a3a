/*
 * camake: one certificate of a CA on its way, as promise 1 wants it: TBS built
 * and linted, its intent logged and durable, signed by the token and verified,
 * then recorded. The caller holds the two transactions, so that several
 * certificates can share them:
 *
 *   camake_build()
 *   store_begin; camake_put_intent(); store_commit
 *   camake_sign()
 *   store_begin; camake_put_issue(); the row; store_commit
 */
#ifndef PV_FLOW_CAMAKE_H
#define PV_FLOW_CAMAKE_H

#include "lib/flow/event.h"
#include "lib/flow/tokensign.h"
#include "lib/x509/tbs.h"
#include "policy/template.h"

/* Fact of a cert.intent under approvals, beside their nonce: the time in s that
 * the validity counts from. */
#define LOG_CA_BUILT "built"

struct camake_job { /* all of it borrowed */
	struct store *store;
	struct hsm *hsm;
	const char *authority;		 /* its name */
	const struct template *tmpl;	 /* of a CA, adopted */
	const char *ca;			 /* its name */
	struct span spki;		 /* of the key that is certified */
	uint32_t generation;		 /* of that key */
	const struct x509_issuer *above; /* NULL: a root */
	const char *above_name;		 /* of its chain; NULL: by itself */
	uint32_t above_generation;	 /* 0 counts as 1 */
	struct tokensign *signer;	 /* above's key, or the root's own */
	/* A cross-certificate: above is the same CA under another key. It names
	 * no CRL: those of its issuer are for others. */
	bool cross;
	int64_t until_s;    /* it ends then; 0: as the template says */
	uint64_t active_ms; /* of the generation; 0: at once */
	/* Of the approvals that it is signed under: LOG_NONCE bytes; NULL:
	 * none. Its intent says so, and when it was built. */
	const uint8_t *nonce;
	/* Of the request that it is signed for (LOG_CA_CSR); NULL: the key is
	 * ours. */
	const uint8_t *csr_sha256;
	int64_t now_s;
};

struct camake {
	struct camake_job job;
	uint8_t serial[X509_SERIAL_LEN];
	char serial_hex[2 * X509_SERIAL_LEN + 1];
	uint8_t tbs_sha256[32], spki_sha256[32];
	uint64_t intent_index; /* of its entry, once that is there */
	struct buf tbs, cert;
};

/* An end that a plan names: earlier than the template says, never later. 0:
 * as the template says. PV_DENIED, "validity.template". */
PV_MUST enum pv_code camake_check_until(const struct template *tmpl,
					int64_t until_s, int64_t now_s,
					struct err *err);
/* Draws the serial, which is used up, builds and lints. m need not be
 * initialised; release it in any case. PV_DENIED (lint, validity), PV_HSM_*,
 * PV_STORAGE. */
PV_MUST enum pv_code
camake_build(struct camake *m, const struct camake_job *job, struct err *err);
/* The same bytes as those that were built so, for the same job; the serial that
 * was drawn stays unused. */
PV_MUST enum pv_code camake_rebuild(struct camake *m,
				    const uint8_t serial[X509_SERIAL_LEN],
				    int64_t built_s, struct err *err);
/* In the caller's write transaction. */
PV_MUST enum pv_code
camake_put_intent(struct camake *m, const struct log_who *who, struct err *err);
/*
 * The same of n of one store and one approval, in a transaction of its own.
 * With a nonce those that a run with the same approvals left in the log since
 * that entry are taken up, whatever became of it. PV_CONFLICT, "rotate.intent":
 * that was for another request, or what it had built cannot be built any more.
 */
#define CAMAKE_TOGETHER 3
PV_MUST enum pv_code camake_intents(struct camake *made, size_t n,
				    uint64_t since, int64_t now_s,
				    struct err *err);
/* Once that is durable. PV_DENIED, "ca.revoked": above was, or who is above it,
 * since it was built. The token's answer was verified. */
PV_MUST enum pv_code camake_sign(struct camake *m, struct err *err);
/* The same again for its cert.issue, which gets *index (may be NULL). */
PV_MUST enum pv_code camake_put_issue(const struct camake *m,
				      const struct log_who *who,
				      uint64_t *index, struct err *err);
void camake_release(struct camake *m);

#endif
