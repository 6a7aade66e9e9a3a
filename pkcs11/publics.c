/* What a token shows to who has not logged in. */
#include "pkcs11/pkcs11.h"

#include <string.h>

#include "pkcs11/life.h"
#include "pkcs11/rv.h"

#define CHUNK 64 /* handles asked for at once */

struct look {
	const CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
	struct hsm_publics *out;
	bool more; /* than there is room for */
};

/* Another length of CKA_ID is none of ours. */
static void take(struct look *l, CK_OBJECT_HANDLE object)
{
	uint8_t id[HSM_ID_LEN];
	CK_ATTRIBUTE a = { CKA_ID, id, sizeof(id) };

	l->out->all++;
	if (l->f->C_GetAttributeValue(l->session, object, &a, 1) != CKR_OK ||
	    a.ulValueLen != sizeof(id))
		return;
	l->more |= l->out->n == HSM_PUBLICS_MAX;
	if (!l->more)
		memcpy(l->out->id[l->out->n++], id, sizeof(id));
}

static CK_RV find_all(struct look *l)
{
	CK_OBJECT_CLASS klass = CKO_PUBLIC_KEY;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE match[] = { { CKA_CLASS, &klass, sizeof(klass) },
				 { CKA_TOKEN, &yes, sizeof(yes) } };
	CK_OBJECT_HANDLE found[CHUNK];
	CK_ULONG got = 0;
	CK_RV rv = l->f->C_FindObjectsInit(l->session, match, 2);
	CK_RV end;

	if (rv != CKR_OK)
		return rv;
	do {
		got = 0;
		rv = l->f->C_FindObjects(l->session, found, CHUNK, &got);
		if (rv == CKR_OK && got > CHUNK)
			rv = CKR_BUFFER_TOO_SMALL;
		for (CK_ULONG i = 0; rv == CKR_OK && i < got; i++)
			take(l, found[i]);
	} while (rv == CKR_OK && got > 0 && !l->more);
	end = l->f->C_FindObjectsFinal(l->session);
	return rv != CKR_OK ? rv : end;
}

static enum pv_code ask(const void *ctx, void *result, struct err *err)
{
	const struct p11_config *cfg = ctx;
	CLEANUP(p11_life_close) struct p11_life life = P11_LIFE_INIT;
	struct look l = { .out = result };
	PKCS11_SLOT *slot = NULL;
	CK_TOKEN_INFO info;
	enum pv_code rc = p11_life_open(&life, cfg, err);
	CK_RV rv;

	if (rc == PV_OK)
		rc = p11_life_find(&life, cfg, &slot, &info, err);
	if (rc != PV_OK)
		return rc;
	l.f = life.mod.f;
	rv = l.f->C_OpenSession(PKCS11_get_slotid_from_slot(slot),
				CKF_SERIAL_SESSION, NULL, NULL, &l.session);
	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "C_OpenSession");
	rv = find_all(&l);
	l.f->C_CloseSession(l.session);
	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "C_FindObjects");
	return l.more ? err_fail(err, PV_HSM_FATAL, "hsm.objects", NULL,
				 "more than %u public keys on the token",
				 HSM_PUBLICS_MAX)
		      : PV_OK;
}

enum pv_code p11_publics(const struct p11_config *cfg, struct hsm_publics *out,
			 struct err *err)
{
	const struct p11_child child = {
		.run = ask,
		.ctx = cfg,
		.result_len = sizeof(*out),
		.timeout_s = cfg->timeout_s,
		.what = "look at public keys",
	};

	memset(out, 0, sizeof(*out));
	return p11_life_run(cfg, &child, out, err);
}
