/*
 * tokenkeys: which of the configured tokens has which of our keys. Tokens take
 * over from each other, but a key that is made is on one of them at first; the
 * others get it from its backup, or by the vendor's tool.
 *
 * Does not check: keys that were only ever on one token, as a root's may be:
 * nobody expects them on another.
 */
#ifndef PV_FLOW_TOKENKEYS_H
#define PV_FLOW_TOKENKEYS_H

#include <stdbool.h>

#include "lib/store/store_types.h"

#define TOKENKEYS_NEXT                                                         \
	"bring it there, from its backup (restore-key in a plan) or with "     \
	"the vendor's tool"

struct tokenkeys_row {
	char purpose[STORE_ID_MAX + 1];
	uint32_t generation;
	bool destroyed;
	uint32_t on; /* 1 << N: token number N has it */
};

void tokenkeys_take(struct tokenkeys_row *row, const struct store_key *key);
/*
 * Another token has key number i, and this one has an earlier generation of its
 * purpose only: it takes over no more. *had: the newest of those.
 */
PV_MUST bool tokenkeys_lacks(const struct tokenkeys_row *rows, size_t n,
			     size_t i, size_t token, uint32_t *had);

#endif
