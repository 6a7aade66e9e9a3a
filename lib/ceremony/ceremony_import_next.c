/* The step import-ca of a later plan: the certificate for the next key of a CA
 * of ours, or for the first of a new one, and the newest list of the root above
 * it, come from the medium. The root is the one that the authority trusts. */
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/ceremony/media.h"
#include "lib/flow/cachain.h"
#include "lib/flow/caimport.h"
#include "lib/flow/calist.h"
#include "lib/flow/event.h"
#include "lib/flow/keymake.h"
#include "lib/flow/rotate_ca.h"
#include "lib/x509/cert.h"
#include "lib/x509/csr.h"
#include "lib/x509/issuer.h"

CLEANUP_PTR(struct template, template_free);

#define ROOT_GENERATION 1 /* an authority has one root of another one */

struct next {
	struct ceremony *c;
	const struct plan_step *step;
	uint32_t generation;	     /* the newest that the store has */
	bool recorded;		     /* it has the newest key */
	bool made;		     /* and provctl.json says so */
	struct buf root, cert, list; /* DER */
	struct buf csr;		     /* of a first one */
};

static void next_release(struct next *n)
{
	buf_release(&n->root);
	buf_release(&n->cert);
	buf_release(&n->list);
	buf_release(&n->csr);
}

static enum pv_code look(struct next *n, struct err *err)
{
	const char *ca = n->step->ca;
	const struct authority_key *named = NULL;
	struct keymake_known known;
	enum pv_code rc = ceremony_newest_ca(n->c, ca, &n->generation, err);

	if (rc == PV_OK)
		rc = keymake_known(n->c->store, ca, &known, err);
	n->recorded = rc == PV_OK && n->generation > 0 &&
		      known.generation == n->generation;
	n->made = n->recorded &&
		  authority_key(n->c->a, ca, &named, NULL) == PV_OK &&
		  named->generation == n->generation;
	return rc;
}

static enum pv_code load_root(struct next *n, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	struct span der;
	enum pv_code rc = ca_chain_load_generation(
		n->c->store, n->step->issuer, ROOT_GENERATION, -1, &chain, err);

	if (rc != PV_OK)
		return rc;
	der = buf_span(&chain.ca[0].der);
	buf_put(&n->root, der.p, der.len);
	return buf_check(&n->root, err);
}

/* Said before the list is looked at, which that root signed as well. */
static enum pv_code by_our_root(const struct next *n, struct err *err)
{
	CLEANUP(x509_issuer_release)
	struct x509_issuer root = { .path_len = 0 };
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	struct x509_cert cert;
	struct err why;
	enum pv_code rc = x509_issuer_load(buf_span(&n->root), &root, err);

	if (rc == PV_OK)
		rc = x509_cert_decode(buf_span(&n->cert), &cert, err);
	if (rc == PV_OK)
		rc = x509_verifier_new(root.spki, &v, err);
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	rc = x509_verify_cert(v, &cert, PV_DENIED, &why);
	if (rc == PV_DENIED)
		return err_fail(
			err, PV_DENIED, "import.signature",
			"have it signed by that one while it issues; below a "
			"new root, make a new authority",
			"the certificate is not signed by the key of %s that "
			"this authority trusts: by its next generation's, or a "
			"stranger's",
			n->step->issuer);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

static enum pv_code take(struct next *n, struct err *err)
{
	const struct plan_step *step = n->step;
	enum pv_code rc = load_root(n, err);

	if (rc == PV_OK)
		rc = ceremony_meet_root(n->c, step, buf_span(&n->root), err);
	if (rc == PV_OK)
		rc = ceremony_take_pem(n->c, step, step->ca, &n->cert, err);
	if (rc == PV_OK)
		rc = by_our_root(n, err);
	if (rc == PV_OK)
		rc = ceremony_take_list(n->c, step, buf_span(&n->root),
					&n->list, err);
	/* A run that goes on behind its record takes nothing again. */
	return rc == PV_OK ? ceremony_log_step(n->c, "shown", err) : rc;
}

/* The home took a newer one meanwhile: that is kept, and holds. *crl points
 * into list, or is not there: what is kept is not newer. */
static enum pv_code newer_kept(struct next *n, const struct x509_crl *brought,
			       int64_t now_s, struct buf *list,
			       struct x509_crl *crl, bool *newer,
			       struct err *err)
{
	struct ceremony *c = n->c;
	const char *ca = n->step->issuer;
	bool newest = false, kept = false;
	enum pv_code rc = calist_is_newest(c->store, ca, brought, &newest, err);

