/* sqlite_people: the verbs of store_ops.h on what people decide. */
#ifndef PV_STORE_SQLITE_PEOPLE_H
#define PV_STORE_SQLITE_PEOPLE_H

#include "lib/store/sqlite_impl.h"

enum pv_code sqlite_governance_head(struct store *s, uint64_t *index,
				    struct err *err);
enum pv_code sqlite_governance_last(struct store *s, const char *kind,
				    uint64_t *index, struct err *err);
enum pv_code sqlite_governance_each(struct store *s, uint64_t from,
				    const struct store_visit *v,
				    struct err *err);
enum pv_code sqlite_governance_add(struct store *s, struct span entry,
				   uint64_t *index, struct err *err);
enum pv_code sqlite_people_count(struct store *s, struct store_people_counts *c,
				 struct err *err);
enum pv_code sqlite_people_digest(struct store *s, uint8_t *out,
				  struct err *err);
enum pv_code sqlite_roster_put(struct store *s, uint64_t version,
			       struct span bytes, struct span entry,
			       struct err *err);
enum pv_code sqlite_roster_get(struct store *s, uint64_t version,
			       struct store_roster *r, struct buf *bytes,
			       bool *found, struct err *err);
enum pv_code sqlite_approval_use(struct store *s,
				 const uint8_t nonce[STORE_NONCE],
				 struct span note, struct span entry,
				 struct err *err);
enum pv_code sqlite_approval_get(struct store *s,
				 const uint8_t nonce[STORE_NONCE],
				 struct store_approval *a, struct buf *note,
				 bool *found, struct err *err);
enum pv_code sqlite_approval_each(struct store *s, const struct store_visit *v,
				  struct err *err);
enum pv_code sqlite_order_open(struct store *s, const struct store_order *o,
			       struct span entry, struct err *err);
enum pv_code sqlite_order_close(struct store *s, const char *name,
				struct span note, struct span entry,
				struct err *err);
enum pv_code sqlite_order_get(struct store *s, const char *name,
			      const struct store_visit *v, bool *found,
			      struct err *err);
enum pv_code sqlite_held_next(struct store *s, uint64_t *id, struct err *err);
enum pv_code sqlite_held_put(struct store *s, const struct store_held *h,
			     struct span entry, uint64_t *id, struct err *err);
enum pv_code sqlite_held_decide(struct store *s, uint64_t id,
				enum store_held_state state, struct span entry,
				struct err *err);
enum pv_code sqlite_held_any(struct store *s, const char *device, bool *held,
			     struct err *err);
enum pv_code sqlite_held_count(struct store *s, struct span head, uint64_t *n,
			       struct err *err);
enum pv_code sqlite_held_of(struct store *s, const char *device,
			    const struct store_visit *v, struct err *err);
enum pv_code sqlite_held_get(struct store *s, uint64_t id,
			     const struct store_visit *v, bool *found,
			     struct err *err);
enum pv_code sqlite_secret_put(struct store *s, const char *name,
			       uint64_t version, struct span sealed,
			       struct span entry, struct err *err);
enum pv_code sqlite_secret_destroy(struct store *s, const char *name,
				   uint64_t version, struct span entry,
				   struct err *err);
enum pv_code sqlite_secret_get(struct store *s, const char *name,
			       uint64_t version, struct store_secret *row,
			       struct buf *sealed, bool *found,
			       struct err *err);
enum pv_code sqlite_secret_each(struct store *s, const struct store_visit *v,
				struct err *err);

#endif
