#include "lib/ceremony/ceremonyblanks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/ceremony/plantemplate.h"
#include "policy/template.h"

CLEANUP_PTR(struct template, template_free);

#define LABEL_CAP 200
#define VALUE_CAP 512

static void put_hash(const struct ceremonyblanks *to, const char *fmt, ...)
{
	char label[LABEL_CAP];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(label, sizeof(label), fmt, ap);
	va_end(ap);
	to->blank(to->ctx, label, true);
}

/* ---- what is written down ---- */

static void put_import(const struct plan *plan, const struct plan_step *s,
		       const struct ceremonyblanks *to)
{
	if (plan_is_first(plan)) {
		put_hash(to, "SHA-256 of the file %s.pem, as it is read aloud",
			 s->issuer);
		if (!s->has_root)
			put_hash(to,
				 "SHA-256 of the root's certificate (DER), as "
				 "it is read aloud");
	}
	put_hash(to, "SHA-256 of the file %s.pem, as it is read aloud", s->ca);
	put_hash(to, "SHA-256 of the file %s.crl, as it is read aloud",
		 s->issuer);
}

static void put_sign_csr(const struct plan_step *s,
			 const struct ceremonyblanks *to)
{
	put_hash(to, "SHA-256 of the file %s.csr, as it is read aloud", s->ca);
	put_hash(to, "SHA-256 of the file %s.pem, to read aloud", s->ca);
	put_hash(to, "SHA-256 of the file %s.pem, to read aloud", s->issuer);
}

static void put_transport(const struct plan_step *s,
			  const struct ceremonyblanks *to)
{
	if (s->kind == PLAN_TRANSPORT) {
		put_hash(to, "SHA-256 of the transport key's public half, to "
			     "read aloud");
		put_hash(to, "SHA-256 of its file, to read aloud");
		return;
	}
	if (s->kind == PLAN_SEND_KEY) {
		put_hash(to, "SHA-256 of the transport key's file, as it is "
			     "read aloud");
		if (!s->has_other)
			put_hash(to, "SHA-256 of the transport key's public "
				     "half, as it is read aloud");
		put_hash(to, "SHA-256 of the file with key %s, to read aloud",
			 s->purpose);
		return;
	}
	put_hash(to, "SHA-256 of the file with key %s, as it is read aloud",
		 s->purpose);
	if (!s->has_other)
		put_hash(to,
			 "SHA-256 of the public key of %s, as it is read aloud",
			 s->purpose);
}

/* A key that people can compare: a secret one has no fingerprint. */
static bool has_fingerprint(const struct plan_step *s)
{
	return s->key != PLAN_KEY_KDF && s->key != PLAN_KEY_STORE;
}

void ceremonyblanks_step(const struct plan *plan, const struct plan_step *s,
			 const struct ceremonyblanks *to)
{
	switch (s->kind) {
	case PLAN_INIT_TOKEN:
		to->blank(to->ctx, "Serial number of the token", false);
		return;
	case PLAN_GENERATE_KEY:
		if (has_fingerprint(s))
			put_hash(to, "SHA-256 of its public key");
		return;
	case PLAN_SELF_SIGNED:
		put_hash(to, "SHA-256 of its certificate (DER), to read aloud");
		return;
	case PLAN_ISSUE_CA:
		put_hash(to, "SHA-256 of its certificate (DER)");
		return;
	case PLAN_CROSS_SIGN:
		put_hash(to, "SHA-256 of the old key's certificate by the new");
		put_hash(to, "SHA-256 of the new key's certificate by the old");
		return;
	case PLAN_MAKE_CSR:
		put_hash(to, "SHA-256 of the file %s.csr, to read aloud",
			 s->ca);
		return;
	case PLAN_SIGN_CSR:
		put_sign_csr(s, to);
		return;
	case PLAN_IMPORT_CA:
		put_import(plan, s, to);
		return;
	case PLAN_SIGN_CRL:
		put_hash(to, "SHA-256 of the file %s.crl", s->ca);
		return;
	case PLAN_BACK_UP_KEY:
		put_hash(to, "SHA-256 of the backup's file");
		return;
	case PLAN_RESTORE_KEY:
		put_hash(to, "SHA-256 of the backup's file, as it was written "
			     "down");
		return;
	case PLAN_TRANSPORT:
	case PLAN_SEND_KEY:
	case PLAN_TAKE_KEY:
		put_transport(s, to);
		return;
	default:
		return;
	}
}

/* A plan that makes an authority has first lists of its CAs; another one signs
 * those that are due, of which it does not know. */
static const char *list_of(const struct plan *plan, const struct plan_step *s)
{
	if (plan_is_first(plan) &&
	    (s->kind == PLAN_SELF_SIGNED || s->kind == PLAN_ISSUE_CA))
		return s->ca;
	return !plan_is_first(plan) && s->kind == PLAN_SIGN_CSR ? s->issuer
								: NULL;
}

