/*
 * writer_kept: what the intents of this run can give, as they were made
 * durable, kept by the writer so that a result is checked without the store.
 * Does not check: the result itself (writer_check_result()).
 */
#ifndef PV_FLOW_WRITER_KEPT_H
#define PV_FLOW_WRITER_KEPT_H

#include "lib/flow/writer_impl.h"

/* Of an intent of this run, as it was made durable. */
struct writer_kept {
	uint32_t number;   /* 0: none */
	uint32_t replaces; /* 0: nothing */
	unsigned due;	   /* bits of the stages that its result brings */
	char device[STORE_ID_MAX + 1];
	uint8_t template_sha256[32];
	uint8_t serial[STORE_SERIAL_MAX];
	size_t serial_len;
	bool has_tbs, supersedes; /* what it is in place of, at once */
	uint8_t tbs_sha256[32];
};

/* Keeps what a reserved intent can give, till another takes its slot. */
PV_MUST enum pv_code writer_kept_init(struct writer *w, struct err *err);
/* writer_kept() is NULL when it is not kept any more: the store has it. */
void writer_keep(struct writer *w, const struct store_intent *i,
		 const uint8_t *tbs_sha256);
PV_MUST const struct writer_kept *writer_kept(const struct writer *w,
					      uint32_t number);

#endif
