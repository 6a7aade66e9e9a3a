/*
 * remanifest: the stored manifests under another generation of the bundle key
 * (formats.md 2). A manifest's payload, sequence and hash stay, so that every
 * bundle that binds it stays what it was; kid and signature are new. Each old
 * signature is verified before its payload is signed again.
 */
#ifndef PV_FLOW_REMANIFEST_H
#define PV_FLOW_REMANIFEST_H

#include "lib/flow/tokensign.h"
#include "lib/store/store.h"
#include "policy/template.h"

struct remanifest_one {
	uint8_t template_sha256[STORE_HASH];
	const char *stage; /* static */
	uint64_t sequence;
	struct buf message; /* COSE_Sign1 by the new key */
};

struct remanifest {
	struct remanifest_one *list;
	size_t n, room;
};

/*
 * Signs those of all adopted templates with key; nothing is stored. One that
 * key has signed already is left out. PV_INTEGRITY, "manifest.key" or
 * "signature.wrong"; PV_HSM_*; PV_STORAGE. Release r in any case.
 */
PV_MUST enum pv_code remanifest_sign(struct store *store, struct tokensign *key,
				     struct remanifest *r, struct err *err);
/* Puts them in the places of the old, in the caller's write transaction. */
PV_MUST enum pv_code remanifest_put(struct store *store,
				    const struct remanifest *r,
				    struct err *err);
void remanifest_release(struct remanifest *r);

#endif
