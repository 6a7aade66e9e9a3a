/*
 * publish: what dependants fetch, brought up to date: revocation lists and OCSP
 * answers that are due are made (crlmake.h, ocspmake.h), then every file below
 * the publish folder that differs from what the store holds is replaced, then
 * the hook runs.
 *
 *   crl/CA/SHARD.crl          DER; SHARD as in the certificates' URLs
 *   ca/CA-GENERATION.cer      DER of the CA's certificate
 *   ca/CA-SUBJECT-by-SIGNER.cer   of one generation's key, by another's
 *   crl/CA/0.crl, ca/CA-1.cer     of a CA whose key is elsewhere
 *   ocsp/CA/SERIAL.ors        DER; SERIAL in lower-case hex
 *   ocsp/CA/REQUEST           a link to it, for GET (ocsplink.h)
 *
 * The store stays the source of truth: a crash anywhere leaves whole files,
 * and the next run goes on. A list in the folder that is newer than the store's
 * or is not ours is an alarm, and stays as it is; one that is older, and that
 * the log does not know, is kept aside and an alarm, too (publishaside.h).
 */
#ifndef PV_FLOW_PUBLISH_H
#define PV_FLOW_PUBLISH_H

#include "lib/flow/authority.h"
#include "lib/flow/tokens.h"
#include "lib/log/proof.h"
#include "lib/store/store.h"

struct publish_job {
	const struct authority *a;
	struct store *store;
	/* NULL: nothing is made, only files and the hook. The one that is open
	 * before is open after. */
	struct tokens *tokens;
	/* What HOME/checkpoint says: the log that is read is held against it;
	 * NULL: nothing is made. */
	const struct log_point *covered;
	bool all;  /* also lists that are not due */
	/* Neither lists nor answers: whoever asks has shown people what a CA
	 * signs, and they are for the next run. */
	bool no_lists;
	bool look; /* at every OCSP answer there: else at what changed */
};

struct publish_report {
	uint64_t lists, answers; /* made */
	uint64_t files;		 /* written */
	bool hook;		 /* it ran, and well */
};

/*
 * Goes on past what fails with one CA and returns the worst (outcome.h):
 * PV_HSM_*, PV_INTEGRITY ("crl.*", "store.edited", "publish.foreign",
 * "publish.newer", "publish.aside"), PV_DENIED, PV_STORAGE; "publish.hook" is
 * PV_STORAGE too. PV_CONFLICT "output.busy": another run is at it and does not
 * end. What failed is done by the next run.
 */
PV_MUST enum pv_code publish_run(const struct publish_job *job,
				 struct publish_report *r, struct err *err);

#endif
