/*
 * crlcollect: the entries that a shard's next revocation list has, from the
 * rows of the store, and what is new in them. Inside the caller's transaction.
 *
 * A row that the last list has not, or that changed since, is held against its
 * cert.revoke, by the tail where there is one: it is the log's last word then.
 * The others stand on a signed list, whose successor may not lose or change
 * them.
 */
#ifndef PV_FLOW_CRLCOLLECT_H
#define PV_FLOW_CRLCOLLECT_H

#include "lib/flow/crlrow.h"
#include "lib/flow/crltail.h"

struct crl_entries {
	struct x509_crl_entry *list;
	size_t n, room;
	bool changed; /* since the last list */
};
void crl_entries_release(struct crl_entries *e);

/* Where the log's tail begins for that list: with the intent of the last one.
 */
uint64_t crl_tail_start(const struct crl_issuer *i, const struct crl_row *last);

/* last->found false: there is none. tail may be NULL: for who looks and signs
 * nothing. PV_INTEGRITY "store.edited". */
PV_MUST enum pv_code crl_collect(struct store *store, struct crl_tail *tail,
				 const struct crl_issuer *i, uint32_t shard,
				 const struct crl_row *last,
				 struct crl_entries *out, struct err *err);

/* May an entry of the last list be gone: the certificate had expired before
 * that list, or it was held, and the log says that it was let go of since.
 * ctx: struct crl_leaving. */
struct crl_leaving {
	struct store *store;
	const struct crl_tail *tail; /* since that list */
	const struct crl_row *last;
};
bool crl_may_leave(void *ctx, const struct x509_crl_entry *e);

#endif
