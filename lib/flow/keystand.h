/*
 * keystand: whether a key of our own counts. What init made does, and so does
 * what a rotation put to use, also as the first of its purpose: the log has
 * its key.generate and its key.rotate, and the first checkpoint behind them
 * was signed by a log key that was in force before; of a log key, by the
 * generation before it. Who can write the store can append both entries; that
 * checkpoint takes the token, and whoever signs one has the token show each
 * new key first (keystand_shown()).
 *
 * Keys that are older than the log's first checkpoint are init's. Without a log
 * key entries and rows are compared only.
 *
 * Does not check: the approvals of a rotation (judge.h, acts.h); keys of init,
 * which the token shows at each login (ownkey.h).
 */
#ifndef PV_FLOW_KEYSTAND_H
#define PV_FLOW_KEYSTAND_H

#include "lib/base/note.h"
#include "lib/flow/context.h"
#include "lib/hsm.h"

#define KEYSTAND_LOGS_MAX 16u /* log keys, all generations */

struct keystand_log { /* a log key that counts */
	char purpose[STORE_ID_MAX + 1];
	uint32_t generation;
	uint64_t since; /* its key.rotate; 0: it is init's */
	struct note_key key;
};

struct keystand { /* plain data */
	struct store *store;
	char origin[NOTE_NAME_MAX + 1];
	uint64_t first; /* size of the first checkpoint; UINT64_MAX: none */
	struct keystand_log log[KEYSTAND_LOGS_MAX];
	size_t n;
};

/* How many entries the log's first checkpoint covers, which is init's;
 * UINT64_MAX: there is none yet. PV_STORAGE. */
PV_MUST enum pv_code keystand_first(struct store *store, uint64_t *size,
				    struct err *err);
/* Which log keys count. store is borrowed. PV_INTEGRITY, "log.checkpoint", for
 * more than KEYSTAND_LOGS_MAX; PV_STORAGE. */
PV_MUST enum pv_code keystand_load(struct store *store, struct keystand *ks,
				   struct err *err);
/* PV_INTEGRITY, "log.key", with the label as object: nobody put it to use, or
 * no checkpoint says so; "store.edited": the row is not what was logged, also
 * of a restore. */
PV_MUST enum pv_code keystand_used(const struct keystand *ks,
				   const struct store_key *key,
				   struct err *err);
/* The same of a key that may be prepared only: for who tells others of it. */
PV_MUST enum pv_code keystand_made(const struct keystand *ks,
				   const struct store_key *key,
				   struct err *err);
/* keystand_used() for the key of that label; PV_NOT_FOUND, "context.key". */
PV_MUST enum pv_code keystand_label(struct store *store, const char *label,
				    struct err *err);
/* The same of the key that a CA's row names, which has to be of that CA and
 * generation (PV_INTEGRITY, "log.key"): else a row could name any key that
 * counts; and what its certificate is for (PV_INTEGRITY, "context.key"). */
PV_MUST enum pv_code keystand_ca(struct store *store, const struct store_ca *ca,
				 struct err *err);
/* PV_INTEGRITY, "config.keys": provctl.json names a key that does not count. */
PV_MUST enum pv_code keystand_named(const struct keystand *ks,
				    const struct authority *a, struct err *err);
/*
 * Each key behind the log's first size entries is on that token, as recorded:
 * for who signs a checkpoint over them. A CA's may be on another of several
 * tokens. Codes of ownkey_find().
 */
PV_MUST enum pv_code keystand_shown(const struct authority *a,
				    struct store *store, uint64_t size,
				    struct hsm *hsm, struct err *err);
/* There is none such: for who signs later, and does not look then.
 * PV_CONFLICT, "log.key". */
PV_MUST enum pv_code keystand_none_since(struct store *store, uint64_t size,
					 struct err *err);

#endif
