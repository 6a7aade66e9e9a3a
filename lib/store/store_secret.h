/*
 * store_secret: the authority's stored secrets, sealed (formats.md 9), opaque
 * here. Codes and the rules of transactions: store.h; of entries:
 * store_people.h.
 */
#ifndef PV_STORE_SECRET_H
#define PV_STORE_SECRET_H

#include "lib/store/store.h"

/* Version 1 with a secret.add, the next one with a secret.rotate. PV_CONFLICT,
 * "store.secret", for any but newest + 1. */
PV_MUST static inline enum pv_code
store_secret_put(struct store *s, const char *name, uint64_t version,
		 struct span sealed, struct span entry, struct err *err)
{
	return s->ops->secret_put(s, name, version, sealed, entry, err);
}

/* Deletes the sealed bytes, which are gone from the backend's files once the
 * handle is closed and no other reads an earlier state. PV_NOT_FOUND, or
 * PV_CONFLICT when they are gone: "store.secret". */
PV_MUST static inline enum pv_code
store_secret_destroy(struct store *s, const char *name, uint64_t version,
		     struct span entry, struct err *err)
{
	return s->ops->secret_destroy(s, name, version, entry, err);
}

/* Version 0: the newest, also when it was destroyed. Appends to sealed when
 * *found and it is there; row->sealed stays empty. */
PV_MUST static inline enum pv_code
store_secret_get(struct store *s, const char *name, uint64_t version,
		 struct store_secret *row, struct buf *sealed, bool *found,
		 struct err *err)
{
	return s->ops->secret_get(s, name, version, row, sealed, found, err);
}

/* v->fn.secret for each version of each, by name and version. */
PV_MUST static inline enum pv_code
store_secret_each(struct store *s, const struct store_visit *v, struct err *err)
{
	return s->ops->secret_each(s, v, err);
}

#endif
