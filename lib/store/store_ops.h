/*
 * store_ops: the interface that a backend implements. What each verb means
 * stands at its wrapper: store.h, store_device.h, store_log.h and the other
 * store_*.h.
 */
#ifndef PV_STORE_OPS_H
#define PV_STORE_OPS_H

#include "lib/store/store_attest_types.h"
#include "lib/store/store_lifecycle_types.h"
#include "lib/store/store_people_types.h"

enum store_mode { STORE_READ, STORE_WRITE };

struct store {
	const struct store_ops *ops; /* a backend embeds struct store first */
	uint64_t step_max_ms; /* between two entries of the log; 0: any */
	uint64_t witness_ms;  /* no event before it; 0: nobody says so */
	/* The officer who acts through this handle; "": the process's user. */
	char actor[STORE_ID_MAX + 1];
};

/* For iterations: any code but PV_OK ends them and is returned. A callback
 * may use the same store, also to iterate, but not end the transaction. */
struct store_visit {
	void *ctx;
	union {
		enum pv_code (*ca)(void *ctx, const struct store_ca *ca,
				   struct err *err);
		enum pv_code (*key)(void *ctx, const struct store_key *key,
				    struct err *err);
		enum pv_code (*template)(void *ctx,
					 const struct store_template *t,
					 struct err *err);
		enum pv_code (*intent)(void *ctx, const struct store_intent *i,
				       struct err *err);
		enum pv_code (*device)(void *ctx, const struct store_device *d,
				       struct span cert, struct err *err);
		enum pv_code (*bundle)(void *ctx, const struct store_bundle *b,
				       struct err *err);
		enum pv_code (*entry)(void *ctx, uint64_t index,
				      struct span entry, struct err *err);
		enum pv_code (*checkpoint)(void *ctx, uint64_t size,
					   struct span note, struct err *err);
		enum pv_code (*governance)(void *ctx,
					   const struct store_governance *g,
					   struct err *err);
		enum pv_code (*approval)(void *ctx,
					 const struct store_approval *a,
					 struct err *err);
		enum pv_code (*order)(void *ctx, const struct store_order *o,
				      struct err *err);
		enum pv_code (*held)(void *ctx, const struct store_held *h,
				     struct err *err);
		enum pv_code (*secret)(void *ctx, const struct store_secret *x,
				       struct err *err);
		enum pv_code (*revocation)(void *ctx,
					   const struct store_revocation *r,
					   struct err *err);
		enum pv_code (*crl)(void *ctx, const struct store_crl *c,
				    struct err *err);
		enum pv_code (*receipt)(void *ctx,
					const struct store_receipt *r,
					struct err *err);
		enum pv_code (*ending)(void *ctx, const struct store_ending *e,
				       struct err *err);
		enum pv_code (*crosscert)(void *ctx,
					  const struct store_crosscert *x,
					  struct err *err);
		enum pv_code (*attkey)(void *ctx, const struct store_attkey *k,
				       struct err *err);
		enum pv_code (*nonce)(void *ctx, const struct store_nonce *n,
				      struct err *err);
		enum pv_code (*evidence)(void *ctx,
					 const struct store_evidence *x,
					 struct err *err);
	} fn;
};

enum store_by { STORE_BY_DEVICE, STORE_BY_REQUEST };

struct store_ops {
	enum pv_code (*begin)(struct store *s, enum store_mode mode,
			      struct err *err);
	enum pv_code (*commit)(struct store *s, struct err *err);
	enum pv_code (*settle)(struct store *s, struct err *err);
	void (*rollback)(struct store *s);
	void (*close)(struct store *s);
	enum pv_code (*check)(struct store *s, struct err *err);
	enum pv_code (*meta)(struct store *s, struct store_meta *meta,
			     struct err *err);
	enum pv_code (*counts)(struct store *s, struct store_counts *c,
			       struct err *err);

