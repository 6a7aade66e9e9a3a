#include "lib/flow/publish.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/flow/crlmake.h"
#include "lib/flow/crlrow.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/ocspmake.h"
#include "lib/flow/outcome.h"
#include "lib/flow/publishaside.h"
#include "lib/flow/publishdir.h"
#include "lib/flow/publishothers.h"

#define NAME_MAX_LEN 32

struct run {
	const struct publish_job *job;
	struct publish_dir dir;
	struct crl_issuers issuers;
	struct crl_tail tail;
	struct crl_maker maker;
	struct ocsp_maker ocsp;
	struct err worst;
};

static void run_release(struct run *r)
{
	ocsp_maker_release(&r->ocsp);
	crl_maker_release(&r->maker);
	crl_tail_release(&r->tail);
	crl_issuers_release(&r->issuers);
	publish_dir_release(&r->dir);
}

/* ---- lists ---- */

static void make_lists(struct run *r, const struct crl_issuer *i)
{
	for (uint32_t shard = 0; shard < i->shards; shard++) {
		struct err err;
		enum pv_code rc;

		err_init(&err);
		rc = crl_make(&r->maker, i, shard, &err);
		if (rc != PV_OK) {
			outcome_note(&r->worst, &err);
			/* The same key would be asked for each. */
			if (rc == PV_HSM_TEMP || rc == PV_HSM_FATAL)
				return;
		}
	}
}

static void make_answers(struct run *r, const struct crl_issuer *i)
{
	struct err err;

	err_init(&err);
	if (ocsp_make(&r->ocsp, i, &err) != PV_OK)
		outcome_note(&r->worst, &err);
}

/* ---- files ---- */

static enum pv_code alarm_of(const char *rule, const struct crl_issuer *i,
			     const char *name, const char *what,
			     struct err *err)
{
	char object[STORE_ID_MAX + NAME_MAX_LEN + 8];

	snprintf(object, sizeof(object), "crl/%s/%s", i->ca, name);
	err_object(err, object);
	return err_fail(err, PV_INTEGRITY, rule,
			"find out who wrote it; `provctl audit verify' says "
			"how the store is; then move it away",
			"the revocation list in the publish folder %s", what);
}

/* An older one, by our key: gone only when the log knows it. */
static enum pv_code leave(struct run *r, const struct crl_issuer *i,
			  uint32_t shard, const struct x509_crl *crl,
			  struct err *err)
{
	bool logged;
	enum pv_code rc =
		aside_is_logged(r->job->store, i, shard, crl, &logged, err);

	return rc == PV_OK && !logged ? aside_put(r->job->a, i, shard, crl, err)
				      : rc;
}

/* What is there may be replaced: an older list of ours, or nothing. */
static enum pv_code check_there(struct run *r, int fd, const char *name,
				const struct crl_issuer *i, uint32_t shard,
				const struct crl_row *ours, struct err *err)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	CLEANUP(buf_release) struct buf there;
	struct x509_crl crl;
	struct err why;
	enum pv_code rc;

	buf_init(&there, X509_CRL_MAX);
	err_init(&why);
	rc = file_read(fd, name, FILEIO_NOFOLLOW, &there, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc == PV_STORAGE) {
		*err = why;
		return rc;
	}
	if (rc == PV_OK)
		rc = x509_crl_decode(buf_span(&there), &crl, NULL, NULL);
	if (rc != PV_OK || !span_equal(crl.issuer, i->cert.subject) ||
	    !span_equal(crl.aki, i->cert.ski))
		return alarm_of("publish.foreign", i, name,
				"is not one of this CA", err);
	rc = x509_verifier_new(i->cert.spki, &v, err);
	if (rc != PV_OK)
		return rc;
	if (x509_crl_verify(v, &crl, PV_INTEGRITY, NULL) != PV_OK)
		return alarm_of("publish.foreign", i, name,
				"is signed by another key", err);
	if (crl.number >= ours->crl.number)
		return alarm_of("publish.newer", i, name,
				"is not older than the store's, and another "
				"one: the store was set back, or somebody "
				"else has the key",
				err);
	return leave(r, i, shard, &crl, err);
}

static enum pv_code put_list(struct run *r, int fd, const struct crl_issuer *i,
			     uint32_t shard, struct err *err)
{
	CRL_ROW row = { .found = false };
	char name[NAME_MAX_LEN];
	enum pv_code rc = crl_row_newest(r->job->store, i, shard, &row, err);

	snprintf(name, sizeof(name), "%lu.crl",
		 (unsigned long)crl_shard_number(i, shard));
	if (rc != PV_OK || !row.found || publish_same(fd, name, row.row.der))
		return rc;
	rc = check_there(r, fd, name, i, shard, &row, err);
	return rc == PV_OK ? publish_put(&r->dir, fd, name, row.row.der, err)
			   : rc;
}

