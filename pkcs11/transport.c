#include "pkcs11/transport.h"

#include <string.h>

#include <openssl/evp.h>

#include "lib/base/p256.h"
#include "lib/base/sha256.h"
#include "pkcs11/backup.h"
#include "pkcs11/object.h"
#include "pkcs11/op.h"
#include "pkcs11/point.h"

#define CONTEXT "provctl/transport/v1"

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);

/* One agreement, in one session. */
struct agreement {
	enum hsm_agreement how;
	const uint8_t *point; /* the other's, P256_POINT_LEN bytes */
	/* What the wrap key is for. */
	struct span to, key; /* SPKI: of who takes it, of what is wrapped */
	const uint8_t *id;   /* of that */
	uint8_t made[HSM_SPKI_MAX]; /* of the pair that is made for it */
	size_t made_len;
	uint8_t context[SHA256_LEN]; /* over all of it */
	struct err why;		     /* what went wrong outside of the token */
	bool refused;		     /* the token has no such agreement */
	struct p11_wrap_key by;
};

/* A point that is on the curve: a token may not look. */
static enum pv_code take_point(struct span spki, const uint8_t **point,
			       struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *pkey = NULL;

	*point = p256_point(spki);
	if (*point)
		pkey = p256_load(*point);
	return pkey ? PV_OK
		    : err_fail(err, PV_INPUT, "hsm.point", NULL,
			       "keys go to keys on P-256 only");
}

/* ---- inside the token ---- */

/* All parts have a length of their own. */
static enum pv_code set_context(struct agreement *a, struct span made,
				struct err *err)
{
	const struct span parts[] = {
		{ (const uint8_t *)CONTEXT, sizeof(CONTEXT) - 1 },
		made,
		a->to,
		a->key,
		{ a->id, HSM_ID_LEN },
	};

	return sha256_parts(parts, sizeof(parts) / sizeof(*parts), a->context,
			    err);
}

static CK_RV ecdh(struct p11 *p, CK_SESSION_HANDLE session,
		  CK_OBJECT_HANDLE base, struct agreement *a, ck_ec_kdf_t kdf,
		  struct p11_template *t, CK_OBJECT_HANDLE *out)
{
	static const CK_ULONG len = P11_WRAP_KEY_LEN;
	uint8_t octets[P11_POINT_OCTETS_LEN];
	CK_ECDH1_DERIVE_PARAMS params = { kdf, 0, NULL, 0, NULL };
	CK_MECHANISM m = { CKM_ECDH1_DERIVE, &params, sizeof(params) };

	p11_point_octets(a->point, octets);
	params.pPublicData =
		p->quirk->ecdh_octets ? octets : (CK_BYTE *)a->point;
	params.ulPublicDataLen =
		p->quirk->ecdh_octets ? sizeof(octets) : P256_POINT_LEN;
	if (kdf != CKD_NULL) {
		params.pSharedData = a->context;
		params.ulSharedDataLen = sizeof(a->context);
	}
	p11_template_add(t, CKA_VALUE_LEN, &len, sizeof(len));
	return p->mod.f->C_DeriveKey(session, &m, base, t->a, t->n, out);
}

static CK_RV expand(struct p11 *p, CK_SESSION_HANDLE session,
		    CK_OBJECT_HANDLE shared, struct agreement *a)
{
	static const CK_ULONG len = P11_WRAP_KEY_LEN;
	CK_AES_CBC_ENCRYPT_DATA_PARAMS params = { { 0 },
						  a->context,
						  sizeof(a->context) };
	CK_MECHANISM m = { CKM_AES_CBC_ENCRYPT_DATA, &params, sizeof(params) };
	struct p11_template t = { .n = 0 };

	p11_wrap_key_template(&t);
	p11_template_add(&t, CKA_VALUE_LEN, &len, sizeof(len));
	return p->mod.f->C_DeriveKey(session, &m, shared, t.a, t.n,
				     &a->by.handle);
}

/* Where there is no KDF: the coordinate is a key that others come of. */
static CK_RV in_two_steps(struct p11 *p, CK_SESSION_HANDLE session,
			  CK_OBJECT_HANDLE base, struct agreement *a)
{
	struct p11_template t = { .n = 0 };
	CK_OBJECT_HANDLE shared = 0;
	CK_RV rv, end;

	p11_base_key_template(&t);
	rv = ecdh(p, session, base, a, CKD_NULL, &t, &shared);
	if (rv != CKR_OK)
		return rv;
	rv = expand(p, session, shared, a);
	end = p->mod.f->C_DestroyObject(session, shared);
	if (end == CKR_OK)
		return rv;
	if (rv == CKR_OK)
		p->mod.f->C_DestroyObject(session, a->by.handle);
	a->by.handle = 0;
	return end;
}

