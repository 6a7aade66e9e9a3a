/*
 * checkpoint_keys: which keys verify what the log's keys sign: rows of the
 * store, each held against its key.generate entry. Private to checkpoint.
 *
 * Does not check: the token's keys (ownkey_find() does, at each login).
 */
#ifndef PV_FLOW_CHECKPOINT_KEYS_H
#define PV_FLOW_CHECKPOINT_KEYS_H

#include "lib/flow/checkpoint.h"
#include "lib/flow/keystand.h"

/* Starts *base: origin and the keys that count, and nothing else yet. */
PV_MUST enum pv_code checkpoint_keys(const struct authority *a,
				     struct store *store,
				     const struct keystand *stand,
				     struct checkpoint_base *base,
				     struct err *err);
/*
 * Each of them is one that the log says was made, under base->last's root when
 * that has an entry. PV_INTEGRITY, "store.edited" or "log.proof", with the
 * key's label as object.
 */
PV_MUST enum pv_code checkpoint_keys_logged(struct store *store,
					    const struct checkpoint_base *base,
					    struct err *err);
/* PV_INTEGRITY, "config.keys": the configuration does not name those that sign
 * now. After the store's rows were held against the log. */
PV_MUST enum pv_code checkpoint_keys_named(const struct authority *a,
					   struct store *store,
					   struct err *err);

#endif
