#include "pkcs11/sign.h"

#include <string.h>

#include "pkcs11/op.h"

#define SIG_LEN 64
#define SIG_ROOM 256 /* a module that sends DER is refused, not overrun by */

struct signing {
	CK_MECHANISM_TYPE type;
	struct span data;
	uint8_t sig[SIG_ROOM];
	CK_ULONG len;
};

static CK_RV sign_run(struct p11 *p, CK_SESSION_HANDLE session,
		      const struct hsm_key *key, void *arg)
{
	struct signing *s = arg;
	CK_MECHANISM mechanism = { s->type, NULL, 0 };
	CK_RV rv = p->mod.f->C_SignInit(session, &mechanism, key->handle);

	s->len = sizeof(s->sig);
	if (rv != CKR_OK)
		return rv;
	return p->mod.f->C_Sign(session, (CK_BYTE *)s->data.p, s->data.len,
				s->sig, &s->len);
}

static enum pv_code sign(struct p11 *p, struct hsm_key *key, struct signing *s,
			 uint8_t sig[SIG_LEN], struct err *err)
{
	static const struct p11_op op = { "C_Sign", sign_run, false };
	static const uint8_t zero[SIG_LEN];
	enum pv_code rc = p11_do(p, key, &op, s, err);

	if (rc != PV_OK) {
		err_object(err, key->info.label);
		return rc;
	}
	if (s->len != SIG_LEN)
		return err_fail(err, PV_HSM_FATAL, "hsm.signature", NULL,
				"key %s: a signature of %lu bytes, not 64",
				key->info.label, s->len);
	if (!memcmp(s->sig, zero, SIG_LEN))
		return err_fail(err, PV_HSM_FATAL, "hsm.signature", NULL,
				"key %s: a signature of zeros",
				key->info.label);
	memcpy(sig, s->sig, SIG_LEN);
	return PV_OK;
}

static enum pv_code wrong_kind(const struct hsm_key *key, struct err *err)
{
	return err_fail(err, PV_INTERNAL, "hsm.key", NULL,
			"key %s is not for this kind of signature",
			key->info.label);
}

enum pv_code p11_sign_digest(struct p11 *p, struct hsm_key *key,
			     const uint8_t digest[32], uint8_t sig[64],
			     struct err *err)
{
	struct signing s = { .type = CKM_ECDSA, .data = { digest, 32 } };

	if (!hsm_is_p256(key->info.kind))
		return wrong_kind(key, err);
	return sign(p, key, &s, sig, err);
}

enum pv_code p11_sign_message(struct p11 *p, struct hsm_key *key,
			      struct span msg, uint8_t sig[64], struct err *err)
{
	struct signing s = { .type = CKM_EDDSA, .data = msg };

	if (key->info.kind != HSM_KEY_ED25519)
		return wrong_kind(key, err);
	return sign(p, key, &s, sig, err);
}
