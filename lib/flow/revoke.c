#include "lib/flow/revoke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/pvtime.h"
#include "lib/flow/decision.h"
#include "lib/flow/logged.h"
#include "lib/flow/revoke_impl.h"
#include "lib/flow/subject_acts.h"
#include "lib/flow/succession.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"
#include "lib/store/store_revoke.h"

/* ---- before anybody is asked ---- */

static enum pv_code check_job(const struct revoke_job *job, struct err *err)
{
	bool kept = job->reason == STORE_REASON_HOLD ||
		    job->reason == STORE_REASON_REMOVE;

	if (job->reason == 2)
		return err_fail(err, PV_DENIED, "revoke.reason",
				"keyCompromise is said of a device's key",
				"cACompromise is no reason for a device");
	if (job->retire && kept)
		return err_fail(err, PV_DENIED, "revoke.reason",
				"name a reason that is for good",
				"a device that retires is not held");
	if (job->invalidity_s == STORE_NO_TIME)
		return PV_OK;
	if (job->reason == STORE_REASON_REMOVE)
		return err_fail(err, PV_INPUT, "revoke.invalidity", NULL,
				"what is let go of was not invalid");
	if (job->invalidity_s > pvtime_now_s())
		return err_fail(err, PV_INPUT, "revoke.invalidity",
				"name the time from which it was not to be "
				"trusted",
				"the invalidity date is yet to come");
	return PV_OK;
}

struct making {
	const struct revoke_job *job;
	struct revoke_chosen *c;
	uint8_t *done; /* enum revocation_done, for each of c->all */
	struct revoke_report *report;
	struct buf subject;
	struct revoke_sum sum; /* of what was done */
};

static void making_release(struct making *m)
{
	buf_release(&m->subject);
	revoke_sum_release(&m->sum);
}

static struct span put_selector(const struct revoke_job *job, struct buf *out)
{
	if (job->device)
		buf_printf(out, "device %s", job->device);
	else if (job->serial)
		buf_printf(out, "serial %s", job->serial);
	else if (job->order)
		buf_printf(out, "order %s", job->order);
	else if (job->template)
		buf_printf(out, "template %s", job->template);
	else
		buf_printf(out, "list yes");
	return buf_span(out);
}

/* All that is decided: what changes by its hashes, so that one agreement is for
 * exactly that. */
static enum pv_code put_subject(struct making *m, struct err *err)
{
	CLEANUP(buf_release) struct buf selector, named;
	const struct revoke_chosen *c = m->c;
	struct subject_revoke s = { .reason = log_str(revocation_reason_name(
					    m->job->reason)),
				    .invalidity_s = m->job->invalidity_s,
				    .count = c->changes,
				    .serials = c->sum.serials_sha256,
				    .retired = c->retires,
				    .devices = c->sum.devices_sha256,
				    .first = log_str(c->sum.first),
				    .last = log_str(c->sum.last) };
	enum pv_code rc;

	buf_init(&selector, SUBJECT_ACTS_MAX);
	buf_init(&named, SUBJECT_ACTS_MAX);
	s.selector = put_selector(m->job, &selector);
	rc = buf_check(&selector, err);
	if (rc == PV_OK)
		rc = revoke_sum_named(&c->sum, &named, err);
	s.named = buf_span(&named);
	if (rc == PV_OK)
		subject_revoke(&m->subject, &s);
	return rc == PV_OK ? buf_check(&m->subject, err) : rc;
}

static enum pv_code ask(struct making *m, struct approvals *got,
			struct err *err)
{
	struct approvals_want want = *m->job->want;
	char what[64];
	enum pv_code rc = put_subject(m, err);

	snprintf(what, sizeof(what), "revoke %llu certificates",
		 (unsigned long long)m->c->changes);
	want.op = QUORUM_REVOKE;
	want.subject = buf_span(&m->subject);
	want.what = what;
	want.raised = &m->c->raised;
	return rc == PV_OK ? approvals_gate(m->job->a, m->job->store, &want,
					    got, err)
			   : rc;
}

/* ---- one transaction ---- */

static enum pv_code get_row(const struct making *m, size_t i,
			    struct store_device *d, struct err *err)
{
	bool found = false;
	enum pv_code rc = store_number_get(m->job->store, m->c->all.list[i], d,
					   &found, err);

