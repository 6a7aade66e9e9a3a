/* sqlite_lifecycle: the verbs of store_ops.h on what follows an issue. */
#ifndef PV_STORE_SQLITE_LIFECYCLE_H
#define PV_STORE_SQLITE_LIFECYCLE_H

#include "lib/store/sqlite_impl.h"

/* ---- shared by their files ---- */

/* PV_NOT_FOUND, "store.ca". */
PV_MUST enum pv_code sqlite_ca_id(struct sqlite_store *s, const char *name,
				  uint32_t generation, uint64_t *id,
				  uint32_t *shards, struct err *err);
/* The first credential of a device. */
PV_MUST enum pv_code sqlite_first_find(struct store *s, const char *device,
				       struct store_device *d, bool *found,
				       struct err *err);
/* i replaces another credential: *first gets the number of the first one. */
PV_MUST enum pv_code sqlite_renewal_check(struct sqlite_store *s,
					  const struct store_subject *b,
					  uint32_t *first, struct err *err);
PV_MUST enum pv_code sqlite_renewal_put(struct sqlite_store *s,
					const struct store_subject *b,
					uint32_t first, uint64_t index,
					struct err *err);
PV_MUST enum pv_code sqlite_kept_put(struct sqlite_store *s, uint32_t number,
				     struct span bytes, struct err *err);
/* PV_INTEGRITY unless chains of credentials agree with themselves. */
PV_MUST enum pv_code sqlite_chains_check(struct sqlite_store *s,
					 struct err *err);
/* Erases the sealed bytes of what is retired, if any are left. No transaction
 * may be open. Who cannot leaves it to the next that opens the store:
 * store_retired_count() says that there is something left. */
void sqlite_retired_finish(struct sqlite_store *s);

/* ---- verbs ---- */

enum pv_code sqlite_crosscert_put(struct store *s,
				  const struct store_crosscert *x,
				  struct err *err);
enum pv_code sqlite_crosscert_each(struct store *s, const char *ca,
				   const struct store_visit *v,
				   struct err *err);
enum pv_code sqlite_history_each(struct store *s, const char *device,
				 const struct store_visit *v, struct err *err);
enum pv_code sqlite_go_back(struct store *s, uint32_t number, struct span entry,
			    struct err *err);
enum pv_code sqlite_left(struct store *s, uint32_t number, uint64_t *index,
			 struct err *err);
enum pv_code sqlite_receipt_put(struct store *s, const struct store_receipt *r,
				struct span entry, struct err *err);
enum pv_code sqlite_receipt_each(struct store *s, uint32_t number,
				 const struct store_visit *v, struct err *err);
enum pv_code sqlite_bundles_add(struct store *s, uint32_t number,
				const struct store_bundle *bundles, size_t n,
				struct err *err);
enum pv_code sqlite_kept_get(struct store *s, uint32_t number,
			     struct buf *bytes, struct err *err);
enum pv_code sqlite_ending_put(struct store *s, uint32_t number, int64_t end_s,
			       struct err *err);
enum pv_code sqlite_ending_has(struct store *s, uint32_t number, int64_t end_s,
			       bool *has, struct err *err);
enum pv_code sqlite_ending_drop(struct store *s, uint32_t number, int64_t end_s,
				struct err *err);
enum pv_code sqlite_ending_each(struct store *s,
				const struct store_ending *after,
				int64_t until_s, uint64_t n,
				const struct store_visit *v, struct err *err);
enum pv_code sqlite_retire(struct store *s, uint32_t first, struct span entry,
			   struct err *err);
enum pv_code sqlite_retired_count(struct store *s, uint64_t *retired,
				  uint64_t *pending, struct err *err);
enum pv_code sqlite_revoke(struct store *s, const struct store_revocation *r,
			   struct span entry, struct err *err);
enum pv_code sqlite_revoke_ca(struct store *s, const struct store_revocation *r,
			      struct span entry, struct err *err);
enum pv_code sqlite_unhold(struct store *s, uint32_t number, struct span entry,
			   struct err *err);
enum pv_code sqlite_revocation_get(struct store *s, uint32_t number,
				   struct store_revocation *r, bool *found,
				   struct err *err);
enum pv_code sqlite_revocation_each(struct store *s, const char *ca,
				    uint32_t generation, uint32_t shard,
				    uint32_t from, const struct store_visit *v,
				    struct err *err);
enum pv_code sqlite_crl_reserve(struct store *s, const struct store_crl *c,
				struct span entry, struct err *err);
enum pv_code sqlite_crl_complete(struct store *s, const struct store_crl *c,
				 struct span entry, struct err *err);
enum pv_code sqlite_crl_void(struct store *s, const struct store_crl *c,
			     struct span entry, struct err *err);
enum pv_code sqlite_crl_get(struct store *s, const struct store_crl *key,
			    enum store_crl_which which,
			    const struct store_visit *v, bool *found,
			    struct err *err);
enum pv_code sqlite_crl_each(struct store *s, enum store_crl_which which,
			     const struct store_visit *v, struct err *err);

#endif
