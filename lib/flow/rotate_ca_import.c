/* rotate_ca: a generation whose certificate another authority signed. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/caimport.h"
#include "lib/flow/logged.h"
#include "lib/flow/rotate_ca_import.h"
#include "lib/x509/cert.h"

/* A generation has one key and one certificate: the model has no other. */
static enum pv_code check_renewal(const struct rotate_ca *r,
				  const struct x509_cert *cert, struct err *err)
{
	if (!span_equal(cert->spki, r->old_ca.spki))
		return PV_OK;
	return err_fail(err, PV_DENIED, "import.renewal",
			"bring the one that was signed for the new key's "
			"request; a CA gets a new key with each certificate",
			"the certificate is for the key of generation %u, "
			"which has one",
			r->former);
}

static enum pv_code ends_before(struct err *err)
{
	return err_fail(err, PV_INPUT, "rotate.time",
			"plan it for a time before that",
			"the certificate ends before the time that it takes "
			"over");
}

static enum pv_code check(const struct rotate_ca *r,
			  const struct x509_cert *cert, struct err *err)
{
	const struct ca_brought *b = r->opts->brought;
	const struct ca_import in = { .a = r->a,
				      .store = r->store,
				      .ca = r->opts->ca,
				      .issuer = r->parent_name,
				      .from = b->from,
				      .tmpl = r->tmpl,
				      .key = &r->next,
				      .root = b->root,
				      .cert = b->cert,
				      .asked = r->first ? b->asked
							: r->old_ca.subject };
	enum pv_code rc = check_renewal(r, cert, err);

	if (rc == PV_OK)
		rc = ca_import_check(&in, err);
	if (rc == PV_OK && (int64_t)(r->wanted_ms / 1000) > cert->not_after_s)
		rc = ends_before(err);
	return rc;
}

enum pv_code rotate_ca_take(struct rotate_ca *r, struct err *err)
{
	const struct ca_brought *b = r->opts->brought;
	struct camake *m = &r->made[ROTATE_NEW];
	struct x509_cert cert;
	enum pv_code rc = x509_cert_decode(b->cert, &cert, err);

	if (rc == PV_OK)
		rc = check(r, &cert, err);
	if (rc != PV_OK)
		return rc;
	memset(m, 0, sizeof(*m));
	buf_init(&m->tbs, X509_TBS_MAX);
	buf_init(&m->cert, X509_CERT_MAX);
	r->made_n = 1;
	buf_put(&m->cert, b->cert.p, b->cert.len);
	if (cert.serial.len < sizeof(m->serial_hex) / 2)
		hex_encode(cert.serial.p, cert.serial.len, m->serial_hex);
	rc = sha256(cert.spki, m->spki_sha256, err);
	return rc == PV_OK ? buf_check(&m->cert, err) : rc;
}

enum pv_code rotate_ca_signed_by(struct rotate_ca *r, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	const struct log_fact *from;
	struct log_entry e;
	enum pv_code rc;

	snprintf(r->authority, sizeof(r->authority), "%.64s", r->a->name);
	if (r->import_index == STORE_NO_INDEX)
		return PV_OK;
	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(r->store, r->import_index, LOG_CA_IMPORT, r->opts->ca,
			  &room, &e, err);
	if (rc != PV_OK)
		return rc;
	from = log_fact_find(&e, "from", LOG_TSTR);
	if (!from || from->s.len >= sizeof(r->authority))
		return logged_edited("a CA's row", err);
	memcpy(r->authority, from->s.p, from->s.len);
	r->authority[from->s.len] = '\0';
	return PV_OK;
}
