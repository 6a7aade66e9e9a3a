/* Whether a generation of a CA that is there is the one that a step makes: an
 * interrupted run of this plan made it then, or another one did. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/flow/logged_authority.h"
#include "lib/x509/cert.h"

CLEANUP_PTR(struct template, template_free);

struct made {
	struct store *store;
	uint32_t generation;
	bool found;
	uint8_t template_sha256[32];
	int64_t from_s, to_s; /* of its certificate */
	struct template *tmpl;
};

static void made_release(struct made *m)
{
	template_free(m->tmpl);
}

static enum pv_code take_row(void *ctx, const struct store_ca *row,
			     struct err *err)
{
	struct made *m = ctx;
	struct x509_cert cert;
	enum pv_code rc;

	if (row->generation != m->generation)
		return PV_OK;
	rc = logged_ca(m->store, row, err);
	if (rc == PV_OK)
		rc = x509_cert_decode(row->cert, &cert, err);
	if (rc != PV_OK)
		return rc;
	m->found = true;
	m->from_s = cert.not_before_s;
	m->to_s = cert.not_after_s;
	memcpy(m->template_sha256, row->template_sha256, 32);
	return PV_OK;
}

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	struct made *m = ctx;
	enum pv_code rc = logged_template(m->store, row, err);

	return rc == PV_OK ? logged_template_parse(row, &m->tmpl, err) : rc;
}

/* Made within the minutes that its dates go back: the CA above may have begun
 * between the two. */
static bool ends_as_template(const struct made *m)
{
	const struct x509_profile *p = &m->tmpl->profile;
	int64_t earliest = m->from_s + (int64_t)p->valid_s - 1;

	if (p->no_expiry)
		return m->to_s == PVTIME_NO_EXPIRY;
	return m->to_s >= earliest &&
	       m->to_s <= earliest + (int64_t)p->backdate_min * 60;
}

static enum pv_code other(const struct made *m, const char *ca,
			  const char *what, struct err *err)
{
	err_object(err, ca);
	return err_fail(err, PV_CONFLICT, "ceremony.generation",
			"this plan makes no other one: have a new plan make "
			"the next generation",
			"another plan or command has made generation %u, and "
			"%s",
			m->generation, what);
}

static enum pv_code other_end(const struct made *m, const struct plan_step *step,
			      struct err *err)
{
	char is[PVTIME_RFC3339_LEN + 1] = "", planned[64] = "its template says";
	char what[160];

	if (!pvtime_format(m->to_s, is) ||
	    (step->not_after_s && !pvtime_format(step->not_after_s, planned)))
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"a certificate of a time that is none");
	snprintf(what, sizeof(what), "it ends at %s, not %s %s", is,
		 step->not_after_s ? "at" : "when", planned);
	return other(m, step->ca, what, err);
}

enum pv_code ceremony_as_planned(struct ceremony *c,
				 const struct plan_step *step,
				 uint32_t generation, struct err *err)
{
	CLEANUP(made_release)
	struct made m = { .store = c->store, .generation = generation };
	const struct store_visit cas = { .ctx = &m, .fn.ca = take_row };
	const struct store_visit v = { .ctx = &m,
				       .fn.template = take_template };
	enum pv_code rc = store_ca_each(c->store, step->ca, &cas, err);

	if (rc == PV_OK && !m.found)
		rc = err_fail(err, PV_INTERNAL, NULL, NULL,
			      "a generation that is not there");
	if (rc != PV_OK)
		return rc;
	if (memcmp(m.template_sha256, step->template_sha256, 32) != 0)
		return other(&m, step->ca, "from another template", err);
	rc = store_template_digest(c->store, m.template_sha256, &v, err);
	if (rc != PV_OK)
		return rc;
	return (step->not_after_s ? m.to_s == step->not_after_s
				  : ends_as_template(&m))
		       ? PV_OK
		       : other_end(&m, step, err);
}
