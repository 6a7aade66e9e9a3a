/*
 * crlmake: the next revocation list of one shard, when it is due: recorded,
 * then signed (promise 1). TBS built from the rows inside one transaction,
 * linted, held against the list before it and the log since then (crltail.h),
 * its crl.intent durable; signed, verified, held against that list once more,
 * recorded with its crl.issue. What a crash left between the two is given up
 * (crlrecord.h) and made anew.
 *
 * A list is due when there is none, when the last one ends within the overlap,
 * when something was revoked or is no longer held since, or when certificates
 * name another place. An entry whose certificate has expired stands on one list
 * that was made after that and is then left out (RFC 5280 3.3).
 */
#ifndef PV_FLOW_CRLMAKE_H
#define PV_FLOW_CRLMAKE_H

#include "lib/flow/crltail.h"
#include "lib/flow/tokens.h"
#include "lib/flow/tokensign.h"

struct crl_shown { /* a list that is recorded and will be signed */
	const struct crl_issuer *i;
	uint32_t shard;
	uint64_t number;
	int64_t this_s, next_s;
	size_t entries;
	struct span tbs;
	const struct x509_crl *last; /* NULL: it is the first */
};

struct crl_maker {
	struct store *store;
	struct tokens *tokens; /* one of them has the CA's key */
	struct crl_tail *tail; /* of the log: one for all that a run makes */
	bool all;	       /* also those that are not due */
	/* Told, or asked, of each before it is signed; may be NULL. After a
	 * failure the next list of that shard takes its place. */
	enum pv_code (*before)(void *ctx, const struct crl_shown *s,
			       struct err *err);
	void *ctx;
	/* The key that was used last; NULL: none. */
	const struct crl_issuer *opened;
	unsigned turns; /* of tokens, then */
	struct tokensign key;
	uint64_t made; /* lists that were signed */
};
void crl_maker_release(struct crl_maker *m);
/* The issuer's own key, opened once for all its shards. */
PV_MUST enum pv_code crl_maker_key(struct crl_maker *m,
				   const struct crl_issuer *i, struct err *err);

/*
 * PV_OK also when nothing is due. PV_INTEGRITY: rows or the last list do not
 * agree with the log, "crl.*" (x509_crl_compare(), crl_tail_agrees()).
 * PV_HSM_*, PV_STORAGE, PV_DENIED (clock).
 */
PV_MUST enum pv_code crl_make(struct crl_maker *m, const struct crl_issuer *i,
			      uint32_t shard, struct err *err);

#endif
