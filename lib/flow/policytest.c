#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/hostkey.h"
#include "lib/flow/policytest_impl.h"

CLEANUP_PTR(struct json_doc, json_doc_free);

const char *policytest_answer(enum policy_answer answer)
{
	switch (answer) {
	case POLICY_DENIED:
		return "denied";
	case POLICY_APPROVED:
		return "approved";
	case POLICY_EXISTING:
		return "existing";
	case POLICY_WAIT:
		return "wait";
	}
	return "denied";
}

static void refuse(struct policy_verdict *v, const struct err *refused)
{
	v->code = refused->code;
	snprintf(v->rule, sizeof(v->rule), "%s", refused->rule);
	snprintf(v->message, sizeof(v->message), "%.255s", refused->message);
}

void policytest_decide(const struct template *t, const struct testcase *c,
		       struct policy_verdict *v)
{
	const struct order *order = c->has_order ? &c->order : NULL;
	struct err refused;

	err_init(&refused);
	*v = (struct policy_verdict){ .answer = POLICY_DENIED };
	if (c->roster && roles_allow(order && order->open ? ROLE_OP_ISSUE
							  : ROLE_OP_ISSUE_FREE,
				     c->roles, &refused) != PV_OK)
		refuse(v, &refused);
	else
		policy_decide(t, order, &c->r, &c->facts, v);
}

/* First difference between what was decided and what was expected. */
static void compare_decision(const struct testcase *c,
			     const struct policy_verdict *v,
			     char why[POLICYTEST_WHY_MAX])
{
	const char *decision =
		json_string_value(json_object_get(c->expect, "decision"));
	const char *rule =
		json_string_value(json_object_get(c->expect, "rule"));
	const json_t *code = json_object_get(c->expect, "code");
	const json_t *held = json_object_get(c->expect, "quarantine");
	const char *got = policytest_answer(v->answer);

	if (!decision || strcmp(decision, got) != 0)
		snprintf(why, POLICYTEST_WHY_MAX,
			 "expected %.40s, got %s%s%s%s%.200s",
			 decision ? decision : "a decision", got,
			 v->rule[0] ? " by " : "", v->rule,
			 v->message[0] ? ": " : "", v->message);
	else if (rule && strcmp(rule, v->rule) != 0)
		snprintf(why, POLICYTEST_WHY_MAX,
			 "expected rule %.80s, got %s: %.200s", rule, v->rule,
			 v->message);
	else if (code && json_integer_value(code) != (json_int_t)v->code)
		snprintf(why, POLICYTEST_WHY_MAX, "expected code %lld, got %d",
			 (long long)json_integer_value(code), (int)v->code);
	else if (held && json_is_true(held) != v->quarantine)
		snprintf(why, POLICYTEST_WHY_MAX, "it is %s quarantined",
			 v->quarantine ? "to be" : "not to be");
}

static enum pv_code check_expect(const struct json_doc *doc,
				 const struct testcase *c, struct err *err)
{
	static const char *const known[] = { "decision", "rule", "code",
					     "quarantine", "certificate" };
	const size_t known_n = sizeof(known) / sizeof(known[0]);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)c->expect, key, value)
	{
		size_t i = 0;
		while (i < known_n && strcmp(known[i], key) != 0)
			i++;
		if (i == known_n ||
		    (strcmp(key, "quarantine") == 0 && !json_is_boolean(value)))
			return json_fail(err, PV_INPUT, doc, c->pointer,
					 "policy.cases", NULL,
					 "nothing to expect: %.40s", key);
	}
	return PV_OK;
}

static enum pv_code run_case(const struct template *t,
			     const struct json_doc *doc, size_t n,
			     const struct x509_issuer *issuer,
			     struct testcase *c, char why[POLICYTEST_WHY_MAX],
			     struct err *err)
{
	const json_t *cert;
	struct policy_verdict v = { .answer = POLICY_DENIED };
	struct err refused;
	enum pv_code rc;

	err_init(&refused);
	rc = policytest_fill(t, doc, n, c, &refused, err);
	if (rc == PV_OK)
		rc = check_expect(doc, c, err);
	if (rc != PV_OK)
		return rc;
	if (refused.code != PV_OK)
		refuse(&v, &refused);
	else
		policytest_decide(t, c, &v);
	compare_decision(c, &v, why);
	cert = json_object_get(c->expect, "certificate");
	if (why[0] || !cert)
		return PV_OK;
	if (v.answer != POLICY_APPROVED || !t->has_certificate ||
	    !json_is_object(cert)) {
		snprintf(why, POLICYTEST_WHY_MAX, "there is no certificate");
		return PV_OK;
	}
	return policytest_certificate(t, issuer, c, cert, why, err);
}

CLEANUP_PTR(struct testcase, policytest_case_free);

static enum pv_code one(const struct template *t, const struct json_doc *doc,
			size_t n, const struct x509_issuer *issuer,
			const struct policytest_opts *opts, size_t *failed,
			struct err *err)
{
	CLEANUP(cleanup_policytest_case_free)
	struct testcase *c = mem_new(sizeof(*c), err);
	char why[POLICYTEST_WHY_MAX] = "";
	enum pv_code rc;

	if (!c)
		return PV_INTERNAL;
	request_init(&c->req);
	rc = run_case(t, doc, n, issuer, c, why, err);
	if (rc != PV_OK)
		return rc;
	*failed += why[0] != '\0';
	if (opts->result)
		opts->result(opts->ctx, c->name, !why[0], why);
	return PV_OK;
}

static enum pv_code make_issuer(const struct template *t,
				const struct template *ca,
				struct x509_issuer *issuer, struct err *err)
{
	uint8_t spki[X509_P256_SPKI_LEN];
	SECRET pkcs8 = SECRET_INIT;
	enum pv_code rc = hostkey_generate(&pkcs8, spki, err);

	return rc == PV_OK ? policytest_issuer(t, ca, spki, issuer, err) : rc;
}

enum pv_code policytest_run(const struct template *t, struct span cases,
			    const struct policytest_opts *opts, size_t *total,
			    size_t *failed, struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	CLEANUP(x509_issuer_release)
	struct x509_issuer issuer = { .path_len = 0 };
	const json_t *list;
	enum pv_code rc = json_parse(cases, &doc, err);

	*total = *failed = 0;
	if (rc != PV_OK)
		return rc;
	list = json_object_get(json_root(doc), "cases");
	if (!json_is_array(list) || json_object_size(json_root(doc)) != 1)
		return json_fail(err, PV_INPUT, doc, "", "policy.cases",
				 "see `provctl policy --help' and provctl(1)",
				 "not {\"cases\": [...]}");
	if (json_array_size(list) == 0)
		return json_fail(err, PV_INPUT, doc, "/cases", "policy.cases",
				 "see `provctl policy --help' and provctl(1)",
				 "no cases");
	if (t->has_certificate)
		rc = make_issuer(t, opts->ca, &issuer, err);
	for (size_t i = 0; rc == PV_OK && i < json_array_size(list); i++) {
		rc = one(t, doc, i, &issuer, opts, failed, err);
		*total += rc == PV_OK;
	}
	if (rc == PV_OK && *failed)
		rc = err_fail(err, PV_INPUT, "policy.test",
			      "change the template or the cases",
			      "%zu of %zu cases did not go as expected",
			      *failed, *total);
	return rc;
}
