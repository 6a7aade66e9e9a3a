/* What the files of init.h share. */
#ifndef PV_CEREMONY_INIT_IMPL_H
#define PV_CEREMONY_INIT_IMPL_H

#include "lib/ceremony/init.h"
#include "lib/flow/approvals.h"

#define INIT_PIN_FILE "softhsm/pin"
#define INIT_MODE_FILE "mode" /* in the ceremony's folder: a word */
#define INIT_MODE_MAX 16

struct init_work {
	const struct init_opts *opts;
	struct init_report *report;
	struct authority *a;
	struct plan *plan;
	struct buf text, roster;   /* the plan's bytes; empty: no roster */
	struct approvals approved; /* of a run of a plan that sets one, */
	struct buf subject;	   /* and what they are of; empty: none */
	int folder;		   /* of the ceremony */
	bool resume;
	char mode[INIT_MODE_MAX];
	struct transcript_head rehearsed;
	struct { /* what init_look() found of the binding's first one */
		bool whole;    /* there, with its user's PIN */
		bool labelled; /* there, as far as its label */
	} token;
	bool pins_read;
	struct secret pin, so_pin; /* so_pin.len 0: no token is initialised */
};
#define INIT_WORK CLEANUP(init_work_release) struct init_work
void init_work_release(struct init_work *w);
/* The plan is read; w need not be initialised, report is zeroed. Codes of
 * plan_parse(); PV_INPUT, "plan.order": a later plan, "plan.key_missing": no
 * key for the log is made. */
PV_MUST enum pv_code init_begin(struct init_work *w,
				const struct init_opts *opts,
				struct init_report *report, struct err *err);
/* A plan that sets a roster says which: PV_DENIED, "plan.roster". */
PV_MUST enum pv_code init_check_roster(const struct init_work *w,
				       struct err *err);
/* That very plan seems to have run to its end in that folder; init_existing()
 * looks whether it did, and tells so: codes of ceremony_ended(). */
PV_MUST bool init_is_finished(struct init_work *w);
PV_MUST enum pv_code init_existing(struct init_work *w, struct err *err);
/*
 * Before people are asked for a PIN: the binding's first token is as the plan
 * needs it, there or to be initialised. PV_INPUT, "binding.label": to be
 * initialised, and the URI names another label than it will have; PV_CONFLICT,
 * "hsm.label-taken": the same, and it is there; of a run that goes on
 * PV_DENIED, "ceremony.binding": it began with another one; codes of
 * token_facts() (backends.h).
 */
PV_MUST enum pv_code init_look(struct init_work *w, struct err *err);
/* As init_look() found it: those of one that is to be initialised are typed
 * twice. Once; codes of reading. */
PV_MUST enum pv_code init_read_pins(struct init_work *w, struct err *err);
/* The same before there is a home, where they do not come to be in it.
 * PV_INPUT, "pin.source": a file below the home. */
PV_MUST enum pv_code init_read_pins_first(struct init_work *w, struct err *err);
/* PINs, store, and the plan's steps: ceremony_run()'s codes. */
PV_MUST enum pv_code init_run_plan(struct init_work *w, struct err *err);
void init_fill_report(const struct init_work *w);

/* a->clock_max_step_days: the default, and as many days more as the lists of
 * its CAs are good for, where each CA's are for longer than that. */
void init_clock(const struct plan *plan, const char *templates_dir,
		struct authority *a);

/* init_make_home() would not refuse what is there of that name. */
PV_MUST enum pv_code init_folder_free(const char *dir, struct err *err);
/* A new or an empty folder of ours, mode 0700; *fd is the caller's. */
PV_MUST enum pv_code init_make_home(const char *dir, int *fd, struct err *err);
/* One that is there, no link, and ours. */
PV_MUST enum pv_code init_take_folder(const char *dir, int *fd,
				      struct err *err);
/* a->home_fd is that folder: its path, and the folders below it. */
PV_MUST enum pv_code init_open_home(struct authority *a, const char *dir,
				    struct err *err);
/* How the run began that goes on. PV_INPUT: a word that is none. */
PV_MUST enum pv_code init_read_mode(int folder, char mode[INIT_MODE_MAX],
				    struct err *err);
/*
 * Token folder, its configuration and the PINs, as far as they are not there
 * yet; SoftHSM is pointed there.
 */
PV_MUST enum pv_code init_softhsm(const struct authority *a,
				  struct secret *so_pin, struct secret *pin,
				  struct err *err);

/* The security officer's PIN that init_softhsm() made; empty: it did not. */
PV_MUST enum pv_code init_so_pin(const struct authority *a,
				 struct secret *so_pin, struct err *err);

struct init_plan { /* of a run that is about to begin; borrowed */
	const struct authority *a; /* name and origin */
	const struct plan *plan;
	const struct buf *text, *roster; /* bytes; empty: no roster */
	const struct transcript_head *rehearsed;
	struct buf *subject; /* is filled: the text that people approved */
};
/*
 * Before anything is made: who is set in charge by a run has to want it. got is
 * empty where nobody is asked. Codes of approvals_gate_first(); PV_DENIED,
 * "plan.roster" (a run with a roster that its plan does not set),
 * "approval.roster" (approvals that nobody asks for).
 */
PV_MUST enum pv_code init_approved(const struct init_opts *opts,
				   const struct init_plan *p,
				   struct approvals *got, struct err *err);

#endif
