/*
 * ceremony: runs a plan step by step, and goes on where a crash stopped. What a
 * step does stands in a table of handlers (ceremony_steps.c), so that a step of
 * a new kind is one function and one line. What happens is written down before
 * what follows it (transcript.h) in the ceremony's folder below the home:
 *
 *   ceremonies/<plan>-<version>/  transcript.jsonl  transcript.note  <ca>.pem
 *                                 <ca>.crl or <ca>-<number>.crl
 *
 * Events: begin, approvals, resume, set-aside, token, new-token, pin-pad, step,
 * wrong-pin, target, key, sign, certificate, crl, template, roster, given,
 * root, ca-key, taken, older-list, swept, unlocked, share, wrapped, backup,
 * share-taken, restored, signer, transport-key, recipient, sent, key-taken,
 * transport-destroyed, pin, ask, end, answer, clock, destroyed, orphan, done,
 * failed, stopped, log-key. Each step that was done, failed or was stopped,
 * each target, what people agreed to before it was used, and the end is an
 * entry ceremony.step of the log, too, which vouches for the lines so far
 * (ceremonypoints.h); the first failure ends the run. Only a head that the log
 * has as the end is signed by the log's keys.
 *
 * Does not check: that the plan was rehearsed (init.h).
 */
#ifndef PV_CEREMONY_CEREMONY_H
#define PV_CEREMONY_CEREMONY_H

#include "lib/flow/backends.h"
#include "lib/flow/approvals.h"
#include "lib/flow/ceremonyfolder.h"
#include "lib/log/proof.h"
#include "policy/plan.h"

#define CEREMONY_ANSWER_MAX 64

/* The people in the room. */
struct ceremony_people {
	/*
	 * Asks, and waits for one line: "yes" goes on, "stop" ends the run for
	 * now, anything else is asked again. PV_INTERRUPTED, PV_DENIED.
	 */
	enum pv_code (*ask)(void *ctx, const char *text,
			    char answer[CEREMONY_ANSWER_MAX], struct err *err);
	/* Whether they can be asked: PV_DENIED, "ceremony.terminal". */
	enum pv_code (*ready)(void *ctx, struct err *err);
	/* That PIN once more, after a wrong one; whose stands in the prompt.
	 * NULL: none is asked. */
	enum pv_code (*pin)(void *ctx, const char *whose, struct secret *pin,
			    struct err *err);
	/* A new one, appended to pin. NULL: none can be told. */
	enum pv_code (*next_pin)(void *ctx, const char *whose,
				 struct secret *pin, struct err *err);
	void *ctx;
	const char *answers; /* how they come: "terminal" or "file" */
};

struct ceremony_opts {
	const struct backends *backends;
	const char *templates_dir; /* where <name>.json of the steps lie */
	/* PINs of a token that is to be initialised, else NULL. */
	const struct secret *so_pin;
	struct secret *pin;
	bool new_token;		   /* the plan initialises it, or has done so */
	struct span roster;	   /* that a step sets; empty: none */
	struct hsm_watch *watch;   /* told of calls to the token; may be NULL */
	const struct media *media; /* media.h; NULL: none was named */
	int folder;		   /* of the ceremony */
	uint64_t log_from; /* the log has nothing of it before that entry */
	const char *mode;  /* "init", "run" or "rehearsal" */
	bool resume;	   /* its transcript is there */
	const struct transcript_head *rehearsed; /* NULL: none is needed */
	const char *binding_sha256; /* hex; NULL: none was given */
	const struct ceremony_people *people;	 /* NULL: unattended */
	/* The authority is there, and the plan a later one (later.h). */
	bool later;
	const struct log_point *covered;   /* of it: what its checkpoint says */
	const struct approvals_want *want; /* of it: files for its steps */
	const struct approvals *approved;  /* of it: who approved the plan */
	/* Told before each step; may be NULL. text is its title, does
	 * what the script for people says of it. */
	void (*progress)(const void *ctx, size_t step, size_t steps,
			 const char *text, const char *does);
	/* Told of each line of the transcript, and behind the last one, as
	 * "head", of how many there are and of its SHA-256; may be NULL. */
	void (*told)(const void *ctx, const char *event,
		     const struct transcript_pair *pairs, size_t n);
	const void *progress_ctx;
};

/* PV_DENIED, "plan.window": the clock stands outside the plan's dates, which do
 * not count for a rehearsal. */
PV_MUST enum pv_code ceremony_window(const struct plan *plan, const char *mode,
				     struct err *err);
/*
 * Runs plan on a, whose keys grow by what is generated, and on its store,
 * which is new, or what an interrupted run of this very plan left, or with
 * opts->later one that is there. With so_pin
 * a step init-token initialises the token, without it that step is passed
 * over: the token is there. Then the settings are recorded, the roster is set,
 * a checkpoint covers all of it, and the transcript is signed. Codes of the
 * steps, where err's message begins with the step's number and name, of
 * officers_set(), of transcript.h and of ceremony_window(). PV_DENIED,
 * "ceremony.other": the transcript is of another plan, "plan.rehearsed": of
 * another rehearsal than opts->rehearsed, or of none. PV_INTEGRITY,
 * "ceremony.mode": it began in another mode; "ceremony.transcript": it is not
 * there, cut or changed, since the log says what it was. PV_HSM_FATAL,
 * "ceremony.token": another token than at the start. PV_INTERRUPTED,
 * "ceremony.stopped": people stopped it.
 */
PV_MUST enum pv_code ceremony_run(const struct ceremony_opts *opts,
				  struct authority *a, struct store *store,
				  const struct plan *plan, struct err *err);

#endif
