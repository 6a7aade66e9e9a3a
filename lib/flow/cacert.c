#include "lib/flow/cacert.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/p256.h"
#include "lib/flow/castand.h"
#include "lib/flow/camake.h"
#include "lib/flow/decision.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/raised.h"
#include "lib/flow/subject_acts.h"
#include "lib/log/acts.h"
#include "lib/store/store_device.h"
#include "lib/x509/cert.h"

/* A CA's first certificate, or the next for another key elsewhere: keys and the
 * certificate above. */
struct work {
	const struct cacert_job *job;
	struct tokensign subject, issuer; /* keys; issuer empty for a root */
	struct x509_issuer above;	  /* certificate of the CA above */
	uint32_t above_generation;
	bool root;
	uint32_t generation;	   /* of what is made */
	struct x509_issuer former; /* the certificate before; empty: none */
	char label[HSM_LABEL_MAX]; /* of the subject's key */
	struct camake made;
	/* Of a request: */
	uint64_t since;	 /* no intent of its approvals is older */
	struct buf text; /* what is approved */
	struct approvals got;
};

static void work_release(struct work *w)
{
	tokensign_close(&w->subject);
	tokensign_close(&w->issuer);
	x509_issuer_release(&w->above);
	x509_issuer_release(&w->former);
	camake_release(&w->made);
	buf_release(&w->text);
	approvals_release(&w->got);
}

static enum pv_code open_label(struct work *w, const char *label,
			       struct tokensign *key, struct err *err)
{
	struct issue_key want;
	enum pv_code rc = ownkey_load(w->job->store, label, &want, err);

	return rc == PV_OK ? tokensign_open(key, w->job->hsm, &want, err) : rc;
}

/* Nobody here has the key, or it is the one that was sent. */
static enum pv_code check_owner(const struct work *w,
				const struct store_owner *owner,
				struct err *err)
{
	const char *sent = w->job->sent;
	bool none = owner->kind == STORE_OWNER_NONE;

	if (sent ? owner->kind == STORE_OWNER_AUTHORITY &&
			    strcmp(owner->name, sent) == 0
		 : none)
		return PV_OK;
	if (none)
		return err_fail(err, PV_DENIED, "csr.key",
				"have it made with the key that was sent",
				"the request is for another key than %.64s",
				sent);
	return err_fail(err, PV_DENIED, "key.used",
			"have a request for a key of its own made",
			"the key of the request is %.64s's already",
			owner->name);
}

static struct span theirs(const struct work *w)
{
	return (struct span){ w->job->spki, P256_SPKI_LEN };
}

/* A key of another authority: it is a good one, and nobody here has it. */
static enum pv_code check_theirs(const struct work *w, struct err *err)
{
	CLEANUP(x509_ctx_cleanup) struct x509_ctx *ctx = NULL;
	struct store_owner owner;
	struct key_facts facts;
	uint8_t hash[32];
	enum pv_code rc = x509_ctx_new(&ctx, err);

	if (rc == PV_OK)
		rc = x509_key_check(ctx, theirs(w), X509_ALLOW(X509_ALG_P256),
				    &facts, err);
	if (rc == PV_OK)
		rc = x509_spki_sha256(theirs(w), hash, err);
	if (rc == PV_OK)
		rc = store_spki_owner(w->job->store, hash, &owner, err);
	return rc == PV_OK ? check_owner(w, &owner, err) : rc;
}

static enum pv_code open_subject(struct work *w, struct err *err)
{
	const struct authority_key *named = NULL;
	enum pv_code rc;

	if (w->job->spki)
		return check_theirs(w, err);
	rc = authority_key(w->job->a, w->job->ca, &named, err);
	if (rc == PV_OK)
		rc = open_label(w, named->label, &w->subject, err);
	if (rc == PV_OK)
		snprintf(w->label, sizeof(w->label), "%s", named->label);
	return rc;
}

static struct span spki_of(const struct work *w)
{
	return w->job->spki
		       ? theirs(w)
		       : (struct span){ w->subject.spki, w->subject.spki_len };
}

/* Keys and the certificate above; the issuer's key must be in it. */
static enum pv_code open_parties(struct work *w, int64_t now_s, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	enum pv_code rc = open_subject(w, err);

	if (rc != PV_OK || w->root)
		return rc;
	rc = ca_chain_load(w->job->store, w->job->issuer, now_s, &chain, err);
	if (rc == PV_OK && !chain.ca[0].label[0])
		rc = ca_elsewhere(w->job->issuer, err);
	if (rc == PV_OK)
		rc = ca_chain_stands(w->job->a, w->job->store, &chain, now_s,
				     err);
	if (rc == PV_OK)
		rc = open_label(w, chain.ca[0].label, &w->issuer, err);
	if (rc == PV_OK)
		rc = x509_issuer_load(buf_span(&chain.ca[0].der), &w->above,
				      err);
	if (rc == PV_OK)
		w->above_generation = chain.ca[0].generation;
	if (rc == PV_OK &&
	    !span_equal(w->above.spki,
			(struct span){ w->issuer.spki, w->issuer.spki_len }))
		rc = err_fail(err, PV_HSM_FATAL, "hsm.key", NULL,
			      "the key of %s is not the one in its certificate",
			      w->job->issuer);
	return rc;
}

