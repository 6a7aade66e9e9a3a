/* rotate_ca: the certificates between the keys of two generations. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/castand.h"
#include "lib/flow/keystand.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/rotate_ca_cross.h"
#include "lib/flow/rotate_ca_import.h"
#include "lib/store/store_log.h"

static enum pv_code show(const struct rotate_ca *r, size_t from, size_t n,
			 struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = from; rc == PV_OK && i < from + n; i++)
		if (r->opts->before)
			rc = r->opts->before(r->opts->ctx, &r->made[i], err);
	return rc;
}

/* Under approvals an earlier run may have recorded others bytes than were just
 * built: these are the ones to be shown. */
enum pv_code rotate_ca_record(struct rotate_ca *r, size_t from, size_t n,
			      struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!r->nonce)
		rc = show(r, from, n, err);
	if (rc == PV_OK)
		rc = camake_intents(&r->made[from], n, r->key_index, r->now_s,
				    err);
	if (rc == PV_OK && r->nonce)
		rc = show(r, from, n, err);
	return rc;
}

enum pv_code rotate_ca_make_cross(struct rotate_ca *r, struct err *err)
{
	enum pv_code rc = rotate_ca_build_cross(r, err);

	if (rc == PV_OK && r->made_n > 1)
		rc = rotate_ca_record(r, ROTATE_NEW + 1, r->made_n - 1, err);
	for (size_t i = ROTATE_NEW + 1; rc == PV_OK && i < r->made_n; i++)
		rc = camake_sign(&r->made[i], err);
	return rc;
}

static enum pv_code put_one(struct rotate_ca *r, size_t i,
			    const struct log_who *who, struct err *err)
{
	const struct camake *m = &r->made[i];
	struct store_crosscert x = { .signer = m->job.above_generation,
				     .subject = m->job.generation,
				     .cert = buf_span(&m->cert) };
	enum pv_code rc = camake_put_issue(m, who, &x.issue_index, err);

	snprintf(x.ca, sizeof(x.ca), "%s", r->opts->ca);
	return rc == PV_OK ? store_crosscert_put(r->store, &x, err) : rc;
}

enum pv_code rotate_ca_put_cross(struct rotate_ca *r, const struct log_who *who,
				 struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = ROTATE_NEW + 1; rc == PV_OK && i < r->made_n; i++)
		rc = put_one(r, i, who, err);
	return rc;
}

/* ---- by themselves ---- */

static enum pv_code newest(void *ctx, const struct store_ca *ca,
			   struct err *err)
{
	struct rotate_ca *r = ctx;

	(void)err;
	if (ca->active_ms == STORE_CA_NEVER)
		return PV_OK;
	r->former = r->generation;
	r->generation = ca->generation;
	snprintf(r->old_label, sizeof(r->old_label), "%s", r->newest_label);
	snprintf(r->newest_label, sizeof(r->newest_label), "%s", ca->label);
	memcpy(r->template_sha256, ca->template_sha256, STORE_HASH);
	r->import_index =
		store_ca_imported(ca) ? ca->issue_index : STORE_NO_INDEX;
	return PV_OK;
}

struct have {
	uint32_t older, newer; /* generations */
	size_t n;
};

static enum pv_code count(void *ctx, const struct store_crosscert *x,
			  struct err *err)
{
	struct have *h = ctx;

	(void)err;
	h->n += (x->subject == h->newer && x->signer == h->older) ||
		(x->subject == h->older && x->signer == h->newer);
	return PV_OK;
}

static enum pv_code load_cert(struct rotate_ca *r, uint32_t generation,
			      struct x509_issuer *out, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	enum pv_code rc = ca_chain_load_generation(r->store, r->opts->ca,
						   generation, -1, &chain, err);

	return rc == PV_OK
		       ? x509_issuer_load(buf_span(&chain.ca[0].der), out, err)
		       : rc;
}

/* The newer one may have been revoked since it was made. */
static enum pv_code new_stands(const struct rotate_ca *r, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	enum pv_code rc =
		ca_chain_load_generation(r->store, r->opts->ca, r->generation,
					 r->now_s, &chain, err);

	return rc == PV_OK ? ca_chain_stands(r->a, r->store, &chain, r->now_s,
					     err)
			   : rc;
}