	enum pv_code (*ca_put)(struct store *s, const struct store_ca *ca,
			       struct err *err);
	enum pv_code (*ca_each)(struct store *s, const char *name,
				const struct store_visit *v, struct err *err);
	enum pv_code (*ca_move)(struct store *s, const char *name,
				uint32_t generation, uint64_t active_ms,
				uint64_t index, struct err *err);
	enum pv_code (*key_put)(struct store *s, const struct store_key *key,
				struct err *err);
	enum pv_code (*key_each)(struct store *s, const struct store_visit *v,
				 struct err *err);
	enum pv_code (*key_rotate)(struct store *s, const char *label,
				   uint64_t index, struct err *err);
	enum pv_code (*key_restore)(struct store *s, const char *label,
				    uint64_t index, struct err *err);
	enum pv_code (*key_destroy)(struct store *s, const char *label,
				    uint64_t index, struct err *err);
	enum pv_code (*template_put)(struct store *s,
				     const struct store_template *t,
				     bool *existing, struct err *err);
	enum pv_code (*template_each)(struct store *s, const char *name,
				      const uint8_t *sha256,
				      const struct store_visit *v,
				      struct err *err);
	enum pv_code (*template_open)(struct store *s, const char *name,
				      const struct store_visit *v,
				      struct err *err);
	enum pv_code (*manifest_put)(struct store *s,
				     const uint8_t sha256[STORE_HASH],
				     const char *stage, uint64_t sequence,
				     struct span bytes, struct err *err);
	enum pv_code (*manifest_replace)(struct store *s,
					 const uint8_t sha256[STORE_HASH],
					 const char *stage, uint64_t sequence,
					 struct span bytes, struct err *err);
	enum pv_code (*manifest_get)(struct store *s,
				     const uint8_t sha256[STORE_HASH],
				     const char *stage, uint64_t *sequence,
				     struct buf *bytes, bool *found,
				     struct err *err);
	enum pv_code (*datakey_put)(struct store *s,
				    const uint8_t id[STORE_UUID],
				    struct span sealed, struct err *err);
	enum pv_code (*datakey_get)(struct store *s,
				    const uint8_t id[STORE_UUID],
				    struct buf *sealed, bool *found,
				    struct err *err);
	enum pv_code (*datakey_count)(struct store *s,
				      const uint8_t by[STORE_UUID], uint64_t *n,
				      struct err *err);

	enum pv_code (*serial_lend)(struct store *s, uint32_t n,
				    uint32_t *first, struct err *err);
	enum pv_code (*reserve)(struct store *s, const struct store_intent *i,
				uint64_t *index, struct err *err);
	enum pv_code (*complete)(struct store *s, const struct store_result *r,
				 struct err *err);
	enum pv_code (*bundles_add)(struct store *s, uint32_t number,
				    const struct store_bundle *bundles,
				    size_t n, struct err *err);
	enum pv_code (*quarantine)(struct store *s, uint32_t number,
				   struct span entry, struct err *err);
	enum pv_code (*device_find)(struct store *s, enum store_by by,
				    const char *id, struct store_device *d,
				    bool *found, struct err *err);
	enum pv_code (*device_number)(struct store *s, uint32_t number,
				      struct store_device *d, bool *found,
				      struct err *err);
	enum pv_code (*spki_owner)(struct store *s,
				   const uint8_t sha256[STORE_HASH],
				   struct store_owner *owner, struct err *err);
	enum pv_code (*cert_get)(struct store *s, uint32_t number,
				 struct buf *der, struct err *err);
	enum pv_code (*bundle_each)(struct store *s, uint32_t number,
				    const struct store_visit *v,
				    struct err *err);
	enum pv_code (*bundle_find)(struct store *s,
				    const uint8_t id[STORE_UUID],
				    struct store_bundle *b, bool *found,
				    struct err *err);
	enum pv_code (*intent_each)(struct store *s,
				    const struct store_visit *v,
				    struct err *err);
	enum pv_code (*intent_get)(struct store *s, uint32_t number,
				   const struct store_visit *v,
				   struct err *err);
	enum pv_code (*device_each)(struct store *s, uint32_t from,
				    const struct store_visit *v,
				    struct err *err);
	enum pv_code (*rate_since)(struct store *s,
				   const uint8_t template_sha256[STORE_HASH],
				   uint64_t since_ms, uint64_t *count,
				   struct err *err);
	enum pv_code (*released_since)(
		struct store *s, const uint8_t template_sha256[STORE_HASH],
		uint64_t since_ms, uint64_t *count, struct err *err);
	enum pv_code (*order_count)(struct store *s, const char *order,
				    struct store_order_count *count,
				    struct err *err);

	enum pv_code (*sealed_append)(struct store *s, struct span bytes,
				      uint64_t *offset, struct err *err);
	enum pv_code (*sealed_read)(struct store *s, uint64_t offset,
				    uint64_t len, struct buf *out,
				    struct err *err);
	enum pv_code (*log_append)(struct store *s, struct span entry,
				   uint64_t *index, struct err *err);
	enum pv_code (*log_size)(struct store *s, uint64_t *size,
				 struct err *err);
	enum pv_code (*log_root)(struct store *s, uint64_t *size,
				 uint8_t root[STORE_HASH], struct err *err);
	enum pv_code (*log_each)(struct store *s, uint64_t from, uint64_t n,
				 const struct store_visit *v, struct err *err);
	enum pv_code (*log_hash)(struct store *s, unsigned level,
				 uint64_t index, uint8_t hash[STORE_HASH],
				 struct err *err);
	enum pv_code (*checkpoint_put)(struct store *s, uint64_t size,
				       struct span note, struct err *err);
	enum pv_code (*checkpoint_each)(struct store *s, uint64_t from,
					const struct store_visit *v,
					struct err *err);
	enum pv_code (*checkpoint_last)(struct store *s, uint64_t *size,
					struct buf *note, bool *found,
					struct err *err);