static enum pv_code build(struct work *w, int64_t now_s, struct err *err)
{
	const struct camake_job job = {
		.store = w->job->store,
		.hsm = w->job->hsm,
		.authority = w->job->a->name,
		.tmpl = w->job->tmpl,
		.ca = w->job->ca,
		.spki = spki_of(w),
		.generation = w->generation,
		.above = w->root ? NULL : &w->above,
		.above_name = w->root ? NULL : w->job->issuer,
		.above_generation = w->above_generation,
		.signer = w->root ? &w->subject : &w->issuer,
		.until_s = w->job->until_s,
		.csr_sha256 = w->job->spki ? w->job->csr_sha256 : NULL,
		.nonce = approvals_nonce(&w->got),
		.now_s = now_s,
	};

	return camake_build(&w->made, &job, err);
}

static enum pv_code tell(struct work *w, struct err *err)
{
	return w->job->before ? w->job->before(w->job->ctx, &w->made, err)
			      : PV_OK;
}

/* Durable when PV_OK: only then may the token be asked. Under approvals an
 * earlier run may have recorded other bytes than were just built: these are the
 * ones to be shown. */
static enum pv_code record_intent(struct work *w, int64_t now_s,
				  struct err *err)
{
	bool approved = w->made.job.nonce;
	enum pv_code rc = approved ? PV_OK : tell(w, err);

	if (rc == PV_OK)
		rc = camake_intents(&w->made, 1, w->since, now_s, err);
	return rc == PV_OK && approved ? tell(w, err) : rc;
}

/* What was approved of it, where people were asked. */
static enum pv_code put_sign(const struct work *w, const struct log_who *who,
			     struct err *err)
{
	const struct log_ca_sign s = { .ca = w->job->ca,
				       .issuer = w->job->issuer,
				       .to = w->job->to,
				       .generation = w->generation,
				       .csr = w->job->csr_sha256,
				       .template_hash = w->job->tmpl->sha256,
				       .until_s = (uint64_t)w->job->until_s,
				       .nonce = approvals_nonce(&w->got) };
	struct log_entry e;
	enum pv_code rc;

	log_ca_sign(&e, who, &s);
	rc = event_append(w->job->store, &e, err);
	return rc == PV_OK ? decision_on_acts(w->job->store, who, &w->got,
					      buf_span(&w->text), 1, err)
			   : rc;
}

