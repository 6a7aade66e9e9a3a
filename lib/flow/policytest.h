/*
 * policytest: requests with the decision and the certificate they should get,
 * run through a template without store, token or log (`policy test`).
 *
 * A file of cases is {"cases": [CASE, ...]} with CASE =
 *     "name":    text
 *     "request": a request as issue takes it (csr and seal_key may be left out)
 *     "key":     "P-256", "P-384", "RSA", "none": what the request brings
 *                (default: what the template asks for)
 *     "order":   {"order","quantity","rework","stations","station_keys",
 *                "from","until","hours_utc","per_hour","open","offline",
 *                "template_matches"}; absent: no order. Of "station_keys" the
 *                names
 *     "facts":   {"now","last_event","witness","clock_max_step_days","station",
 *                "actor","roles","state","spki_owner","seal_owner",
 *                "issued_last_hour","order_issued", and true or false for
 *                key_ok, csr_signature_ok, csr_within, seal_key_ok,
 *                seal_sig_ok, same_spki, same_rest, quarantined,
 *                request_of_other_device, station_signed, batch, offline};
 *                absent: a new device, all well, and no roster: with "roles"
 *                one is in force, and the actor has these
 *     "expect":  {"decision": "approved|existing|wait|denied", "rule", "code",
 *                "quarantine" (true: held, limits.on_anomaly),
 *                "certificate": {"subject","issuer","not_before","not_after",
 *                "extensions": {NAME: text, {"critical","text","hex"}, null}}}
 *
 * Keys and issuer are thrown away; names and extensions are compared in the
 * forms that OpenSSL prints (RFC 2253 for names), null means absent.
 */
#ifndef PV_FLOW_POLICYTEST_H
#define PV_FLOW_POLICYTEST_H

#include "lib/base/json.h"
#include "policy/template.h"

#define POLICYTEST_NOW                                                         \
	INT64_C(1893456000) /* 2030-01-01, unless a case says                  \
			     */

struct policytest_opts {
	/* Told of each case; why is empty when it went as expected. */
	void (*result)(const void *ctx, const char *name, bool ok,
		       const char *why);
	const void *ctx;
	/* Issuer's template; NULL: a plain CA is made up. */
	const struct template *ca;
};

/*
 * PV_INPUT "policy.cases" (the file is not of that form), or "policy.test"
 * when cases did not go as expected; *failed and *total count them.
 */
PV_MUST enum pv_code policytest_run(const struct template *t, struct span cases,
				    const struct policytest_opts *opts,
				    size_t *total, size_t *failed,
				    struct err *err);

#endif