static CK_RV derive(struct p11 *p, CK_SESSION_HANDLE session,
		    CK_OBJECT_HANDLE base, struct agreement *a)
{
	struct p11_template t = { .n = 0 };
	CK_RV rv;

	p11_wrap_key_template(&t);
	a->by.handle = 0;
	rv = a->how == HSM_AGREE_SHA256
		     ? ecdh(p, session, base, a, CKD_SHA256_KDF, &t,
			    &a->by.handle)
		     : in_two_steps(p, session, base, a);
	a->refused = rv == CKR_MECHANISM_PARAM_INVALID ||
		     rv == CKR_MECHANISM_INVALID || rv == CKR_ARGUMENTS_BAD;
	return a->refused ? CKR_OK : rv;
}

static void session_pair(struct p11_template *pub, struct p11_template *priv)
{
	p11_template_flag(pub, CKA_TOKEN, false);
	p11_template_flag(pub, CKA_VERIFY, false);
	p11_template_flag(pub, CKA_ENCRYPT, false);
	p11_template_flag(pub, CKA_WRAP, false);
	p11_template_p256(pub);
	p11_template_flag(priv, CKA_TOKEN, false);
	p11_template_flag(priv, CKA_PRIVATE, true);
	p11_template_flag(priv, CKA_SENSITIVE, true);
	p11_template_flag(priv, CKA_EXTRACTABLE, false);
	p11_template_flag(priv, CKA_DERIVE, true);
	p11_template_flag(priv, CKA_SIGN, false);
	p11_template_flag(priv, CKA_DECRYPT, false);
	p11_template_flag(priv, CKA_UNWRAP, false);
}

/* With the private half of the pair that was made. */
static CK_RV derive_made(struct p11 *p, CK_SESSION_HANDLE session,
			 CK_OBJECT_HANDLE public, CK_OBJECT_HANDLE private,
			 struct agreement *a)
{
	uint8_t value[P11_POINT_VALUE_MAX];
	struct span point = { value, 0 };
	CK_RV rv = p11_attribute(p, session, public, CKA_EC_POINT, value,
				 sizeof(value), &point.len);

	if (rv != CKR_OK)
		return rv;
	if (p11_point_p256(point, p->quirk->points, a->made, &a->made_len,
			   &a->why) != PV_OK ||
	    set_context(a, (struct span){ a->made, a->made_len }, &a->why) !=
		    PV_OK)
		return CKR_OK;
	return derive(p, session, private, a);
}

/* Makes a pair, agrees with it, and destroys it. */
static CK_RV ephemeral_run(struct p11 *p, CK_SESSION_HANDLE session,
			   const struct hsm_key *key, void *arg)
{
	CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	struct p11_template pub = { .n = 0 }, priv = { .n = 0 };
	CK_OBJECT_HANDLE public = 0, private = 0;
	struct agreement *a = arg;
	CK_RV rv, end;

	(void)key;
	a->by.generation = p->pool.generation;
	session_pair(&pub, &priv);
	rv = p->mod.f->C_GenerateKeyPair(session, &m, pub.a, pub.n, priv.a,
					 priv.n, &public, &private);
	if (rv != CKR_OK)
		return rv;
	rv = derive_made(p, session, public, private, a);
	end = p->mod.f->C_DestroyObject(session, private);
	if (rv == CKR_OK)
		rv = end;
	end = p->mod.f->C_DestroyObject(session, public);
	if (rv == CKR_OK)
		rv = end;
	if (rv != CKR_OK && a->by.handle)
		p->mod.f->C_DestroyObject(session, a->by.handle);
	return rv;
}

static CK_RV static_run(struct p11 *p, CK_SESSION_HANDLE session,
			const struct hsm_key *key, void *arg)
{
	struct agreement *a = arg;

	a->by.generation = p->pool.generation;
	return derive(p, session, key->handle, a);
}

static const struct p11_op agree_op = { "C_DeriveKey", static_run, false };

static enum pv_code none(const struct p11 *p, struct err *err)
{
	return err_fail(err, PV_DENIED, "hsm.mechanism", "take another token",
			"token %s has no CKM_ECDH1_DERIVE as it is needed",
			p->facts.label);
}

