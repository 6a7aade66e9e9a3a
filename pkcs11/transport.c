#include "pkcs11/transport.h"

#include <string.h>

#include <openssl/evp.h>

#include "lib/base/p256.h"
#include "pkcs11/backup.h"
#include "pkcs11/object.h"
#include "pkcs11/op.h"
#include "pkcs11/point.h"

#define POINT_DER (2 + P256_POINT_LEN)

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);

static const ck_ec_kdf_t kdf_of[HSM_AGREEMENTS] = {
	[HSM_AGREE_PLAIN] = CKD_NULL,
	[HSM_AGREE_SHA256] = CKD_SHA256_KDF,
};

/* One agreement, in one session. */
struct agreement {
	enum hsm_agreement how;
	const uint8_t *point; /* the other's, P256_POINT_LEN bytes */
	bool refused;	      /* the token has no such agreement */
	struct p11_wrap_key key;
	/* Of a pair that is made for it. */
	uint8_t made[P11_POINT_VALUE_MAX];
	size_t made_len;
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

static bool no_such(CK_RV rv)
{
	return rv == CKR_MECHANISM_PARAM_INVALID ||
	       rv == CKR_MECHANISM_INVALID || rv == CKR_ARGUMENTS_BAD;
}

static CK_RV derive(struct p11 *p, CK_SESSION_HANDLE session,
		    CK_OBJECT_HANDLE base, struct agreement *a)
{
	static const CK_ULONG len = P11_WRAP_KEY_LEN;
	uint8_t octets[POINT_DER] = { 0x04, P256_POINT_LEN };
	CK_ECDH1_DERIVE_PARAMS params = { kdf_of[a->how], 0, NULL, 0, NULL };
	CK_MECHANISM m = { CKM_ECDH1_DERIVE, &params, sizeof(params) };
	struct p11_template t = { .n = 0 };
	CK_RV rv;

	memcpy(octets + 2, a->point, P256_POINT_LEN);
	params.pPublicData = p->quirk->ecdh_octets ? octets : octets + 2;
	params.ulPublicDataLen =
		p->quirk->ecdh_octets ? POINT_DER : P256_POINT_LEN;
	p11_wrap_key_template(&t);
	p11_template_add(&t, CKA_VALUE_LEN, &len, sizeof(len));
	rv = p->mod.f->C_DeriveKey(session, &m, base, t.a, t.n, &a->key.handle);
	a->refused = no_such(rv);
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
	a->key.generation = p->pool.generation;
	session_pair(&pub, &priv);
	rv = p->mod.f->C_GenerateKeyPair(session, &m, pub.a, pub.n, priv.a,
					 priv.n, &public, &private);
	if (rv != CKR_OK)
		return rv;
	rv = p11_attribute(p, session, public, CKA_EC_POINT, a->made,
			   sizeof(a->made), &a->made_len);
	if (rv == CKR_OK)
		rv = derive(p, session, private, a);
	end = p->mod.f->C_DestroyObject(session, private);
	if (rv == CKR_OK)
		rv = end;
	end = p->mod.f->C_DestroyObject(session, public);
	if (rv == CKR_OK)
		rv = end;
	if (rv != CKR_OK && a->key.handle)
		p->mod.f->C_DestroyObject(session, a->key.handle);
	return rv;
}

static CK_RV static_run(struct p11 *p, CK_SESSION_HANDLE session,
			const struct hsm_key *key, void *arg)
{
	struct agreement *a = arg;

	a->key.generation = p->pool.generation;
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

		/* With itself: that tells as much as with another. */
		rc = take_point(
			(struct span){ key->info.spki, key->info.spki_len },
			&a.point, err);
		if (rc == PV_OK)
			rc = p11_do(p, key, &agree_op, &a, err);
		if (rc == PV_OK && !a.refused) {
			*takes |= 1u << how;
			rc = p11_wrap_key_drop(p, &a.key, err);
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
	}
	return a->refused ? none(p, err) : PV_OK;
}

enum pv_code p11_send(struct p11 *p, struct hsm_key *key, struct span to,
		      unsigned takes, struct hsm_sent *out, struct err *err)
{
	struct agreement a = { .refused = false };
	CLEANUP(buf_release) struct buf wrapped;
	enum pv_code rc = p11_may_leave(key, err);

	memset(out, 0, sizeof(*out));
	buf_init(&wrapped, sizeof(out->wrapped));
	if (rc == PV_OK)
		rc = take_point(to, &a.point, err);
	if (rc == PV_OK)
		rc = p11_wrap_needed(p, err);
	if (rc == PV_OK)
		rc = agree(p, takes, &a, err);
	/* It drops the key whatever happens. */
	if (rc == PV_OK)
		rc = p11_wrap_out(p, &a.key, key, &wrapped, err);
	if (rc == PV_OK)
		rc = p11_point_p256((struct span){ a.made, a.made_len },
				    p->quirk->points, out->spki, &out->spki_len,
				    err);
	if (rc != PV_OK)
		return rc;
	out->how = a.how;
	memcpy(out->wrapped, wrapped.data, wrapped.len);
	out->wrapped_len = wrapped.len;
	return PV_OK;
}

/* ---- in ---- */

enum pv_code p11_transport_key(struct p11 *p, struct hsm_key *with,
			       const struct hsm_sent *sent,
			       struct p11_wrap_key *by, struct err *err)
{
	struct agreement a = { .how = sent->how };
	enum pv_code rc = is_transport(with, err);

	if (rc == PV_OK)
		rc = p11_wrap_needed(p, err);
	if (rc == PV_OK)
		rc = take_point((struct span){ sent->spki, sent->spki_len },
				&a.point, err);
	if (rc == PV_OK)
		rc = p11_do(p, with, &agree_op, &a, err);
	if (rc == PV_OK && a.refused)
		rc = none(p, err);
	if (rc == PV_OK)
		*by = a.key;
	return rc;
}
