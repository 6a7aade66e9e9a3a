#include "lib/flow/revoke_ca.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/cachain.h"
#include "lib/flow/castand.h"
#include "lib/flow/decision.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/people.h"
#include "lib/flow/raised.h"
#include "lib/flow/revocation.h"
#include "lib/flow/subject_acts.h"
#include "lib/store/store_revoke.h"
#include "lib/x509/cert.h"
#include "lib/x509/crl.h"
#include "lib/x509/issuer.h"

CLEANUP_PTR(struct roster, roster_free);
CLEANUP_PTR(struct sha256, sha256_free);

struct work {
	const struct revoke_ca_job *job;
	struct revoke_ca_report *report;
	struct store_revocation rows[REVOKE_CA_MAX]; /* as the report's list */
	uint32_t generations, newest;
	struct buf subject;
};

static void work_release(struct work *w)
{
	buf_release(&w->subject);
}

/* ---- which certificates ---- */

static enum pv_code add(struct work *w, struct span der, const char *issuer,
			uint32_t generation, uint32_t shards, struct err *err)
{
	struct revoke_ca_report *report = w->report;
	struct revoke_ca_one *one = &report->list[report->n];
	struct store_revocation *r = &w->rows[report->n], before;
	struct x509_cert cert;
	enum pv_code rc;

	if (report->n == REVOKE_CA_MAX)
		return err_fail(err, PV_INTERNAL, "revoke.size", NULL,
				"more than %u certificates of one key",
				REVOKE_CA_MAX);
	rc = ca_is_revoked(w->job->store, der, &before, &one->existing, err);
	if (rc == PV_OK)
		rc = x509_cert_decode(der, &cert, err);
	if (rc != PV_OK)
		return rc;
	*r = (struct store_revocation){ .generation = generation,
					.shard = x509_crl_shard(cert.serial,
								shards),
					.reason = w->job->reason,
					.invalidity_s = w->job->invalidity_s,
					.not_after_s = STORE_NO_TIME,
					.serial_len = cert.serial.len };
	memcpy(r->serial, cert.serial.p, cert.serial.len);
	for (int i = 0; i < 4; i++)
		r->number = r->number << 8 | r->serial[i];
	snprintf(r->ca, sizeof(r->ca), "%s", issuer);
	if (one->existing)
		*r = before;
	hex_encode(r->serial, r->serial_len, one->serial);
	snprintf(one->issuer, sizeof(one->issuer), "%s", r->ca);
	one->issuer_generation = r->generation;
	one->reason = r->reason;
	one->revoked_ms = r->revoked_ms;
	report->changed += !one->existing;
	report->n++;
	return PV_OK;
}

static enum pv_code count(void *ctx, const struct store_ca *ca, struct err *err)
{
	struct work *w = ctx;

	(void)err;
	w->generations++;
	w->newest = ca->generation;
	return PV_OK;
}

static enum pv_code find_generation(struct work *w, struct err *err)
{
	const struct store_visit v = { .ctx = w, .fn.ca = count };
	enum pv_code rc = store_ca_each(w->job->store, w->job->ca, &v, err);

	if (rc == PV_OK && w->job->generation == 0 && w->generations > 1)
		return err_fail(err, PV_INPUT, "revoke.generation",
				"say which with --generation",
				"the CA has %u generations",
				(unsigned)w->generations);
	w->report->generation =
		w->job->generation ? w->job->generation : w->newest;
	return rc;
}

/* Its lists are made here, or nobody would hear of it. */
static enum pv_code check_parent(struct work *w, const struct ca_link *above,
				 struct err *err)
{
	CLEANUP(x509_issuer_release) struct x509_issuer ca = { .path_len = 0 };
	struct issue_key key;
	struct err why;
	enum pv_code rc = x509_issuer_load(buf_span(&above->der), &ca, err);

