/*
 * keydestroy: a key of the authority that is not needed any more, gone from all
 * its tokens: destroyed, looked for again after a new start, and then recorded
 * with its key.destroy. A key that is back is not called destroyed.
 *
 * What is needed: the key that provctl.json names, the newest that was put to
 * use, and any newer one; of a CA the key until its certificate has ended, since its lists are still to be
 * signed; of the store key what has sealed rows; the KDF master of any device.
 *
 * A crash between token and store leaves a key that is recorded and gone: the
 * same call again records that.
 *
 * Does not check: who wants it so (later.h does); copies that were made with
 * the vendor's tool: they are on tokens that are not the authority's.
 * Specification: formats.md 7.
 */
#ifndef PV_FLOW_KEYDESTROY_H
#define PV_FLOW_KEYDESTROY_H

#include "lib/flow/tokens.h"

struct keydestroy_key {
	struct issue_key key;
	uint32_t generation;
	uint32_t used;	/* of that purpose the newest that was; 0: none */
	bool destroyed; /* it was recorded so before */
};

/* PV_NOT_FOUND, "key.unknown": no key of that purpose has that generation.
 * PV_INTEGRITY, "store.edited": its row is not as it was logged. */
PV_MUST enum pv_code keydestroy_find(struct store *store, const char *purpose,
				     uint32_t generation,
				     struct keydestroy_key *k, struct err *err);
/* PV_CONFLICT, "key.in-use": it is needed, and for what; by provctl.json as it
 * is now. PV_INTEGRITY, "store.edited": a CA's row is not as it was logged. */
PV_MUST enum pv_code keydestroy_check(const struct authority *a,
				      struct store *store,
				      const struct keydestroy_key *k,
				      struct err *err);
/*
 * Of one that may go, token after token: log in, then keydestroy_check() and
 * the end of the key under the store's write lock, which waits for no login,
 * since a person may take their time at a token's pad. All tokens have to
 * answer: PV_HSM_TEMP, and some may have done it; so may they when it is needed
 * again meanwhile (PV_CONFLICT), and the others have it then. So is its row
 * looked at again: PV_INTEGRITY, "store.edited". PV_HSM_FATAL, "hsm.key": its
 * CKA_ID is another key's there; "hsm.not-destroyed". The token that is open before is open after, unless it
 * fails; store: outside a transaction.
 */
PV_MUST enum pv_code keydestroy(struct store *store, struct tokens *tokens,
				const struct keydestroy_key *k,
				struct err *err);

#endif
