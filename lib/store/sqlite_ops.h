/* sqlite_ops: the verbs of store_ops.h, for the table in sqlite_open.c. */
#ifndef PV_STORE_SQLITE_OPS_H
#define PV_STORE_SQLITE_OPS_H

#include "lib/store/sqlite_impl.h"

enum pv_code sqlite_settle(struct store *s, struct err *err);
enum pv_code sqlite_check(struct store *s, struct err *err);
enum pv_code sqlite_meta(struct store *s, struct store_meta *meta,
			 struct err *err);
enum pv_code sqlite_counts(struct store *s, struct store_counts *c,
			   struct err *err);
enum pv_code sqlite_ca_put(struct store *s, const struct store_ca *ca,
			   struct err *err);
enum pv_code sqlite_ca_each(struct store *s, const char *name,
			    const struct store_visit *v, struct err *err);
enum pv_code sqlite_ca_move(struct store *s, const char *name, uint32_t gen,
			    uint64_t active_ms, uint64_t at, struct err *err);
enum pv_code sqlite_key_put(struct store *s, const struct store_key *key,
			    struct err *err);
enum pv_code sqlite_key_each(struct store *s, const struct store_visit *v,
			     struct err *err);
enum pv_code sqlite_key_destroy(struct store *s, const char *label,
				uint64_t index, struct err *err);
enum pv_code sqlite_key_rotate(struct store *s, const char *label,
			       uint64_t index, struct err *err);
enum pv_code sqlite_key_restore(struct store *s, const char *label,
				uint64_t index, struct err *err);
enum pv_code sqlite_template_put(struct store *s,
				 const struct store_template *t, bool *existing,
				 struct err *err);
enum pv_code sqlite_template_each(struct store *s, const char *name,
				  const uint8_t *sha256,
				  const struct store_visit *v, struct err *err);
enum pv_code sqlite_template_open(struct store *s, const char *name,
				  const struct store_visit *v, struct err *err);
enum pv_code sqlite_manifest_put(struct store *s,
				 const uint8_t sha256[STORE_HASH],
				 const char *stage, uint64_t sequence,
				 struct span bytes, struct err *err);
enum pv_code sqlite_manifest_replace(struct store *s,
				     const uint8_t sha256[STORE_HASH],
				     const char *stage, uint64_t sequence,
				     struct span bytes, struct err *err);
enum pv_code sqlite_manifest_get(struct store *s,
				 const uint8_t sha256[STORE_HASH],
				 const char *stage, uint64_t *sequence,
				 struct buf *bytes, bool *found,
				 struct err *err);
enum pv_code sqlite_checkpoint_put(struct store *store, uint64_t size,
				   struct span note, struct err *err);
enum pv_code sqlite_checkpoint_each(struct store *store, uint64_t from,
				    const struct store_visit *v,
				    struct err *err);
enum pv_code sqlite_checkpoint_last(struct store *store, uint64_t *size,
				    struct buf *note, bool *found,
				    struct err *err);
enum pv_code sqlite_datakey_put(struct store *s, const uint8_t id[STORE_UUID],
				struct span sealed, struct err *err);
enum pv_code sqlite_datakey_count(struct store *s, const uint8_t by[STORE_UUID],
				  uint64_t *n, struct err *err);
enum pv_code sqlite_datakey_get(struct store *s, const uint8_t id[STORE_UUID],
				struct buf *sealed, bool *found,
				struct err *err);
enum pv_code sqlite_serial_lend(struct store *s, uint32_t n, uint32_t *first,
				struct err *err);
enum pv_code sqlite_reserve(struct store *s, const struct store_intent *i,
			    uint64_t *index, struct err *err);
enum pv_code sqlite_complete(struct store *s, const struct store_result *r,
			     struct err *err);
enum pv_code sqlite_quarantine(struct store *s, uint32_t number,
			       struct span entry, struct err *err);
enum pv_code sqlite_device_find(struct store *s, enum store_by by,
				const char *id, struct store_device *d,
				bool *found, struct err *err);
enum pv_code sqlite_device_number(struct store *s, uint32_t number,
				  struct store_device *d, bool *found,
				  struct err *err);
enum pv_code sqlite_spki_owner(struct store *s,
			       const uint8_t sha256[STORE_HASH],
			       struct store_owner *owner, struct err *err);
enum pv_code sqlite_cert_get(struct store *s, uint32_t number, struct buf *der,
			     struct err *err);
enum pv_code sqlite_bundle_each(struct store *s, uint32_t number,
				const struct store_visit *v, struct err *err);
enum pv_code sqlite_bundle_find(struct store *s, const uint8_t id[STORE_UUID],
				struct store_bundle *b, bool *found,
				struct err *err);
enum pv_code sqlite_intent_each(struct store *s, const struct store_visit *v,
				struct err *err);
enum pv_code sqlite_intent_get(struct store *s, uint32_t number,
			       const struct store_visit *v, struct err *err);
enum pv_code sqlite_device_each(struct store *s, uint32_t from,
				const struct store_visit *v, struct err *err);
enum pv_code sqlite_released_since(struct store *s,
				   const uint8_t template_sha256[STORE_HASH],
				   uint64_t since_ms, uint64_t *count,
				   struct err *err);
enum pv_code sqlite_rate_since(struct store *s,
			       const uint8_t template_sha256[STORE_HASH],
			       uint64_t since_ms, uint64_t *count,
			       struct err *err);
enum pv_code sqlite_order_count(struct store *s, const char *order,
				struct store_order_count *count,
				struct err *err);
enum pv_code sqlite_sealed_append(struct store *s, struct span bytes,
				  uint64_t *offset, struct err *err);
enum pv_code sqlite_sealed_read(struct store *s, uint64_t offset, uint64_t len,
				struct buf *out, struct err *err);
enum pv_code sqlite_log_append(struct store *s, struct span entry,
			       uint64_t *index, struct err *err);
enum pv_code sqlite_log_size(struct store *s, uint64_t *size, struct err *err);
enum pv_code sqlite_log_root(struct store *s, uint64_t *size,
			     uint8_t root[STORE_HASH], struct err *err);
enum pv_code sqlite_log_each(struct store *s, uint64_t from, uint64_t n,
			     const struct store_visit *v, struct err *err);
enum pv_code sqlite_log_hash(struct store *s, unsigned level, uint64_t index,
			     uint8_t hash[STORE_HASH], struct err *err);

#endif
