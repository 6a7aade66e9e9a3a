/*
 * secretsalt: what ties the approvals of a stored secret to its value. Officers
 * approve HMAC-SHA-256(salt, value), which the log keeps; the salt, 32 random
 * bytes, stays with whoever asks, in a file of the home (mode 0600, below
 * requests/), and is gone once the value is stored: so the value cannot be
 * tried out by who approves it or reads the log, and no other can take its
 * place.
 *
 * Does not check: what the value is good for.
 */
#ifndef PV_FLOW_SECRETSALT_H
#define PV_FLOW_SECRETSALT_H

#include "lib/base/secret.h"
#include "lib/flow/authority.h"
#include "lib/log/tree.h"

struct secretsalt_for {
	const struct authority *a;
	const char *name;
	uint64_t version;
	const char *requester;
};

/*
 * Into out, with the salt of that secret, version and requester; one is made
 * when there is none. PV_DENIED (mode or owner), PV_INPUT (not a salt of ours),
 * PV_STORAGE, PV_INTERNAL.
 */
PV_MUST enum pv_code secretsalt_bind(const struct secretsalt_for *f,
				     const struct secret *value,
				     uint8_t out[static LOG_HASH],
				     struct err *err);
/* Removes it; fine when there is none. PV_STORAGE. */
PV_MUST enum pv_code secretsalt_forget(const struct secretsalt_for *f,
				       struct err *err);

#endif
