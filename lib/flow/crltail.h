/*
 * crltail: the log's last word on what is revoked and on what was published,
 * held against the rows before a list or an answer is signed (policy.md,
 * "Trusting the store"). A row that was deleted, or put back as it was, says
 * nothing of itself: only the entries do. One pass over those since the oldest
 * list that is to be made serves all lists and answers of a run; what a signed
 * list has is not looked at again, since its successor may not lose it.
 *
 * What vouches for the entries: up to HOME/checkpoint its signed root, over
 * what was read (covered.h). Those behind it no checkpoint covers yet: this
 * run's, and what was appended since the last one was signed.
 *
 * Does not check: entries before the pass, rows of lists that are not made.
 */
#ifndef PV_FLOW_CRLTAIL_H
#define PV_FLOW_CRLTAIL_H

#include "lib/flow/covered.h"
#include "lib/flow/crlissuer.h"
#include "lib/flow/serialset.h"
#include "lib/store/store_crl.h"

struct crl_tail_item;

struct crl_tail {
	struct store *store;
	const struct log_point *upto; /* the checkpoint, or NULL */
	uint64_t size;		      /* of the log, in the caller's view */
	uint64_t from, next;	      /* of the entries that were taken in */
	struct log_hasher hasher;
	struct covered covered;
	struct serialset words;	    /* on each serial */
	struct crl_tail_item *list; /* on each shard; sorted */
	size_t n, room;
};
#define CRL_TAIL CLEANUP(crl_tail_release) struct crl_tail

/* Of a serial number, as of the last crl_tail_to(). */
enum crl_word {
	CRL_WORD_NONE, /* not since the pass began */
	CRL_WORD_REVOKED,
	CRL_WORD_RELEASED, /* it is not held any more, and has no row */
	CRL_WORD_WRONG	   /* the row is not what the log says */
};

/* Borrows both; release in any case. PV_INTERNAL. */
PV_MUST enum pv_code crl_tail_init(struct crl_tail *t, struct store *store,
				   const struct log_point *upto,
				   struct err *err);
void crl_tail_release(struct crl_tail *t);

/* In each transaction, before it appends anything: what follows is held against
 * the log as it is here. */
PV_MUST enum pv_code crl_tail_view(struct crl_tail *t, struct err *err);
/*
 * Has all entries from there on taken in. An index before those of earlier
 * calls begins the pass anew. PV_INTEGRITY, PV_STORAGE: t says nothing then.
 */
PV_MUST enum pv_code crl_tail_to(struct crl_tail *t, uint64_t from,
				 struct err *err);

enum crl_word crl_tail_word(const struct crl_tail *t, uint32_t number);

/*
 * Of a shard, after crl_tail_to() from its newest list on: last and newest (0:
 * none), the numbers of the last row and of the last one that was signed, are
 * those of the log, and so is each row of what it revokes. Answers: kind
 * STORE_OCSP, shard 0, the numbers only. PV_INTEGRITY: "crl.rollback" (a number
 * would be signed twice), "store.edited".
 */
PV_MUST enum pv_code crl_tail_agrees(const struct crl_tail *t,
				     enum store_crl_kind kind,
				     const struct crl_issuer *i, uint32_t shard,
				     uint64_t last, uint64_t newest,
				     struct err *err);

#endif
