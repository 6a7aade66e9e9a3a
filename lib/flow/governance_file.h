/*
 * governance_file: HOME/governance, how far the chain of what people decided
 * came (governance.h), as a signed note of the log's keys. Its text has six
 * lines: "provctl/governance/v1", "log ORIGIN", "size N", "head INDEX" or
 * "head -", "chain HEX", "rows HEX".
 *
 * Does not check: that the store's log says so; that it is the newest that was
 * signed (what came since is found in the log itself).
 */
#ifndef PV_FLOW_GOVERNANCE_FILE_H
#define PV_FLOW_GOVERNANCE_FILE_H

#include "lib/flow/authority.h"
#include "lib/log/checkpoint.h"
#include "lib/log/govern.h"
#include "lib/store/store.h"

#define GOVERNANCE_FILE "governance"
/* Entries to be read when a store is opened; some hundred microseconds. */
#define GOVERNANCE_BEHIND 1024u
/* Name of what it is, origin, two numbers and two hashes. */
#define GOVERNANCE_TEXT_MAX (NOTE_NAME_MAX + 256u)

struct checkpoint_base;
struct checkpoint_ask;

struct governance { /* the chain up to a size of the log */
	uint64_t size;
	uint64_t head; /* index of its newest entry, or LOG_NO_PREV */
	/* Over the leaf hashes of all of them, each with what was before. */
	uint8_t chain[LOG_HASH];
	/* Over that and all that the store has of them, when each row was held
	 * against the log: as long as it is the same, none need be again. */
	uint8_t rows[LOG_HASH];
};
#define GOVERNANCE_INIT                                                        \
	{                                                                      \
		.head = LOG_NO_PREV                                            \
	}

/* Appends the text. */
void governance_put(const char *origin, const struct governance *g,
		    struct buf *out);
/* HOME/governance, verified; *found is false when there is none, and g then
 * the empty chain. PV_INTEGRITY; PV_DENIED. */
PV_MUST enum pv_code governance_read(const struct authority *a,
				     const struct checkpoint_base *base,
				     struct governance *g, bool *found,
				     struct err *err);
/*
 * Verifies what a signer sent of that, and writes HOME/governance unless it
 * came as far, under the store's write lock. Nothing was asked and an empty
 * note came: PV_OK.
 */
PV_MUST enum pv_code governance_keep(const struct authority *a,
				     struct store *store,
				     struct checkpoint_base *base,
				     const struct checkpoint_ask *ask,
				     struct span note, struct err *err);

#endif
