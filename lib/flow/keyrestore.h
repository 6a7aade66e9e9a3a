/*
 * keyrestore: a backup (backup.h) onto a token that has not the key: its shares
 * are held against it and joined, the token unwraps, reads the key back as
 * restored, and signs with it. The entry key.restore and the key's row say from
 * then on that a token may have such a copy (ownkey.h).
 *
 * Does not check: who brings the shares, or which token it is.
 * Specification: pkcs11.md, "Key rules"; formats.md 7, key.restore.
 */
#ifndef PV_FLOW_KEYRESTORE_H
#define PV_FLOW_KEYRESTORE_H

#include "lib/flow/issuekey.h"
#include "lib/seal/backup.h"
#include "lib/store/store.h"

struct keyrestore_job {
	struct hsm *hsm; /* the token that gets the key */
	struct store *store;
	const struct issue_key *key; /* as it was recorded */
	const struct backup *backup;
	const struct share *const *shares;
	size_t n;
	const uint8_t *digest; /* 32 bytes, signed as proof */
	const char *token;     /* its serial number, for the log */
};

/* The hint of "shares.few": they come from a medium. */
#define KEYRESTORE_MORE                                                        \
	"bring more of them together, as texts *.txt in the folder shares of " \
	"the medium"

struct keyrestore_report {
	struct hsm_key_info info; /* as the token reads it back */
	uint8_t sig[64];	  /* over digest, by that key */
};

/* PV_INTEGRITY, "backup.other": it is of another key than the recorded one. */
PV_MUST enum pv_code keyrestore_is_of(const struct backup *b,
				      const struct issue_key *key,
				      struct err *err);
/*
 * PV_INTEGRITY: "backup.other" (of another key than the recorded one), codes of
 * backup_holds(), "hsm.wrapped", "hsm.restored". PV_INPUT, "shares.few".
 * PV_DENIED, "key.destroyed": people had it destroyed.
 * PV_CONFLICT, PV_HSM_*: hsm_restore(). PV_DENIED (the clock), PV_STORAGE:
 * when the key is on the token by then the same call takes it up.
 */
PV_MUST enum pv_code keyrestore(const struct keyrestore_job *job,
				struct keyrestore_report *report,
				struct err *err);
/*
 * What a restore into that authority is to sign, when head is the SHA-256 of
 * the transcript's last line: SHA-256 over "provctl/restore/v1", NUL, label,
 * NUL, head. PV_INTERNAL.
 */
PV_MUST enum pv_code keyrestore_digest(const char *label,
				       const uint8_t head[32],
				       uint8_t digest[32], struct err *err);

#endif
