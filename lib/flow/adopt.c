#include "lib/flow/adopt.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/cachain.h"
#include "lib/flow/context.h"
#include "lib/flow/crlplaces.h"
#include "lib/flow/decision.h"
#include "lib/flow/escrowcerts.h"
#include "lib/flow/manifests.h"
#include "lib/flow/raised.h"
#include "lib/flow/trustcerts.h"
#include "lib/log/attest.h"
#include "lib/store/store_people.h"

CLEANUP_PTR(struct template, template_free);
CLEANUP_PTR(struct issue_context, issue_context_free);

static enum pv_code seen(void *arg, const struct store_template *t,
			 struct err *err)
{
	(void)t;
	(void)err;
	*(bool *)arg = true;
	return PV_OK;
}

/* *known: these very bytes are adopted. */
static enum pv_code is_adopted(struct store *store, const uint8_t sha256[32],
			       bool *known, struct err *err)
{
	struct store_visit v = { .ctx = known, .fn.template = seen };
	struct err none;
	enum pv_code rc;

	*known = false;
	err_init(&none);
	rc = store_template_digest(store, sha256, &v, &none);
	if (rc == PV_OK || rc == PV_NOT_FOUND)
		return PV_OK;
	*err = none;
	return rc;
}

/* A template, and what is pinned with it. */
struct adopting {
	const struct template *t;
	struct span bytes;
	struct buf escrow; /* the certificates of its targets */
	struct buf trust;  /* those that evidence goes back to */
	struct manifests m;
};

static void adopting_release(struct adopting *p)
{
	manifests_release(&p->m);
	buf_release(&p->escrow);
	buf_release(&p->trust);
}

static enum pv_code put_entry(struct decision *d, const struct adopting *p,
			      uint64_t *index, struct err *err)
{
	const struct template *t = p->t;
	uint8_t hash[32], trust[32];
	struct log_entry e;
	enum pv_code rc = sha256(buf_span(&p->escrow), hash, err);

	if (rc == PV_OK)
		rc = sha256(buf_span(&p->trust), trust, err);

	log_template_adopt(&e, &d->who.who, t->name, t->version, t->sha256,
			   p->escrow.len > 0 ? hash : NULL,
			   approvals_persons(d->got));
	log_fact_bytes(&e, LOG_TRUST, p->trust.len > 0 ? trust : NULL,
		       sizeof(trust));
	if (rc == PV_OK)
		rc = decision_entry(d, &e, err);
	return rc == PV_OK ? store_governance_add(d->store, buf_span(&d->entry),
						  index, err)
			   : rc;
}

static enum pv_code put_template(struct decision *d, const struct adopting *p,
				 struct err *err)
{
	struct store_template row = { .version = p->t->version,
				      .bytes = p->bytes,
				      .escrow = buf_span(&p->escrow),
				      .trust = buf_span(&p->trust) };
	bool existing = false;
	enum pv_code rc;

	snprintf(row.name, sizeof(row.name), "%s", p->t->name);
	snprintf(row.actor, sizeof(row.actor), "%s", d->who.actor);
	memcpy(row.sha256, p->t->sha256, 32);
	row.adopted_ms = d->who.who.time_ms;
	rc = put_entry(d, p, &row.adopt_index, err);
	if (rc == PV_OK)
		rc = store_template_put(d->store, &row, &existing, err);
	if (rc == PV_OK && existing)
		rc = err_fail(err, PV_CONFLICT, "store.template", NULL,
			      "adopted by someone else meanwhile");
	return rc;
}

/* Without ${shard} certificates of several shards would name one list. */
static enum pv_code check_points(const struct authority *a, struct store *store,
				 const struct template *t, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	const struct x509_profile *x = &t->profile;
	enum pv_code rc;

	if (t->ca || !t->has_certificate || x->cdp_n == 0)
		return PV_OK;
	rc = ca_chain_load(store, x->issuer, -1, &chain, err);
	for (size_t i = 0; rc == PV_OK && i < x->cdp_n; i++) {
		const struct text *uri = &x->cdp[i];
		bool sharded = chain.ca[0].shards == 1;

		for (size_t k = 0; k < uri->n; k++)
			sharded |= uri->parts[k].var == TEXT_SHARD;
		if (!sharded)
			rc = err_fail(err, PV_INPUT, "template.shard",
				      "write ${shard} in it, or give the CA "
				      "crl.shards 1",
				      "crlDistributionPoints/%zu names one "
				      "list, and %s has %u shards",
				      i, x->issuer,
				      (unsigned)chain.ca[0].shards);
	}
	return rc == PV_OK && chain.ca[0].shards > 1
		       ? crl_places_fit(a, store, t, err)
		       : rc;
}

