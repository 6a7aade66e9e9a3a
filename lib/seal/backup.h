/*
 * backup: the file of a key that was backed up: which key it is, how many
 * shares open it, the digest of each of them (shares.h), and the wrapped key
 * (hsm_back_up()). Deterministic CBOR (RFC 8949 4.2.1), a map:
 *
 *   1: "provctl/backup/v1", 2: authority, 3: label, 4: purpose, 5: CKA_ID,
 *   6: SPKI (DER), 7: split, 8: threshold, 9: [+ SHA-256 of a share],
 *   10: wrapped key
 *
 * Nothing in it is secret. It vouches for nothing by itself: who restores holds
 * it against the key that was recorded, and the token proves that this came
 * out.
 *
 * Does not check: the wrapped key.
 */
#ifndef PV_SEAL_BACKUP_H
#define PV_SEAL_BACKUP_H

#include "lib/hsm.h"
#include "lib/seal/shares.h"

#define BACKUP_FORMAT "provctl/backup/v1"
#define BACKUP_MAX 2048u   /* bytes */
#define BACKUP_NAME_MAX 64 /* bytes of an authority or a purpose */

struct backup {
	char authority[BACKUP_NAME_MAX + 1];
	char label[SHARES_KEY_MAX + 1];
	char purpose[BACKUP_NAME_MAX + 1];
	uint8_t id[HSM_ID_LEN];
	uint8_t spki[HSM_SPKI_MAX]; /* DER */
	size_t spki_len;
	uint8_t split[SHARES_SPLIT_LEN];
	unsigned n, m;
	uint8_t share[SHARES_MAX][32]; /* share_digest() of number i + 1 */
	uint8_t wrapped[HSM_WRAPPED_MAX];
	size_t wrapped_len;
};

/* Appends the file; b is within its limits. PV_INTERNAL. */
PV_MUST enum pv_code backup_put(const struct backup *b, struct buf *out,
				struct err *err);
/* PV_INTEGRITY, "backup.format", for anything else than such a file. */
PV_MUST enum pv_code backup_parse(struct span bytes, struct backup *b,
				  struct err *err);
/*
 * A share is one of those that the backup was made with. PV_INTEGRITY:
 * "shares.other" (of another backup), "shares.mangled".
 */
PV_MUST enum pv_code backup_holds(const struct backup *b, const struct share *s,
				  struct err *err);

#endif
