/* The user's PIN of a token, through Cryptoki, in a child that ends with it. */
#include <string.h>

#include "pkcs11/life.h"
#include "pkcs11/pkcs11.h"
#include "pkcs11/rv.h"

struct pin_job {
	const struct p11_config *cfg;
	const struct secret *old, *new;
	bool locked; /* both, in the parent */
};

static enum pv_code check_length(const struct p11_facts *f,
				 const struct secret *pin, struct err *err)
{
	if (pin->len > 0 && pin->len >= f->min_pin_len &&
	    (!f->max_pin_len || pin->len <= f->max_pin_len))
		return PV_OK;
	return err_fail(err, PV_INPUT, "pin.length", "choose another PIN",
			"token %s takes PINs of %lu to %lu bytes", f->label,
			f->min_pin_len, f->max_pin_len);
}

static enum pv_code judge(const struct p11_facts *f, const struct secret *new,
			  struct err *err)
{
	enum pv_code rc = p11_facts_judge_pin(f, err);

	if (rc == PV_OK && f->protected_path)
		rc = err_fail(err, PV_DENIED, "rotate.pin-pad",
			      "change it with the token's own tool",
			      "token %s takes its PIN at its pad", f->label);
	return rc == PV_OK ? check_length(f, new, err) : rc;
}

static CK_RV open_session(const struct p11_life *l, CK_SLOT_ID slot,
			  CK_SESSION_HANDLE *session)
{
	return l->mod.f->C_OpenSession(
		slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, session);
}

/* One try. *taken is false for a PIN that the token refuses. */
static enum pv_code try_login(const struct p11_life *l,
			      CK_SESSION_HANDLE session,
			      const struct secret *pin, bool *taken,
			      struct err *err)
{
	CK_RV rv = l->mod.f->C_Login(session, CKU_USER, pin->data, pin->len);

	*taken = rv == CKR_OK;
	if (rv == CKR_OK || rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LEN_RANGE)
		return PV_OK;
	return p11_rv_fail(err, rv, "C_Login");
}

/* The old PIN was refused: it may be the new one already. */
static enum pv_code is_new(const struct p11_life *l, CK_SLOT_ID slot,
			   CK_SESSION_HANDLE session, const struct secret *new,
			   enum hsm_pin_set *has, struct err *err)
{
	struct p11_facts facts;
	CK_TOKEN_INFO info;
	bool taken = false;
	CK_RV rv = l->mod.f->C_GetTokenInfo(slot, &info);
	enum pv_code rc;

	*has = HSM_PIN_UNKNOWN;
	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "C_GetTokenInfo");
	p11_facts_read(&l->mod, slot, &info, &facts);
	rc = p11_facts_judge_pin(&facts, err);
	if (rc == PV_OK)
		rc = try_login(l, session, new, &taken, err);
	if (rc != PV_OK)
		return rc;
	*has = taken ? HSM_PIN_WAS_NEW : HSM_PIN_REFUSED;
	return taken ? PV_OK : p11_rv_fail(err, CKR_PIN_INCORRECT, "C_SetPIN");
}

/* It keeps the one that it has; any other code may come from half the way. */
static bool is_refusal(CK_RV rv)
{
	return rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE ||
	       rv == CKR_PIN_LOCKED;
}

/* Set, and tried: a token that took something else is found here. */
static enum pv_code set(const struct p11_life *l, CK_SLOT_ID slot,
			CK_SESSION_HANDLE session, const struct pin_job *job,
			enum hsm_pin_set *has, struct err *err)
{
	bool taken = false;
	CK_RV rv = l->mod.f->C_SetPIN(session, job->old->data, job->old->len,
				      job->new->data, job->new->len);
	enum pv_code rc;

	if (rv == CKR_PIN_INCORRECT)
		return is_new(l, slot, session, job->new, has, err);
	if (rv != CKR_OK) {
		*has = is_refusal(rv) ? HSM_PIN_REFUSED : HSM_PIN_UNKNOWN;
		return p11_rv_fail(err, rv, "C_SetPIN");
	}
	*has = HSM_PIN_NEW;
	rc = try_login(l, session, job->new, &taken, err);
	if (rc == PV_OK && !taken)
		rc = err_fail(err, PV_HSM_FATAL, "hsm.pin",
			      "use this token no more until it was checked",
			      "the token refuses the PIN that it has taken");
	return rc;
}

static enum pv_code set_in_child(const void *ctx, void *result, struct err *err)
{
	const struct pin_job *job = ctx;
	enum hsm_pin_set *has = result;
	CLEANUP(p11_life_close) struct p11_life life = P11_LIFE_INIT;
	CK_SESSION_HANDLE session = 0;
	PKCS11_SLOT *slot = NULL;
	struct p11_facts facts;
	CK_TOKEN_INFO info;
	CK_SLOT_ID id;
	CK_RV rv;
	enum pv_code rc = PV_OK;

	*has = HSM_PIN_REFUSED;
	if (job->locked && (!secret_lock(job->old) || !secret_lock(job->new)))
		rc = err_fail(err, PV_INTERNAL, "secret.heap",
			      "raise the locked-memory limit (ulimit -l)",
			      "memory for the PIN cannot be locked");
	if (rc == PV_OK)
		rc = p11_life_open(&life, job->cfg, err);
	if (rc == PV_OK)
		rc = p11_life_find(&life, job->cfg, &slot, &info, err);
	if (rc != PV_OK)
		return rc;
	id = PKCS11_get_slotid_from_slot(slot);
	p11_facts_read(&life.mod, id, &info, &facts);
	rc = judge(&facts, job->new, err);
	if (rc != PV_OK)
		return rc;
	rv = open_session(&life, id, &session);
	return rv == CKR_OK ? set(&life, id, session, job, has, err)
			    : p11_rv_fail(err, rv, "C_OpenSession");
}

enum pv_code p11_set_pin(const struct p11_config *cfg, const struct secret *old,
			 const struct secret *new, enum hsm_pin_set *has,
			 struct err *err)
{
	const struct pin_job job = {
		.cfg = cfg,
		.old = old,
		.new = new,
		.locked = secret_lock(old) && secret_lock(new),
	};
	const struct p11_child child = {
		.run = set_in_child,
		.ctx = &job,
		.result_len = sizeof(*has),
		.timeout_s = cfg->timeout_s,
		.what = "change of the PIN",
	};

	*has = HSM_PIN_REFUSED;
	if (old->len == 0 || new->len == 0)
		return err_fail(err, PV_HSM_FATAL, "hsm.pin", NULL,
				"the PIN is empty");
	*has = HSM_PIN_UNKNOWN; /* of a child that does not come back */
	return p11_life_run(cfg, &child, has, err);
}
