/* The steps that make and look at keys. */
#include <stdio.h>
#include <string.h>

#include "lib/base/sha256.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/ceremony/ceremony_kinds.h"
#include "lib/flow/keymake.h"
#include "lib/flow/ownkey.h"

enum hsm_key_kind ceremony_key_kind(struct hsm *hsm,
				    const struct plan_step *step)
{
	switch (step->key) {
	case PLAN_KEY_P256:
		return step->backup ? HSM_KEY_P256_BACKUP : HSM_KEY_P256;
	case PLAN_KEY_ED25519:
		return HSM_KEY_ED25519;
	case PLAN_KEY_ED25519_OR_P256:
		return hsm_can(hsm, HSM_KEY_ED25519) ? HSM_KEY_ED25519
						     : HSM_KEY_P256;
	case PLAN_KEY_KDF:
		return HSM_KEY_KDF;
	case PLAN_KEY_STORE:
		return HSM_KEY_STORE;
	}
	return HSM_KEY_P256;
}

/* As the token says it now, held against what was recorded. */
enum pv_code ceremony_tell_key(struct ceremony *c, const struct issue_key *key,
			       struct err *err)
{
	const struct hsm_key_info *info;
	char id[2 * HSM_ID_LEN + 1], spki[65] = "", attrs[65];
	char der[2 * HSM_SPKI_MAX + 1] = "";
	struct hsm_key *found;
	uint8_t hash[32];
	enum pv_code rc = ownkey_find(c->hsm, key, &found, err);

	if (rc == PV_OK && key->spki_len > 0)
		rc = sha256((struct span){ key->spki, key->spki_len }, hash,
			    err);
	if (rc != PV_OK)
		return rc;
	info = hsm_info(c->hsm, found);
	if (key->spki_len > 0) {
		hex_encode(hash, sizeof(hash), spki);
		hex_encode(key->spki, key->spki_len, der);
	}
	hex_encode(info->id, HSM_ID_LEN, id);
	hex_encode(info->attrs_sha256, sizeof(info->attrs_sha256), attrs);
	return CEREMONY_PUT(
		c, "key", { "label", key->label }, { "purpose", key->purpose },
		{ "kind", ownkey_kind_name(key->kind) }, { "id", id },
		{ "spki_sha256", spki[0] ? spki : NULL },
		{ "spki", der[0] ? der : NULL }, { "attributes", info->attrs },
		{ "attributes_sha256", attrs },
		{ "origin", key->generated ? "generated" : "brought" });
}

enum pv_code ceremony_tell_ca_key(struct ceremony *c, const char *ca,
				  struct span spki, struct err *err)
{
	char hash[65], der[2 * HSM_SPKI_MAX + 1];
	enum pv_code rc = ceremony_hash(spki, hash, err);

	if (rc != PV_OK || !c->opts->later || strcmp(c->ca_key, hash) == 0)
		return rc;
	memcpy(c->ca_key, hash, sizeof(c->ca_key));
	hex_encode(spki.p, spki.len, der);
	return CEREMONY_PUT(c, "ca-key", { "ca", ca }, { "spki_sha256", hash },
			    { "spki", der });
}

enum pv_code ceremony_name_key(struct ceremony *c, const struct issue_key *key,
			       struct err *err)
{
	struct authority_key *named = &c->a->keys[c->a->keys_n];

	if (c->a->keys_n == AUTHORITY_KEYS_MAX)
		return err_fail(err, PV_INPUT, "plan.keys", NULL,
				"more than %d keys", AUTHORITY_KEYS_MAX);
	snprintf(named->purpose, sizeof(named->purpose), "%.63s", key->purpose);
	snprintf(named->label, sizeof(named->label), "%s", key->label);
	named->generation = KEYMAKE_FIRST;
	c->a->keys_n++;
	return PV_OK;
}

/* A crash between token and store leaves a key that nobody recorded. */
enum pv_code ceremony_keymake(struct ceremony *c, const char *purpose,
			      enum hsm_key_kind kind, struct issue_key *key,
			      struct err *err)
{
	struct keymake_job job = { .authority = c->a->name,
				   .store = c->store,
				   .purpose = purpose,
				   .generation = KEYMAKE_FIRST,
				   .hsm = c->hsm,
				   .kind = kind };
	enum pv_code rc = keymake(&job, key, err);

	if (c->opts->resume && rc == PV_CONFLICT && err &&
	    strcmp(err->rule, "hsm.label-taken") == 0)
		snprintf(err->hint, sizeof(err->hint),
			 "nobody recorded that key: delete it with the token's "
			 "own tool, then `provctl ceremony resume'");
	return rc;
}

enum pv_code ceremony_generate_key(struct ceremony *c,
				   const struct plan_step *step,
				   struct err *err)
{
	const struct keymake_job job = { .authority = c->a->name,
					 .purpose = step->purpose,
					 .generation = KEYMAKE_FIRST };
	struct keymake_known known;
	enum pv_code rc;

	if (c->opts->later)
		return ceremony_next_key(c, step, err);
	keymake_label(&job, c->object);
	rc = ceremony_login(c, err);
	if (rc == PV_OK)
		rc = keymake_known(c->store, step->purpose, &known, err);
	if (rc == PV_OK && known.n == 0)
		rc = ceremony_keymake(c, step->purpose,
				      ceremony_key_kind(c->hsm, step),
				      &known.newest, err);
	if (rc == PV_OK)
		rc = ceremony_tell_key(c, &known.newest, err);
	return rc == PV_OK ? ceremony_name_key(c, &known.newest, err) : rc;
}

enum pv_code ceremony_generated(struct ceremony *c,
				const struct plan_step *step, struct err *err)
{
	struct keymake_known known;
	enum pv_code rc;

	/* It is named where its key was put to use. */
	if (c->opts->later)
		return PV_OK;
	rc = keymake_known(c->store, step->purpose, &known, err);
	if (rc == PV_OK && known.n == 0)
		rc = err_fail(err, PV_INTEGRITY, "ceremony.other", NULL,
			      "the transcript has a key %s that the store does "
			      "not know",
			      step->purpose);
	return rc == PV_OK ? ceremony_name_key(c, &known.newest, err) : rc;
}

enum pv_code ceremony_check_key(struct ceremony *c,
				const struct plan_step *step, struct err *err)
{
	struct authority_key named;
	struct issue_key key;
	enum pv_code rc = ceremony_key_of(c, step->purpose, &named, err);

	if (rc == PV_OK)
		rc = ownkey_load(c->store, named.label, &key, err);
	if (rc != PV_OK)
		return rc;
	snprintf(c->object, sizeof(c->object), "%s", named.label);
	rc = ceremony_login(c, err);
	return rc == PV_OK ? ceremony_tell_key(c, &key, err) : rc;
}
