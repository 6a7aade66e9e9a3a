/*
 * rotate_ca: the next generation of a CA of ours (RFC 4210 4.4): the same name,
 * a new key, a certificate from its parent, or from itself where it is a root,
 * and two cross-certificates between old and new key, so that who trusts one of
 * them alone verifies devices of both. Issuing moves to it at a time; what was
 * issued before stays under its generation. CAs below a root go on under the
 * old one until they are rotated; new bundles carry both roots from now on
 * (anchors.h). With opts->first_issuer a CA that is not there yet is made so.
 *
 * The parent's key may be on another of the configured tokens than the CA's:
 * the new key is made beside the old one.
 *
 *   approved -> key made and recorded -> three TBS linted, their intents
 *   durable -> signed and verified -> rows, entries and key.rotate in one
 *   transaction -> checkpoint -> certificate on the token, provctl.json
 *
 * Until it takes over that can be moved, or it is withdrawn: it never issues
 * then, its cross-certificates are not given out any more, new bundles do not
 * carry it, and the next rotation has a number of its own. What was given out
 * stays good until it is revoked (revoke_ca.h).
 *
 * Nothing but a key is there before that one transaction. After a crash the
 * same command takes the recorded key up, or gives out what was made with the
 * approvals that it had. Intents name the approvals: who comes with the same
 * ones, at the same time or after a crash, has the same bytes signed and no
 * others. Intents that came to nothing are named by audit, their serials are
 * not used again.
 * Specification: policy.md; formats.md 7.
 */
#ifndef PV_FLOW_ROTATE_CA_H
#define PV_FLOW_ROTATE_CA_H

#include "lib/flow/approvals.h"
#include "lib/flow/tokens.h"
#include "policy/template.h"

struct camake;
struct ca_brought;

struct rotate_ca_opts {
	const char *ca;
	const char
		*template_name; /* NULL: the CA's own; the version in effect */
	/* The CA above one that is made where there is none; "self": itself. */
	const char *first_issuer;
	/* Issuing moves then; 0: at once. Where the newest generation has not
	 * taken over yet it is that one's time that is moved. */
	uint64_t active_ms;
	bool withdraw;			   /* the newest generation, instead */
	const struct approvals_want *want; /* approvals and request_out */
	/* Of rotate_ca_ask(): what templates ask that are adopted till then. */
	const struct tpl_approvals *ahead;
	int64_t until_s; /* its certificate's end; 0: the template's */
	const struct ca_brought *brought; /* its certificate (caimport.h);
					   * NULL: it is made here */
	bool uncrossed; /* rotate_ca_cross() makes those between the keys; a
			 * generation that waits is not moved */
	/* Told, or asked, of each certificate before it is signed; may be NULL.
	 * A failure ends it. */
	enum pv_code (*before)(void *ctx, const struct camake *m,
			       struct err *err);
	void *ctx;
};

struct rotate_ca_report {
	uint32_t generation;
	/* Made by an earlier run, and given out now; or its time moved, or it
	 * withdrawn: no more is filled than label, active_ms, persons and, of
	 * the first, serial. */
	bool resumed, moved, withdrawn;
	uint64_t active_ms;
	bool root;
	char label[HSM_LABEL_MAX]; /* of the new key */
	char template_name[TPL_NAME_MAX + 1];
	char serial[41];  /* of its certificate */
	bool crossed;	  /* there are cross-certificates */
	char new_old[41]; /* new key, signed by the old one */
	char old_new[41]; /* old key, signed by the new one */
	char persons[APPROVALS_PERSONS_MAX + 1];
};

/*
 * PV_NOT_FOUND: "store.ca" (no CA of that name), "store.template",
 * "rotate.parent" (the parent's key is on none of the tokens); PV_DENIED:
 * "rotate.anchors" (too many roots), "ca.revoked" (the parent is),
 * "rotate.template" (it is for other CAs), "rotate.subject", "rotate.shards"
 * (it gives another), validity, lint, the clock; PV_INPUT "rotate.time" (it is
 * over, more than a year away, or the CA ends before it); PV_CONFLICT:
 * "rotate.pending" (the newest generation does not issue yet, and no time is
 * given to move that to; to withdraw: it issues, or is not given out yet),
 * "rotate.intent" (these approvals were for a certificate that cannot be made
 * any more), "rotate.key" (no key waits for what was brought),
 * "hsm.label-taken"; PV_DENIED, "import.renewal" (that is for a key which has
 * one); codes of approvals_gate(), of ca_import_check(), PV_HSM_*, PV_STORAGE.
 * store: outside a transaction. The token that is open before is open after,
 * unless it fails.
 */
PV_MUST enum pv_code rotate_ca(struct authority *a, struct store *store,
			       struct tokens *tokens,
			       const struct rotate_ca_opts *opts,
			       struct rotate_ca_report *report,
			       struct err *err);
/*
 * Whether people have approved the next generation under the template of these
 * bytes: asked as rotate_ca() will ask, and nothing is done or used up. Of opts
 * ca, first_issuer, active_ms, until_s, uncrossed, ahead and want count. Codes
 * of approvals_gate() and template_parse(), and those of rotate_ca() about the
 * CA that is there. PV_OK also where an earlier run was cut off, which was
 * approved, and with a time where the newest generation waits to take over: who
 * moves that is asked then.
 */
PV_MUST enum pv_code rotate_ca_ask(struct authority *a, struct store *store,
				   const struct rotate_ca_opts *opts,
				   struct span tmpl, struct err *err);

#endif
