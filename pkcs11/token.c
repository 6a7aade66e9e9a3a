#include "pkcs11/token.h"

#include <string.h>

#include "pkcs11/life.h"
#include "pkcs11/rv.h"
#include "pkcs11/uri.h"

#define LABEL_LEN 32 /* CK_TOKEN_INFO.label, blank padded */

enum pv_code p11_token_facts(const struct p11_config *cfg,
			     struct p11_facts *out, bool *found,
			     struct err *err)
{
	CLEANUP(p11_life_close) struct p11_life life = P11_LIFE_INIT;
	PKCS11_SLOT *slot = NULL;
	CK_TOKEN_INFO info;
	enum pv_code rc = p11_life_open(&life, cfg, err);

	if (rc == PV_OK)
		rc = p11_life_find(&life, cfg, &slot, &info, err);
	if (rc != PV_OK)
		return rc;
	p11_facts_read(&life.mod, PKCS11_get_slotid_from_slot(slot), &info,
		       out);
	*found = true;
	return PV_OK;
}

struct init_job {
	const struct p11_config *cfg;
	const char *label;
	const struct secret *so_pin, *user_pin;
	const struct p11_facts *shown; /* NULL: whichever it is */
	bool locked;		       /* the PINs, in the parent */
};

/* One without its user's PIN is what an interrupted initialisation left: nobody
 * has ever logged in there, and only its security officer's PIN begins it anew.
 */
static enum pv_code half_made(const struct p11_life *l, const char *label,
			      PKCS11_SLOT **slot, struct err *err)
{
	for (unsigned int i = 0; i < l->slots_n; i++) {
		const PKCS11_TOKEN *t = l->slots[i].token;

		if (!t || !t->initialized || !t->label ||
		    strcmp(t->label, label) != 0)
			continue;
		if (t->userPinSet)
			return err_fail(err, PV_CONFLICT, "hsm.label-taken",
					"take another label",
					"a token %s is there already", label);
		*slot = &l->slots[i];
	}
	return PV_OK;
}

/* Whether uri asks for another serial number. */
static bool is_other(const struct p11_uri *uri, const PKCS11_TOKEN *t)
{
	const char *serial = uri ? p11_uri_serial(uri) : NULL;

	return serial && strcmp(t->serialnr ? t->serialnr : "", serial) != 0;
}

/* The one empty token: which of two was meant, nobody could say. */
static enum pv_code uninitialised(const struct p11_life *l,
				  const struct p11_uri *uri, PKCS11_SLOT **slot,
				  struct err *err)
{
	for (unsigned int i = 0; i < l->slots_n; i++) {
		const PKCS11_TOKEN *t = l->slots[i].token;

		if (!t || t->initialized || is_other(uri, t))
			continue;
		if (*slot)
			return err_fail(err, PV_HSM_FATAL, "hsm.token-double",
					"take one of them out, or name its "
					"serial number in the token's URI",
					"there are several empty tokens");
		*slot = &l->slots[i];
	}
	if (!*slot)
		return err_fail(err, PV_HSM_TEMP, "hsm.token-missing",
				"plug an empty token in",
				"no slot holds an uninitialised token");
	return PV_OK;
}

static enum pv_code empty_slot(const struct p11_life *l,
			       const struct p11_config *cfg, const char *label,
			       PKCS11_SLOT **slot, struct err *err)
{
	CLEANUP(cleanup_p11_uri_free) struct p11_uri *uri = NULL;
	enum pv_code rc = PV_OK;

	*slot = NULL;
	if (cfg->token_uri)
		rc = p11_uri_parse_token(cfg->token_uri, &uri, err);
	if (rc == PV_OK)
		rc = half_made(l, label, slot, err);
	return rc == PV_OK && !*slot ? uninitialised(l, uri, slot, err) : rc;
}

/* What it says now. */
static enum pv_code read_facts(const struct p11_life *l, PKCS11_SLOT *slot,
			       struct p11_facts *out, struct err *err)
{
	CK_SLOT_ID id = PKCS11_get_slotid_from_slot(slot);
	CK_TOKEN_INFO info;
	CK_RV rv = l->mod.f->C_GetTokenInfo(id, &info);

	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "C_GetTokenInfo");
	p11_facts_read(&l->mod, id, &info, out);
	return PV_OK;
}

static enum pv_code hold_shown(const struct p11_life *l, PKCS11_SLOT *slot,
			       const struct p11_facts *shown, struct err *err)
{
	struct p11_facts now;
	enum pv_code rc = shown ? read_facts(l, slot, &now, err) : PV_OK;

	if (rc != PV_OK || !shown ||
	    (now.slot == shown->slot && strcmp(now.serial, shown->serial) == 0))
		return rc;
	return err_fail(err, PV_HSM_FATAL, "hsm.token-changed",
			"put the first one back",
			"the empty token is another one than was shown; it "
			"was not initialised");
}

