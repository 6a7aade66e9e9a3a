/*
 * logged: rows of devices and bundles held against the log entries that were
 * written with them (policy.md, "Trusting the store"). What is decided on,
 * signed or given out was compared here first; audit compares every row with
 * the same functions. Templates and CAs: logged_authority.h.
 *
 * Does not check: the log itself, that no row is missing (audit does both).
 */
#ifndef PV_FLOW_LOGGED_H
#define PV_FLOW_LOGGED_H

#include "lib/log/lifecycle.h"
#include "lib/log/proof.h"
#include "lib/store/store.h"

/* ---- an entry and a row ---- */

/* A text with exactly these bytes; "": no such fact. */
PV_MUST bool logged_text_is(const struct log_entry *e, const char *key,
			    const char *s);
PV_MUST bool logged_uint_is(const struct log_entry *e, const char *key,
			    uint64_t v);
/* A hash of 32 bytes; NULL: no such fact. */
PV_MUST bool logged_hash_is(const struct log_entry *e, const char *key,
			    const uint8_t *hash);

/* The fact "why"; "" for STORE_NEW. */
const char *logged_why(enum store_why why);
/* All of a device's row that its cert.intent records. */
PV_MUST bool logged_subject_fits(const struct log_entry *e,
				 const struct store_subject *s);
/* What is kept of an open intent: seq, TBS and sealed secrets. */
PV_MUST enum pv_code logged_open_fits(const struct log_entry *e,
				      const struct store_intent *i, bool *fits,
				      struct err *err);
/* A revocation's row; e is the cert.revoke of its serial. */
PV_MUST bool logged_revocation_fits(const struct log_entry *e,
				    const struct store_revocation *r);
/* A bundle's row, as one of that device, and its bundle.seal. */
PV_MUST bool logged_bundle_fits(const struct log_entry *e,
				const struct store_subject *s,
				const struct store_bundle *b);
/* The sealed bytes are the ones of the row, and are for that device. */
PV_MUST enum pv_code logged_container_fits(struct span container,
					   const struct store_subject *s,
					   const struct store_bundle *b,
					   bool *fits, struct err *err);
/* The escrow's bytes are the ones of the row. */
PV_MUST enum pv_code logged_escrow_fits(struct span escrow,
					const struct store_bundle *b,
					bool *fits, struct err *err);

/* A key's row and its key.generate. */
PV_MUST enum pv_code logged_key_fits(const struct log_entry *e,
				     const struct store_key *row, bool *fits,
				     struct err *err);

/* ---- a row and the store's log: PV_INTEGRITY, "store.edited"; PV_STORAGE ----
 */

/* Fails so: "a row does not agree with the log". */
enum pv_code logged_edited(const char *what, struct err *err);
/* The entry at index, of that type and object; e points into room. */
PV_MUST enum pv_code logged_entry(struct store *store, uint64_t index,
				  const char *type, const char *object,
				  struct buf *room, struct log_entry *e,
				  struct err *err);
/* A key's row, and what it says in its entry of that type at index. */
PV_MUST enum pv_code logged_key(struct store *store,
				const struct store_key *row, uint64_t index,
				const char *type, struct err *err);
/* What it was issued as, and what became of it: revoked, held, retired. */
PV_MUST enum pv_code logged_device(struct store *store,
				   const struct store_device *d,
				   struct err *err);
/* A revocation's row, and its cert.revoke. */
PV_MUST enum pv_code logged_revocation(struct store *store,
				       const struct store_revocation *r,
				       struct err *err);
/* The entries that changed a device's state: logged_device() asks this, too. */
PV_MUST enum pv_code logged_state(struct store *store,
				  const struct store_device *d,
				  struct err *err);
/* An open intent of device d: nothing of it may be there already. */
PV_MUST enum pv_code logged_open(struct store *store,
				 const struct store_device *d,
				 const struct store_intent *i, struct err *err);
/* Also that the certificate's entry has that hash; d->has_cert. */
PV_MUST enum pv_code logged_cert(struct store *store,
				 const struct store_device *d, struct span der,
				 struct err *err);
/* The row of a bundle and its entry, without the sealed bytes. */
PV_MUST enum pv_code logged_bundle_row(struct store *store,
				       const struct store_subject *s,
				       const struct store_bundle *b,
				       struct err *err);
PV_MUST enum pv_code logged_bundle(struct store *store,
				   const struct store_subject *s,
				   const struct store_bundle *b,
				   struct span container, struct err *err);
PV_MUST enum pv_code logged_escrow(struct store *store,
				   const struct store_subject *s,
				   const struct store_bundle *b,
				   struct span escrow, struct err *err);

/* The store's tree, as proofs and roots are made from it; borrows store. */
struct log_reader logged_reader(struct store *store);

#endif
