#include "lib/flow/signing.h"

#include <string.h>

#include <openssl/rand.h>

#include "lib/flow/ownkey.h"

static struct span key_spki(const struct issue_key *key)
{
	struct span s = { key->spki, key->spki_len };

	return s;
}

static enum pv_code find_master(struct signing *s, const struct issue_key *k,
				struct err *err)
{
	struct signing_kdf *kdf = &s->kdf[s->kdf_n];

	if (s->kdf_n == SIGNING_KDF_MAX)
		return PV_OK; /* the oldest: as if it were gone */
	kdf->recorded = k;
	s->kdf_n++;
	return ownkey_find(s->hsm, k, &kdf->key, err);
}

/* The one in use must be there; of the others only who needs it is told. */
static enum pv_code find_masters(struct signing *s, struct err *err)
{
	const struct issue_context *ctx = s->ctx;
	enum pv_code rc = find_master(s, ctx->kdf_key, err);

	for (size_t i = ctx->keys_n; rc == PV_OK && i > 0; i--) {
		const struct issue_key *k = &ctx->keys[i - 1];
		struct err why;

		if (k->kind != HSM_KEY_KDF || k == ctx->kdf_key)
			continue;
		err_init(&why);
		rc = find_master(s, k, &why);
		if (rc == PV_HSM_FATAL)
			rc = PV_OK;
		if (rc != PV_OK)
			*err = why;
	}
	return rc;
}

enum pv_code signing_kdf(const struct signing *s, const uint8_t *id,
			 const struct signing_kdf **kdf, struct err *err)
{
	size_t i = 0;

	while (id && i < s->kdf_n &&
	       memcmp(s->kdf[i].recorded->id, id, HSM_ID_LEN) != 0)
		i++;
	*kdf = i < s->kdf_n ? &s->kdf[i] : NULL;
	if (*kdf && (*kdf)->key)
		return PV_OK;
	if (!id)
		return err_fail(err, PV_NOT_FOUND, "key.missing",
				"generate a key for purpose kdf",
				"the authority has no KDF master");
	return err_fail(err, PV_HSM_FATAL, "hsm.key-missing",
			"put the token back that has it",
			"the KDF master that the device has its keys from is "
			"not on the token");
}

static enum pv_code find_keys(struct signing *s, struct err *err)
{
	const struct issue_context *ctx = s->ctx;
	enum pv_code rc =
		ownkey_find(s->hsm, ctx->bundle_key, &s->bundle_key, err);

	if (rc == PV_OK)
		rc = x509_verifier_new(key_spki(ctx->bundle_key),
				       &s->bundle_verifier, err);
	if (rc == PV_OK && ctx->issuer_key) {
		rc = ownkey_find(s->hsm, ctx->issuer_key, &s->issuer_key, err);
		if (rc == PV_OK)
			rc = x509_verifier_new(key_spki(ctx->issuer_key),
					       &s->issuer_verifier, err);
	}
	return rc == PV_OK && ctx->kdf_key ? find_masters(s, err) : rc;
}

static enum pv_code compile(struct signing *s, struct err *err)
{
	const struct template *t = s->ctx->tmpl;
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < t->components_n; i++)
		if (t->components[i].config)
			rc = content_config_compile(t->components[i].config,
						    t->field_names, t->fields_n,
						    &s->configs[i], err);
	for (size_t i = 0; rc == PV_OK && i < s->ctx->escrow_n; i++)
		rc = escrow_to_new(s->ctx->escrow[i].cert, &s->escrow[i], err);
	return rc;
}

enum pv_code signing_open(const struct issue_context *ctx,
			  const char *authority, struct hsm *hsm,
			  struct signing *s, struct err *err)
{
	enum pv_code rc;

	memset(s, 0, sizeof(*s));
	s->ctx = ctx;
	s->authority = authority;
	s->hsm = hsm;
	rc = seal_new(&s->seal, err);
	if (rc == PV_OK)
		rc = find_keys(s, err);
	if (rc == PV_OK)
		rc = compile(s, err);
	if (rc != PV_OK)
		signing_close(s);
	return rc;
}

void signing_close(struct signing *s)
{
	x509_verifier_free(s->issuer_verifier);
	x509_verifier_free(s->bundle_verifier);
	seal_free(s->seal);
	for (size_t i = 0; i < TPL_COMPONENTS_MAX; i++)
		content_config_free(s->configs[i]);
	for (size_t i = 0; i < TPL_ESCROW_MAX; i++)
		escrow_to_free(s->escrow[i]);
	memset(s, 0, sizeof(*s));
}

enum pv_code signing_draw_id(struct signing *s, uint8_t id[SEAL_ID_LEN],
			     struct err *err)
{
	if (s->ids_left == 0) {
		if (RAND_bytes(s->ids, sizeof(s->ids)) != 1)
			return err_fail(err, PV_INTERNAL, "bundle.id", NULL,
					"the random generator failed");
		s->ids_left = SIGNING_IDS;
	}
	s->ids_left--;
	memcpy(id, s->ids + s->ids_left * SEAL_ID_LEN, SEAL_ID_LEN);
	return PV_OK;
}

static enum pv_code verify(struct signing *s, enum signing_key which,
			   const char *label, const uint8_t digest[32],
			   const uint8_t sig[64],
			   const struct x509_ahead *ahead, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = x509_verify_digest_ahead(which == SIGNING_ISSUER
					      ? s->issuer_verifier
					      : s->bundle_verifier,
				      digest, sig, ahead, PV_HSM_FATAL, &why);
	if (rc == PV_HSM_FATAL)
		return err_fail(err, rc, "hsm.signature",
				"use this token no more until it was checked",
				"key %s: the signature is not its own over "
				"these bytes",
				label);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

static const char *label_of(const struct signing *s, enum signing_key which)
{
	return which == SIGNING_ISSUER ? s->ctx->issuer_key->label
				       : s->ctx->bundle_key->label;
}

/* Keeps what the token got wrong, for who has to quarantine it. */
static enum pv_code keep_wrong(struct signing *s, enum signing_key which,
			       enum pv_code rc, const uint8_t *sig,
			       const struct err *err)
{
	s->wrong.label = NULL;
	if (rc != PV_HSM_FATAL || strcmp(err->rule, "hsm.signature") != 0)
		return rc;
	s->wrong.label = label_of(s, which);
	s->wrong.has_bytes = sig != NULL;
	if (sig)
		memcpy(s->wrong.bytes, sig, 64);
	return rc;
}

enum pv_code signing_ask(struct signing *s, enum signing_key which,
			 const uint8_t digest[32], uint8_t sig[64],
			 struct err *err)
{
	struct hsm_key *key =
		which == SIGNING_ISSUER ? s->issuer_key : s->bundle_key;
	enum pv_code rc = hsm_sign_digest(s->hsm, key, digest, sig, err);

	return keep_wrong(s, which, rc, NULL, err);
}

enum pv_code signing_check(struct signing *s, enum signing_key which,
			   const uint8_t digest[32], const uint8_t sig[64],
			   const struct x509_ahead *ahead, struct err *err)
{
	enum pv_code rc =
		verify(s, which, label_of(s, which), digest, sig, ahead, err);

	return keep_wrong(s, which, rc, sig, err);
}

enum pv_code signing_sign(struct signing *s, enum signing_key which,
			  const uint8_t digest[32], uint8_t sig[64],
			  struct err *err)
{
	enum pv_code rc = signing_ask(s, which, digest, sig, err);

	return rc == PV_OK ? signing_check(s, which, digest, sig, NULL, err)
			   : rc;
}
