/*
 * rotate_key: the next generation of a key of the authority that is no CA's:
 * bundle, kdf, store, event, ocsp, log, log-ecdsa. What is sealed, derived or
 * signed from then on is by the new one; what was before names the generation
 * that it needs, which stays on the token.
 *
 *   prepare   makes and records the key: others can be told of it (export key)
 *   rotate    puts it to use: approved, key.rotate logged, provctl.json changed
 *   finish    log keys: until then the old one signs beside the new one
 *
 * ocsp, event: an authority that was made without one gets its first key so;
 * of bundle, kdf and store a plan may ask for it (opts->first).
 * Answers and notes that were made stay; later ones are by the new key.
 *
 * bundle: all stored manifests are signed anew (remanifest.h). store: rows stay
 * under the key that they name. kdf: a device stays with the generation that
 * its first bundle names.
 *
 * provctl.json names the new key once a checkpoint covers its key.rotate.
 *
 * A crash is met by the same command again: a key that is recorded and not yet
 * in use is taken up, one that was put to use gets its place in provctl.json
 * with the approvals that it had, and what was not recorded has no effect
 * (keymake.h).
 *
 * Does not check: that other tokens of "tokens" get the key: that is done with
 * the vendor's tool, before the next command that needs them.
 */
#ifndef PV_FLOW_ROTATE_KEY_H
#define PV_FLOW_ROTATE_KEY_H

#include "lib/flow/approvals.h"
#include "lib/hsm.h"

enum rotate_step { ROTATE_PREPARE, ROTATE_USE, ROTATE_FINISH };

struct rotate_key_opts {
	const char *purpose;
	enum rotate_step step;
	const struct approvals_want *want; /* approvals and request_out */
	/* What the next generation is to be; NULL: of the kind of the one
	 * before, and not to be backed up. */
	const enum hsm_key_kind *kind;
	/* Where there is no key of that purpose its first one is made, of
	 * opts->kind; ocsp and event need not ask for that. */
	bool first;
	/* Of rotate_key_ask(): what templates ask that will be adopted before
	 * it is used; NULL: nothing. */
	const struct tpl_approvals *ahead;
};

struct rotate_key_report {
	char from[HSM_LABEL_MAX], to[HSM_LABEL_MAX];
	unsigned generation;
	bool made;	  /* by this command; else it was recorded before */
	size_t manifests; /* signed anew */
	char persons[APPROVALS_PERSONS_MAX + 1];
};

/* One that rotate_key() knows. */
PV_MUST bool rotate_key_purpose(const char *purpose);
/* One of which opts->first makes a first key. Not of the log's: who vouches
 * for a log key is the one before it. */
PV_MUST bool rotate_key_may_be_first(const char *purpose);

/*
 * PV_NOT_FOUND "authority.key" (no key of that purpose); PV_CONFLICT:
 * "hsm.label-taken", "rotate.ended" (an earlier rotation of a log key was not
 * finished, or there is none to finish), "rotate.kind" (one of another kind
 * than opts->kind was prepared); PV_DENIED "rotate.keys" (past what an
 * authority can hold); codes of approvals_gate(), keymake(), remanifest.h,
 * checkpoint_now(), authority_change_keys(). store: outside a transaction.
 */
PV_MUST enum pv_code rotate_key(struct authority *a, struct store *store,
				struct hsm *hsm,
				const struct rotate_key_opts *opts,
				struct rotate_key_report *report,
				struct err *err);
/*
 * Whether people have approved that ROTATE_USE puts the next generation to use:
 * asked as rotate_key() will ask, and nothing is done or used up. Codes of
 * approvals_gate(). PV_OK also for one that was cut off, which was approved.
 */
PV_MUST enum pv_code rotate_key_ask(struct authority *a, struct store *store,
				    const struct rotate_key_opts *opts,
				    struct err *err);

#endif
