#include "lib/flow/trustcerts.h"

#include "lib/base/cleanup.h"
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
			      "name \"certificate\" and \"sha256\", which "
			      "officers approve with the template",
			      "attestation.trust does not say which "
			      "certificate %s is",
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

enum pv_code trustcerts_read(const struct authority *a, struct store *store,
			     const struct template *t, struct buf *all,
			     struct err *err)
{
	const struct tpl_attestation *at = &t->attestation;
	enum pv_code rc = check_pins(store, t, err);

	for (size_t i = 0; rc == PV_OK && i < at->trust_n; i++) {
		CLEANUP(buf_release) struct buf der;

		buf_init(&der, EVIDENCE_CERT_MAX);
		rc = escrowcerts_file(a, &at->trust[i], &der, err);
		if (rc == PV_OK)
			rc = check_der(at->trust[i].path, buf_span(&der), err);
		if (rc != PV_OK)
			err_prefix(err, "attestation.trust");
		buf_put(all, der.data, der.len);
	}
	return rc == PV_OK ? buf_check(all, err) : rc;
}

enum pv_code trustcerts_take(const struct template *t, struct span all,
			     struct span out[TPL_LIST_MAX], size_t *n,
			     struct err *err)
{
	for (*n = 0; *n < t->attestation.trust_n; ++*n)
		if (!der_next(&all, NULL, NULL, &out[*n]))
			return logged_edited("an anchor of a template", err);
	return all.len == 0 ? PV_OK
			    : logged_edited("an anchor of a template", err);
}