/* ---- what of it a token takes ---- */

static enum pv_code is_transport(const struct hsm_key *key, struct err *err)
{
	if (key && key->info.kind == HSM_KEY_TRANSPORT)
		return PV_OK;
	return err_fail(err, PV_HSM_FATAL, "hsm.key", NULL,
			"not a key that others are sent to");
}

enum pv_code p11_agreements(struct p11 *p, struct hsm_key *key, unsigned *takes,
			    struct err *err)
{
	enum pv_code rc = is_transport(key, err);

	*takes = 0;
	if (rc == PV_OK)
		rc = p11_wrap_needed(p, err);
	for (unsigned how = 0; rc == PV_OK && how < HSM_AGREEMENTS; how++) {
		struct agreement a = { .how = (enum hsm_agreement)how };

		/* With itself, for nothing: that tells as much. */
		rc = take_point(
			(struct span){ key->info.spki, key->info.spki_len },
			&a.point, err);
		if (rc == PV_OK)
			rc = p11_do(p, key, &agree_op, &a, err);
		if (rc == PV_OK && !a.refused) {
			*takes |= 1u << how;
			rc = p11_wrap_key_drop(p, &a.by, err);
		}
	}
	return rc == PV_OK && *takes == 0 ? none(p, err) : rc;
}

/* ---- out ---- */

/* The best of those that both take. */
static enum pv_code agree(struct p11 *p, unsigned takes, struct agreement *a,
			  struct err *err)
{
	static const struct p11_op op = { "C_DeriveKey", ephemeral_run, false };
	enum pv_code rc = PV_OK;

	a->refused = true;
	for (unsigned how = HSM_AGREEMENTS; a->refused && how-- > 0;) {
		if (!(takes & (1u << how)))
			continue;
		a->how = (enum hsm_agreement)how;
		a->refused = false;
		rc = p11_do(p, NULL, &op, a, err);
		if (rc != PV_OK)
			return rc;
		if (a->why.code != PV_OK) {
			*err = a->why;
			return err->code;
		}
	}
	return a->refused ? none(p, err) : PV_OK;
}

enum pv_code p11_send(struct p11 *p, struct hsm_key *key, struct span to,
		      unsigned takes, struct hsm_sent *out, struct err *err)
{
	struct agreement a = { .to = to };
	CLEANUP(buf_release) struct buf wrapped;
	enum pv_code rc = p11_may_leave(key, err);

	err_init(&a.why);
	memset(out, 0, sizeof(*out));
	buf_init(&wrapped, sizeof(out->wrapped));
	if (rc == PV_OK)
		rc = take_point(to, &a.point, err);
	if (rc == PV_OK)
		rc = p11_wrap_needed(p, err);
	if (rc == PV_OK) {
		a.key = (struct span){ key->info.spki, key->info.spki_len };
		a.id = key->info.id;
		rc = agree(p, takes, &a, err);
	}
	/* It drops the key whatever happens. */
	if (rc == PV_OK)
		rc = p11_wrap_out(p, &a.by, key, &wrapped, err);
	if (rc != PV_OK)
		return rc;
	out->how = a.how;
	memcpy(out->spki, a.made, a.made_len);
	out->spki_len = a.made_len;
	memcpy(out->wrapped, wrapped.data, wrapped.len);
	out->wrapped_len = wrapped.len;
	return PV_OK;
}

/* ---- in ---- */

enum pv_code p11_transport_key(struct p11 *p, const struct hsm_restore *in,
			       struct p11_wrap_key *by, struct err *err)
{
	struct span made = { in->sent->spki, in->sent->spki_len };
	struct agreement a = { .how = in->sent->how,
			       .key = in->spki,
			       .id = in->id };
	enum pv_code rc = is_transport(in->with, err);

	if (rc == PV_OK)
		rc = p11_wrap_needed(p, err);
	if (rc == PV_OK)
		rc = take_point(made, &a.point, err);
	if (rc == PV_OK) {
		a.to = (struct span){ in->with->info.spki,
				      in->with->info.spki_len };
		rc = set_context(&a, made, err);
	}
	if (rc == PV_OK)
		rc = p11_do(p, in->with, &agree_op, &a, err);
	if (rc == PV_OK && a.refused)
		rc = none(p, err);
	if (rc == PV_OK)
		*by = a.by;
	return rc;
}