	if (rc == PV_OK && !found)
		rc = logged_edited("a device's row", err);
	return rc;
}

/* What is open in place of what the reason ends; one that retires has its open
 * intents deleted anyway. */
static enum pv_code find_open(const struct making *m,
			      const struct store_device *d,
			      struct store_device *open, bool *found,
			      struct err *err)
{
	enum revocation_done done = REVOCATION_NOTHING;

	*found = false;
	if (m->job->retire ||
	    revocation_plan(m->job->reason, d, &done, NULL) != PV_OK ||
	    done == REVOCATION_NOTHING || done == REVOCATION_RELEASED)
		return PV_OK;
	return succession_open(m->job->store, d, open, found, err);
}

/* Before the revocations, which are one behind the other. */
static enum pv_code give_up_all(struct making *m, const struct log_who *who,
				struct err *err)
{
	const struct succession s = { m->job->store, &m->c->due, *who };
	const char *rule = m->job->reason == STORE_REASON_HOLD
				   ? "device.suspended"
				   : "device.revoked";
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < m->c->all.n; i++) {
		struct store_device d, open;
		bool found = false;

		rc = get_row(m, i, &d, err);
		if (rc == PV_OK)
			rc = find_open(m, &d, &open, &found, err);
		if (rc != PV_OK || !found)
			continue;
		rc = succession_give_up(&s, &open, rule, err);
		m->report->given_up++;
	}
	return rc;
}

static enum pv_code revoke_all(struct making *m, const struct log_who *who,
			       const uint8_t *nonce, struct err *err)
{
	bool many = m->job->order || m->job->template;
	const struct revocation v = { .store = m->job->store,
				      .due = &m->c->due,
				      .who = *who,
				      .reason = m->job->reason,
				      .invalidity_s = m->job->invalidity_s,
				      .nonce = nonce };
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < m->c->all.n; i++) {
		enum revocation_done done = REVOCATION_NOTHING;
		struct store_device d;
		struct err why;

		err_init(&why);
		rc = get_row(m, i, &d, &why);
		if (rc == PV_OK)
			rc = revocation_make(&v, &d, &done, &why);
		/* As when they were chosen: plan() in revoke_select.c. */
		if (rc == PV_CONFLICT && many &&
		    strcmp(why.rule, "revoke.final") == 0)
			rc = PV_OK;
		if (rc != PV_OK)
			*err = why;
		m->done[i] = (uint8_t)done;
		if (rc != PV_OK || done == REVOCATION_NOTHING)
			continue;
		m->report->changed++;
		revoke_sum_serial(&m->sum, &d);
	}
	return rc;
}

static enum pv_code sum_device(struct making *m, uint32_t first,
			       struct err *err)
{
	struct store_device d;
	bool found = false;
	enum pv_code rc =
		store_number_get(m->job->store, first, &d, &found, err);

	if (rc == PV_OK && !found)
		rc = logged_edited("a device's row", err);
	if (rc == PV_OK)
		revoke_sum_device(&m->sum, &d);
	return rc;
}

static enum pv_code retire_all(struct making *m, const struct log_who *who,
			       const uint8_t *nonce, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < m->c->firsts.n; i++) {
		bool done = false;

		rc = revoke_retire(m->job->store, who, m->c->firsts.list[i],
				   nonce, &done, err);
		if (rc == PV_OK && done)
			rc = sum_device(m, m->c->firsts.list[i], err);
		m->report->devices_retired += done;
	}
	return rc;
}

/* What people agreed to is done, all of it and nothing else. */
static enum pv_code check_sum(struct making *m, struct err *err)
{
	const struct revoke_sum *want = &m->c->sum;
	enum pv_code rc = revoke_sum_end(&m->sum, err);

	if (rc == PV_OK &&
	    (memcmp(m->sum.serials_sha256, want->serials_sha256, 32) != 0 ||
	     memcmp(m->sum.devices_sha256, want->devices_sha256, 32) != 0))
		rc = err_fail(err, PV_CONFLICT, "revoke.changed",
			      "run it again",
			      "some of it was revoked or retired meanwhile");
	return rc;
}

