/*
 * rotate_ca: the next generation of a CA below another of ours (RFC 4210 4.4):
 * the same name, a new key, a certificate from its parent, and two
 * cross-certificates between old and new key, so that who trusts one of them
 * alone verifies devices of both. Issuing moves to it at a time; what was
 * issued before stays under its generation.
 *
 *   approved -> key made and recorded -> three TBS linted, their intents
 *   durable -> signed and verified -> rows, entries and key.rotate in one
 *   transaction -> certificate on the token, provctl.json
 *
 * Nothing but a key is there before that one transaction. After a crash the
 * same command takes the recorded key up; intents that came to nothing are
 * named by audit, their serials are not used again.
 * Specification: policy.md; formats.md 7.
 */
#ifndef PV_FLOW_ROTATE_CA_H
#define PV_FLOW_ROTATE_CA_H

#include "lib/flow/approvals.h"
#include "lib/hsm.h"
#include "policy/template.h"

struct rotate_ca_opts {
	const char *ca;
	const char
		*template_name; /* NULL: the CA's own; the version in effect */
	uint64_t active_ms;	/* issuing moves then; 0: at once */
	const struct approvals_want *want; /* approvals and request_out */
};

struct rotate_ca_report {
	uint32_t generation;
	char label[HSM_LABEL_MAX]; /* of the new key */
	char template_name[TPL_NAME_MAX + 1];
	char serial[41];  /* of its certificate */
	bool crossed;	  /* there are cross-certificates */
	char new_old[41]; /* new key, signed by the old one */
	char old_new[41]; /* old key, signed by the new one */
	char persons[APPROVALS_PERSONS_MAX + 1];
};

/*
 * PV_NOT_FOUND: "store.ca" (no CA of that name), "store.template";
 * PV_DENIED: "rotate.root" (a root has nobody above it), "rotate.parent" (the
 * parent's key is not on this token), "rotate.template" (it is for other CAs),
 * "rotate.subject", "rotate.shards" (it gives another), validity, lint, the
 * clock; PV_INPUT "rotate.time" (it is over); PV_CONFLICT: "rotate.pending"
 * (the newest generation does not issue yet), "hsm.label-taken"; codes of
 * approvals_gate(), PV_HSM_*, PV_STORAGE. store: outside a transaction.
 */
PV_MUST enum pv_code rotate_ca(struct authority *a, struct store *store,
			       struct hsm *hsm,
			       const struct rotate_ca_opts *opts,
			       struct rotate_ca_report *report,
			       struct err *err);

#endif
