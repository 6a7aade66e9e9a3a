/*
 * keybackup: a key that was generated to be backed up, wrapped under a key that
 * lives for this call only, whose value is split m of n. The wrapped key counts
 * once every share has been given out: what an interrupted run leaves opens
 * nothing, and the next run splits anew.
 *
 * Does not check: who takes a share.
 * Specification: pkcs11.md, "Key rules"; shares.h, backup.h.
 */
#ifndef PV_FLOW_KEYBACKUP_H
#define PV_FLOW_KEYBACKUP_H

#include "lib/flow/issuekey.h"
#include "lib/seal/backup.h"

struct keybackup_job {
	struct hsm *hsm;
	const struct issue_key *key; /* as it was recorded */
	const char *authority;	     /* its name */
	unsigned m, n;
	/* Gives one share out, and sees that it has arrived. */
	enum pv_code (*give)(void *ctx, const struct share *share,
			     struct err *err);
	void *ctx;
};

/*
 * Fills *out, whose file backup_put() makes. Codes of ownkey_find(),
 * hsm_back_up(), shares_split() and give(). PV_DENIED, "backup.key": the key
 * was not generated to be backed up.
 */
PV_MUST enum pv_code keybackup(const struct keybackup_job *job,
			       struct backup *out, struct err *err);

#endif
