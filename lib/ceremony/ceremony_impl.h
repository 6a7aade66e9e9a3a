/* What the files of ceremony.h share. */
#ifndef PV_CEREMONY_CEREMONY_IMPL_H
#define PV_CEREMONY_CEREMONY_IMPL_H

#include "lib/ceremony/ceremony.h"
#include "lib/ceremony/ceremonypoints.h"
#include "lib/flow/issuekey.h"
#include "lib/flow/tokens.h"

struct ceremony {
	const struct ceremony_opts *opts;
	struct authority *a;
	struct store *store;
	const struct plan *plan;
	int templates; /* folder */
	struct hsm_login login;
	struct hsm *hsm;	    /* opened by the first step that needs it */
	size_t n;		    /* the running step, from 0 */
	bool steps;		    /* one is running */
	char object[HSM_LABEL_MAX]; /* what the running step is about */
	struct transcript t;
	char mode[16]; /* that it was begun in */
	char home[65]; /* SHA-256 of what a first plan's home is to be */
	/* What the transcript of an interrupted run says. */
	bool begun, ended, done[PLAN_STEPS_MAX];
	bool approved;		       /* and who approved the plan */
	uint32_t asides;	       /* lines that were set aside */
	struct ceremony_points points; /* what the log says of it */
	/* What each step set out to do (event "target"): the generation of a
	 * key, or the log's size; 0: it did not. */
	uint64_t target[PLAN_STEPS_MAX];
	/* SHA-256 of the last backup that was made (event "wrapped"), and the
	 * number of its step; 0: none. */
	uint8_t wrapped[32];
	uint32_t wrapped_in;
	/* Hash of each TBS that was shown: in steps; a list's, behind them; and
	 * of each such list's file that a line tells of. */
	struct buf shown, end_lists, told;
	char lists_of[65]; /* hash of the key whose lists were asked for last */
	char ca_key[65];   /* hash of a CA's key, of which was told last */
	char serial[17];   /* the token's; "": not said yet */
	struct token_facts empty;   /* that people were shown, then made */
	bool orphans_told, clock_told;
	bool pin_pad; /* it asks for its PIN itself */
};

#define CEREMONY_PUT(c, event, ...)                                            \
	ceremony_put((c), (event),                                             \
		     (const struct transcript_pair[]){ __VA_ARGS__ },          \
		     sizeof((const struct transcript_pair[]){ __VA_ARGS__ }) / \
			     sizeof(struct transcript_pair),                   \
		     err)

/* Begun, or gone on with: what its lines say is in c then. Codes of
 * ceremony_run(). */
PV_MUST enum pv_code ceremony_open_transcript(struct ceremony *c,
					      struct err *err);
/* A line of the running step, durable, and told to people; behind the end
 * nothing is written. */
PV_MUST enum pv_code ceremony_put(struct ceremony *c, const char *event,
				  const struct transcript_pair *pairs, size_t n,
				  struct err *err);
/* How the running step goes, or the end, into the log, which vouches from there
 * on for those that it has: "done", "failed", "stopped", "begun", "shown". */
PV_MUST enum pv_code ceremony_log_step(struct ceremony *c, const char *result,
				       struct err *err);
/* The running step sets out to do that, once: durable in transcript and log. */
PV_MUST enum pv_code ceremony_target(struct ceremony *c, const char *label,
				     uint64_t value, struct err *err);
/* The tokens of the ceremony, of which c->hsm is the open one. */
struct tokens ceremony_tokens(struct ceremony *c);
/* The key that the running step is about: the generation that a step before has
 * made, whether it is in use or not, else the one in use. PV_NOT_FOUND. */
PV_MUST enum pv_code ceremony_key_of(struct ceremony *c, const char *purpose,
				     struct authority_key *key,
				     struct err *err);
/* Its keys are thrown away. */
PV_MUST bool ceremony_rehearses(const struct ceremony *c);
/* How its questions are answered: "none" where nobody is asked. */
const char *ceremony_answers(const struct ceremony *c);
/* Goes on when people say so on a day of the plan's, or nobody is there. */
PV_MUST enum pv_code ceremony_ask(struct ceremony *c, const char *text,
				  struct err *err);
/* The same, of what was just shown and is signed, used or destroyed then: the
 * log vouches for both before. */
PV_MUST enum pv_code ceremony_agree(struct ceremony *c, const char *text,
				    struct err *err);

/*
 * Of a run, before its first step: the approvals kept in the folder are of
 * these bytes of the plan, by the roster that it sets; used up in the log,
 * once, and written down. Codes of approvals_gate_first().
 */
PV_MUST enum pv_code ceremony_approve(struct ceremony *c, struct err *err);

/* No token of this process is open in both. Which token a step init-token is
 * about to take, before people are asked: the one that is there (event
 * "token"), or that will be initialised ("new-token"). */
PV_MUST enum pv_code ceremony_show_token(struct ceremony *c, struct err *err);
/* The token that is there, written down once, and afterwards the same one. */
PV_MUST enum pv_code ceremony_meet(struct ceremony *c, struct err *err);
/*
 * Login happens once, after a step that initialises has ended its child, and to
 * the token of the start. A wrong PIN is asked for again, where people are and
 * no pin pad asks, until one try is left; in a resumed run objects that nobody
 * recorded are written down, once. A pause ends it: people may carry the token
 * away then, so the next step meets it anew.
 */
PV_MUST enum pv_code ceremony_login(struct ceremony *c, struct err *err);

/* The step does its work, or finds that an interrupted run has done it. */
PV_MUST enum pv_code ceremony_step(struct ceremony *c,
				   const struct plan_step *step,
				   struct err *err);
/* One that is done: what later steps need of it. */
PV_MUST enum pv_code ceremony_step_done(struct ceremony *c,
					const struct plan_step *step,
					struct err *err);

#endif