	*newer = false;
	if (rc != PV_OK || newest)
		return rc;
	rc = calist_current(c->a, c->store, ca, buf_span(&n->root), now_s, list,
			    crl, &kept, err);
	*newer = rc == PV_OK && kept && crl->number > brought->number;
	return rc;
}

static enum pv_code tell_older(struct next *n, const struct x509_crl *brought,
			       const struct x509_crl *kept, struct err *err)
{
	struct ceremony *c = n->c;
	char number[24], newer[24];

	snprintf(number, sizeof(number), "%llu",
		 (unsigned long long)brought->number);
	snprintf(newer, sizeof(newer), "%llu",
		 (unsigned long long)kept->number);
	return CEREMONY_PUT(c, "older-list", { "ca", n->step->issuer },
			    { "from", n->step->from }, { "number", number },
			    { "kept", newer });
}

/* What the newest one says holds, also where it names the new certificate. An
 * older one is not taken, whatever its dates, and stops nobody. */
static enum pv_code keep_list(struct next *n, struct err *err)
{
	CLEANUP(buf_release) struct buf own;
	const struct span list = buf_span(&n->list);
	char ca[STORE_ID_MAX + 1];
	struct x509_crl crl, kept;
	struct event_who who;
	bool newer = false;
	int64_t now_s;
	enum pv_code rc;

	buf_init(&own, CALIST_MAX);
	if (list.len == 0)
		return PV_OK;
	rc = event_now(n->c->store, &who, err);
	if (rc != PV_OK)
		return rc;
	now_s = (int64_t)(who.who.time_ms / 1000);
	rc = calist_check(buf_span(&n->root), list, -1, &crl, err);
	if (rc == PV_OK)
		rc = newer_kept(n, &crl, now_s, &own, &kept, &newer, err);
	if (rc == PV_OK && newer)
		rc = tell_older(n, &crl, &kept, err);
	else if (rc == PV_OK)
		rc = calist_take(n->c->a, n->c->store, list, now_s, ca, err);
	return rc == PV_OK ? calist_stands(newer ? &kept : &crl,
					   buf_span(&n->cert), err)
			   : rc;
}

/* Its subject is what was asked for; a next one's is that of the one before. */
static enum pv_code asked_for(struct next *n, struct span *subject,
			      struct err *err)
{
	struct csr csr = { .subject = { NULL, 0 } };
	enum pv_code rc = PV_OK;

	if (n->generation == 0)
		rc = ceremony_read_csr(n->c, n->step->ca, &n->csr, &csr, err);
	*subject = csr.subject;
	return rc;
}

/* One that was cut off behind its row is given out. */
static enum pv_code put_to_use(struct next *n, struct err *err)
{
	struct ceremony *c = n->c;
	const struct plan_step *asked = ceremony_asked(c->plan, n->step->ca);
	struct ca_brought brought = { .cert = buf_span(&n->cert),
				      .root = buf_span(&n->root),
				      .from = n->step->from };
	const struct rotate_ca_opts opts = {
		.ca = n->step->ca,
		.first_issuer = n->step->issuer,
		.template_name = asked->template_name,
		.active_ms = (uint64_t)n->step->active_s * 1000,
		.want = c->opts->want,
		.brought = n->recorded ? NULL : &brought,
		.uncrossed = true
	};
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	struct tokens tokens = ceremony_tokens(c);
	struct rotate_ca_report report;
	enum pv_code rc = asked_for(n, &brought.asked, err);

	/* Its template is in effect before it is used. */
	if (rc == PV_OK && !n->recorded)
		rc = ceremony_ca_template(c, asked, &t, err);
	return rc == PV_OK
		       ? rotate_ca(c->a, c->store, &tokens, &opts, &report, err)
		       : rc;
}

static enum pv_code tell(struct next *n, struct err *err)
{
	enum pv_code rc = look(n, err);

	if (rc == PV_OK)
		rc = ceremony_tell_certificate(n->c, n->step->issuer, err);
	return rc == PV_OK ? ceremony_tell_generation(n->c, n->step->ca,
						      n->generation, err)
			   : rc;
}

enum pv_code ceremony_import_next(struct ceremony *c,
				  const struct plan_step *step, struct err *err)
{
	CLEANUP(next_release) struct next n = { .c = c, .step = step };
	enum pv_code rc;

	buf_init(&n.root, X509_CERT_MAX);
	buf_init(&n.cert, X509_CERT_MAX);
	buf_init(&n.list, MEDIA_FILE_MAX);
	buf_init(&n.csr, CSR_DER_MAX);
	snprintf(c->object, sizeof(c->object), "%s", step->ca);
	rc = look(&n, err);
	if (rc == PV_OK && n.recorded && !c->points.shown[c->n])
		rc = err_fail(err, PV_CONFLICT, "ceremony.made",
			      "run another version of the plan, without that "
			      "step",
			      "its certificate was imported beside this "
			      "ceremony");
	/* What is wrong with them is found before a PIN is given for it. */
	if (rc == PV_OK && !n.recorded)
		rc = take(&n, err);
	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	if (rc == PV_OK && !n.recorded)
		rc = keep_list(&n, err);
	if (rc == PV_OK && !n.made)
		rc = put_to_use(&n, err);
	return rc == PV_OK ? tell(&n, err) : rc;
}