static enum pv_code record_cert(struct work *w, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct store_ca row = { .shards = w->job->tmpl->crl_shards,
				.generation = w->generation,
				.cert = buf_span(&w->made.cert),
				.intent_index = w->made.intent_index };
	struct event_who who;
	enum pv_code rc;

	snprintf(row.name, sizeof(row.name), "%s", w->job->ca);
	snprintf(row.parent, sizeof(row.parent), "%s",
		 w->root ? "" : w->job->issuer);
	snprintf(row.label, sizeof(row.label), "%s", w->label);
	memcpy(row.spki_sha256, w->made.spki_sha256, 32);
	memcpy(row.template_sha256, w->job->tmpl->sha256, 32);
	rc = store_begin(w->job->store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = event_now(w->job->store, &who, err);
	if (rc == PV_OK)
		rc = camake_put_issue(&w->made, &who.who, &row.issue_index,
				      err);
	if (rc == PV_OK)
		rc = store_ca_put(w->job->store, &row, err);
	if (rc == PV_OK && w->job->spki)
		rc = put_sign(w, &who.who, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

/* ---- what there is of that name ---- */

static enum pv_code taken(const char *ca, struct err *err)
{
	return err_fail(err, PV_CONFLICT, "store.ca",
			"choose another name, or rotate the CA",
			"there is a CA %s already", ca);
}

enum pv_code cacert_anothers(const char *ca, const char *to, struct err *err)
{
	err_object(err, ca);
	return err_fail(err, PV_DENIED, "ca.other",
			"give the CA of that authority another name",
			"the CA was signed for another authority than %s", to);
}

/* The next generation of one that the same CA signed for another authority, and
 * nothing else. */
static enum pv_code seen(void *arg, const struct store_ca *ca, struct err *err)
{
	struct work *w = arg;
	bool same = false;
	enum pv_code rc;

	if (!w->job->to || ca->label[0] || store_ca_imported(ca))
		return taken(ca->name, err);
	rc = logged_ca(w->job->store, ca, err);
	if (rc == PV_OK && strcmp(ca->parent, w->job->issuer) != 0)
		rc = taken(ca->name, err);
	if (rc == PV_OK)
		rc = logged_ca_signed_for(w->job->store, ca, w->job->to, &same,
					  err);
	if (rc == PV_OK && !same)
		rc = cacert_anothers(ca->name, w->job->to, err);
	if (rc == PV_OK && ca->shards != w->job->tmpl->crl_shards)
		rc = err_fail(err, PV_DENIED, "rotate.shards",
			      "adopt a version with as many",
			      "template %s has %u shards, and %s has %u",
			      w->job->tmpl->name,
			      (unsigned)w->job->tmpl->crl_shards, ca->name,
			      (unsigned)ca->shards);
	if (rc != PV_OK)
		return rc;
	w->generation = ca->generation + 1;
	w->since = ca->issue_index;
	x509_issuer_release(&w->former);
	return x509_issuer_load(ca->cert, &w->former, err);
}

/* A generation has the name of the one before it. */
static enum pv_code same_subject(const struct work *w, struct err *err)
{
	struct x509_cert made;
	enum pv_code rc;

	if (w->generation == 1)
		return PV_OK;
	rc = x509_tbs_decode(buf_span(&w->made.tbs), &made, err);
	if (rc != PV_OK || span_equal(made.subject, w->former.subject))
		return rc;
	return err_fail(err, PV_DENIED, "rotate.subject",
			"adopt a version with the subject as it was",
			"template %s gives another subject than that of %s",
			w->job->tmpl->name, w->job->ca);
}

/* What can be refused before anything is drawn or logged. */
static enum pv_code check_job(struct work *w, struct err *err)
{
	const struct cacert_job *job = w->job;
	const struct store_visit v = { .ctx = w, .fn.ca = seen };
	const char *issuer = job->issuer ? job->issuer : "self";
	struct err why;
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
	err_init(&why);
	rc = store_ca_each(job->store, job->ca, &v, &why);
	if (rc == PV_OK || rc == PV_NOT_FOUND)
		return PV_OK;
	*err = why;
	return rc;
}

/* ---- approved ---- */

static enum pv_code put_subject(struct work *w, struct err *err)
{
	const struct template *t = w->job->tmpl;
	char named[TPL_NAME_MAX + 32];
	const struct subject_sign_ca s = {
		.name = log_str(w->job->ca),
		.to = log_str(w->job->to),
		.issuer = log_str(w->job->issuer),
		.generation = w->generation,
		.template = { (const uint8_t *)named,
			      (size_t)snprintf(named, sizeof(named),
					       "%s version %u", t->name,
					       (unsigned)t->version) },
		.template_sha256 = t->sha256,
		.until_s = w->job->until_s
	};

	buf_init(&w->text, SUBJECT_ACTS_MAX);
	return subject_sign_ca(&w->text, &s, err);
}

static enum pv_code gate(struct work *w, struct err *err)
{
	const struct cacert_job *job = w->job;
	struct approvals_want want = { .files_n = 0 };
	struct tpl_approvals raised;
	char what[STORE_ID_MAX + 32];
	enum pv_code rc = put_subject(w, err);

	if (rc == PV_OK)
		rc = raised_of_key(job->store, job->ca, job->tmpl->sha256,
				   UINT64_MAX, &raised, err);
	if (rc != PV_OK)
		return rc;
	if (job->ahead)
		raised_add(&raised, job->ahead);
	if (job->want)
		want = *job->want;
	snprintf(what, sizeof(what), "sign ca %.64s", job->ca);
	want.op = QUORUM_ROTATE_CA;
	want.subject = buf_span(&w->text);
	want.what = what;
	want.raised = &raised;
	return approvals_gate(job->a, job->store, &want, &w->got, err);
}

enum pv_code cacert_ask(const struct cacert_job *job, struct err *err)
{
	CLEANUP(work_release)
	struct work w = { .job = job, .generation = 1 };
	enum pv_code rc = check_job(&w, err);

	if (rc == PV_OK)
		rc = gate(&w, err);
	if (rc != PV_OK)
		err_object(err, job->ca);
	return rc;
}

enum pv_code cacert_issue(const struct cacert_job *job, char serial[41],
			  struct err *err)
{
	CLEANUP(work_release)
	struct work w = { .job = job, .root = !job->issuer, .generation = 1 };
	struct event_who who;
	int64_t now_s;
	enum pv_code rc = check_job(&w, err);

	if (rc == PV_OK)
		rc = event_now(job->store, &who, err);
	if (rc != PV_OK)
		return rc;
	now_s = (int64_t)(who.who.time_ms / 1000);
	rc = open_parties(&w, now_s, err);
	if (rc == PV_OK)
		rc = camake_check_until(job->tmpl, job->until_s, now_s, err);
	if (rc == PV_OK && job->spki)
		rc = gate(&w, err);
	if (rc == PV_OK)
		rc = build(&w, now_s, err);
	if (rc == PV_OK)
		rc = same_subject(&w, err);
	if (rc == PV_OK)
		rc = record_intent(&w, now_s, err);
	if (rc == PV_OK)
		rc = camake_sign(&w.made, err);
	if (rc == PV_OK)
		rc = record_cert(&w, err);
	if (rc == PV_OK && w.label[0])
		rc = hsm_store_certificate(job->hsm, w.label,
					   buf_span(&w.made.cert), err);
	if (rc == PV_OK)
		snprintf(serial, 41, "%s", w.made.serial_hex);
	else
		err_object(err, job->ca);
	return rc;
}
