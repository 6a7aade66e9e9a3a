#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/pvtime.h"
#include "lib/flow/certtext.h"
#include "lib/flow/hostkey.h"
#include "lib/flow/policytest_impl.h"
#include "lib/x509/cert.h"
#include "lib/x509/oids.h"
#include "lib/x509/tbs_lint.h"

CLEANUP_PTR(struct certtext, certtext_free);

#define CA_AGE_S (30 * 86400)

/* Never valid for any key, but of the right form. */
static const uint8_t no_signature[64] = { [31] = 1, [63] = 1 };
static const uint8_t test_serial[X509_SERIAL_LEN] = { 1, [15] = 1 };

static void text_cleanup(char **s)
{
	free(*s);
}

/* ---- the issuer ---- */

/* Subject of the made-up CA: a CN, and the VID that Matter leaves share. */
static enum pv_code made_up_profile(const struct template *t,
				    struct x509_profile *p, struct err *err)
{
	struct profile_rdn *cn = &p->subject[0];
	enum pv_code rc =
		text_parse(&cn->value, "policy test CA", NULL, 0, false, err);

	if (rc != PV_OK)
		return rc;
	snprintf(p->issuer, sizeof(p->issuer), "self");
	snprintf(cn->name, sizeof(cn->name), "CN");
	cn->oid = oid_cn;
	cn->string = DER_UTF8;
	p->subject_n = 1;
	for (size_t i = 0; i < t->profile.subject_n; i++)
		if (t->profile.subject[i].oid.len == oid_matter_vid.len &&
		    memcmp(t->profile.subject[i].oid.der, oid_matter_vid.der,
			   oid_matter_vid.len) == 0 &&
		    !text_has_vars(&t->profile.subject[i].value) &&
		    p->subject_n < 2)
			p->subject[p->subject_n++] = t->profile.subject[i];
	p->no_expiry = true;
	p->bc_present = p->bc_critical = p->bc_ca = true;
	p->bc_path_len = -1;
	p->ku_present = p->ku_critical = true;
	p->ku_bits = KU_KEY_CERT_SIGN | KU_CRL_SIGN;
	p->ski = p->aki = true;
	return PV_OK;
}

enum pv_code policytest_issuer(const struct template *t,
			       const struct template *ca,
			       const uint8_t spki[X509_P256_SPKI_LEN],
			       struct x509_issuer *issuer, struct err *err)
{
	CLEANUP(mem_cleanup) struct x509_profile *p = mem_new(sizeof(*p), err);
	CLEANUP(buf_release) struct buf tbs, cert;
	const struct text_vars vars = { .authority = "policy-test" };
	enum pv_code rc = p ? PV_OK : PV_INTERNAL;

	buf_init(&tbs, X509_TBS_MAX);
	buf_init(&cert, X509_CERT_MAX);
	if (rc == PV_OK && !ca)
		rc = made_up_profile(t, p, err);
	if (rc == PV_OK)
		rc = x509_tbs_build(
			ca ? &ca->profile : p, NULL, &vars, test_serial,
			(struct span){ spki, X509_P256_SPKI_LEN },
			ca ? POLICYTEST_NOW - CA_AGE_S : CA_AGE_S, &tbs, err);
	if (rc == PV_OK)
		rc = x509_cert_assemble(buf_span(&tbs), no_signature, &cert,
					err);
	if (rc == PV_OK)
		rc = x509_issuer_load(buf_span(&cert), issuer, err);
	if (p && !ca)
		text_release(&p->subject[0].value);
	return rc;
}

/* ---- comparing ---- */

static char *time_text(int64_t time_s)
{
	char out[PVTIME_RFC3339_LEN + 1];

	return pvtime_format(time_s, out) ? strdup(out) : NULL;
}

/* Takes got over. why is set when they differ. */
static void compare(const char *what, const json_t *want, char *got,
		    char why[POLICYTEST_WHY_MAX])
{
	CLEANUP(text_cleanup) char *mine = got;
	const char *s = json_string_value(want);

	if (s && mine && strcmp(s, mine) == 0)
		return;
	snprintf(why, POLICYTEST_WHY_MAX,
		 "%.60s: expected \"%.150s\", got "
		 "\"%.150s\"",
		 what, s ? s : "(not a text)", mine ? mine : "(nothing)");
}

