#include "pkcs11/token.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>
/* libp11.h names two types that OPENSSL_NO_DEPRECATED hides; nothing of ours
 * uses them. */
typedef struct rsa_meth_st RSA_METHOD;
typedef struct ec_key_method_st EC_KEY_METHOD;
#include <libp11.h>

#include "lib/base/mem.h"
#include "pkcs11/child.h"
#include "pkcs11/facts.h"
#include "pkcs11/lock.h"
#include "pkcs11/rv.h"

#define LABEL_LEN 32 /* CK_TOKEN_INFO.label, blank padded */
/* The name libp11 gives the error library whose reasons are CK_RVs. */
#define CKR_LIBRARY "PKCS#11 module"

/* One libp11 context on one module; lives and dies in a child. */
struct life {
	struct p11_module mod; /* not initialised by us: libp11 did */
	struct p11_lock lock;
	PKCS11_CTX *ctx;
	bool loaded;
	PKCS11_SLOT *slots;
	unsigned int slots_n;
};

static void life_close(struct life *l)
{
	if (l->slots)
		PKCS11_release_all_slots(l->ctx, l->slots, l->slots_n);
	if (l->loaded)
		PKCS11_CTX_unload(l->ctx);
	if (l->ctx)
		PKCS11_CTX_free(l->ctx);
	p11_module_unload(&l->mod);
	p11_lock_release(&l->lock);
}

/* libp11 leaves the CK_RV as the reason of an OpenSSL error. */
static enum pv_code libp11_failed(const char *call, struct err *err)
{
	unsigned long e = ERR_peek_last_error();
	const char *lib = ERR_lib_error_string(e);

	if (e && lib && !strcmp(lib, CKR_LIBRARY))
		return p11_rv_fail(err, (CK_RV)ERR_GET_REASON(e), call);
	return err_fail(err, PV_HSM_TEMP, "hsm.call", NULL, "%s failed", call);
}

static enum pv_code life_open(struct life *l, const struct p11_config *cfg,
			      const char *lock_name, struct err *err)
{
	char real[PATH_MAX];
	enum pv_code rc;

	*l = (struct life){ .lock = P11_LOCK_INIT };
	rc = p11_module_resolve(cfg->module, real, err);
	if (rc == PV_OK)
		rc = p11_module_load(&l->mod, real, err);
	if (rc == PV_OK)
		rc = p11_lock_take(&l->lock, cfg->lock_dir, cfg->module,
				   lock_name, cfg->timeout_s, err);
	if (rc != PV_OK)
		return rc;
	ERR_clear_error();
	l->ctx = PKCS11_CTX_new();
	if (!l->ctx || PKCS11_CTX_load(l->ctx, real) != 0)
		return libp11_failed("C_Initialize", err);
	l->loaded = true;
	if (PKCS11_enumerate_slots(l->ctx, &l->slots, &l->slots_n) != 0)
		return libp11_failed("C_GetSlotList", err);
	return PV_OK;
}