static enum pv_code one_generation(const struct rotate_ca *r, struct err *err)
{
	err_object(err, r->opts->ca);
	return err_fail(err, PV_CONFLICT, "rotate.cross",
			"make the next generation first",
			"%s has one generation", r->opts->ca);
}

/* Both generations: r->generation is the one before the newer from here on, as
 * where that one is made. */
static enum pv_code load(struct rotate_ca *r, struct err *err)
{
	const struct store_visit v = { .ctx = r,
				       .fn.template = rotate_ca_take_template };
	struct event_who who;
	enum pv_code rc = event_now(r->store, &who, err);

	if (rc != PV_OK)
		return rc;
	r->now_s = (int64_t)(who.who.time_ms / 1000);
	rc = new_stands(r, err);
	if (rc == PV_OK)
		rc = keystand_label(r->store, r->newest_label, err);
	if (rc == PV_OK)
		rc = load_cert(r, r->generation, &r->new_ca, err);
	if (rc == PV_OK)
		rc = load_cert(r, r->former, &r->old_ca, err);
	if (rc == PV_OK)
		rc = store_template_digest(r->store, r->template_sha256, &v,
					   err);
	if (rc == PV_OK)
		rc = ownkey_load(r->store, r->old_label, &r->old, err);
	if (rc == PV_OK)
		rc = ownkey_load(r->store, r->newest_label, &r->next, err);
	if (rc == PV_OK)
		rc = tokens_find(r->tokens, &r->old, err);
	if (rc != PV_OK)
		return rc;
	rc = rotate_ca_signed_by(r, err);
	if (rc != PV_OK)
		return rc;
	r->generation--;
	r->own_at = r->tokens->login->token;
	return rotate_ca_own(r, err);
}

static enum pv_code record(struct rotate_ca *r, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	enum pv_code rc = store_begin(r->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(r->store, &who, err);
	if (rc == PV_OK)
		rc = rotate_ca_put_cross(r, &who.who, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

static enum pv_code make(struct rotate_ca *r, struct rotate_ca_report *report,
			 struct err *err)
{
	size_t first = r->tokens->login->token;
	enum pv_code rc = load(r, err);

	if (rc == PV_OK)
		rc = rotate_ca_make_cross(r, err);
	if (rc == PV_OK && r->made_n == 1)
		rc = err_fail(err, PV_DENIED, "rotate.cross", NULL,
			      "the certificate of generation %u is over or "
			      "revoked",
			      r->former);
	if (rc == PV_OK)
		rc = record(r, err);
	if (rc != PV_OK)
		return rc;
	report->crossed = true;
	snprintf(report->new_old, sizeof(report->new_old), "%s",
		 r->made[ROTATE_NEW_OLD].serial_hex);
	snprintf(report->old_new, sizeof(report->old_new), "%s",
		 r->made[ROTATE_OLD_NEW].serial_hex);
	return tokens_open(r->tokens, first, err);
}

enum pv_code rotate_ca_cross(struct authority *a, struct store *store,
			     struct tokens *tokens,
			     const struct rotate_ca_opts *opts,
			     struct rotate_ca_report *report, struct err *err)
{
	CLEANUP(mem_cleanup) struct rotate_ca *r = mem_new(sizeof(*r), err);
	const struct store_visit cas = { .ctx = r, .fn.ca = newest };
	struct have have = { .n = 0 };
	const struct store_visit v = { .ctx = &have, .fn.crosscert = count };
	enum pv_code rc;

	memset(report, 0, sizeof(*report));
	if (!r)
		return PV_INTERNAL;
	*r = (struct rotate_ca){
		.a = a, .store = store, .tokens = tokens, .opts = opts
	};
	rc = store_ca_each(store, opts->ca, &cas, err);
	if (rc == PV_OK && r->former == 0)
		rc = one_generation(r, err);
	report->generation = have.newer = r->generation;
	have.older = r->former;
	if (rc == PV_OK)
		rc = store_crosscert_each(store, opts->ca, &v, err);
	report->resumed = rc == PV_OK && have.n == 2;
	if (rc == PV_OK && !report->resumed)
		rc = make(r, report, err);
	if (rc != PV_OK)
		err_object(err, opts->ca);
	rotate_ca_release(r);
	return rc;
}
