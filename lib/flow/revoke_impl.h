/* revoke_impl: what choosing and making share. Included by revoke*.c only. */
#ifndef PV_FLOW_REVOKE_IMPL_H
#define PV_FLOW_REVOKE_IMPL_H

#include "lib/flow/revoke.h"

struct revoke_numbers { /* of credentials; sorted once all are there */
	uint32_t *list;
	size_t n, room;
};

struct sha256;

struct revoke_sum { /* what changes, by the hashes that are approved */
	struct sha256 *serials, *devices;
	uint8_t serials_sha256[32]; /* lines of hex, by number */
	uint8_t devices_sha256[32]; /* lines of ids, by number */
	uint64_t serials_n, devices_n;
	/* Lines of subject_acts.h, as long as they are few enough. */
	struct buf serial_lines, device_lines;
	char first[2 * STORE_SERIAL_MAX + 1], last[2 * STORE_SERIAL_MAX + 1];
};

struct revoke_chosen {
	struct revoke_numbers all;    /* certificates */
	struct revoke_numbers firsts; /* devices, when they retire */
	uint64_t unfinished;	      /* that were left */
	/* What would be made of them, which is what is agreed to: */
	uint64_t changes, retires;   /* certificates, devices */
	struct tpl_approvals raised; /* the most that a template asks */
	struct revoke_sum sum;
	struct due due;
};
void revoke_chosen_release(struct revoke_chosen *c);

/* Adds one that changes, or that retires, in the order of their lists; ends,
 * once all were added. */
PV_MUST enum pv_code revoke_sum_begin(struct revoke_sum *s, struct err *err);
void revoke_sum_serial(struct revoke_sum *s, const struct store_device *d);
void revoke_sum_device(struct revoke_sum *s, const struct store_device *d);
/* Appends the lines of all to out; none when there are too many. */
PV_MUST enum pv_code revoke_sum_named(const struct revoke_sum *s,
				      struct buf *out, struct err *err);
PV_MUST enum pv_code revoke_sum_end(struct revoke_sum *s, struct err *err);
void revoke_sum_release(struct revoke_sum *s);

/* In one consistent view. */
PV_MUST enum pv_code revoke_choose(const struct revoke_job *job,
				   struct revoke_chosen *c, struct err *err);

/* Inside the write transaction: what is sealed for the device is held against
 * the log, counted, then given to be erased. nonce: of the approvals, or NULL.
 * false in *done: it was retired before. */
PV_MUST enum pv_code revoke_retire(struct store *store,
				   const struct log_who *who, uint32_t first,
				   const uint8_t *nonce, bool *done,
				   struct err *err);

#endif