/* Templates have RFC 5280's names; OpenSSL has one of its own. */
static void compare_extension(const char *given, const json_t *want,
			      const struct certtext *cert,
			      char why[POLICYTEST_WHY_MAX])
{
	const char *name =
		strcmp(given, "extKeyUsage") == 0 ? "extendedKeyUsage" : given;
	const json_t *critical = json_object_get(want, "critical");
	const json_t *text = json_object_get(want, "text");
	const json_t *hex = json_object_get(want, "hex");
	bool is_critical = false;
	enum certtext_ext found = certtext_find(cert, name, &is_critical);

	if (found == CERTTEXT_UNKNOWN)
		snprintf(why, POLICYTEST_WHY_MAX,
			 "%.60s: no such extension is known", name);
	else if (json_is_null(want) != (found == CERTTEXT_ABSENT))
		snprintf(why, POLICYTEST_WHY_MAX, "%.60s: is %s", name,
			 found == CERTTEXT_ABSENT ? "not there" : "there");
	else if (json_is_string(want))
		compare(name, want, certtext_extension(cert, name), why);
	else if (critical && json_is_true(critical) != is_critical)
		snprintf(why, POLICYTEST_WHY_MAX, "%.60s: critical is %s", name,
			 is_critical ? "true" : "false");
	if (!why[0] && text)
		compare(name, text, certtext_extension(cert, name), why);
	if (!why[0] && hex)
		compare(name, hex, certtext_hex(cert, name), why);
}

static void compare_all(const json_t *want, const struct certtext *x,
			const struct x509_cert *cert,
			char why[POLICYTEST_WHY_MAX])
{
	const char *key, *name;
	json_t *value, *item;

	json_object_foreach((json_t *)(uintptr_t)want, key, value)
	{
		if (why[0])
			return;
		if (strcmp(key, "subject") == 0)
			compare(key, value, certtext_subject(x), why);
		else if (strcmp(key, "issuer") == 0)
			compare(key, value, certtext_issuer(x), why);
		else if (strcmp(key, "not_before") == 0)
			compare(key, value, time_text(cert->not_before_s), why);
		else if (strcmp(key, "not_after") == 0)
			compare(key, value, time_text(cert->not_after_s), why);
		else if (strcmp(key, "extensions") == 0)
			json_object_foreach(value, name, item)
			{
				if (!why[0])
					compare_extension(name, item, x, why);
			}
		else
			snprintf(why, POLICYTEST_WHY_MAX,
				 "\"%.40s\" is nothing to expect of a "
				 "certificate",
				 key);
	}
}

/* ---- the device's certificate ---- */

static struct text_vars vars_of(const struct template *t,
				const struct testcase *c, const char **values)
{
	for (size_t i = 0; i < t->fields_n; i++)
		values[i] = request_field(&c->req, t->field_names[i]);
	return (struct text_vars){ .device_id = c->req.device,
				   .order_id = c->r.order,
				   .authority = "policy-test",
				   .fields = values,
				   .fields_n = t->fields_n };
}

enum pv_code policytest_build(const struct template *t,
			      const struct x509_issuer *issuer,
			      const struct testcase *c,
			      const uint8_t spki[X509_P256_SPKI_LEN],
			      struct buf *der, struct err *build)
{
	CLEANUP(buf_release) struct buf tbs;
	const char *values[TEXT_FIELDS_MAX] = { NULL };
	struct text_vars vars = vars_of(t, c, values);
	int64_t now_s = (int64_t)(c->facts.now_ms / 1000);
	struct span key = { spki, X509_P256_SPKI_LEN };
	enum pv_code rc;

	buf_init(&tbs, X509_TBS_MAX);
	rc = x509_tbs_build(&t->profile, issuer, &vars, test_serial, key, now_s,
			    &tbs, build);
	if (rc == PV_OK)
		rc = x509_tbs_lint(&t->profile, issuer, buf_span(&tbs), key,
				   test_serial, now_s, build);
	if (rc == PV_OK)
		rc = x509_cert_assemble(buf_span(&tbs), no_signature, der,
					build);
	return rc;
}

enum pv_code policytest_certificate(const struct template *t,
				    const struct x509_issuer *issuer,
				    const struct testcase *c,
				    const json_t *want,
				    char why[POLICYTEST_WHY_MAX],
				    struct err *err)
{
	CLEANUP(cleanup_certtext_free) struct certtext *x = NULL;
	CLEANUP(buf_release) struct buf der;
	uint8_t key[X509_P256_SPKI_LEN];
	SECRET pkcs8 = SECRET_INIT;
	struct x509_cert cert;
	struct err build;
	enum pv_code rc;

	buf_init(&der, X509_CERT_MAX);
	err_init(&build);
	rc = hostkey_generate(&pkcs8, key, err);
	if (rc != PV_OK)
		return rc;
	rc = policytest_build(t, issuer, c, key, &der, &build);
	if (rc == PV_OK)
		rc = x509_cert_decode(buf_span(&der), &cert, &build);
	if (rc != PV_OK) {
		snprintf(why, POLICYTEST_WHY_MAX, "no certificate: %.300s (%s)",
			 build.message, build.rule);
		return PV_OK;
	}
	rc = certtext_new(buf_span(&der), &x, err);
	if (rc == PV_OK)
		compare_all(want, x, &cert, why);
	return rc;
}
