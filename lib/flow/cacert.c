#include "lib/flow/cacert.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/cachain.h"
#include "lib/flow/event.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/tokensign.h"
#include "lib/store/store_device.h"
#include "lib/x509/tbs.h"
#include "lib/x509/tbs_lint.h"

/* One CA certificate on its way. */
struct work {
	const struct cacert_job *job;
	struct tokensign subject, issuer; /* keys; issuer empty for a root */
	struct x509_issuer above;	  /* certificate of the CA above */
	bool root;
	char label[HSM_LABEL_MAX]; /* of the subject's key */
	int64_t now_s;
	uint8_t serial[X509_SERIAL_LEN];
	char serial_hex[2 * X509_SERIAL_LEN + 1];
	char device[STORE_ID_MAX + 8]; /* "ca/<name>": no device has a '/' */
	uint8_t tbs_sha256[32], spki_sha256[32];
	struct buf tbs, cert;
};

static void work_release(struct work *w)
{
	tokensign_close(&w->subject);
	tokensign_close(&w->issuer);
	x509_issuer_release(&w->above);
	buf_release(&w->tbs);
	buf_release(&w->cert);
}

static enum pv_code open_key(struct work *w, const char *purpose,
			     struct tokensign *key, const char **label,
			     struct err *err)
{
	const struct authority_key *named = NULL;
	struct issue_key want;
	enum pv_code rc = authority_key(w->job->a, purpose, &named, err);

	if (rc != PV_OK)
		return rc;
	*label = named->label;
	rc = ownkey_load(w->job->store, named->label, &want, err);
	return rc == PV_OK ? tokensign_open(key, w->job->hsm, &want, err) : rc;
}

/* Keys and the certificate above; the issuer's key must be in it. */
static enum pv_code open_parties(struct work *w, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	const char *label = "";
	enum pv_code rc;

	rc = open_key(w, w->job->ca, &w->subject, &label, err);
	if (rc != PV_OK)
		return rc;
	snprintf(w->label, sizeof(w->label), "%s", label);
	if (w->root)
		return PV_OK;
	rc = ca_chain_load(w->job->store, w->job->issuer, w->now_s, &chain,
			   err);
	if (rc == PV_OK)
		rc = open_key(w, w->job->issuer, &w->issuer, &label, err);
	if (rc == PV_OK)
		rc = x509_issuer_load(buf_span(&chain.ca[0].der), &w->above,
				      err);
	if (rc == PV_OK &&
	    !span_equal(w->above.spki,
			(struct span){ w->issuer.spki, w->issuer.spki_len }))
		rc = err_fail(err, PV_HSM_FATAL, "hsm.key", NULL,
			      "the key of %s is not the one in its certificate",
			      w->job->issuer);
	return rc;
}

static enum pv_code draw_serial(struct work *w, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	uint32_t number = 0;
	enum pv_code rc = store_begin(w->job->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = store_serial_lend(w->job->store, 1, &number, err);
	if (rc == PV_OK)
		rc = store_commit(&txn, err);
	if (rc == PV_OK)
		rc = hsm_random(w->job->hsm, w->serial + 4,
				sizeof(w->serial) - 4, err);
	for (int i = 0; i < 4; i++)
		w->serial[i] = (uint8_t)(number >> (24 - 8 * i));
	hex_encode(w->serial, sizeof(w->serial), w->serial_hex);
	return rc;
}

static enum pv_code build(struct work *w, struct err *err)
{
	const struct x509_profile *profile = &w->job->tmpl->profile;
	const struct x509_issuer *above = w->root ? NULL : &w->above;
	struct text_vars vars = { .authority = w->job->a->name };
	struct span spki = { w->subject.spki, w->subject.spki_len };
	enum pv_code rc = x509_tbs_build(profile, above, &vars, w->serial, spki,
					 w->now_s, &w->tbs, err);

	if (rc == PV_OK)
		rc = x509_tbs_lint(profile, above, buf_span(&w->tbs), spki,
				   w->serial, w->now_s, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&w->tbs), w->tbs_sha256, err);
	if (rc == PV_OK)
		rc = sha256(spki, w->spki_sha256, err);
	return rc;
}

