/* How a run begins: how many signers, one login after the other, reading. */
#include <unistd.h>

#include "lib/flow/issue_impl.h"

#define CKR_SESSION_COUNT_RV 0xB1UL /* PKCS#11 2.40, CKR_SESSION_COUNT */

struct crew_member *issue_signer(struct issue_run *r, size_t i)
{
	return &r->crew.members[i]; /* they are the first */
}

static struct crew_member *reader_of(struct issue_run *r)
{
	return &r->crew.members[r->crew.n - 1];
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * A token says how many sessions it has, and whether a person must be asked at
 * its pin pad: that is done once.
 */
static enum pv_code ask_token(struct issue_run *r, struct err *err)
{
	struct token_facts f = { .found = false };
	struct err why;
	enum pv_code rc = PV_HSM_TEMP;

	for (size_t i = 0; i < r->a->tokens_n && rc == PV_HSM_TEMP; i++) {
		err_init(&why);
		rc = r->backends->token_facts(r->a, i, &f, &why);
	}
	if (rc != PV_OK)
		*err = why;
	if (rc == PV_OK && f.pin_pad)
		r->jobs = 1;
	if (rc == PV_OK && f.max_sessions > 0)
		r->jobs = min_size(r->jobs, f.max_sessions);
	return rc;
}

enum pv_code issue_choose_jobs(struct issue_run *r, struct err *err)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	r->jobs = r->opts->jobs ? r->opts->jobs : r->a->jobs;
	if (r->jobs == 0)
		r->jobs = cores > 0 ? (size_t)cores : 1;
	r->jobs = min_size(r->jobs, ISSUE_JOBS_MAX);
	if (r->a->sessions_per_token > 0)
		r->jobs = min_size(r->jobs, r->a->sessions_per_token);
	if (!r->opts->batch)
		r->jobs = 1;
	return r->jobs > 1 ? ask_token(r, err) : PV_OK;
}

/* Tells the reader to begin, and who takes its groups. */
static enum pv_code begin_reading(struct issue_run *r, struct err *err)
{
	uint8_t go[ISSUE_GO_LEN] = { 0 };

	r->phase = ISSUE_RUNNING;
	secret_release(&r->pin);
	/* Interrupted before it began: there is no reader any more. */
	if (r->interrupted)
		return PV_OK;
	for (size_t i = 0; i < r->jobs; i++)
		if (!issue_signer(r, i)->dismissed)
			go[i / 8] |= (uint8_t)(1u << (i % 8));
	return crew_send(reader_of(r), go, sizeof(go), err);
}

enum pv_code issue_begin(struct issue_run *r, struct err *err)
{
	enum pv_code rc = crew_send_pin(issue_signer(r, 0), &r->pin, err);

	/* A single signer's login and the first request's parsing overlap. */
	return rc == PV_OK && r->jobs == 1 ? begin_reading(r, err) : rc;
}

/* Nothing is read; the run ends with what failed. */
static void give_up(struct issue_run *r)
{
	r->phase = ISSUE_RUNNING;
	secret_release(&r->pin);
	crew_dismiss(reader_of(r));
}

static bool has_ended(const struct crew_member *m)
{
	return m->pid == 0 || m->ctl.eof;
}

static enum pv_code after_first(struct issue_run *r, struct err *err)
{
	struct crew_member *first = issue_signer(r, 0);
	enum pv_code rc = PV_OK;

	if (!first->news.ready && !has_ended(first))
		return PV_OK;
	if (!first->news.ready) {
		/* The others wait for the PIN: they are not in the token. */
		for (size_t i = 1; i < r->jobs; i++)
			crew_dismiss(issue_signer(r, i));
		give_up(r);
		return PV_OK;
	}
	for (size_t i = 1; rc == PV_OK && i < r->jobs; i++)
		rc = crew_send_pin(issue_signer(r, i), &r->pin, err);
	r->phase = ISSUE_LOGINS;
	return rc;
}

static enum pv_code after_logins(struct issue_run *r, struct err *err)
{
	bool failed = false;

	for (size_t i = 0; i < r->jobs; i++) {
		struct crew_member *m = issue_signer(r, i);

		if (m->news.ready)
			continue;
		if (!has_ended(m))
			return PV_OK;
		/* No session is left for it: the others do its part. */
		if (m->news.failed.ckr == CKR_SESSION_COUNT_RV) {
			err_init(&m->news.failed);
			m->dismissed = true;
		}
		failed = failed || !m->dismissed;
	}
	if (!failed)
		return begin_reading(r, err);
	give_up(r);
	return PV_OK;
}

enum pv_code issue_advance(struct issue_run *r, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (r->phase == ISSUE_RUNNING)
		return PV_OK;
	crew_listen(&r->crew);
	if (r->phase == ISSUE_FIRST_LOGIN)
		rc = after_first(r, err);
	if (rc == PV_OK && r->phase == ISSUE_LOGINS)
		rc = after_logins(r, err);
	return rc;
}
