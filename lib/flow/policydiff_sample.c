/* The sample request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/certtext.h"
#include "lib/flow/hostkey.h"
#include "lib/flow/policydiff.h"
#include "lib/flow/policytest_impl.h"

CLEANUP_PTR(struct json_doc, json_doc_free);
CLEANUP_PTR(struct certtext, certtext_free);
CLEANUP_PTR(struct testcase, policytest_case_free);

struct sample {
	const struct template *ca;
	const struct json_doc *cases; /* with one case */
	uint8_t spki[X509_P256_SPKI_LEN], issuer_spki[X509_P256_SPKI_LEN];
};

/* The file as the one case of a file of cases. */
static enum pv_code as_cases(struct span request, struct json_doc **cases,
			     struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	json_t *given, *c, *all;
	char *text = NULL;
	enum pv_code rc = json_parse(request, &doc, err);

	if (rc != PV_OK)
		return rc;
	given = json_root(doc);
	if (json_is_object(json_object_get(given, "request")))
		c = json_copy(given);
	else
		c = json_pack("{s:O}", "request", given);
	if (!json_object_get(c, "name"))
		json_object_set_new(c, "name", json_string("sample"));
	if (!json_object_get(c, "expect"))
		json_object_set_new(c, "expect", json_object());
	all = json_pack("{s:[o]}", "cases", c);
	if (all)
		text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	if (!text)
		return err_fail(err, PV_INTERNAL, NULL, NULL, "out of memory");
	rc = json_parse((struct span){ (const uint8_t *)text, strlen(text) },
			cases, err);
	free(text);
	return rc;
}

static enum pv_code print(struct span der, struct buf *out, struct err *err)
{
	CLEANUP(cleanup_certtext_free) struct certtext *x = NULL;
	CLEANUP(mem_cleanup) char *text = NULL;
	enum pv_code rc = certtext_new(der, &x, err);

	if (rc != PV_OK)
		return rc;
	text = certtext_print(x);
	if (!text)
		return err_fail(err, PV_INTERNAL, NULL, NULL, "out of memory");
	buf_put_str(out, text);
	return buf_check(out, err);
}

/* A certificate that cannot be built is what the template says, too. */
static enum pv_code build(const struct sample *s, const struct template *t,
			  const struct testcase *c,
			  struct policydiff_side *side, struct err *err)
{
	CLEANUP(x509_issuer_release)
	struct x509_issuer issuer = { .path_len = 0 };
	CLEANUP(buf_release) struct buf der;
	struct err why;
	enum pv_code rc;

	buf_init(&der, X509_CERT_MAX);
	err_init(&why);
	rc = policytest_issuer(t, s->ca, s->issuer_spki, &issuer, &why);
	if (rc == PV_OK)
		rc = policytest_build(t, &issuer, c, s->spki, &der, &why);
	if (rc == PV_OK)
		return print(buf_span(&der), &side->text, err);
	if (rc == PV_INTERNAL) {
		*err = why;
		return rc;
	}
	snprintf(side->decision, sizeof(side->decision), "denied");
	snprintf(side->rule, sizeof(side->rule), "%s", why.rule);
	snprintf(side->why, sizeof(side->why), "%.255s", why.message);
	return PV_OK;
}

static enum pv_code decide(const struct sample *s, const struct template *t,
			   struct policydiff_side *side, char *device,
			   struct err *err)
{
	CLEANUP(cleanup_policytest_case_free)
	struct testcase *c = mem_new(sizeof(*c), err);
	struct policy_verdict v = { .answer = POLICY_DENIED };
	struct err refused;
	enum pv_code rc;

	if (!c)
		return PV_INTERNAL;
	request_init(&c->req);
	err_init(&refused);
	rc = policytest_fill(t, s->cases, 0, c, &refused, err);
	if (rc == PV_OK && refused.code != PV_OK) {
		*err = refused;
		rc = refused.code;
	}
	if (rc != PV_OK)
		return rc;
	snprintf(device, TPL_NAME_MAX + 1, "%s", c->req.device);
	policytest_decide(t, c, &v);
	snprintf(side->decision, sizeof(side->decision), "%s",
		 policytest_answer(v.answer));
	snprintf(side->rule, sizeof(side->rule), "%s", v.rule);
	snprintf(side->why, sizeof(side->why), "%s", v.message);
	return v.answer == POLICY_APPROVED && t->has_certificate
		       ? build(s, t, c, side, err)
		       : PV_OK;
}

static enum pv_code device_class(const struct template *t, struct err *err)
{
	if (!t->ca)
		return PV_OK;
	err_object(err, t->name);
	return err_fail(err, PV_INPUT, "policy.ca", "leave --request out",
			"no device is issued under a template for CAs");
}

enum pv_code policydiff_sample(const struct template *old,
			       const struct template *new,
			       const struct template *ca, struct span request,
			       struct policydiff_sample *s, struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *cases = NULL;
	struct sample sample = { .ca = ca };
	SECRET key = SECRET_INIT;
	SECRET issuer_key = SECRET_INIT;
	enum pv_code rc;

	memset(s, 0, sizeof(*s));
	buf_init(&s->old.text, POLICYDIFF_TEXT_MAX);
	buf_init(&s->new.text, POLICYDIFF_TEXT_MAX);
	rc = device_class(old, err);
	if (rc == PV_OK)
		rc = device_class(new, err);
	if (rc == PV_OK)
		rc = as_cases(request, &cases, err);
	if (rc == PV_OK)
		rc = hostkey_generate(&key, sample.spki, err);
	if (rc == PV_OK)
		rc = hostkey_generate(&issuer_key, sample.issuer_spki, err);
	sample.cases = cases;
	if (rc == PV_OK)
		rc = decide(&sample, old, &s->old, s->device, err);
	if (rc == PV_OK)
		rc = decide(&sample, new, &s->new, s->device, err);
	return rc;
}

void policydiff_release(struct policydiff_sample *s)
{
	buf_release(&s->old.text);
	buf_release(&s->new.text);
}
