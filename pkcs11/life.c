#include "pkcs11/life.h"

#include <string.h>

#include <openssl/err.h>

#include "pkcs11/lock.h"
#include "pkcs11/rv.h"

/* The name libp11 gives the error library whose reasons are CK_RVs. */
#define CKR_LIBRARY "PKCS#11 module"

void p11_life_close(struct p11_life *l)
{
	if (l->slots)
		PKCS11_release_all_slots(l->ctx, l->slots, l->slots_n);
	if (l->loaded)
		PKCS11_CTX_unload(l->ctx);
	if (l->ctx)
		PKCS11_CTX_free(l->ctx);
	p11_module_unload(&l->mod);
}

/* libp11 leaves the CK_RV as the reason of an OpenSSL error. */
enum pv_code p11_life_failed(const char *call, struct err *err)
{
	unsigned long e = ERR_peek_last_error();
	const char *lib = ERR_lib_error_string(e);

	if (e && lib && !strcmp(lib, CKR_LIBRARY))
		return p11_rv_fail(err, (CK_RV)ERR_GET_REASON(e), call);
	return err_fail(err, PV_HSM_TEMP, "hsm.call", NULL, "%s failed", call);
}

/* Taken before the fork: waiting for others is not the HSM's time. */
enum pv_code p11_life_run(const struct p11_config *cfg,
			  const struct p11_child *child, void *result,
			  struct err *err)
{
	CLEANUP(p11_lock_release) struct p11_lock lock = P11_LOCK_INIT;
	char real[PATH_MAX];
	enum pv_code rc = p11_module_resolve(cfg->module, real, err);

	if (rc == PV_OK)
		rc = p11_lock_take(&lock, cfg->lock_dir, real, cfg->timeout_s,
				   err);
	return rc == PV_OK ? p11_child_run(child, result, err) : rc;
}

enum pv_code p11_life_open(struct p11_life *l, const struct p11_config *cfg,
			   struct err *err)
{
	char real[PATH_MAX];
	enum pv_code rc;

	*l = (struct p11_life)P11_LIFE_INIT;
	rc = p11_module_resolve(cfg->module, real, err);
	if (rc == PV_OK)
		rc = p11_module_load(&l->mod, real, err);
	if (rc != PV_OK)
		return rc;
	ERR_clear_error();
	l->ctx = PKCS11_CTX_new();
	if (!l->ctx || PKCS11_CTX_load(l->ctx, real) != 0)
		return p11_life_failed("C_Initialize", err);
	l->loaded = true;
	if (PKCS11_enumerate_slots(l->ctx, &l->slots, &l->slots_n) != 0)
		return p11_life_failed("C_GetSlotList", err);
	return PV_OK;
}

/* libp11's slot for the token of the URI. */
enum pv_code p11_life_find(struct p11_life *l, const struct p11_config *cfg,
			   PKCS11_SLOT **slot, CK_TOKEN_INFO *info,
			   struct err *err)
{
	CLEANUP(cleanup_p11_uri_free) struct p11_uri *uri = NULL;
	enum pv_code rc = p11_uri_parse_token(cfg->token_uri, &uri, err);
	CK_SLOT_ID id = 0;

	if (rc == PV_OK)
		rc = p11_slot_find(&l->mod, uri, &id, info, err);
	if (rc != PV_OK)
		return rc;
	for (unsigned int i = 0; i < l->slots_n; i++) {
		if (PKCS11_get_slotid_from_slot(&l->slots[i]) == id) {
			*slot = &l->slots[i];
			return PV_OK;
		}
	}
	return err_fail(err, PV_HSM_TEMP, "hsm.token-missing", NULL,
			"the token came while we looked; run again");
}

/* libp11 wants C strings; the copy ends with this child. */
enum pv_code p11_life_pin(const struct secret *pin, bool must_lock,
			  struct secret *out, struct err *err)
{
	enum pv_code rc;
	bool locked;

	if (!pin || !pin->len)
		return err_fail(err, PV_HSM_FATAL, "hsm.pin", NULL,
				"the PIN is empty");
	if (memchr(pin->data, 0, pin->len))
		return err_fail(err, PV_HSM_FATAL, "hsm.pin", NULL,
				"the PIN holds a NUL byte");
	rc = secret_alloc(out, pin->len + 1, err);
	if (rc != PV_OK)
		return rc;
	locked = secret_lock(pin) && secret_lock(out);
	if (must_lock && !locked)
		return err_fail(err, PV_INTERNAL, "secret.heap",
				"raise the locked-memory limit (ulimit -l)",
				"memory for the PIN cannot be locked");
	memcpy(out->data, pin->data, pin->len);
	return PV_OK;
}

/* libp11 0.4.12 never returns when C_OpenSession fails: ask first. */
static enum pv_code probe_session(const struct p11_life *l, PKCS11_SLOT *slot,
				  struct err *err)
{
	CK_SESSION_HANDLE session = 0;
	CK_RV rv = l->mod.f->C_OpenSession(PKCS11_get_slotid_from_slot(slot),
					   CKF_SERIAL_SESSION | CKF_RW_SESSION,
					   NULL, NULL, &session);

	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "C_OpenSession");
	l->mod.f->C_CloseSession(session);
	return PV_OK;
}

enum pv_code p11_life_login(const struct p11_life *l, PKCS11_SLOT *slot, int so,
			    const char *pin, struct err *err)
{
	enum pv_code rc = probe_session(l, slot, err);

	if (rc != PV_OK)
		return rc;
	ERR_clear_error();
	if (PKCS11_open_session(slot, 1) != 0)
		return p11_life_failed("C_OpenSession", err);
	if (PKCS11_login(slot, so, pin) != 0)
		return p11_life_failed("C_Login", err);
	return PV_OK;
}
