/*
 * backupcheck: what lines of a ceremony's transcript say of backups, for
 * ceremonycheck.h: a backup counts once each of its shares was given out, once,
 * for the same key, to whom the plan has it and to a key of their own or on
 * paper, with the keeper that the plan names, and a restored key has signed the
 * lines before.
 *
 * Does not check: which step the lines belong to; that a label is one key all
 * through (keyseen.h).
 */
#ifndef PV_CEREMONY_BACKUPCHECK_H
#define PV_CEREMONY_BACKUPCHECK_H

#include "lib/log/transcript.h"
#include "lib/seal/shares.h"
#include "policy/plan.h"

#define BACKUPCHECK_KEY_MAX 96u /* bytes of "sha256:HEX", with its NUL */

struct backupcheck { /* of one step; zeroed: no share was seen */
	char split[2 * SHARES_SPLIT_LEN + 1]; /* the newest */
	uint32_t given;			      /* a bit a share of it */
	char label[128];		      /* of the key that they restore */
	char to_key[SHARES_MAX][BACKUPCHECK_KEY_MAX]; /* "": on paper */
};

/* Each: PV_INTEGRITY, "ceremony.order". step: the plan's; may be NULL. */
PV_MUST enum pv_code backupcheck_share(struct backupcheck *b,
				       const struct transcript_line *line,
				       const struct plan_step *step,
				       struct err *err);
PV_MUST enum pv_code backupcheck_backup(const struct backupcheck *b,
					const struct transcript_line *line,
					const struct plan_step *step,
					struct err *err);
/* head: SHA-256 of the line before. PV_INTEGRITY, also of a wrong signature;
 * PV_INPUT for a key that is none. */
PV_MUST enum pv_code backupcheck_restored(const struct transcript_line *line,
					  const uint8_t head[32],
					  struct err *err);

#endif
