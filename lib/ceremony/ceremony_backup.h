/* Of ceremonies: the steps that back a key up and restore it. */
#ifndef PV_CEREMONY_CEREMONY_BACKUP_H
#define PV_CEREMONY_CEREMONY_BACKUP_H

#include "lib/ceremony/ceremony_impl.h"
#include "lib/seal/shares.h"

/* On the medium: an officer's certificate for encryption, below their name; and
 * the folder with the shares that people bring, as text, one a file. */
#define CEREMONY_OFFICER_CERT "encryption.pem"
#define CEREMONY_SHARES "shares"
#define CEREMONY_BACKUP_MAX (PLAN_NAME_MAX + 96)

/* <purpose>-<generation>.backup, beside the transcript and on the medium. */
void ceremony_backup_file(const struct authority_key *named,
			  char out[CEREMONY_BACKUP_MAX]);
/* <purpose>-<generation>.<split>.share-<number>.<end>: txt is for paper, cms
 * for an officer's key. What a run that was interrupted gave has another split.
 */
void ceremony_share_file(const struct authority_key *named,
			 const uint8_t split[SHARES_SPLIT_LEN], unsigned number,
			 const char *end, char out[CEREMONY_BACKUP_MAX]);
/* Before pieces of a key are split or joined: where their memory cannot be
 * locked, a line of the transcript says so. */
PV_MUST enum pv_code ceremony_lock_shares(struct ceremony *c, struct err *err);
/* DIR/<folder>/<file> of the medium as a share's text. PV_NOT_FOUND;
 * PV_INTEGRITY, "shares.text", with the file as object. */
PV_MUST enum pv_code ceremony_read_share(struct ceremony *c, const char *folder,
					 const char *file, struct share *share,
					 struct err *err);

/*
 * But for a rehearsal: no text of a printed share lies on the medium any more;
 * people are asked to destroy what does. PV_DENIED, "shares.left": they said
 * that they had, and it is there; PV_STORAGE; codes of ceremony_ask().
 */
PV_MUST enum pv_code ceremony_texts_gone(struct ceremony *c, struct err *err);

PV_MUST enum pv_code ceremony_back_up_key(struct ceremony *c,
					  const struct plan_step *step,
					  struct err *err);
PV_MUST enum pv_code ceremony_restore_key(struct ceremony *c,
					  const struct plan_step *step,
					  struct err *err);

#endif