/* Everything in one transaction, read back before it commits. */
static enum pv_code record(const struct authority *a, struct store *store,
			   const struct adopting *p,
			   const struct approvals *got, struct err *err)
{
	CLEANUP(cleanup_issue_context_free) struct issue_context *ctx = NULL;
	const struct template *t = p->t;
	const struct manifests *m = &p->m;
	DECISION d = DECISION_INIT;
	enum pv_code rc = decision_begin(&d, store, got, err);

	/* Another one may have taken the last place meanwhile. */
	if (rc == PV_OK)
		rc = check_points(a, store, t, err);
	if (rc == PV_OK)
		rc = put_template(&d, p, err);
	for (size_t i = 0; rc == PV_OK && i < m->n; i++)
		rc = store_manifest_put(store, t->sha256, m->stage[i].name,
					m->stage[i].sequence,
					buf_span(&m->stage[i].message), err);
	if (rc == PV_OK && !t->ca)
		rc = issue_context_load_digest(a, store, t->sha256, &ctx, err);
	if (rc == PV_OK && ctx)
		rc = issue_context_manifests(ctx, false, pvtime_now_s(), err);
	if (rc == PV_OK && ctx)
		rc = stored_rows_complete(&ctx->stored, err);
	return rc == PV_OK ? decision_commit(&d, err) : rc;
}

static enum pv_code keep_copy(const struct authority *a,
			      const struct template *t, struct span bytes,
			      struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	char name[TPL_NAME_MAX + 32];
	enum pv_code rc = dir_make(a->home_fd, a->templates, 0700, err);

	if (rc == PV_OK)
		rc = dir_open(a->home_fd, a->templates, &folder, err);
	snprintf(name, sizeof(name), "%s.%u.json", t->name,
		 (unsigned)t->version);
	if (rc == PV_OK)
		rc = file_write(folder, name, 0600, bytes.p, bytes.len, err);
	return rc;
}

static enum pv_code take_version(void *ctx, const struct store_template *row,
				 struct err *err)
{
	(void)err;
	*(uint64_t *)ctx = row->version;
	return PV_OK;
}

static enum pv_code find_current(struct store *store, const char *name,
				 uint64_t *version, struct err *err)
{
	const struct store_visit v = { .ctx = version,
				       .fn.template = take_version };

	return store_template_current(store, name, &v, err);
}

static enum pv_code gate(const struct authority *a, struct store *store,
			 const struct template *t, struct span bytes,
			 const struct approvals_want *from,
			 struct approvals *got, struct err *err)
{
	struct approvals_want want = { .op = QUORUM_ADOPT };
	struct tpl_approvals raised;
	char what[TPL_NAME_MAX + 48];
	enum pv_code rc = raised_for(store, t, &raised, err);

	if (from)
		want = *from;
	snprintf(what, sizeof(what), "template %s version %u", t->name,
		 (unsigned)t->version);
	want.op = QUORUM_ADOPT;
	want.subject = bytes;
	want.what = what;
	want.raised = &raised;
	return rc == PV_OK ? approvals_gate(a, store, &want, got, err) : rc;
}

/* Approved first: nothing is signed before. */
static enum pv_code adopt_new(const struct authority *a, struct store *store,
			      struct hsm *hsm, struct template *t,
			      struct span bytes,
			      const struct approvals_want *want,
			      struct adopt_report *report, struct err *err)
{
	CLEANUP(adopting_release)
	struct adopting p = { .t = t, .bytes = bytes };
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	enum pv_code rc;

	buf_init(&p.escrow, TPL_ESCROW_MAX * X509_CERT_MAX);
	buf_init(&p.trust, TRUSTCERTS_MAX);
	rc = check_points(a, store, t, err);
	if (rc == PV_OK)
		rc = escrowcerts_read(a, store, t, &p.escrow, err);
	if (rc == PV_OK)
		rc = trustcerts_read(a, store, t, &p.trust, err);
	if (rc == PV_OK)
		rc = gate(a, store, t, bytes, want, &got, err);
	if (rc == PV_OK && !t->ca)
		rc = manifests_sign(a, store, hsm, t, pvtime_now_s(), &p.m,
				    err);
	if (rc == PV_OK)
		rc = record(a, store, &p, &got, err);
	report->manifests = p.m.n;
	snprintf(report->persons, sizeof(report->persons), "%s", got.persons);
	return rc;
}

enum pv_code adopt_template(const struct authority *a, struct store *store,
			    struct hsm *hsm, struct span bytes,
			    const struct approvals_want *want,
			    struct adopt_report *report, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	enum pv_code rc;

	memset(report, 0, sizeof(*report));
	rc = template_parse(bytes, &t, &report->warnings, err);
	if (rc != PV_OK)
		return rc;
	snprintf(report->name, sizeof(report->name), "%s", t->name);
	report->version = t->version;
	report->ca = t->ca;
	memcpy(report->sha256, t->sha256, 32);
	rc = is_adopted(store, t->sha256, &report->existing, err);
	if (rc == PV_OK && !report->existing)
		rc = adopt_new(a, store, hsm, t, bytes, want, report, err);
	if (rc == PV_OK)
		rc = find_current(store, t->name, &report->in_effect, err);
	if (rc == PV_OK)
		rc = keep_copy(a, t, bytes, err);
	if (rc != PV_OK)
		err_object(err, report->name);
	return rc;
}

enum pv_code adopt_template_ask(const struct authority *a, struct store *store,
				struct span bytes,
				const struct approvals_want *want,
				bool *existing, struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	enum pv_code rc = template_parse(bytes, &t, NULL, err);

	*existing = false;
	if (rc == PV_OK)
		rc = is_adopted(store, t->sha256, existing, err);
	if (rc == PV_OK && !*existing)
		rc = gate(a, store, t, bytes, want, &got, err);
	if (rc != PV_OK && t)
		err_object(err, t->name);
	return rc;
}
