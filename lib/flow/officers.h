/*
 * officers: the roster set and changed, and what its people did. The first
 * roster needs nobody, since nobody could approve it: it is set when an
 * authority is made. Every later one needs the quorum of the one it replaces
 * (policy.md, "Officers").
 */
#ifndef PV_FLOW_OFFICERS_H
#define PV_FLOW_OFFICERS_H

#include "lib/flow/approvals.h"

struct officers_report {
	uint64_t version;
	uint8_t sha256[32];
	size_t officers;
	bool existing; /* this very roster is in force already */
	/* Operations that roster_needs_all() is true of, with commas. */
	char needs_all[QUORUM_OPS * 24];
	char persons[APPROVALS_PERSONS_MAX + 1]; /* who approved; "": nobody */
};

/*
 * Puts bytes in force. want brings files and request_out, the rest is filled in
 * here. PV_INPUT (not a roster), PV_CONFLICT "store.roster" (its version is not
 * the next one: 1 for the first) or "roster.replaces" (it names another one
 * than the roster in force), approvals_gate()'s codes.
 */
PV_MUST enum pv_code officers_set(const struct authority *a,
				  struct store *store, struct span bytes,
				  const struct approvals_want *want,
				  struct officers_report *report,
				  struct err *err);

/* Whether people have approved that: asked as officers_set() will ask, and
 * nothing is done or used up. Its codes; PV_OK also where it is in force. */
PV_MUST enum pv_code officers_ask(const struct authority *a,
				  struct store *store, struct span bytes,
				  const struct approvals_want *want,
				  struct err *err);

/* What one officer approved so far. */
struct officers_use {
	uint64_t count;
	uint64_t last_ms; /* 0: never */
	char last[32];	  /* operation */
};

/* One use of approvals: an entry approval.use. Spans last for the call. */
struct officers_used {
	uint64_t index, time_ms;
	struct span operation, requester;
	struct span persons;	/* who approved, names with commas */
	const uint8_t *subject; /* SHA-256 */
};
struct officers_sink {
	/* A failure ends it all and is returned. */
	enum pv_code (*used)(void *ctx, const struct officers_used *u,
			     struct err *err);
	void *ctx;
};

/*
 * uses by place in the roster, and to sink, which may be NULL, every use in the
 * log's order, also of those who left. Row and entry of each approval are
 * compared: PV_INTEGRITY.
 */
PV_MUST enum pv_code officers_uses(struct store *store,
				   const struct roster *roster,
				   struct officers_use uses[static ROSTER_MAX],
				   const struct officers_sink *sink,
				   struct err *err);

#endif
