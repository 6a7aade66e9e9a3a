/* sqlite_attest: the verbs of store_ops.h on attestation. */
#ifndef PV_STORE_SQLITE_ATTEST_H
#define PV_STORE_SQLITE_ATTEST_H

#include "lib/store/sqlite_impl.h"

enum pv_code sqlite_attkey_put(struct store *s, const struct store_attkey *k,
			       struct span entry, struct err *err);
enum pv_code sqlite_attkey_get(struct store *s, const char *device,
			       enum store_attkey_state state,
			       struct store_attkey *k, struct buf *key,
			       bool *found, struct err *err);
enum pv_code sqlite_attkey_each(struct store *s, const struct store_visit *v,
				struct err *err);
enum pv_code sqlite_attkey_owner(struct store *s, const struct store_attkey *k,
				 char device[STORE_ID_MAX + 1],
				 struct err *err);
enum pv_code sqlite_nonce_put(struct store *s, const struct store_nonce *n,
			      struct span entry, struct err *err);
enum pv_code sqlite_nonce_get(struct store *s, const uint8_t hash[STORE_HASH],
			      struct store_nonce *n, bool *found,
			      struct err *err);
enum pv_code sqlite_nonce_count(struct store *s, const char *device,
				uint64_t now_ms, uint64_t *n, struct err *err);
enum pv_code sqlite_nonce_each(struct store *s, const char *device,
			       uint64_t now_ms, const struct store_visit *v,
			       struct err *err);
enum pv_code sqlite_nonce_withdraw(struct store *s,
				   const uint8_t hash[STORE_HASH],
				   struct span entry, struct err *err);
enum pv_code sqlite_evidence_stranger(struct store *s, const char *device,
				      const uint8_t nonce[STORE_HASH],
				      const char *rule, bool *found,
				      struct err *err);
enum pv_code sqlite_evidence_put(struct store *s,
				 const struct store_evidence *x,
				 struct span entry, struct err *err);
enum pv_code sqlite_evidence_find(struct store *s, const char *device,
				  const char *stage, const uint8_t *sha256,
				  struct store_evidence *x, struct buf *seal,
				  bool *found, struct err *err);
enum pv_code sqlite_evidence_newest(struct store *s, const char *device,
				    const char *stage, struct store_evidence *x,
				    struct buf *seal, bool *found,
				    struct err *err);
enum pv_code sqlite_evidence_release(struct store *s, const char *device,
				     const uint8_t sha256[STORE_HASH],
				     struct span entry, struct err *err);
enum pv_code sqlite_evidence_each(struct store *s, const struct store_visit *v,
				  struct err *err);

#endif