static enum pv_code init_in_child(const void *ctx, void *result,
				  struct err *err)
{
	const struct init_job *job = ctx;
	CLEANUP(p11_life_close) struct p11_life life = P11_LIFE_INIT;
	char padded[LABEL_LEN + 1];
	SECRET so_pin = SECRET_INIT;
	SECRET pin = SECRET_INIT;
	PKCS11_SLOT *slot;
	enum pv_code rc;

	rc = p11_life_pin(job->so_pin, job->locked, &so_pin, err);
	if (rc == PV_OK)
		rc = p11_life_pin(job->user_pin, job->locked, &pin, err);
	if (rc == PV_OK)
		rc = p11_life_open(&life, job->cfg, err);
	if (rc == PV_OK)
		rc = empty_slot(&life, job->cfg, job->label, &slot, err);
	if (rc == PV_OK)
		rc = hold_shown(&life, slot, job->shown, err);
	if (rc != PV_OK)
		return rc;
	/* libp11 hands the label on as it is; Cryptoki reads 32 bytes. */
	memset(padded, ' ', LABEL_LEN);
	padded[LABEL_LEN] = '\0';
	memcpy(padded, job->label, strlen(job->label));
	if (PKCS11_init_token(slot->token, (char *)so_pin.data, padded) != 0)
		return p11_life_failed("C_InitToken", err);
	rc = p11_life_login(&life, slot, 1, (char *)so_pin.data, err);
	if (rc != PV_OK)
		return rc;
	if (PKCS11_init_pin(slot->token, (char *)pin.data) != 0)
		return p11_life_failed("C_InitPIN", err);
	return read_facts(&life, slot, result, err);
}

static bool label_is_fit(const char *label)
{
	size_t len = strlen(label);

	for (size_t i = 0; i < len; i++)
		if (label[i] < 0x20 || label[i] > 0x7e)
			return false;
	/* Trailing blanks would be lost in the padding. */
	return len >= 1 && len <= LABEL_LEN && label[len - 1] != ' ';
}

enum pv_code p11_token_init(const struct p11_config *cfg, const char *label,
			    const struct secret *so_pin,
			    const struct secret *user_pin,
			    struct p11_facts *token, struct err *err)
{
	struct p11_facts made = { .label = "" };
	const struct init_job job = {
		.cfg = cfg,
		.label = label,
		.so_pin = so_pin,
		.user_pin = user_pin,
		.shown = token,
		.locked = secret_lock(so_pin) && secret_lock(user_pin),
	};
	const struct p11_child child = {
		.run = init_in_child,
		.ctx = &job,
		.result_len = sizeof(made),
		.timeout_s = cfg->timeout_s,
		.what = "token initialisation",
	};
	enum pv_code rc;

	if (!label_is_fit(label))
		return err_fail(err, PV_INPUT, "hsm.label", NULL,
				"a token label is 1 to 32 printable ASCII "
				"characters");
	rc = p11_life_run(cfg, &child, &made, err);
	if (rc != PV_OK)
		err_object(err, label);
	else if (token)
		*token = made;
	return rc;
}

/* ---- which one ---- */

struct look_job {
	const struct p11_config *cfg;
	const char *label;
};

static enum pv_code look_in_child(const void *ctx, void *result,
				  struct err *err)
{
	const struct look_job *job = ctx;
	CLEANUP(p11_life_close) struct p11_life life = P11_LIFE_INIT;
	PKCS11_SLOT *slot = NULL;
	enum pv_code rc = p11_life_open(&life, job->cfg, err);

	if (rc == PV_OK)
		rc = empty_slot(&life, job->cfg, job->label, &slot, err);
	return rc == PV_OK ? read_facts(&life, slot, result, err) : rc;
}

enum pv_code p11_token_empty(const struct p11_config *cfg, const char *label,
			     struct p11_facts *out, struct err *err)
{
	const struct look_job job = { .cfg = cfg, .label = label };
	const struct p11_child child = {
		.run = look_in_child,
		.ctx = &job,
		.result_len = sizeof(*out),
		.timeout_s = cfg->timeout_s,
		.what = "look for an empty token",
	};
	enum pv_code rc;

	memset(out, 0, sizeof(*out));
	rc = p11_life_run(cfg, &child, out, err);
	if (rc != PV_OK)
		err_object(err, label);
	return rc;
}