/* What stands in the way of one list holds no other back. */
static enum pv_code put_lists(struct run *r, const struct crl_issuer *i,
			      struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	enum pv_code rc = publish_sub(&r->dir, "crl", i->ca, &fd, err);

	if (rc == PV_OK)
		file_group_sweep(fd);
	for (uint32_t shard = 0; rc == PV_OK && shard < i->shards; shard++) {
		struct err why;

		err_init(&why);
		if (put_list(r, fd, i, shard, &why) != PV_OK)
			outcome_note(&r->worst, &why);
	}
	return rc;
}

static void put_files(struct run *r, const struct crl_issuer *i)
{
	struct err err;
	enum pv_code rc;

	err_init(&err);
	rc = put_lists(r, i, &err);
	if (rc == PV_OK)
		rc = publish_cert(&r->dir, i->ca, i->generation,
				  buf_span(&i->cert.der), &err);
	if (rc != PV_OK)
		outcome_note(&r->worst, &err);
}

static enum pv_code put_cross(void *ctx, const struct store_crosscert *x,
			      struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	char name[STORE_ID_MAX + NAME_MAX_LEN];
	struct run *r = ctx;
	bool counts = false;
	enum pv_code rc =
		logged_crosscert_counts(r->job->store, x, &counts, err);

	if (rc == PV_OK)
		rc = publish_sub(&r->dir, "ca", NULL, &fd, err);
	snprintf(name, sizeof(name), "%s-%lu-by-%lu.cer", x->ca,
		 (unsigned long)x->subject, (unsigned long)x->signer);
	if (rc == PV_OK && !counts)
		return publish_drop(&r->dir, fd, name, x->cert, err);
	if (rc != PV_OK || publish_same(fd, name, x->cert))
		return rc;
	return publish_put(&r->dir, fd, name, x->cert, err);
}

/* Between the generations of CAs, for who trusts one of them alone. */
static void put_crosses(struct run *r)
{
	const struct store_visit v = { .ctx = r, .fn.crosscert = put_cross };
	struct err err;

	err_init(&err);
	if (store_crosscert_each(r->job->store, NULL, &v, &err) != PV_OK)
		outcome_note(&r->worst, &err);
}

/* Whatever run put it there. */
static void look_aside(struct run *r)
{
	char name[ASIDE_NAME_MAX];
	struct err err;
	enum pv_code rc;

	err_init(&err);
	rc = aside_find(r->job->a, name, &err);
	if (rc == PV_OK)
		rc = aside_judge(name, &err);
	if (rc != PV_OK)
		outcome_note(&r->worst, &err);
}

/* To the token that was open: the log's keys are there. */
static void go_back(struct run *r, size_t token)
{
	struct err err;

	err_init(&err);
	if (r->job->tokens && tokens_open(r->job->tokens, token, &err) != PV_OK)
		outcome_note(&r->worst, &err);
}

enum pv_code publish_run(const struct publish_job *job,
			 struct publish_report *report, struct err *err)
{
	CLEANUP(run_release)
	struct run r = { .job = job,
			 .dir = { .root = -1, .lock = -1 },
			 .maker = { .store = job->store,
				    .tokens = job->tokens,
				    .tail = &r.tail,
				    .all = job->all } };
	size_t first = job->tokens ? job->tokens->login->token : 0;
	char accepted[65];
	struct err hook;
	enum pv_code rc = publish_dir_open(job->a, &r.dir, err);

	memset(report, 0, sizeof(*report));
	err_init(&r.worst);
	err_init(&hook);
	if (rc == PV_OK)
		rc = crl_issuers_load(job->a, job->store, pvtime_now_s(),
				      &r.issuers, err);
	r.ocsp = (struct ocsp_maker){ .crl = &r.maker,
				      .a = job->a,
				      .dir = &r.dir,
				      .look = job->look || job->all };
	if (rc == PV_OK)
		rc = ocsp_maker_open(&r.ocsp, err);
	if (rc == PV_OK)
		rc = crl_tail_init(&r.tail, job->store, job->covered, err);
	if (rc != PV_OK)
		return rc;
	if (r.issuers.left_out.code != PV_OK)
		outcome_note(&r.worst, &r.issuers.left_out);
	for (size_t i = 0; i < r.issuers.n; i++) {
		if (job->tokens && !job->no_lists)
			make_lists(&r, &r.issuers.list[i]);
		put_files(&r, &r.issuers.list[i]);
		if (job->tokens && !job->no_lists)
			make_answers(&r, &r.issuers.list[i]);
	}
	go_back(&r, first);
	put_crosses(&r);
	publish_others(&r.dir, job->store, pvtime_now_s(), &r.worst);
	look_aside(&r);
	report->lists = r.maker.made;
	report->answers = r.ocsp.made;
	report->files = r.dir.files;
	rc = publish_hook_accepted(job->store, accepted, &hook);
	if (rc == PV_OK)
		rc = publish_hook_run(job->a, accepted, r.dir.root,
				      &report->hook, &hook);
	if (rc != PV_OK)
		outcome_note(&r.worst, &hook);
	if (r.worst.code != PV_OK)
		*err = r.worst;
	return r.worst.code;
}
