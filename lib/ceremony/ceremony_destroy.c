/* A key that is not needed any more. */
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/ceremony/ceremony_kinds.h"
#include "lib/flow/keydestroy.h"

static enum pv_code tell(struct ceremony *c, const struct keydestroy_key *k,
			 struct err *err)
{
	char id[2 * HSM_ID_LEN + 1], generation[16];

	hex_encode(k->key.id, HSM_ID_LEN, id);
	snprintf(generation, sizeof(generation), "%u", k->generation);
	return CEREMONY_PUT(c, "destroyed", { "label", k->key.label },
			    { "purpose", k->key.purpose },
			    { "generation", generation }, { "id", id });
}

/* Its attributes and fingerprint, while it is there. */
static enum pv_code show(struct ceremony *c, const struct keydestroy_key *k,
			 struct err *err)
{
	struct tokens tokens = ceremony_tokens(c);
	enum pv_code rc = tokens_find(&tokens, &k->key, err);

	if (rc == PV_OK)
		rc = ceremony_tell_key(c, &k->key, err);
	return rc == PV_OK ? tokens_open(&tokens, 0, err) : rc;
}

/* Of one that a crash left some objects may be gone, and it was shown then:
 * people hear which it is. */
static enum pv_code ask(struct ceremony *c, const struct keydestroy_key *k,
			bool begun, struct err *err)
{
	char id[2 * HSM_ID_LEN + 1], text[HSM_LABEL_MAX + 128];

	hex_encode(k->key.id, HSM_ID_LEN, id);
	if (begun)
		snprintf(text, sizeof(text),
			 "Go on and destroy key %s (CKA_ID %s): it cannot be "
			 "brought back",
			 k->key.label, id);
	else
		snprintf(text, sizeof(text),
			 "Destroy key %s: it cannot be brought back",
			 k->key.label);
	return ceremony_ask(c, text, err);
}

enum pv_code ceremony_destroy_key(struct ceremony *c,
				  const struct plan_step *step, struct err *err)
{
	bool begun = c->target[c->n] != 0;
	struct keydestroy_key k;
	struct tokens tokens;
	enum pv_code rc = keydestroy_find(c->store, step->purpose,
					  step->generation, &k, err);

	if (rc != PV_OK)
		return rc;
	snprintf(c->object, sizeof(c->object), "%s", k.key.label);
	if (k.destroyed && begun)
		return tell(c, &k, err);
	if (k.destroyed)
		return err_fail(err, PV_CONFLICT, "ceremony.made",
				"run another version of the plan, without that "
				"step",
				"the key was destroyed before, and not by this "
				"ceremony");
	rc = keydestroy_check(c->a, c->store, &k, err);
	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	if (rc == PV_OK && !begun)
		rc = show(c, &k, err);
	if (rc == PV_OK)
		rc = ask(c, &k, begun, err);
	if (rc == PV_OK)
		rc = ceremony_target(c, k.key.label, k.generation, err);
	tokens = ceremony_tokens(c);
	if (rc == PV_OK)
		rc = keydestroy(c->store, &tokens, &k, err);
	return rc == PV_OK ? tell(c, &k, err) : rc;
}