	if (rc != PV_OK)
		return rc;
	err_init(&why);
	rc = ownkey_load(w->job->store, above->label, &key, &why);
	if (rc == PV_NOT_FOUND || !(ca.ku_bits & KU_CRL_SIGN))
		return err_fail(err, PV_DENIED, "revoke.parent",
				"revoke it where that CA's lists are made",
				"%s, which certified it, signs no revocation "
				"lists here",
				above->name);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

static enum pv_code add_own(struct work *w, struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	const struct ca_link *above = &chain.ca[1];
	enum pv_code rc = ca_chain_load_generation(w->job->store, w->job->ca,
						   w->report->generation, -1,
						   &chain, err);

	if (rc == PV_OK && chain.n < 2)
		return err_fail(err, PV_DENIED, "revoke.root",
				"have it taken from every list of trusted "
				"roots; rotate it, or begin a new authority",
				"a root is on no revocation list: nobody who "
				"trusts it asks whether it is revoked");
	if (rc == PV_OK)
		rc = check_parent(w, above, err);
	return rc == PV_OK ? add(w, buf_span(&chain.ca[0].der), above->name,
				 above->generation, above->shards, err)
			   : rc;
}

struct crosses {
	struct work *w;
	uint32_t shards;
};

/* All generations of a CA have as many. */
static enum pv_code take_shards(void *ctx, const struct store_ca *ca,
				struct err *err)
{
	struct crosses *c = ctx;

	(void)err;
	c->shards = ca->shards ? ca->shards : 1;
	return PV_OK;
}

static enum pv_code add_cross(void *ctx, const struct store_crosscert *x,
			      struct err *err)
{
	struct crosses *c = ctx;
	enum pv_code rc;

	if (x->subject != c->w->report->generation)
		return PV_OK;
	rc = logged_crosscert(c->w->job->store, x, err);
	return rc == PV_OK
		       ? add(c->w, x->cert, x->ca, x->signer, c->shards, err)
		       : rc;
}

/* In one consistent view. */
static enum pv_code choose(struct work *w, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct store *store = w->job->store;
	struct crosses c = { w, 1 };
	const struct store_visit shards = { .ctx = &c, .fn.ca = take_shards };
	const struct store_visit crosses = { .ctx = &c,
					     .fn.crosscert = add_cross };
	enum pv_code rc = store_begin(store, STORE_READ, &txn, err);

	if (rc == PV_OK)
		rc = find_generation(w, err);
	if (rc == PV_OK)
		rc = add_own(w, err);
	if (rc == PV_OK)
		rc = store_ca_each(store, w->job->ca, &shards, err);
	return rc == PV_OK
		       ? store_crosscert_each(store, w->job->ca, &crosses, err)
		       : rc;
}

/* ---- approved ---- */

static enum pv_code check_job(const struct revoke_ca_job *job, struct err *err)
{
	if (job->reason == STORE_REASON_HOLD ||
	    job->reason == STORE_REASON_REMOVE)
		return err_fail(err, PV_DENIED, "revoke.reason",
				"name a reason that is for good",
				"a CA is not held");
	if (job->invalidity_s != STORE_NO_TIME &&
	    job->invalidity_s > pvtime_now_s())
		return err_fail(err, PV_INPUT, "revoke.invalidity",
				"name the time from which it was not to be "
				"trusted",
				"the invalidity date is yet to come");
	return PV_OK;
}

/* As acts.h makes it again of the entries: the hash of a line for each serial,
 * in turn, and the lines themselves, which officers read. */
static enum pv_code name_serials(const struct work *w, uint8_t out[SHA256_LEN],
				 struct buf *named, struct err *err)
{
	CLEANUP(cleanup_sha256_free) struct sha256 *h = NULL;
	enum pv_code rc = sha256_new(&h, err);

	if (rc != PV_OK)
		return rc;
	sha256_begin(h);
	for (size_t i = 0; i < w->report->n; i++) {
		const char *serial = w->report->list[i].serial;

		if (w->report->list[i].existing)
			continue;
		sha256_add(h, log_str(serial));
		sha256_add(h, log_str("\n"));
		buf_printf(named, SUBJECT_SERIAL "%s\n", serial);
	}
	rc = sha256_end(h, out, err);
	return rc == PV_OK ? buf_check(named, err) : rc;
}

static enum pv_code put_subject(struct work *w, struct err *err)
{
	CLEANUP(buf_release) struct buf named;
	char selector[STORE_ID_MAX + 48];
	uint8_t serials[SHA256_LEN];
	struct subject_revoke s = {
		.reason = log_str(revocation_reason_name(w->job->reason)),
		.invalidity_s = w->job->invalidity_s == STORE_NO_TIME
					? -1
					: w->job->invalidity_s,
		.count = w->report->changed,
		.serials = serials
	};
	enum pv_code rc;

