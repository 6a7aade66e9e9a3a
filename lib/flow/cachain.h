/*
 * cachain: a CA of ours and those above it, from the store, each held against
 * its entries in the log, and verified: each certificate's signature with its
 * parent's key, CA flags, the root with its own, and the dates. Specification:
 * RFC 5280 6.1 (names, signatures, dates).
 */
#ifndef PV_FLOW_CACHAIN_H
#define PV_FLOW_CACHAIN_H

#include "lib/store/store.h"

#define CA_CHAIN_MAX 8

struct ca_link {
	char name[STORE_ID_MAX + 1];
	char parent[STORE_ID_MAX + 1];	 /* "" for the root */
	char label[STORE_LABEL_MAX + 1]; /* of its key; "": elsewhere */
	uint32_t shards, generation;
	uint64_t active_ms; /* it issues from then on; 0: from the first */
	struct buf der;
};

struct ca_chain {
	struct ca_link ca[CA_CHAIN_MAX]; /* the CA asked for first, root last */
	size_t n;
};

/*
 * Loads the CA, in the generation that issues now, and its parents, each in the
 * generation that signed. now_s -1: dates are not looked at. PV_NOT_FOUND
 * (no such CA), PV_INTEGRITY, rule "store.edited", "chain.*" or
 * "signature.wrong", PV_DENIED, rule "validity.issuer". Release chain in any
 * case.
 */
PV_MUST enum pv_code ca_chain_load(struct store *store, const char *name,
				   int64_t now_s, struct ca_chain *chain,
				   struct err *err);
/* The same of one generation of the CA, which need not count (keystand.h); 0:
 * the one that issues now.
 * PV_NOT_FOUND, "chain.generation". */
PV_MUST enum pv_code
ca_chain_load_generation(struct store *store, const char *name,
			 uint32_t generation, int64_t now_s,
			 struct ca_chain *chain, struct err *err);
/* The dates alone, of a chain that was loaded. PV_DENIED "validity.issuer". */
PV_MUST enum pv_code ca_chain_valid(const struct ca_chain *chain, int64_t now_s,
				    struct err *err);
/* For who needs the key of a CA whose key another authority has: PV_DENIED,
 * "ca.elsewhere". */
enum pv_code ca_elsewhere(const char *ca, struct err *err);
void ca_chain_release(struct ca_chain *chain);

#endif
