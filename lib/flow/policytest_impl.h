/* policytest_impl: shared by policytest*.c only. */
#ifndef PV_FLOW_POLICYTEST_IMPL_H
#define PV_FLOW_POLICYTEST_IMPL_H

#include "lib/flow/policytest.h"
#include "lib/flow/request.h"
#include "lib/x509/cert.h"
#include "lib/x509/issuer.h"
#include "policy/decide.h"
#include "policy/roles.h"

#define POLICYTEST_WHY_MAX 400

/* One case, filled from its JSON. */
struct testcase {
	const char *name;
	struct request req;
	struct policy_request r;
	struct policy_field fields[REQUEST_FIELDS_MAX];
	struct order order;
	bool has_order;
	struct policy_facts facts;
	bool roster; /* one is in force, and the actor has these roles */
	unsigned roles;
	struct err key_err;
	const json_t *expect; /* borrowed */
	char pointer[64];     /* "/cases/3" */
};

/* Fills c from doc's case number n. PV_INPUT "policy.cases"; a request that
 * does not parse is no failure: *refused holds it, c->req is empty. */
PV_MUST enum pv_code policytest_fill(const struct template *t,
				     const struct json_doc *doc, size_t n,
				     struct testcase *c, struct err *refused,
				     struct err *err);

/* One fact into c, whose request is filled; false: unknown, or a wrong type. */
PV_MUST bool policytest_fact(struct testcase *c, const char *key,
			     const json_t *value);
/* -1: it is none of them. */
PV_MUST int policytest_find(const char *const *names, size_t n,
			    const json_t *value);
PV_MUST bool policytest_time(const json_t *value, int64_t *time_s);
PV_MUST bool policytest_number(uint64_t *to, const json_t *value);

/* As issue does: whether the actor may, and then what the template says. */
void policytest_decide(const struct template *t, const struct testcase *c,
		       struct policy_verdict *v);

/* "approved", "denied", "existing" or "wait". */
const char *policytest_answer(enum policy_answer answer);
/* Takes NULL. */
void policytest_case_free(struct testcase *c);

/*
 * A throw-away CA for t, with the key spki (of which nobody needs the private
 * half). Release it also after a failure.
 */
PV_MUST enum pv_code policytest_issuer(const struct template *t,
				       const struct template *ca,
				       const uint8_t spki[X509_P256_SPKI_LEN],
				       struct x509_issuer *issuer,
				       struct err *err);

/*
 * The certificate of c for spki into the empty der, linted as when one is
 * issued, with a signature that is none. What the template or the request is
 * refused for stands in *build; its code is returned.
 */
PV_MUST enum pv_code policytest_build(const struct template *t,
				      const struct x509_issuer *issuer,
				      const struct testcase *c,
				      const uint8_t spki[X509_P256_SPKI_LEN],
				      struct buf *der, struct err *build);

/*
 * Builds the certificate of c and compares it with want (a JSON object). why
 * gets the first difference, empty when there is none. PV_OK unless the
 * comparison itself cannot be made; refusals of building are differences.
 */
PV_MUST enum pv_code policytest_certificate(const struct template *t,
					    const struct x509_issuer *issuer,
					    const struct testcase *c,
					    const json_t *want,
					    char why[POLICYTEST_WHY_MAX],
					    struct err *err);

#endif
