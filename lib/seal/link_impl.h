/* link_impl: what link.c and link_exchange.c share. */
#ifndef PV_SEAL_LINK_IMPL_H
#define PV_SEAL_LINK_IMPL_H

#include "lib/seal/link.h"
#include "lib/seal/receipt.h"

#define LINK_RESULT_LEN 2 /* in NAK and DONE */
#define LINK_BITS ((SEAL_LINK_ITEMS_MAX + 8) / 8)

struct seal_link {
	struct seal_link_opts opts;
	const struct seal_container_view *view;
	struct seal_link_counts counts;
	uint8_t id[32];		 /* SHA-256 of the container */
	uint8_t have[LINK_BITS]; /* as the device says */
	uint8_t sent[LINK_BITS]; /* by us, at least in part */
	uint32_t most;		 /* items that it ever had */
	unsigned idle;		 /* times begun anew with no more than that */
	unsigned result;	 /* of its last DONE */
	bool begun;
	uint64_t begun_ms;
	struct linkframe_reader in;
	uint8_t frame[LINKFRAME_MTU_MAX];   /* of in */
	uint8_t out[1 + LINKFRAME_MTU_MAX]; /* what is in flight */
	uint8_t bytes[LINKFRAME_MTU_MIN];   /* that came, from at to n */
	size_t at, n;
};

/*
 * Sends f until its answer is there: *a, which stays until the next call. Or
 * *anew: the device asked what is about to come. Codes of seal_link_meet().
 */
PV_MUST enum pv_code link_exchange(struct seal_link *l,
				   const struct linkframe *f,
				   struct linkframe *a, bool *anew,
				   struct err *err);

/* The causes that have several places. */
enum pv_code link_refused(unsigned result, struct err *err);
enum pv_code link_reset(const struct seal_link *l, struct err *err);

#endif