/* Durable when PV_OK: only then may the token be asked. */
static enum pv_code record_intent(struct work *w, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	const struct log_intent intent = {
		.serial = w->serial_hex,
		.device = w->device,
		.template_hash = w->job->tmpl->sha256,
		.tbs = w->tbs_sha256,
		.spki = w->spki_sha256,
		.shards = w->job->tmpl->crl_shards,
	};
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = store_begin(w->job->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(w->job->store, &who, err);
	if (rc != PV_OK)
		return rc;
	log_cert_intent(&e, &who.who, &intent);
	rc = event_append(w->job->store, &e, err);
	if (rc == PV_OK)
		rc = store_commit(&txn, err);
	return rc;
}

static enum pv_code sign(struct work *w, struct err *err)
{
	uint8_t sig[64];
	enum pv_code rc = tokensign_digest(w->root ? &w->subject : &w->issuer,
					   w->tbs_sha256, sig, err);

	if (rc == PV_OK)
		rc = x509_cert_assemble(buf_span(&w->tbs), sig, &w->cert, err);
	return rc;
}

static enum pv_code record_cert(struct work *w, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct store_ca row = { .shards = w->job->tmpl->crl_shards,
				.generation = 1,
				.cert = buf_span(&w->cert) };
	uint8_t cert_sha256[32];
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = sha256(buf_span(&w->cert), cert_sha256, err);

	snprintf(row.name, sizeof(row.name), "%s", w->job->ca);
	snprintf(row.parent, sizeof(row.parent), "%s",
		 w->root ? "" : w->job->issuer);
	snprintf(row.label, sizeof(row.label), "%s", w->label);
	memcpy(row.spki_sha256, w->spki_sha256, 32);
	memcpy(row.template_sha256, w->job->tmpl->sha256, 32);
	if (rc == PV_OK)
		rc = store_begin(w->job->store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = event_now(w->job->store, &who, err);
	if (rc == PV_OK)
		rc = store_ca_put(w->job->store, &row, err);
	if (rc != PV_OK)
		return rc;
	log_cert_issue(&e, &who.who, w->serial_hex, cert_sha256);
	rc = event_append(w->job->store, &e, err);
	if (rc == PV_OK)
		rc = store_commit(&txn, err);
	return rc;
}

static enum pv_code seen(void *arg, const struct store_ca *ca, struct err *err)
{
	(void)arg;
	return err_fail(err, PV_CONFLICT, "store.ca",
			"choose another name, or rotate the CA",
			"there is a CA %s already", ca->name);
}

/* What can be refused before anything is drawn or logged. */
static enum pv_code check_job(const struct cacert_job *job, struct err *err)
{
	struct store_visit v = { .ctx = NULL, .fn.ca = seen };
	const char *issuer = job->issuer ? job->issuer : "self";
	struct err none;
	enum pv_code rc;

	if (!job->tmpl->ca)
		return err_fail(err, PV_INPUT, "plan.template", NULL,
				"%s is not a template for CAs",
				job->tmpl->name);
	if (strcmp(job->tmpl->profile.issuer, issuer) != 0)
		return err_fail(err, PV_INPUT, "plan.issuer", NULL,
				"template %s is for issuer %s, not %s",
				job->tmpl->name, job->tmpl->profile.issuer,
				issuer);
	err_init(&none);
	rc = store_ca_each(job->store, job->ca, &v, &none);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	*err = none;
	return rc;
}

enum pv_code cacert_issue(const struct cacert_job *job, char serial[41],
			  struct err *err)
{
	CLEANUP(work_release)
	struct work w = { .job = job, .root = !job->issuer };
	struct event_who who;
	enum pv_code rc = check_job(job, err);

	buf_init(&w.tbs, X509_TBS_MAX);
	buf_init(&w.cert, X509_CERT_MAX);
	snprintf(w.device, sizeof(w.device), "ca/%.64s", job->ca);
	if (rc == PV_OK)
		rc = event_now(job->store, &who, err);
	if (rc != PV_OK)
		return rc;
	w.now_s = (int64_t)(who.who.time_ms / 1000);
	rc = open_parties(&w, err);
	if (rc == PV_OK)
		rc = draw_serial(&w, err);
	if (rc == PV_OK)
		rc = build(&w, err);
	if (rc == PV_OK)
		rc = record_intent(&w, err);
	if (rc == PV_OK)
		rc = sign(&w, err);
	if (rc == PV_OK)
		rc = record_cert(&w, err);
	if (rc == PV_OK)
		rc = hsm_store_certificate(job->hsm, w.label, buf_span(&w.cert),
					   err);
	if (rc == PV_OK)
		snprintf(serial, 41, "%s", w.serial_hex);
	else
		err_object(err, job->ca);
	return rc;
}