static enum pv_code record(struct making *m, const struct approvals *got,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	const uint8_t *nonce = approvals_nonce(got);
	struct event_who who;
	enum pv_code rc = store_begin(m->job->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(m->job->store, &who, err);
	if (rc == PV_OK)
		rc = revoke_sum_begin(&m->sum, err);
	if (rc == PV_OK)
		rc = give_up_all(m, &who.who, err);
	if (rc == PV_OK)
		rc = revoke_all(m, &who.who, nonce, err);
	if (rc == PV_OK)
		rc = retire_all(m, &who.who, nonce, err);
	if (rc == PV_OK && nonce)
		rc = check_sum(m, err);
	if (rc == PV_OK)
		rc = decision_on_acts(
			m->job->store, &who.who, got, buf_span(&m->subject),
			m->report->changed + m->report->devices_retired, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

static enum pv_code approved(struct making *m, struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	enum pv_code rc = ask(m, &got, err);

	if (rc == PV_OK)
		rc = record(m, &got, err);
	if (rc == PV_OK)
		snprintf(m->report->persons, sizeof(m->report->persons), "%s",
			 got.persons);
	return rc;
}

/* ---- what is told ---- */

static enum pv_code tell(const struct making *m, size_t i, struct err *err)
{
	struct store_revocation r;
	struct store_device d;
	bool found = false;
	enum pv_code rc = get_row(m, i, &d, err);

	if (rc == PV_OK)
		rc = store_revocation_get(m->job->store, d.s.number, &r, &found,
					  err);
	if (rc == PV_OK && found && d.has_cert && !r.ca[0])
		m->report->unlisted += m->done[i] != REVOCATION_NOTHING;
	if (rc == PV_OK)
		rc = m->job->told(m->job->ctx, &d, found ? &r : NULL,
				  (enum revocation_done)m->done[i], err);
	return rc;
}

/* Of a dry run: what would become of it. */
static enum pv_code foresee(struct making *m, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < m->c->all.n; i++) {
		enum revocation_done done = REVOCATION_NOTHING;
		struct store_device d, open;
		bool found = false;

		rc = get_row(m, i, &d, err);
		if (rc == PV_OK)
			rc = find_open(m, &d, &open, &found, err);
		m->report->given_up += found;
		if (rc == PV_OK &&
		    revocation_plan(m->job->reason, &d, &done, NULL) != PV_OK)
			done = REVOCATION_NOTHING;
		m->done[i] = (uint8_t)done;
		m->report->changed += done != REVOCATION_NOTHING;
	}
	return rc;
}

static enum pv_code all_erased(struct store *store, struct err *err)
{
	uint64_t retired = 0, pending = 0;
	enum pv_code rc = store_retired_count(store, &retired, &pending, err);

	if (rc == PV_OK && pending > 0)
		return err_fail(err, PV_STORAGE, "store.erase",
				"check the disk; the next command that opens "
				"the store tries again",
				"what is sealed for %llu retired devices is "
				"not erased yet",
				(unsigned long long)pending);
	return rc;
}

enum pv_code revoke_run(const struct revoke_job *job,
			struct revoke_report *report, struct err *err)
{
	CLEANUP(revoke_chosen_release)
	struct revoke_chosen c = { .changes = 0 };
	CLEANUP(mem_cleanup) uint8_t *done = NULL;
	CLEANUP(making_release)
	struct making m = { .job = job, .c = &c, .report = report };
	enum pv_code rc = check_job(job, err);

	memset(report, 0, sizeof(*report));
	buf_init(&m.subject, SUBJECT_ACTS_MAX);
	if (rc == PV_OK)
		rc = revoke_choose(job, &c, err);
	if (rc != PV_OK)
		return rc;
	report->certificates = c.all.n;
	m.done = done = mem_array(c.all.n + 1, 1, err);
	if (!done)
		return PV_INTERNAL;
	if (job->dry_run) {
		rc = foresee(&m, err);
		report->devices_retired = c.retires;
	} else if (c.changes + c.retires > 0) {
		rc = approved(&m, err);
	}
	report->retired_before = c.firsts.n - report->devices_retired;
	if (c.unfinished > report->given_up)
		report->unfinished = c.unfinished - report->given_up;
	for (size_t i = 0; rc == PV_OK && i < c.all.n; i++)
		rc = tell(&m, i, err);
	return rc == PV_OK && job->retire ? all_erased(job->store, err) : rc;
}
