/*
 * writer: the one process that owns store and log. It decides again with what
 * the store knows, inside the transaction that reserves the serial, and again
 * whether who acts may when people have decided something; it commits
 * all that waits in one transaction, and answers only after the commit; where
 * people decide how many devices there are, only under a checkpoint that covers
 * it: an older database cannot give the same number out again. It has no token.
 */
#ifndef PV_FLOW_WRITER_H
#define PV_FLOW_WRITER_H

#include "lib/flow/actor.h"
#include "lib/flow/backends.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/records.h"

struct writer_opts {
	const struct authority *authority;
	const struct backends *backends;
	const struct issue_context *ctx; /* the current template */
	const struct checkpoint_base *log;
	const struct order *order; /* as it was loaded; NULL: none */
	bool bound;		   /* only devices of the order are given out */
	const struct actor_claim *claim; /* of actor; NULL: none made */
	uint64_t judged; /* newest decision of people when actor was let in */
	const char *station, *actor;
	bool station_signed;
	bool batch;   /* a reached rate waits; else it denies */
	bool release; /* what is released for evidence, and nothing else */
	/* Under an order or a roster: devices leave under a checkpoint. */
	bool covers;
	struct wire *signers;
	size_t signers_n;
	struct wire *parent; /* answers go here */
};

/* Runs until every signer has ended. PV_STORAGE, PV_INTEGRITY, PV_INTERNAL;
 * PV_INPUT, "station.name". */
PV_MUST enum pv_code writer_run(const struct writer_opts *opts,
				struct err *err);

#endif