/* libp11's slot for the token of the URI. */
static enum pv_code life_find(struct life *l, const struct p11_config *cfg,
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

/* The lock's name must be the one that p11_open() takes. */
static enum pv_code lock_name_of(const struct p11_config *cfg, char name[33],
				 struct err *err)
{
	CLEANUP(cleanup_p11_uri_free) struct p11_uri *uri = NULL;
	enum pv_code rc = p11_uri_parse_token(cfg->token_uri, &uri, err);

	if (rc == PV_OK)
		p11_uri_lock_name(uri, name);
	return rc;
}

enum pv_code p11_token_facts(const struct p11_config *cfg,
			     struct p11_facts *out, bool *found,
			     struct err *err)
{
	CLEANUP(life_close) struct life life = { .lock = P11_LOCK_INIT };
	PKCS11_SLOT *slot = NULL;
	CK_TOKEN_INFO info;
	char name[33];
	enum pv_code rc = lock_name_of(cfg, name, err);

	if (rc == PV_OK)
		rc = life_open(&life, cfg, name, err);
	if (rc == PV_OK)
		rc = life_find(&life, cfg, &slot, &info, err);
	if (rc != PV_OK)
		return rc;
	p11_facts_read(&life.mod, PKCS11_get_slotid_from_slot(slot), &info,
		       out);
	*found = true;
	return PV_OK;
}

/* libp11 wants C strings; the copy ends with this child. */
static enum pv_code pin_string(const struct secret *pin, struct secret *out,
			       struct err *err)
{
	enum pv_code rc;

	if (!pin || !pin->len)
		return err_fail(err, PV_HSM_FATAL, "hsm.pin", NULL,
				"the PIN is empty");
	if (memchr(pin->data, 0, pin->len))
		return err_fail(err, PV_HSM_FATAL, "hsm.pin", NULL,
				"the PIN holds a NUL byte");
	rc = secret_alloc(out, pin->len + 1, err);
	if (rc == PV_OK)
		memcpy(out->data, pin->data, pin->len);
	return rc;
}

/* libp11 0.4.12 never returns when C_OpenSession fails: ask first. */
static enum pv_code probe_session(const struct life *l, PKCS11_SLOT *slot,
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

static enum pv_code login(const struct life *l, PKCS11_SLOT *slot, int so,
			  const char *pin, struct err *err)
{
	enum pv_code rc = probe_session(l, slot, err);

	if (rc != PV_OK)
		return rc;
	ERR_clear_error();
	if (PKCS11_open_session(slot, 1) != 0)
		return libp11_failed("C_OpenSession", err);
	if (PKCS11_login(slot, so, pin) != 0)
		return libp11_failed("C_Login", err);
	return PV_OK;
}

struct init_job {
	const struct p11_config *cfg;
	const char *label;
	const struct secret *so_pin, *user_pin;
};

/* An empty slot's token, if no token bears the label yet. */
static enum pv_code empty_slot(const struct life *l, const char *label,
			       PKCS11_SLOT **slot, struct err *err)
{
	*slot = NULL;
	for (unsigned int i = 0; i < l->slots_n; i++) {
		const PKCS11_TOKEN *t = l->slots[i].token;

		if (!t)
			continue;
		if (t->initialized && t->label && !strcmp(t->label, label))
			return err_fail(err, PV_CONFLICT, "hsm.label-taken",
					"take another label",
					"a token %s is there already", label);
		if (!t->initialized && !*slot)
			*slot = &l->slots[i];
	}
	if (!*slot)
		return err_fail(err, PV_HSM_TEMP, "hsm.token-missing",
				"plug an empty token in",
				"no slot holds an uninitialised token");
	return PV_OK;
}

static enum pv_code init_in_child(const void *ctx, void *result,
				  struct err *err)
{
	const struct init_job *job = ctx;
	CLEANUP(life_close) struct life life = { .lock = P11_LOCK_INIT };
	char padded[LABEL_LEN + 1];
	SECRET so_pin = SECRET_INIT;
	SECRET pin = SECRET_INIT;
	PKCS11_SLOT *slot;
	enum pv_code rc;

	(void)result;
	rc = pin_string(job->so_pin, &so_pin, err);
	if (rc == PV_OK)
		rc = pin_string(job->user_pin, &pin, err);
	if (rc == PV_OK)
		rc = life_open(&life, job->cfg, job->label, err);
	if (rc == PV_OK)
		rc = empty_slot(&life, job->label, &slot, err);
	if (rc != PV_OK)
		return rc;
	/* libp11 hands the label on as it is; Cryptoki reads 32 bytes. */
	memset(padded, ' ', LABEL_LEN);
	padded[LABEL_LEN] = '\0';
	memcpy(padded, job->label, strlen(job->label));
	if (PKCS11_init_token(slot->token, (char *)so_pin.data, padded) != 0)
		return libp11_failed("C_InitToken", err);
	rc = login(&life, slot, 1, (char *)so_pin.data, err);
	if (rc != PV_OK)
		return rc;
	if (PKCS11_init_pin(slot->token, (char *)pin.data) != 0)
		return libp11_failed("C_InitPIN", err);
	return PV_OK;
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
			    const struct secret *user_pin, struct err *err)
{
	const struct init_job job = { cfg, label, so_pin, user_pin };
	const struct p11_child child = {
		.run = init_in_child,
		.ctx = &job,
		.timeout_s = cfg->timeout_s,
		.what = "token initialisation",
	};
	enum pv_code rc;
	enum pv_code rc;

	if (!label_is_fit(label))
		return err_fail(err, PV_INPUT, "hsm.label", NULL,
				"a token label is 1 to 32 printable ASCII "
				"characters");
	rc = p11_child_run(&child, NULL, err);
	if (rc != PV_OK)
		err_object(err, label);
	return rc;
}

struct cert_job {
	const struct p11_config *cfg;
	const struct secret *pin;
	const struct p11_certificate *cert;
};

static bool same_bytes(X509 *x509, struct span der)
{
	unsigned char *out = NULL;
	int len = x509 ? i2d_X509(x509, &out) : -1;
	bool same = len > 0 && (size_t)len == der.len &&
		    !memcmp(out, der.p, der.len);

	OPENSSL_free(out);
	return same;
}

/* *there: the same certificate is stored already. */
static enum pv_code look_for(PKCS11_TOKEN *token,
			     const struct p11_certificate *cert, bool *there,
			     struct err *err)
{
	PKCS11_CERT *certs = NULL;
	unsigned int n = 0;

	*there = false;
	if (PKCS11_enumerate_certs(token, &certs, &n) != 0)
		return libp11_failed("C_FindObjects", err);
	for (unsigned int i = 0; i < n; i++) {
		if (!certs[i].label || strcmp(certs[i].label, cert->label) != 0)
			continue;
		if (!same_bytes(certs[i].x509, cert->der))
			return err_fail(err, PV_CONFLICT, "hsm.label-taken",
					"remove it from the token first",
					"another certificate is stored as %s",
					cert->label);
		*there = true;
	}
	return PV_OK;
}

static enum pv_code store_x509(PKCS11_TOKEN *token,
			       const struct p11_certificate *cert,
			       struct err *err)
{
	const unsigned char *p = cert->der.p;
	char label[HSM_LABEL_MAX];
	uint8_t id[HSM_ID_LEN];
	enum pv_code rc = PV_OK;
	X509 *x509 = d2i_X509(NULL, &p, (long)cert->der.len);

	/* libp11's prototype lacks the consts. */
	strcpy(label, cert->label);
	memcpy(id, cert->id, sizeof(id));
	if (!x509 || p != cert->der.p + cert->der.len)
		rc = err_fail(err, PV_INPUT, "hsm.certificate", NULL,
			      "not a DER certificate");
	else if (PKCS11_store_certificate(token, x509, label, id, sizeof(id),
					  NULL) != 0)
		rc = libp11_failed("C_CreateObject", err);
	X509_free(x509);
	return rc;
}

static enum pv_code store_in_child(const void *ctx, void *result,
				   struct err *err)
{
	const struct cert_job *job = ctx;
	CLEANUP(life_close) struct life life = { .lock = P11_LOCK_INIT };
	SECRET pin = SECRET_INIT;
	PKCS11_SLOT *slot = NULL;
	CK_TOKEN_INFO info;
	char name[33];
	bool there = false;
	enum pv_code rc = lock_name_of(job->cfg, name, err);

	(void)result;
	if (rc == PV_OK)
		rc = life_open(&life, job->cfg, name, err);
	if (rc == PV_OK)
		rc = life_find(&life, job->cfg, &slot, &info, err);
	if (rc == PV_OK && !slot->token->secureLogin)
		rc = pin_string(job->pin, &pin, err);
	if (rc == PV_OK)
		rc = login(&life, slot, 0, (char *)pin.data, err);
	if (rc == PV_OK)
		rc = look_for(slot->token, job->cert, &there, err);
	if (rc == PV_OK && !there)
		rc = store_x509(slot->token, job->cert, err);
	return rc;
}

enum pv_code p11_token_store_certificate(const struct p11_config *cfg,
					 const struct secret *pin,
					 const struct p11_certificate *cert,
					 struct err *err)
{
	const struct cert_job job = { cfg, pin, cert };
	const struct p11_child child = {
		.run = store_in_child,
		.ctx = &job,
		.timeout_s = cfg->timeout_s,
		.what = "storing a certificate",
	};

	if (strlen(cert->label) >= HSM_LABEL_MAX)
		return err_fail(err, PV_INPUT, "hsm.label", NULL,
				"the label is too long");
	return p11_child_run(&child, NULL, err);
}
