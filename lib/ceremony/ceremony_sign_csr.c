/* The step sign-csr: a CA of ours signs for a key of another authority. What
 * that one needs goes to the medium: certificates, and the list of our CA. */
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/base/pem.h"
#include "lib/base/pvtime.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/ceremony/ceremony_media.h"
#include "lib/ceremony/media.h"
#include "lib/ceremony/mediabox.h"
#include "lib/flow/cacert.h"
#include "lib/flow/cachain.h"
#include "lib/flow/exportcrl.h"

CLEANUP_PTR(struct template, template_free);

/* Those that take the certificate take one list of the CA above with it. */
static enum pv_code check_lists(struct ceremony *c,
				const struct plan_step *step, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	enum pv_code rc =
		ca_chain_load(c->store, step->issuer, -1, &chain, err);

	if (rc == PV_OK && chain.ca[0].shards > 1)
		rc = err_fail(err, PV_INPUT, "plan.shards",
			      "give its template crl.shards 1",
			      "%s has %u revocation lists, and a CA elsewhere "
			      "can take one",
			      step->issuer, (unsigned)chain.ca[0].shards);
	return rc;
}

struct request { /* of another authority */
	struct ceremony *c;
	struct buf text; /* as it came: for a box, and nobody else */
	struct mediabox_csr facts;
};

static void request_release(struct request *r)
{
	buf_release(&r->text);
}

static enum pv_code before(void *ctx, const struct camake *m, struct err *err)
{
	const struct request *r = ctx;
	enum pv_code rc =
		mediabox_within(r->c->opts->media->box, buf_span(&r->text),
				buf_span(&m->tbs), err);

	return rc == PV_OK ? ceremony_tell_tbs(r->c, m, err) : rc;
}

static enum pv_code issue(struct ceremony *c, const struct plan_step *step,
			  struct request *r, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	const struct authority_key *sent = NULL;
	bool there = false;
	struct cacert_job job = { .a = c->a,
				  .store = c->store,
				  .hsm = c->hsm,
				  .ca = step->ca,
				  .spki = r->facts.spki,
				  .csr_sha256 = r->facts.sha256,
				  .to = step->from,
				  .want = c->opts->want,
				  .issuer = step->issuer,
				  .until_s = step->not_after_s,
				  .before = before,
				  .ctx = r };
	char serial[41];
	enum pv_code rc = ceremony_ca_template(c, step, &t, err);

	job.tmpl = t;
	/* A CA's first key that is here was made here, and sent there. */
	if (rc == PV_OK)
		rc = ceremony_is_made(c, step->ca, &there, err);
	if (!there && authority_key(c->a, step->ca, &sent, NULL) == PV_OK)
		job.sent = sent->label;
	return rc == PV_OK ? cacert_issue(&job, serial, err) : rc;
}

static enum pv_code take(struct ceremony *c, const struct plan_step *step,
			 struct request *r, struct err *err)
{
	char file[CEREMONY_FILE_MAX];
	enum pv_code rc;

	ceremony_file(file, step->ca, ".csr");
	rc = ceremony_take(c, step->from, file, &r->text, err);
	return rc == PV_OK ? mediabox_csr(c->opts->media->box,
					  buf_span(&r->text), &r->facts, err)
			   : rc;
}

static enum pv_code give_pem(struct ceremony *c, const struct ca_link *ca,
			     struct err *err)
{
	CLEANUP(buf_release) struct buf pem;
	char file[CEREMONY_FILE_MAX];
	enum pv_code rc;

	buf_init(&pem, MEDIA_FILE_MAX);
	pem_encode(&pem, "CERTIFICATE", buf_span(&ca->der));
	ceremony_file(file, ca->name, ".pem");
	rc = buf_check(&pem, err);
	return rc == PV_OK ? ceremony_give(c, file, buf_span(&pem), err) : rc;
}

#define MAY_GIVE 8192 /* bytes, of a certificate as PEM */

/* Found before it is signed: a certificate is never given over another one. */
static enum pv_code may_give(struct ceremony *c, const struct plan_step *step,
			     struct err *err)
{
	char file[CEREMONY_FILE_MAX];

