#include "pkcs11/derive.h"

#include <string.h>

#include "pkcs11/keygen.h"
#include "pkcs11/object.h"
#include "pkcs11/op.h"

#define CMAC_LEN 16
#define COUNTER_BITS 32

/* One block: CMAC(be32(i) || fixed input). */
static CK_RV cmac_block(struct p11 *p, CK_SESSION_HANDLE session,
			CK_OBJECT_HANDLE master, uint8_t i, struct span fixed,
			uint8_t out[CMAC_LEN])
{
	CK_MECHANISM mechanism = { CKM_AES_CMAC, NULL, 0 };
	uint8_t input[4 + P11_FIXED_INPUT_MAX] = { 0, 0, 0, i };
	CK_ULONG len = CMAC_LEN;
	CK_RV rv;

	memcpy(input + 4, fixed.p, fixed.len);
	rv = p->mod.f->C_SignInit(session, &mechanism, master);
	if (rv == CKR_OK)
		rv = p->mod.f->C_Sign(session, input, 4 + fixed.len, out, &len);
	if (rv == CKR_OK && len != CMAC_LEN)
		rv = CKR_BUFFER_TOO_SMALL;
	return rv;
}

CK_RV p11_derive_by_cmac(struct p11 *p, CK_SESSION_HANDLE session,
			 CK_OBJECT_HANDLE master, struct span fixed,
			 uint8_t out[HSM_DERIVED_LEN])
{
	CK_RV rv = cmac_block(p, session, master, 1, fixed, out);

	if (rv == CKR_OK)
		rv = cmac_block(p, session, master, 2, fixed, out + CMAC_LEN);
	return rv;
}

/* The derived key is a session object that we may read, once. */
static void result_template(struct p11_template *t, const CK_ULONG *len)
{
	static const CK_OBJECT_CLASS klass = CKO_SECRET_KEY;
	static const CK_KEY_TYPE type = CKK_GENERIC_SECRET;

	p11_template_add(t, CKA_CLASS, &klass, sizeof(klass));
	p11_template_add(t, CKA_KEY_TYPE, &type, sizeof(type));
	p11_template_flag(t, CKA_TOKEN, false);
	p11_template_flag(t, CKA_SENSITIVE, false);
	p11_template_flag(t, CKA_EXTRACTABLE, true);
	p11_template_add(t, CKA_VALUE_LEN, len, sizeof(*len));
}

CK_RV p11_derive_by_kdf(struct p11 *p, CK_SESSION_HANDLE session,
			CK_OBJECT_HANDLE master, struct span fixed,
			uint8_t out[HSM_DERIVED_LEN])
{
	struct p11_counter_format counter = { CK_FALSE, COUNTER_BITS };
	struct p11_prf_data_param data[] = {
		{ CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof(counter) },
		{ CK_SP800_108_BYTE_ARRAY, (void *)fixed.p, fixed.len },
	};
	struct p11_kdf_params params = { CKM_AES_CMAC, 2, data, 0, NULL };
	CK_MECHANISM mechanism = { CKM_SP800_108_COUNTER_KDF, &params,
				   sizeof(params) };
	struct p11_template t = { .n = 0 };
	const CK_ULONG want = HSM_DERIVED_LEN;
	CK_OBJECT_HANDLE derived = 0;
	size_t len = 0;
	CK_RV rv, end;

	result_template(&t, &want);
	rv = p->mod.f->C_DeriveKey(session, &mechanism, master, t.a, t.n,
				   &derived);
	if (rv != CKR_OK)
		return rv;
	rv = p11_attribute(p, session, derived, CKA_VALUE, out, HSM_DERIVED_LEN,
			   &len);
	if (rv == CKR_OK && len != HSM_DERIVED_LEN)
		rv = CKR_BUFFER_TOO_SMALL;
	/* Session keys left behind slow every find. */
	end = p->mod.f->C_DestroyObject(session, derived);
	return rv != CKR_OK ? rv : end;
}

struct derivation {
	struct span fixed;
	struct secret *out; /* HSM_DERIVED_LEN bytes */
};

static CK_RV derive_run(struct p11 *p, CK_SESSION_HANDLE session,
			const struct hsm_key *key, void *arg)
{
	struct derivation *d = arg;

	return key->by_kdf ? p11_derive_by_kdf(p, session, key->handle,
					       d->fixed, d->out->data)
			   : p11_derive_by_cmac(p, session, key->handle,
						d->fixed, d->out->data);
}

enum pv_code p11_derive(struct p11 *p, struct hsm_key *key, struct span fixed,
			struct secret *out, struct err *err)
{
	static const struct p11_op op = { "key derivation", derive_run, false };
	SECRET derived = SECRET_INIT;
	struct derivation d = { fixed, &derived };
	enum pv_code rc;

	if (key->info.kind != HSM_KEY_KDF)
		return err_fail(err, PV_INTERNAL, "hsm.key", NULL,
				"key %s is not a KDF master", key->info.label);
	if (fixed.len == 0 || fixed.len > P11_FIXED_INPUT_MAX)
		return err_fail(err, PV_INPUT, "hsm.length", NULL,
				"a fixed input of %zu bytes, not 1 to %d",
				fixed.len, P11_FIXED_INPUT_MAX);
	rc = secret_alloc(&derived, HSM_DERIVED_LEN, err);
	if (rc == PV_OK)
		rc = p11_do(p, key, &op, &d, err);
	if (rc != PV_OK) {
		err_object(err, key->info.label);
		return rc;
	}
	secret_move(out, &derived);
	return PV_OK;
}

const char *p11_derive_way(const struct p11 *p)
{
	bool kdf = p->facts.sp800_108;

	/* A master that is in use knows better than the token's list. */
	for (const struct hsm_key *k = p->keys; k; k = k->next)
		if (k->info.kind == HSM_KEY_KDF)
			kdf = k->by_kdf;
	return kdf ? "CKM_SP800_108_COUNTER_KDF" : "CKM_AES_CMAC x 2";
}
