/*
 * ceremony: runs a plan step by step. What a step does stands in a table of
 * handlers, so that a step of a new kind is one function and one line. Every
 * step that ended well is logged as ceremony.step; the first failure ends the
 * run and is logged too, where the log can still be written.
 *
 * Now: unattended plans on a fresh authority (`init`). Transcripts, resuming
 * and bindings to real tokens belong to the same table.
 */
#ifndef PV_FLOW_CEREMONY_H
#define PV_FLOW_CEREMONY_H

#include "lib/flow/backends.h"
#include "policy/plan.h"

struct ceremony_opts {
	const struct backends *backends;
	const char *templates_dir; /* where <name>.json of the steps lie */
	/* PINs of a token that is to be initialised, else NULL. */
	const struct secret *so_pin;
	const struct secret *pin;
	struct span
		roster; /* the first one, set after the steps; empty: none */
	struct hsm_watch *watch; /* told of calls to the token; may be NULL */
	/* Told before each step; may be NULL. text is a short sentence. */
	void (*progress)(const void *ctx, size_t step, size_t steps,
			 const char *text);
	const void *progress_ctx;
};

/*
 * Runs plan on a, whose keys grow by what is generated, and on its store,
 * which must be new. With so_pin a step init-token initialises the token,
 * without it that step is passed over: the token is there. Then the
 * settings are recorded, the roster is set, and a checkpoint covers all of it. Codes of the steps, where err's
 * message begins with the step's number and name, and of officers_set().
 */
PV_MUST enum pv_code ceremony_run(const struct ceremony_opts *opts,
				  struct authority *a, struct store *store,
				  const struct plan *plan, struct err *err);

#endif