	ceremony_file(file, step->ca, ".pem");
	return media_may_give(c->opts->media, c->a->name, file, MAY_GIVE, false,
			      err);
}

/* The certificate and those above it. */
static enum pv_code give_chain(struct ceremony *c, const char *ca,
			       struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	enum pv_code rc = ca_chain_load(c->store, ca, -1, &chain, err);

	for (size_t i = 0; rc == PV_OK && i < chain.n; i++)
		rc = give_pem(c, &chain.ca[i], err);
	return rc;
}

/* In a later plan it is the generation behind those that were there when the
 * step began. */
static enum pv_code is_made(struct ceremony *c, const struct plan_step *step,
			    bool *there, struct err *err)
{
	uint32_t now = 0;
	enum pv_code rc;

	if (!c->opts->later)
		return ceremony_is_made(c, step->ca, there, err);
	rc = ceremony_newest_ca(c, step->ca, &now, err);
	if (rc == PV_OK)
		rc = ceremony_target(c, step->ca, (uint64_t)now + 1, err);
	*there = rc == PV_OK && now >= c->target[c->n];
	return *there ? ceremony_as_planned(c, step, now, err) : rc;
}

enum pv_code ceremony_sign_csr(struct ceremony *c, const struct plan_step *step,
			       struct err *err)
{
	CLEANUP(request_release) struct request r = { .c = c };
	bool there = false;
	enum pv_code rc;

	buf_init(&r.text, MEDIA_FILE_MAX);
	snprintf(c->object, sizeof(c->object), "%s", step->ca);
	rc = check_lists(c, step, err);
	if (rc == PV_OK)
		rc = is_made(c, step, &there, err);
	/* A bad request is refused before a PIN is given for it. */
	if (rc == PV_OK && !there)
		rc = take(c, step, &r, err);
	if (rc == PV_OK && !there)
		rc = may_give(c, step, err);
	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	if (rc == PV_OK && !there)
		rc = issue(c, step, &r, err);
	if (rc == PV_OK)
		rc = ceremony_tell_certificate(c, step->ca, err);
	return rc == PV_OK ? give_chain(c, step->ca, err) : rc;
}

struct giving {
	struct ceremony *c;
	uint32_t generation;
	struct span ca; /* its certificate, DER */
};

static enum pv_code give_list(void *ctx, const struct export_crl_list *l,
			      struct err *err)
{
	const struct giving *g = ctx;
	char file[CEREMONY_FILE_MAX];

	if (l->generation != g->generation)
		return PV_OK;
	ceremony_file(file, l->ca, ".crl");
	return ceremony_give_crl(g->c, file, l->crl, g->ca, err);
}

/* A CA that signs no lists has none to give. */
static enum pv_code give_lists_of(struct ceremony *c, const char *ca,
				  struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	CLEANUP(x509_issuer_release) struct x509_issuer by = { .path_len = 0 };
	struct giving g = { .c = c };
	struct err why;
	enum pv_code rc = ca_chain_load(c->store, ca, -1, &chain, err);

	if (rc == PV_OK)
		rc = x509_issuer_load(buf_span(&chain.ca[0].der), &by, err);
	if (rc != PV_OK || !(by.ku_bits & KU_CRL_SIGN))
		return rc;
	g.generation = chain.ca[0].generation;
	g.ca = buf_span(&chain.ca[0].der);
	err_init(&why);
	rc = export_crl_each(c->a, c->store, ca, -1, pvtime_now_s(), give_list,
			     &g, &why);
	/* One that ended while people were away is no use to the other side,
	 * and no reason to lose this one: a later plan gives the next. */
	if (rc == PV_OK || strcmp(why.rule, "crl.expired") == 0)
		return PV_OK;
	*err = why;
	return rc;
}

enum pv_code ceremony_give_lists(struct ceremony *c, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < c->plan->steps_n; i++)
		if (c->plan->steps[i].kind == PLAN_SIGN_CSR)
			rc = give_lists_of(c, c->plan->steps[i].issuer, err);
	return rc;
}
