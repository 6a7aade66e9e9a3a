/* revoke_impl: what choosing and making share. Included by revoke*.c only. */
#ifndef PV_FLOW_REVOKE_IMPL_H
#define PV_FLOW_REVOKE_IMPL_H

#include "lib/flow/revoke.h"

struct revoke_numbers { /* of credentials; sorted once all are there */
	uint32_t *list;
	size_t n, room;
};

struct revoke_chosen {
	struct revoke_numbers all;    /* certificates */
	struct revoke_numbers firsts; /* devices, when they retire */
	uint64_t unfinished;	      /* that were left */
	uint64_t changes;	      /* that would be made */
	struct tpl_approvals raised;  /* the most that a template asks */
	uint8_t serials_sha256[32];   /* lines of hex, sorted */
	struct due due;
};
void revoke_chosen_release(struct revoke_chosen *c);

/* In one consistent view. */
PV_MUST enum pv_code revoke_choose(const struct revoke_job *job,
				   struct revoke_chosen *c, struct err *err);

/* Inside the write transaction: what is sealed for the device is held against
 * the log, counted, then given to be erased. false in *done: it was retired
 * before. */
PV_MUST enum pv_code revoke_retire(struct store *store,
				   const struct log_who *who, uint32_t first,
				   bool *done, struct err *err);

#endif
