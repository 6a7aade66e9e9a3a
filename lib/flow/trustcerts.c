#include "lib/flow/trustcerts.h"

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/escrowcerts.h"
#include "lib/flow/logged.h"
#include "lib/flow/people.h"
#include "lib/x509/cert.h"
#include "lib/x509/der.h"

CLEANUP_PTR(struct roster, roster_free);

static enum pv_code check_pins(struct store *store, const struct template *t,
			       struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *r = NULL;
	const struct tpl_attestation *at = &t->attestation;
	size_t i = 0;
	enum pv_code rc = PV_OK;

	while (i < at->trust_n && at->trust[i].pinned)
		i++;
	if (i < at->trust_n)
		rc = people_in_force(store, &r, NULL, err);
	if (rc == PV_OK && r)
		rc = err_fail(err, PV_INPUT, "template.trust_unpinned",
			      at->trust[i].crl
				      ? "give its \"sha256\", which officers "
					"approve with the template"
				      : "name \"certificate\" and \"sha256\", "
					"which officers approve with the "
					"template",
			      "attestation.trust does not say which %s %s is",
			      at->trust[i].crl ? "CRL" : "certificate",
			      at->trust[i].path);
	return rc;
}

static enum pv_code check_der(const char *path, struct span der,
			      struct err *err)
{
	struct x509_cert cert;
	struct err why;

	err_init(&why);
	if (der.len <= EVIDENCE_CERT_MAX &&
	    x509_cert_decode(der, &cert, &why) == PV_OK)
		return PV_OK;
	return err_fail(err, PV_INPUT, "trust.certificate",
			"put one certificate there, DER or PEM",
			"%s is no certificate to trust", path);
}

static enum pv_code check_crl(const char *path, struct span der,
			      struct err *err)
{
	const char *why;

	if (evidence_crl_good(der, (uint64_t)pvtime_now_s(), &why))
		return PV_OK;
	return err_fail(err, PV_INPUT, "trust.crl",
			"put the issuer's newest CRL there, DER or PEM",
			"%s is no CRL to go by: %s", path, why);
}

enum pv_code trustcerts_read(const struct authority *a, struct store *store,
			     const struct template *t, struct buf *all,
			     struct err *err)
{
	const struct tpl_attestation *at = &t->attestation;
	enum pv_code rc = check_pins(store, t, err);

	for (size_t i = 0; rc == PV_OK && i < at->trust_n; i++) {
		CLEANUP(buf_release) struct buf der;
		const struct tpl_escrow *to = &at->trust[i];

		buf_init(&der, to->crl ? EVIDENCE_CRL_MAX : EVIDENCE_CERT_MAX);
		rc = escrowcerts_file(a, to, &der, err);
		if (rc == PV_OK)
			rc = to->crl ? check_crl(to->path, buf_span(&der), err)
				     : check_der(to->path, buf_span(&der), err);
		if (rc != PV_OK)
			err_prefix(err, "attestation.trust");
		buf_put(all, der.data, der.len);
	}
	return rc == PV_OK ? buf_check(all, err) : rc;
}

enum pv_code trustcerts_take(const struct template *t, struct span all,
			     struct trustcerts *out, struct err *err)
{
	const struct tpl_attestation *at = &t->attestation;

	out->certs_n = out->crls_n = 0;
	for (size_t i = 0; i < at->trust_n; i++)
		if (!der_next(&all, NULL, NULL,
			      at->trust[i].crl ? &out->crls[out->crls_n++]
					       : &out->certs[out->certs_n++]))
			return logged_edited("an anchor of a template", err);
	return all.len == 0 ? PV_OK
			    : logged_edited("an anchor of a template", err);
}
