/* rotate_ca: the keys that sign, and the tokens that have them. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/castand.h"
#include "lib/flow/keymake.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/rotate_ca_impl.h"
#include "lib/store/store_log.h"

static enum pv_code open_key(struct rotate_ca *r, const struct issue_key *want,
			     struct tokensign *key, struct err *err)
{
	tokensign_close(key);
	return tokensign_open(key, *r->tokens->hsm, want, err);
}

static enum pv_code no_parent(const struct rotate_ca *r, struct err *err)
{
	err_object(err, r->parent_name);
	return err_fail(err, PV_NOT_FOUND, "rotate.parent",
			"name the token that has it in \"tokens\" of "
			"provctl.json",
			"the key of %s, which must certify the new one, is on "
			"none of the tokens",
			r->parent_name);
}

/* The parent as it is now: it may have another generation by now. */
static enum pv_code find_parent(struct rotate_ca *r, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	struct err why;
	enum pv_code rc =
		ca_chain_load(r->store, r->parent_name, r->now_s, &chain, err);

	if (rc == PV_OK)
		rc = x509_issuer_load(buf_span(&chain.ca[0].der), &r->parent,
				      err);
	if (rc != PV_OK)
		return rc;
	r->parent_generation = chain.ca[0].generation;
	if (!chain.ca[0].label[0])
		return ca_elsewhere(r->parent_name, err);
	rc = ca_chain_stands(r->a, r->store, &chain, r->now_s, err);
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	rc = ownkey_load(r->store, chain.ca[0].label, &r->above, &why);
	if (rc == PV_OK)
		rc = tokens_find(r->tokens, &r->above, &why);
	r->parent_at = r->tokens->login->token;
	if (rc == PV_NOT_FOUND || strcmp(why.rule, "hsm.key-missing") == 0)
		return no_parent(r, err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

enum pv_code rotate_ca_find(struct rotate_ca *r, struct err *err)
{
	enum pv_code rc = PV_OK;

	/* The CA's own token first: often it has both. */
	if (!r->first)
		rc = ownkey_load(r->store, r->old_label, &r->old, err);
	if (rc == PV_OK && !r->first)
		rc = tokens_find(r->tokens, &r->old, err);
	r->own_at = r->tokens->login->token;
	if (rc == PV_OK && !r->root && !r->opts->brought)
		rc = find_parent(r, err);
	return rc == PV_OK ? tokens_open(r->tokens, r->own_at, err) : rc;
}

static enum pv_code no_key(const struct rotate_ca *r, struct err *err)
{
	err_object(err, r->opts->ca);
	return err_fail(err, PV_CONFLICT, "rotate.key",
			"generate it, and have a request for it signed",
			"%s has no key of generation %u that waits for its "
			"certificate",
			r->opts->ca, r->generation + 1);
}

enum pv_code rotate_ca_next(struct rotate_ca *r, struct err *err)
{
	const struct keymake_job job = { .authority = r->a->name,
					 .store = r->store,
					 .hsm = *r->tokens->hsm,
					 .purpose = r->opts->ca,
					 .generation = r->generation + 1,
					 .kind = HSM_KEY_P256 };
	struct keymake_known known;
	enum pv_code rc = keymake_known(r->store, r->opts->ca, &known, err);

	if (rc == PV_OK)
		rc = store_log_size(r->store, &r->key_index, err);
	if (rc == PV_OK && known.generation == job.generation) {
		r->next = known.newest;
		r->key_index = known.made_index;
	} else if (rc == PV_OK && r->opts->brought) {
		rc = no_key(r, err);
	} else if (rc == PV_OK && known.all >= CONTEXT_OWN_KEYS_MAX - 2) {
		rc = err_fail(err, PV_DENIED, "rotate.keys",
			      "go on with a new authority",
			      "there are %zu keys: an authority holds no more",
			      known.all);
	} else if (rc == PV_OK) {
		rc = keymake(&job, &r->next, err);
	}
	return rc == PV_OK ? rotate_ca_own(r, err) : rc;
}

enum pv_code rotate_ca_parent(struct rotate_ca *r, struct err *err)
{
	enum pv_code rc = tokens_open(r->tokens, r->parent_at, err);

	return rc == PV_OK ? open_key(r, &r->above, &r->parent_key, err) : rc;
}

enum pv_code rotate_ca_own(struct rotate_ca *r, struct err *err)
{
	enum pv_code rc = tokens_open(r->tokens, r->own_at, err);

	if (rc == PV_OK && !r->first)
		rc = open_key(r, &r->old, &r->old_key, err);
	return rc == PV_OK ? open_key(r, &r->next, &r->new_key, err) : rc;
}
