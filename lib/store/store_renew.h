/*
 * store_renew: what rotating needs to know of credentials: what is kept of
 * their requests, and when their certificates end. Codes and the rules of
 * transactions: store.h.
 *
 * Does not check: that what is kept is what the log has of it, that an end is
 * the certificate's (lib/flow does both). The list of ends is a list of where
 * to look, no more.
 */
#ifndef PV_STORE_RENEW_H
#define PV_STORE_RENEW_H

#include "lib/store/store.h"

/* Appends what store_reserve() got with that number; nothing for none. */
PV_MUST static inline enum pv_code store_kept_get(struct store *s,
						  uint32_t number,
						  struct buf *bytes,
						  struct err *err)
{
	return s->ops->kept_get(s, number, bytes, err);
}

/* Lists the credential as one that ends then, in seconds since the epoch; the
 * same again is fine. PV_NOT_FOUND. */
PV_MUST static inline enum pv_code store_ending_put(struct store *s,
						    uint32_t number,
						    int64_t end_s,
						    struct err *err)
{
	return s->ops->ending_put(s, number, end_s, err);
}

/* *has: it is listed as one that ends then. */
PV_MUST static inline enum pv_code store_ending_has(struct store *s,
						    uint32_t number,
						    int64_t end_s, bool *has,
						    struct err *err)
{
	return s->ops->ending_has(s, number, end_s, has, err);
}

/* It is on the list no more; fine when it was not. */
PV_MUST static inline enum pv_code store_ending_drop(struct store *s,
						     uint32_t number,
						     int64_t end_s,
						     struct err *err)
{
	return s->ops->ending_drop(s, number, end_s, err);
}

/* v->fn.ending for those that end until then, behind *after (end and number;
 * zeros: all), by end and number; at most n. */
PV_MUST static inline enum pv_code
store_ending_each(struct store *s, const struct store_ending *after,
		  int64_t until_s, uint64_t n, const struct store_visit *v,
		  struct err *err)
{
	return s->ops->ending_each(s, after, until_s, n, v, err);
}

#endif
