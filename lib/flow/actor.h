/*
 * actor: who is acting. An officer proves it with a key of the roster in force:
 * it signs a text made here and now, in this process, and the text is verified
 * at once. Whoever does not is "os:<uid>", which anybody on the machine can be
 * and which has no role (policy.md, "Officers").
 *
 * The name reaches the log through the store's handle (store.h, "actor"):
 * event_now() takes it from there.
 *
 * Specification: formats.md 6 (form of the text), policy/roles.h (who may
 * what).
 */
#ifndef PV_FLOW_ACTOR_H
#define PV_FLOW_ACTOR_H

#include "lib/store/store.h"
#include "policy/roles.h"

/* Who somebody says they are, and the key that proves it. */
struct actor_claim {
	bool made; /* false: nobody says anything */
	bool token;
	struct note_key key; /* signed in this process, for this verb */
};

struct actor {
	char name[ROSTER_NAME_MAX + 1]; /* officer, or "os:<uid>" */
	unsigned roles;			/* ROLE_* bits; ROLE_NONE: unproven */
	bool proven;
	bool roster; /* one is in force; without it anybody may do anything */
};

/*
 * Signs and verifies: the holder of the key is here now. log: the origin; verb:
 * what is about to be done; token: the key is not a file. The signer's codes,
 * PV_INTEGRITY for a wrong signature.
 */
PV_MUST enum pv_code actor_claim(const char *log, const char *verb, bool token,
				 const struct note_signer *signer,
				 struct actor_claim *claim, struct err *err);
/*
 * Who acts through store from now on; also sets the handle's actor. claim may
 * be NULL. PV_DENIED, "actor.unknown" (no roster, or the key is not one of that
 * officer's), "actor.kind" (a key file where the roster wants a token);
 * people_in_force()'s codes.
 */
PV_MUST enum pv_code actor_enter(struct store *store,
				 const struct actor_claim *claim,
				 struct actor *who, struct err *err);
/*
 * What exporting a bundle of a device takes that was issued under order ("":
 * none): less where the order is open.
 */
PV_MUST enum pv_code actor_export_op(struct store *store, const char *order,
				     enum role_op *op, struct err *err);
/* PV_DENIED, "actor.role", which says who may. Everything is allowed while no
 * roster is in force. */
PV_MUST enum pv_code actor_allow(const struct actor *who, enum role_op op,
				 struct err *err);

#endif