	enum pv_code (*governance_head)(struct store *s, uint64_t *index,
					struct err *err);
	enum pv_code (*governance_last)(struct store *s, const char *kind,
					uint64_t *index, struct err *err);
	enum pv_code (*governance_each)(struct store *s, uint64_t from,
					const struct store_visit *v,
					struct err *err);
	enum pv_code (*governance_add)(struct store *s, struct span entry,
				       uint64_t *index, struct err *err);
	enum pv_code (*people_count)(struct store *s,
				     struct store_people_counts *c,
				     struct err *err);
	enum pv_code (*people_digest)(struct store *s, uint8_t *out,
				      struct err *err);
	enum pv_code (*roster_put)(struct store *s, uint64_t version,
				   struct span bytes, struct span entry,
				   struct err *err);
	enum pv_code (*roster_get)(struct store *s, uint64_t version,
				   struct store_roster *r, struct buf *bytes,
				   bool *found, struct err *err);
	enum pv_code (*approval_use)(struct store *s,
				     const uint8_t nonce[STORE_NONCE],
				     struct span note, struct span entry,
				     struct err *err);
	enum pv_code (*approval_get)(struct store *s,
				     const uint8_t nonce[STORE_NONCE],
				     struct store_approval *a, struct buf *note,
				     bool *found, struct err *err);
	enum pv_code (*approval_each)(struct store *s,
				      const struct store_visit *v,
				      struct err *err);
	enum pv_code (*order_open)(struct store *s, const struct store_order *o,
				   struct span entry, struct err *err);
	enum pv_code (*order_close)(struct store *s, const char *name,
				    struct span note, struct span entry,
				    struct err *err);
	/* name NULL: each; then found is NULL. */
	enum pv_code (*order_get)(struct store *s, const char *name,
				  const struct store_visit *v, bool *found,
				  struct err *err);
	enum pv_code (*held_next)(struct store *s, uint64_t *id,
				  struct err *err);
	enum pv_code (*held_put)(struct store *s, const struct store_held *h,
				 struct span entry, uint64_t *id,
				 struct err *err);
	enum pv_code (*held_decide)(struct store *s, uint64_t id,
				    enum store_held_state state,
				    struct span entry, struct err *err);
	enum pv_code (*held_any)(struct store *s, const char *device,
				 bool *held, struct err *err);
	enum pv_code (*held_count)(struct store *s, struct span head,
				   uint64_t *n, struct err *err);
	enum pv_code (*held_of)(struct store *s, const char *device,
				const struct store_visit *v, struct err *err);
	/* id 0: each; then found is NULL. */
	enum pv_code (*held_get)(struct store *s, uint64_t id,
				 const struct store_visit *v, bool *found,
				 struct err *err);
	enum pv_code (*secret_put)(struct store *s, const char *name,
				   uint64_t version, struct span sealed,
				   struct span entry, struct err *err);
	enum pv_code (*secret_destroy)(struct store *s, const char *name,
				       uint64_t version, struct span entry,
				       struct err *err);
	enum pv_code (*secret_get)(struct store *s, const char *name,
				   uint64_t version, struct store_secret *row,
				   struct buf *sealed, bool *found,
				   struct err *err);
	enum pv_code (*secret_each)(struct store *s,
				    const struct store_visit *v,
				    struct err *err);

