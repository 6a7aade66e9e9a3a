/* issue_impl: one run, shared by issue.c (the parent) and issue_crew.c (what
 * it loads and whom it starts). */
#ifndef PV_FLOW_ISSUE_IMPL_H
#define PV_FLOW_ISSUE_IMPL_H

#include "lib/flow/crew.h"
#include "lib/flow/issue.h"
#include "lib/flow/order_results.h"
#include "lib/flow/record_context.h"

#define ISSUE_GO_LEN (ISSUE_JOBS_MAX / 8) /* to the reader: which signers */
#define ISSUE_CONTEXTS_MAX 8 /* the current template, those of open intents */

/*
 * The first signer tries the PIN alone: a wrong one must not count as many
 * tries as there are signers. Then the others log in, then reading begins.
 */
enum issue_phase { ISSUE_FIRST_LOGIN, ISSUE_LOGINS, ISSUE_RUNNING };

struct issue_run {
	const struct authority *a;
	const struct backends *backends;
	const struct issue_opts *opts;
	const struct issue_sink *sink;
	struct issue_counts *counts;
	struct issue_context *contexts[ISSUE_CONTEXTS_MAX];
	size_t contexts_n;
	struct checkpoint_base log; /* loaded with the contexts */
	struct order_use ticket;    /* too */
	bool bound;		    /* who acts may not act without an order */
	uint64_t judged; /* what people had decided when that was said */
	bool ruled;		    /* a roster is in force */
	char actor[ROSTER_NAME_MAX + 1];
	size_t jobs;
	/* Ends of channels: [0] the reader's, signer's, writer's side. */
	int to_signer[ISSUE_JOBS_MAX][2]; /* reader, signer */
	int to_writer[ISSUE_JOBS_MAX][2]; /* signer, writer */
	int to_parent[2];		  /* writer, parent */
	bool early; /* the signer was forked before the contexts were loaded */
	int shared; /* memory with the contexts, for the signers */
	struct hsm_watch *watches;
	struct signer_pins *pins;
	struct crew crew;
	struct wire answers;
	struct order_results order;
	struct secret pin; /* until every signer has it */
	enum issue_phase phase;
	bool done, interrupted;
	bool complete;	  /* every request that there is was answered */
	struct err worst; /* of the answers, by rank */
	uint64_t answered;
};

PV_MUST enum pv_code issue_make_channels(struct issue_run *r, struct err *err);
/* Forks the one signer of a command, which waits for the contexts. */
PV_MUST enum pv_code issue_start_early(struct issue_run *r, struct err *err);
/* The contexts, from the store, which is closed again. PV_NOT_FOUND. */
PV_MUST enum pv_code issue_load_contexts(struct issue_run *r, struct err *err);
/* Hands them to the signer that is there, or forks signers, who inherit them.
 */
PV_MUST enum pv_code issue_start_signers(struct issue_run *r, struct err *err);
/* How an early signer comes by them: the parent's part, and its own. */
PV_MUST enum pv_code issue_hand_contexts(struct issue_run *r, struct err *err);
PV_MUST enum pv_code issue_take_contexts(struct issue_run *r, int ctl,
					 struct err *err);
/* Forks writer and reader, who inherit the contexts. */
PV_MUST enum pv_code issue_start_others(struct issue_run *r, struct err *err);
/* The crew's member that is signer number i. */
struct crew_member *issue_signer(struct issue_run *r, size_t i);
/* How many signers: as asked for, as the token and its sessions allow. */
PV_MUST enum pv_code issue_choose_jobs(struct issue_run *r, struct err *err);
/* Hands the first signer the PIN. */
PV_MUST enum pv_code issue_begin(struct issue_run *r, struct err *err);
/* What the children have said: logins follow one another, reading begins. */
PV_MUST enum pv_code issue_advance(struct issue_run *r, struct err *err);
/* Closes the children's ends of all channels, with all the parent's too. */
void issue_close_ends(struct issue_run *r, bool all);

#endif