	buf_init(&named, SUBJECT_ACTS_MAX);
	rc = name_serials(w, serials, &named, err);
	snprintf(selector, sizeof(selector), "ca %.64s generation %u",
		 w->job->ca, (unsigned)w->report->generation);
	s.selector = log_str(selector);
	s.named = buf_span(&named);
	buf_init(&w->subject, SUBJECT_ACTS_MAX);
	if (rc == PV_OK)
		subject_revoke(&w->subject, &s);
	return rc == PV_OK ? buf_check(&w->subject, err) : rc;
}

static enum pv_code ask(struct work *w, struct approvals *got, struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *roster = NULL;
	struct approvals_want want = *w->job->want;
	struct tpl_approvals more;
	char what[STORE_ID_MAX + 32];
	enum pv_code rc = people_in_force(w->job->store, &roster, NULL, err);

	if (rc == PV_OK)
		rc = raised_of_ca(w->job->store, w->job->ca, roster, UINT64_MAX,
				  &more, err);
	if (rc == PV_OK)
		rc = put_subject(w, err);
	snprintf(what, sizeof(what), "revoke ca %.64s", w->job->ca);
	want.op = QUORUM_REVOKE;
	want.subject = buf_span(&w->subject);
	want.what = what;
	want.raised = &more;
	return rc == PV_OK ? approvals_gate(w->job->a, w->job->store, &want,
					    got, err)
			   : rc;
}

/* ---- one transaction ---- */

static enum pv_code put(struct work *w, size_t i, const struct log_who *who,
			const uint8_t *nonce, struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	struct store_revocation *r = &w->rows[i];
	char device[STORE_ID_MAX + sizeof(LOG_CA_PREFIX)];
	struct log_revoke facts = { .serial = w->report->list[i].serial,
				    .device = device,
				    .reason = r->reason,
				    .ca = r->ca,
				    .generation = r->generation,
				    .shard = r->shard,
				    .invalidity =
					    r->invalidity_s == STORE_NO_TIME
						    ? LOG_NO_TIME
						    : r->invalidity_s,
				    .ends = LOG_NO_TIME };
	struct log_entry e;
	enum pv_code rc;

	buf_init(&entry, LOG_ENTRY_MAX);
	snprintf(device, sizeof(device), LOG_CA_PREFIX "%s", w->job->ca);
	r->revoked_ms = w->report->list[i].revoked_ms = who->time_ms;
	log_cert_revoke(&e, who, &facts);
	log_fact_bytes(&e, LOG_NONCE_FACT, nonce, LOG_NONCE);
	rc = log_entry_encode(&e, &entry, err);
	return rc == PV_OK ? store_revoke_ca(w->job->store, r, buf_span(&entry),
					     err)
			   : rc;
}

static enum pv_code record(struct work *w, const struct approvals *got,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	enum pv_code rc = store_begin(w->job->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(w->job->store, &who, err);
	for (size_t i = 0; rc == PV_OK && i < w->report->n; i++)
		if (!w->report->list[i].existing)
			rc = put(w, i, &who.who, approvals_nonce(got), err);
	if (rc == PV_OK)
		rc = decision_on_acts(w->job->store, &who.who, got,
				      buf_span(&w->subject), w->report->changed,
				      err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

enum pv_code revoke_ca(const struct revoke_ca_job *job,
		       struct revoke_ca_report *report, struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	CLEANUP(work_release) struct work w = { .job = job, .report = report };
	enum pv_code rc = check_job(job, err);

	memset(report, 0, sizeof(*report));
	if (rc == PV_OK)
		rc = choose(&w, err);
	if (rc == PV_OK && report->changed > 0 && !job->dry_run) {
		rc = ask(&w, &got, err);
		if (rc == PV_OK)
			rc = record(&w, &got, err);
		snprintf(report->persons, sizeof(report->persons), "%s",
			 got.persons);
	}
	if (rc != PV_OK)
		err_object(err, job->ca);
	return rc;
}