void ceremonyblanks_end(const struct plan *plan,
			const struct ceremonyblanks *to)
{
	for (size_t i = 0; i < plan->steps_n; i++) {
		const char *ca = list_of(plan, &plan->steps[i]);
		bool again = false;

		for (size_t k = 0; ca && k < i; k++) {
			const char *was = list_of(plan, &plan->steps[k]);

			again = again || (was && strcmp(was, ca) == 0);
		}
		if (ca && !again)
			put_hash(to,
				 "SHA-256 of the file %s.crl, where that list "
				 "was signed",
				 ca);
	}
}

/* ---- what a certificate will say ---- */

/* In the order in which it is shown: the last one first. */
static enum pv_code put_subject(const struct x509_profile *p,
				const char *authority,
				const struct ceremonyblanks *to,
				struct err *err)
{
	const struct text_vars vars = { .authority = authority };
	CLEANUP(buf_release) struct buf out;

	buf_init(&out, PROFILE_RDN_MAX * VALUE_CAP);
	for (size_t i = p->subject_n; i-- > 0;) {
		const struct profile_rdn *rdn = &p->subject[i];
		enum pv_code rc;

		buf_printf(&out, "%s%s=", out.len ? "," : "", rdn->name);
		rc = text_append(&rdn->value, &vars, &out, err);
		if (rc != PV_OK)
			return rc;
	}
	if (buf_check(&out, err) != PV_OK)
		return PV_INTERNAL;
	to->expect(to->ctx, "subject", buf_cstr(&out));
	return PV_OK;
}

static void put_validity(const struct plan_step *s,
			 const struct x509_profile *p,
			 const struct ceremonyblanks *to)
{
	char value[VALUE_CAP];

	snprintf(value, sizeof(value), "%u minutes before it is made",
		 (unsigned)p->backdate_min);
	to->expect(to->ctx, "not_before", value);
	if (s->not_after_s) /* stands in the words of the step */
		return;
	if (p->no_expiry)
		snprintf(value, sizeof(value), "9999-12-31T23:59:59Z");
	else
		snprintf(value, sizeof(value),
			 "%llu days and %llu hours after it is made, less a "
			 "second",
			 (unsigned long long)p->valid_s / 86400,
			 (unsigned long long)p->valid_s % 86400 / 3600);
	to->expect(to->ctx, "not_after", value);
}

/* As OpenSSL names them, and so the screen. */
static void put_use(const struct x509_profile *p,
		    const struct ceremonyblanks *to)
{
	static const char *const names[] = {
		"Digital Signature", "Non Repudiation", "Key Encipherment",
		"Data Encipherment", "Key Agreement",	"Certificate Sign",
		"CRL Sign",	     "Encipher Only",	"Decipher Only"
	};
	char value[VALUE_CAP] = "";
	size_t len = 0;

	if (p->bc_path_len >= 0)
		snprintf(value, sizeof(value), "CA:%s, pathlen:%d",
			 p->bc_ca ? "TRUE" : "FALSE", p->bc_path_len);
	else
		snprintf(value, sizeof(value), "CA:%s",
			 p->bc_ca ? "TRUE" : "FALSE");
	to->expect(to->ctx, "basic_constraints",
		   p->bc_present ? value : "none");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (p->ku_bits & 1u << i)
			len += (size_t)snprintf(value + len,
						sizeof(value) - len, "%s%s",
						len ? ", " : "", names[i]);
	to->expect(to->ctx, "key_usage", p->ku_present ? value : "none");
}

static bool makes_certificate(const struct plan_step *s)
{
	return s->kind == PLAN_SELF_SIGNED || s->kind == PLAN_ISSUE_CA ||
	       s->kind == PLAN_MAKE_CSR || s->kind == PLAN_SIGN_CSR;
}

enum pv_code ceremonyblanks_expect(const struct plan_step *s, int templates,
				   const struct ceremonyblanks *to,
				   struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf bytes = { .data = NULL };
	char issuer[LABEL_CAP];
	enum pv_code rc;

	if (!makes_certificate(s) || templates < 0)
		return PV_OK;
	rc = plantemplate_read(templates, s, &bytes, err);
	if (rc == PV_OK)
		rc = template_parse(buf_span(&bytes), &t, NULL, err);
	if (rc == PV_OK && !t->has_certificate)
		rc = err_fail(err, PV_INPUT, "plan.template", NULL,
			      "%s is not a template for CAs", s->template_name);
	if (rc == PV_OK)
		rc = put_subject(&t->profile,
				 s->to[0] ? s->to : "<the authority's name>",
				 to, err);
	/* Of a request people see no more. */
	if (rc != PV_OK || s->kind == PLAN_MAKE_CSR)
		return rc;
	snprintf(issuer, sizeof(issuer), "the subject of %s", s->issuer);
	to->expect(to->ctx, "issuer",
		   s->kind == PLAN_SELF_SIGNED ? "the same" : issuer);
	put_validity(s, &t->profile, to);
	put_use(&t->profile, to);
	return PV_OK;
}
