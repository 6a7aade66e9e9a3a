/* later_impl: shared by later*.c only. */
#ifndef PV_CEREMONY_LATER_IMPL_H
#define PV_CEREMONY_LATER_IMPL_H

#include "lib/ceremony/later.h"
#include "lib/log/govern.h"

/* What the plan's steps name is there, or made by a step before. Codes:
 * later_run(). */
PV_MUST enum pv_code later_check(const struct authority *a, struct store *store,
				 const struct plan *plan, struct err *err);

#define LATER_SUBJECT_MAX 1024u

struct later_begun { /* the entry ceremony.begin of a plan's bytes */
	bool found;
	uint64_t index;
	uint64_t time_ms;
	char actor[LOG_TEXT_MAX + 1];
	uint64_t roster;       /* version in force then; 0: none */
	uint8_t rehearsed[32]; /* head of that transcript; 0: of a rehearsal */
	bool approved;	       /* by people: */
	uint8_t nonce[LOG_NONCE];
	char persons[APPROVALS_PERSONS_MAX + 1];
	char subject[LATER_SUBJECT_MAX]; /* text that they approved */
};
/* PV_STORAGE. */
PV_MUST enum pv_code later_begun(struct store *store, const struct plan *plan,
				 struct later_begun *b, struct err *err);
/*
 * Whether that goes on now, where people have to be asked: nobody was asked, or
 * under another roster than is in force, but for one that the plan's own step
 * has set (PV_DENIED, "ceremony.roster"); too long ago for approvals, and the
 * plan has no end of its own ("ceremony.age"); or somebody else goes on, who
 * may not have our keys rotated ("actor.role").
 */
PV_MUST enum pv_code later_may_go_on(const struct later_opts *opts,
				     const struct plan *plan,
				     const struct later_begun *b,
				     struct err *err);
/* Of one whose folder is not there. PV_INTEGRITY, "ceremony.folder": there are
 * steps of it behind that entry. */
PV_MUST enum pv_code later_not_stepped(struct store *store,
				       const struct plan *plan,
				       const struct later_begun *b,
				       struct err *err);
/* *waiting grows by the steps that lack approvals, and the first of them is
 * why. Codes of approvals_gate() but PV_WAITING. */
PV_MUST enum pv_code later_ask(const struct later_opts *opts,
			       const struct plan *plan, struct span roster,
			       const struct approvals_want *want,
			       size_t *waiting, struct err *err);
/* What a ceremony is approved by; no bytes are owned. */
struct later_subject {
	const struct plan *plan;
	struct span text;			 /* of the plan */
	struct span roster;			 /* that it sets; empty: none */
	const struct transcript_head *rehearsed; /* NULL: of a rehearsal */
};
/* Asks who has to be asked, and records that it begins. Codes of
 * approvals_gate() and approvals_use(). */
PV_MUST enum pv_code later_begin(const struct later_opts *opts,
				 const struct later_subject *of,
				 const char *mode, struct err *err);

/* What a plan began as is what it goes on as. PV_DENIED, "plan.rehearsed": it
 * began, and was approved, with another rehearsal. */
PV_MUST enum pv_code later_same_subject(const struct later_opts *opts,
					const struct later_subject *of,
					const struct later_begun *b,
					struct err *err);

struct later_approved {
	struct approvals got; /* needed 0: nobody was asked */
	struct buf roster;    /* that was in force then */
};
/* As the store has it; release x in any case. PV_INTEGRITY. */
PV_MUST enum pv_code later_approved(struct store *store,
				    const struct later_begun *b,
				    struct later_approved *x, struct err *err);
void later_approved_release(struct later_approved *x);

#endif
