#include "lib/flow/caimport.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/calist.h"
#include "lib/flow/event.h"
#include "lib/log/lifecycle.h"
#include "lib/x509/cert.h"
#include "lib/x509/issuer.h"
#include "lib/x509/tbs_lint.h"

struct work {
	const struct ca_import *in;
	int64_t now_s;
	struct x509_issuer root;
	struct x509_verifier *verifier; /* of the root's key */
	struct x509_cert cert;
};

static void work_release(struct work *w)
{
	x509_issuer_release(&w->root);
	x509_verifier_free(w->verifier);
}

static enum pv_code denied(const char *rule, const char *what, struct err *err)
{
	return err_fail(err, PV_DENIED, rule,
			"compare with what the other authority signed, and "
			"bring that",
			"%s", what);
}

/* w's verifier says whose signature it is. */
static enum pv_code signed_by_root(const struct work *w,
				   const struct x509_cert *cert,
				   const char *rule, const char *what,
				   struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = x509_verify_cert(w->verifier, cert, PV_DENIED, &why);
	if (rc == PV_DENIED || rc == PV_INPUT)
		return denied(rule, what, err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

static enum pv_code check_root(struct work *w, struct err *err)
{
	struct x509_cert cert;
	enum pv_code rc = x509_issuer_load(w->in->root, &w->root, err);

	if (rc == PV_OK)
		rc = x509_cert_decode(w->in->root, &cert, err);
	if (rc == PV_OK && !w->root.self_issued)
		rc = denied("import.root", "the root has another issuer", err);
	if (rc == PV_OK)
		rc = x509_verifier_new(w->root.spki, &w->verifier, err);
	if (rc == PV_OK)
		rc = signed_by_root(w, &cert, "import.root",
				    "the root is not signed by itself", err);
	return rc == PV_OK ? x509_issuer_valid(&w->root, w->now_s, err) : rc;
}

/* As its template would have made it: at its own time, with any serial. */
static enum pv_code lint(const struct work *w, struct err *err)
{
	CLEANUP(mem_cleanup)
	struct x509_profile *p = mem_new(sizeof(*p), err);
	const struct x509_cert *c = &w->cert;
	int64_t longest;

	if (!p)
		return PV_INTERNAL;
	*p = w->in->tmpl->profile; /* texts stay the template's */
	longest = c->not_before_s + (int64_t)p->backdate_min * 60 +
		  (int64_t)p->valid_s - 1;
	if (!p->no_expiry && c->not_after_s > longest)
		return denied("validity.template",
			      "the certificate ends later than its template "
			      "allows",
			      err);
	p->backdate_min = 0;
	p->until_s = c->not_after_s;
	return x509_tbs_lint(p, &w->root, c->tbs, c->spki, NULL,
			     c->not_before_s, err);
}

static enum pv_code check_cert(struct work *w, struct err *err)
{
	CLEANUP(x509_issuer_release) struct x509_issuer ca = { .path_len = 0 };
	const struct ca_import *in = w->in;
	enum pv_code rc = x509_cert_decode(in->cert, &w->cert, err);

	if (rc == PV_OK)
		rc = x509_issuer_load(in->cert, &ca, err);
	if (rc == PV_OK &&
	    !span_equal(ca.spki,
			(struct span){ in->key->spki, in->key->spki_len }))
		rc = denied("import.key", "the certificate is for another key",
			    err);
	if (rc == PV_OK && !span_equal(w->cert.subject, in->asked))
		rc = denied("import.subject",
			    "the certificate has another subject than was "
			    "asked for",
			    err);
	if (rc == PV_OK && !span_equal(w->cert.issuer, w->root.subject))
		rc = denied("import.signature",
			    "the certificate has another issuer than the root "
			    "given",
			    err);
	if (rc == PV_OK)
		rc = signed_by_root(w, &w->cert, "import.signature",
				    "the certificate is not signed by the root "
				    "given",
				    err);
	if (rc == PV_OK)
		rc = x509_issuer_valid(&ca, w->now_s, err);
	return rc == PV_OK ? lint(w, err) : rc;
}

/* A root that signs lists has one. */
static enum pv_code check_list(const struct work *w, struct x509_crl *crl,
			       struct err *err)
{
	const struct ca_import *in = w->in;
	enum pv_code rc;

	if (!(w->root.ku_bits & KU_CRL_SIGN) && in->list.len == 0)
		return PV_OK;
	rc = calist_check(in->root, in->list, w->now_s, crl, err);
	return rc == PV_OK ? calist_stands(crl, in->cert, err) : rc;
}

/* ---- the rows ---- */

enum pv_code ca_import_put(struct store *store, const char *from,
			   const struct log_who *who, struct store_ca *row,
			   struct err *err)
{
	static const uint8_t none[STORE_HASH];
	const uint8_t *tmpl = row->template_sha256;
	uint8_t cert[STORE_HASH];
	struct log_import i = {
		.ca = row->name,
		.parent = row->parent[0] ? row->parent : NULL,
		.key = row->label[0] ? row->label : NULL,
		.from = from,
		.cert = cert,
		.spki = row->spki_sha256,
		.template_hash =
			memcmp(tmpl, none, STORE_HASH) == 0 ? NULL : tmpl,
		.shards = row->shards,
		.generation = row->generation,
		.active_ms = row->active_ms,
	};
	struct log_entry e;
	enum pv_code rc = sha256(row->cert, cert, err);

	if (rc != PV_OK)
		return rc;
	log_ca_import(&e, who, &i);
	rc = event_append_at(store, &e, &row->issue_index, err);
	row->intent_index = row->issue_index;
	return rc == PV_OK ? store_ca_put(store, row, err) : rc;
}

static enum pv_code record(const struct work *w, const struct x509_crl *crl,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	const struct ca_import *in = w->in;
	struct store_ca root = { .shards = 1,
				 .generation = 1,
				 .cert = in->root };
	struct store_ca ca = { .shards = in->tmpl->crl_shards,
			       .generation = 1,
			       .cert = in->cert };
	struct event_who who;
	enum pv_code rc = store_begin(in->store, STORE_WRITE, &txn, err);

	snprintf(root.name, sizeof(root.name), "%s", in->issuer);
	snprintf(ca.name, sizeof(ca.name), "%s", in->ca);
	snprintf(ca.parent, sizeof(ca.parent), "%s", in->issuer);
	snprintf(ca.label, sizeof(ca.label), "%s", in->key->label);
	memcpy(ca.template_sha256, in->tmpl->sha256, STORE_HASH);
	if (rc == PV_OK)
		rc = event_now(in->store, &who, err);
	if (rc == PV_OK)
		rc = x509_spki_sha256(w->root.spki, root.spki_sha256, err);
	if (rc == PV_OK)
		rc = x509_spki_sha256(w->cert.spki, ca.spki_sha256, err);
	if (rc == PV_OK)
		rc = ca_import_put(in->store, in->from, &who.who, &root, err);
	if (rc == PV_OK && crl->number > 0)
		rc = calist_put(in->store, &who.who, in->issuer, crl, err);
	if (rc == PV_OK)
		rc = ca_import_put(in->store, in->from, &who.who, &ca, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

/* Root and certificate. */
static enum pv_code check(struct work *w, struct err *err)
{
	const struct ca_import *in = w->in;
	struct event_who who;
	enum pv_code rc = event_now(in->store, &who, err);

	if (rc != PV_OK)
		return rc;
	w->now_s = (int64_t)(who.who.time_ms / 1000);
	if (strcmp(in->tmpl->profile.issuer, in->issuer) != 0)
		return err_fail(err, PV_INPUT, "plan.issuer", NULL,
				"template %s is for issuer %s, not %s",
				in->tmpl->name, in->tmpl->profile.issuer,
				in->issuer);
	rc = check_root(w, err);
	if (rc != PV_OK) {
		err_object(err, in->issuer);
		return rc;
	}
	return check_cert(w, err);
}

enum pv_code ca_import_check(const struct ca_import *in, struct err *err)
{
	CLEANUP(work_release) struct work w = { .in = in };
	enum pv_code rc = check(&w, err);

	if (rc != PV_OK)
		err_object(err, in->ca);
	return rc;
}

enum pv_code ca_import(const struct ca_import *in, struct err *err)
{
	CLEANUP(work_release) struct work w = { .in = in };
	struct x509_crl crl = { .number = 0 };
	enum pv_code rc = check(&w, err);

	if (rc == PV_OK)
		rc = check_list(&w, &crl, err);
	if (rc == PV_OK && crl.number > 0)
		rc = calist_keep(in->a, in->issuer, &crl, err);
	if (rc == PV_OK)
		rc = record(&w, &crl, err);
	if (rc != PV_OK)
		err_object(err, in->ca);
	return rc;
}