	enum pv_code (*crosscert_put)(struct store *s,
				      const struct store_crosscert *x,
				      struct err *err);
	enum pv_code (*crosscert_each)(struct store *s, const char *ca,
				       const struct store_visit *v,
				       struct err *err);
	enum pv_code (*history_each)(struct store *s, const char *device,
				     const struct store_visit *v,
				     struct err *err);
	enum pv_code (*go_back)(struct store *s, uint32_t number,
				struct span entry, struct err *err);
	enum pv_code (*left)(struct store *s, uint32_t number, uint64_t *index,
			     struct err *err);
	enum pv_code (*receipt_put)(struct store *s,
				    const struct store_receipt *r,
				    struct span entry, struct err *err);
	enum pv_code (*receipt_each)(struct store *s, uint32_t number,
				     const struct store_visit *v,
				     struct err *err);
	enum pv_code (*kept_get)(struct store *s, uint32_t number,
				 struct buf *bytes, struct err *err);
	enum pv_code (*ending_put)(struct store *s, uint32_t number,
				   int64_t end_s, struct err *err);
	enum pv_code (*ending_has)(struct store *s, uint32_t number,
				   int64_t end_s, bool *has, struct err *err);
	enum pv_code (*ending_drop)(struct store *s, uint32_t number,
				    int64_t end_s, struct err *err);
	enum pv_code (*ending_each)(struct store *s,
				    const struct store_ending *after,
				    int64_t until_s, uint64_t n,
				    const struct store_visit *v,
				    struct err *err);
	enum pv_code (*retire)(struct store *s, uint32_t first,
			       struct span entry, struct err *err);
	enum pv_code (*retired_count)(struct store *s, uint64_t *retired,
				      uint64_t *pending, struct err *err);
	enum pv_code (*revoke)(struct store *s,
			       const struct store_revocation *r,
			       struct span entry, struct err *err);
	enum pv_code (*revoke_ca)(struct store *s,
				  const struct store_revocation *r,
				  struct span entry, struct err *err);
	enum pv_code (*unhold)(struct store *s, uint32_t number,
			       struct span entry, struct err *err);
	enum pv_code (*revocation_get)(struct store *s, uint32_t number,
				       struct store_revocation *r, bool *found,
				       struct err *err);
	enum pv_code (*revocation_each)(struct store *s, const char *ca,
					uint32_t generation, uint32_t shard,
					uint32_t from,
					const struct store_visit *v,
					struct err *err);
	enum pv_code (*crl_reserve)(struct store *s, const struct store_crl *c,
				    struct span entry, struct err *err);
	enum pv_code (*crl_complete)(struct store *s, const struct store_crl *c,
				     struct span entry, struct err *err);
	enum pv_code (*crl_void)(struct store *s, const struct store_crl *c,
				 struct span entry, struct err *err);
	enum pv_code (*crl_get)(struct store *s, const struct store_crl *key,
				enum store_crl_which which,
				const struct store_visit *v, bool *found,
				struct err *err);
	enum pv_code (*crl_each)(struct store *s, enum store_crl_which which,
				 const struct store_visit *v, struct err *err);
	enum pv_code (*attkey_put)(struct store *s,
				   const struct store_attkey *k,
				   struct span entry, struct err *err);
	enum pv_code (*attkey_get)(struct store *s, const char *device,
				   enum store_attkey_state state,
				   struct store_attkey *k, struct buf *key,
				   bool *found, struct err *err);
	enum pv_code (*attkey_each)(struct store *s,
				    const struct store_visit *v,
				    struct err *err);
	enum pv_code (*attkey_owner)(struct store *s,
				     const struct store_attkey *k,
				     char device[STORE_ID_MAX + 1],
				     struct err *err);
	enum pv_code (*nonce_put)(struct store *s, const struct store_nonce *n,
				  struct span entry, struct err *err);
	enum pv_code (*nonce_get)(struct store *s,
				  const uint8_t hash[STORE_HASH],
				  struct store_nonce *n, bool *found,
				  struct err *err);
	enum pv_code (*nonce_count)(struct store *s, const char *device,
				    uint64_t now_ms, uint64_t *n,
				    struct err *err);
	/* device NULL: all there ever were. */
	enum pv_code (*nonce_each)(struct store *s, const char *device,
				   uint64_t now_ms, const struct store_visit *v,
				   struct err *err);
	enum pv_code (*nonce_withdraw)(struct store *s,
				       const uint8_t hash[STORE_HASH],
				       struct span entry, struct err *err);
	enum pv_code (*evidence_put)(struct store *s,
				     const struct store_evidence *x,
				     struct span entry, struct err *err);
	enum pv_code (*evidence_find)(struct store *s, const char *device,
				      const char *stage, const uint8_t *sha256,
				      struct store_evidence *x,
				      struct buf *seal, bool *found,
				      struct err *err);
	enum pv_code (*evidence_stranger)(struct store *s, const char *device,
					  const uint8_t nonce[STORE_HASH],
					  const char *rule, bool *found,
					  struct err *err);
	enum pv_code (*evidence_newest)(struct store *s, const char *device,
					const char *stage,
					struct store_evidence *x,
					struct buf *seal, bool *found,
					struct err *err);
	enum pv_code (*evidence_release)(struct store *s, const char *device,
					 const uint8_t sha256[STORE_HASH],
					 struct span entry, struct err *err);
	enum pv_code (*evidence_each)(struct store *s,
				      const struct store_visit *v,
				      struct err *err);
};

#endif
