#include "pkcs11/token.h"

#include <string.h>

#include "pkcs11/life.h"

struct cert_job {
	const struct p11_config *cfg;
	const struct secret *pin;
	const struct p11_certificate *cert;
	bool locked; /* the PIN, in the parent */
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
		return p11_life_failed("C_FindObjects", err);
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
	memcpy(label, cert->label, strlen(cert->label) + 1);
	memcpy(id, cert->id, sizeof(id));
	if (!x509 || p != cert->der.p + cert->der.len)
		rc = err_fail(err, PV_INPUT, "hsm.certificate", NULL,
			      "not a DER certificate");
	else if (PKCS11_store_certificate(token, x509, label, id, sizeof(id),
					  NULL) != 0)
		rc = p11_life_failed("C_CreateObject", err);
	X509_free(x509);
	return rc;
}

static enum pv_code store_in_child(const void *ctx, void *result,
				   struct err *err)
{
	const struct cert_job *job = ctx;
	CLEANUP(p11_life_close) struct p11_life life = P11_LIFE_INIT;
	SECRET pin = SECRET_INIT;
	PKCS11_SLOT *slot = NULL;
	CK_TOKEN_INFO info;
	bool there = false;
	enum pv_code rc = p11_life_open(&life, job->cfg, err);

	(void)result;
	if (rc == PV_OK)
		rc = p11_life_find(&life, job->cfg, &slot, &info, err);
	if (rc == PV_OK && !slot->token->secureLogin)
		rc = p11_life_pin(job->pin, job->locked, &pin, err);
	if (rc == PV_OK)
		rc = p11_life_login(&life, slot, 0, (char *)pin.data, err);
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
	const struct cert_job job = { cfg, pin, cert, secret_lock(pin) };
	const struct p11_child child = {
		.run = store_in_child,
		.ctx = &job,
		.timeout_s = cfg->timeout_s,
		.what = "storing a certificate",
	};

	if (strlen(cert->label) >= HSM_LABEL_MAX)
		return err_fail(err, PV_INPUT, "hsm.label", NULL,
				"the label is too long");
	return p11_life_run(cfg, &child, NULL, err);
}
