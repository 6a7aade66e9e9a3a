#include "lib/flow/revoke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/pvtime.h"
#include "lib/flow/logged.h"
#include "lib/flow/revoke_impl.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"
#include "lib/store/store_revoke.h"

#define SUBJECT_MAX 1024u

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

static void put_selector(const struct revoke_job *job, struct buf *out)
{
	if (job->device)
		buf_printf(out, "device %s\n", job->device);
	else if (job->serial)
		buf_printf(out, "serial %s\n", job->serial);
	else if (job->order)
		buf_printf(out, "order %s\n", job->order);
	else if (job->template)
		buf_printf(out, "template %s\n", job->template);
	else
		buf_printf(out, "list yes\n");
}

/* All that is decided: the serials by their hash, so that one agreement is for
 * exactly them. */
static enum pv_code put_subject(const struct revoke_job *job,
				const struct revoke_chosen *c, struct buf *out,
				struct err *err)
{
	char hex[65], text[PVTIME_RFC3339_LEN + 1];

	buf_printf(out, "revoke %s\n", revocation_reason_name(job->reason));
	put_selector(job, out);
	if (job->invalidity_s != STORE_NO_TIME &&
	    pvtime_format(job->invalidity_s, text))
		buf_printf(out, "invalidity %s\n", text);
	if (job->retire)
		buf_printf(out, "retire %zu\n", c->firsts.n);
	hex_encode(c->serials_sha256, 32, hex);
	buf_printf(out, "count %zu\nserials sha256:%s\n", c->all.n, hex);
	return buf_check(out, err);
}

static enum pv_code ask(const struct revoke_job *job,
			const struct revoke_chosen *c, struct approvals *got,
			struct err *err)
{
	CLEANUP(buf_release) struct buf subject;
	struct approvals_want want = *job->want;
	char what[64];
	enum pv_code rc;

	buf_init(&subject, SUBJECT_MAX);
	rc = put_subject(job, c, &subject, err);
	snprintf(what, sizeof(what), "revoke %zu certificates", c->all.n);
	want.op = QUORUM_REVOKE;
	want.subject = buf_span(&subject);
	want.what = what;
	want.raised = &c->raised;
	return rc == PV_OK ? approvals_gate(job->a, job->store, &want, got, err)
			   : rc;
}

/* ---- one transaction ---- */

struct making {
	const struct revoke_job *job;
	struct revoke_chosen *c;
	uint8_t *done; /* enum revocation_done, for each of c->all */
	struct revoke_report *report;
};

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

static enum pv_code revoke_all(struct making *m, const struct log_who *who,
			       struct err *err)
{
	bool many = m->job->order || m->job->template;
	const struct revocation v = { .store = m->job->store,
				      .due = &m->c->due,
				      .who = *who,
				      .reason = m->job->reason,
				      .invalidity_s = m->job->invalidity_s };
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
		m->report->changed += done != REVOCATION_NOTHING;
	}
	return rc;
}

static enum pv_code retire_all(struct making *m, const struct log_who *who,
			       struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < m->c->firsts.n; i++) {
		bool done = false;

		rc = revoke_retire(m->job->store, who, m->c->firsts.list[i],
				   &done, err);
		m->report->devices_retired += done;
	}
	return rc;
}

static enum pv_code record(struct making *m, const struct approvals *got,
			   struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	enum pv_code rc = store_begin(m->job->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(m->job->store, &who, err);
	if (rc == PV_OK)
		rc = revoke_all(m, &who.who, err);
	if (rc == PV_OK)
		rc = retire_all(m, &who.who, err);
	if (rc == PV_OK)
		rc = approvals_use(m->job->store, &who.who, got, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

static enum pv_code approved(struct making *m, struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	enum pv_code rc = ask(m->job, m->c, &got, err);

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
		struct store_device d;

		rc = get_row(m, i, &d, err);
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
	struct making m = { .job = job, .c = &c, .report = report };
	enum pv_code rc = check_job(job, err);

	memset(report, 0, sizeof(*report));
	if (rc == PV_OK)
		rc = revoke_choose(job, &c, err);
	if (rc != PV_OK)
		return rc;
	report->certificates = c.all.n;
	report->unfinished = c.unfinished;
	m.done = done = mem_array(c.all.n + 1, 1, err);
	if (!done)
		return PV_INTERNAL;
	if (job->dry_run)
		rc = foresee(&m, err);
	else if (c.changes > 0)
		rc = approved(&m, err);
	if (!job->dry_run)
		report->retired_before = c.firsts.n - report->devices_retired;
	for (size_t i = 0; rc == PV_OK && i < c.all.n; i++)
		rc = tell(&m, i, err);
	return rc == PV_OK && job->retire ? all_erased(job->store, err) : rc;
}
