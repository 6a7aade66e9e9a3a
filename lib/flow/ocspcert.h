/*
 * ocspcert: the certificate of the OCSP responder, from each CA whose
 * certificates name one: id-kp-OCSPSigning, id-pkix-ocsp-nocheck, and a life as
 * short as that of the answers (RFC 6960 4.2.2.2). Made as every certificate
 * is (promise 1): linted, its cert.intent durable, signed, verified, recorded
 * with its cert.issue. Its device in the log is "ocsp/CA"; the certificate
 * itself goes along with each answer.
 */
#ifndef PV_FLOW_OCSPCERT_H
#define PV_FLOW_OCSPCERT_H

#include "lib/flow/crlmake.h"
#include "lib/x509/ocsp_read.h"

/* The authority's key of purpose "ocsp"; PV_NOT_FOUND when it names none,
 * PV_DENIED "ocsp.purpose" when that was made for something else. */
PV_MUST enum pv_code ocsp_key(const struct authority *a, struct store *store,
			      struct issue_key *key, struct err *err);

/*
 * Appends a new one of that key, by that CA, valid until until_s at least.
 * PV_DENIED (lint, validity), PV_HSM_*, PV_STORAGE.
 */
PV_MUST enum pv_code
ocsp_cert_issue(struct crl_maker *m, const struct authority *a,
		const struct crl_issuer *i, const struct issue_key *key,
		int64_t until_s, struct buf *cert, struct err *err);
/* Is that one still good for it: of that key, signed by that CA, until then? */
PV_MUST bool ocsp_cert_fits(const struct crl_issuer *i,
			    const struct issue_key *key, int64_t until_s,
			    struct span cert);
/* Is r about that certificate of that CA (of whom h was made), and by a
 * responder that the CA certified for it: id-kp-OCSPSigning, valid from its
 * thisUpdate to its nextUpdate, of the key that the answer names? */
PV_MUST bool ocsp_is_answer(const struct crl_issuer *i,
			    const struct x509_ocsp_head *h, struct span serial,
			    const struct x509_ocsp *r);

#endif
