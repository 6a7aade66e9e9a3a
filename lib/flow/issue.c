#include "lib/flow/issue_impl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/outcome.h"

#define TICK_MS 500 /* between two looks at the signers */
#define END_GRACE_MS 5000

/* ---- answers ---- */

static void note_failure(struct issue_run *r, const struct err *e)
{
	outcome_note(&r->worst, e);
}

static void count(struct issue_run *r, const struct record_out *o)
{
	struct issue_counts *c = r->counts;

	c->superseded += o->superseded;
	switch (o->status) {
	case ISSUE_ISSUED:
		c->issued++;
		return;
	case ISSUE_EXISTING:
		c->existing++;
		return;
	case ISSUE_DENIED:
		c->denied++;
		break;
	case ISSUE_QUARANTINED:
		c->quarantined++;
		break;
	case ISSUE_FAILED:
		c->failed++;
		break;
	}
	note_failure(r, &o->err);
}

static enum pv_code give_out(struct issue_run *r, struct span record,
			     struct err *err)
{
	struct wire_rec rec = { .type = WIRE_OUT,
				.p = record.p,
				.left = record.len };
	struct record_out o;
	struct err why;
	enum pv_code rc = record_get_out(&rec, &o, err);

	if (rc != PV_OK)
		return rc;
	count(r, &o);
	r->answered++;
	err_init(&why);
	rc = r->sink->result(r->sink->ctx, &o, &why);
	/* A conflict over one output is one request's failure. */
	if (rc == PV_CONFLICT) {
		r->counts->conflicts +=
			o.status == ISSUE_ISSUED || o.status == ISSUE_EXISTING;
		note_failure(r, &why);
		return PV_OK;
	}
	*err = why;
	return rc;
}

static enum pv_code drain_order(struct issue_run *r, bool skip, struct err *err)
{
	struct span record;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && order_results_take(&r->order, skip, &record))
		rc = give_out(r, record, err);
	return rc;
}

static enum pv_code take_answers(struct issue_run *r, struct err *err)
{
	struct wire_rec rec;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && wire_next(&r->answers, &rec)) {
		struct span record = { rec.p, rec.left };
		struct wire_rec peek = rec;
		uint64_t line = wire_get_u64(&peek);

		if (rec.type == WIRE_END) {
			r->done = true;
			r->complete = line == 0;
			break;
		}
		if (!r->opts->in_order || order_results_pass(&r->order, line))
			rc = give_out(r, record, err);
		else
			rc = order_results_put(&r->order, line, record, err);
	}
	if (rc == PV_OK && r->opts->in_order)
		rc = drain_order(r, false, err);
	return rc == PV_OK ? r->sink->flush(r->sink->ctx, r->counts, err) : rc;
}

/* ---- the parent's loop ---- */

static void take_signal(struct issue_run *r, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			/* One signal may stand for several children. */
			if (!crew_reap(&r->crew))
				continue;
		} else if (!r->interrupted) {
			/* What is under way is finished; no more is read. */
			r->interrupted = true;
			if (r->opts->interrupted)
				r->opts->interrupted(r->opts->interrupted_ctx);
			crew_dismiss_all(&r->crew, CREW_READER);
			if (r->phase == ISSUE_RUNNING)
				crew_give_up(&r->crew);
		} else {
			crew_dismiss_all(&r->crew, CREW_SIGNER);
		}
	}
}

/* Answers, signals, and while logins go on the children's channels. */
static nfds_t what_to_wait_for(const struct issue_run *r, int signals,
			       struct pollfd p[2 + CREW_MAX])
{
	nfds_t n = 0;

	p[n++] = (struct pollfd){ r->answers.fd, POLLIN, 0 };
	p[n++] = (struct pollfd){ signals, POLLIN, 0 };
	for (size_t i = 0; r->phase != ISSUE_RUNNING && i < r->crew.n; i++)
		if (!r->crew.members[i].ctl.eof)
			p[n++] = (struct pollfd){ r->crew.members[i].ctl.fd,
						  POLLIN, 0 };
	return n;
}

static enum pv_code loop(struct issue_run *r, int signals, struct err *err)
{
	enum pv_code rc = issue_begin(r, err);

	while (rc == PV_OK && !r->done && !r->answers.eof) {
		struct pollfd p[2 + CREW_MAX];
		nfds_t n = what_to_wait_for(r, signals, p);

		if (poll(p, n, TICK_MS) < 0 && errno != EINTR)
			return err_errno(err, PV_INTERNAL, "process.poll", NULL,
					 "cannot wait for the run");
		if (p[1].revents)
			take_signal(r, signals);
		rc = issue_advance(r, err);
		if (rc == PV_OK && p[0].revents)
			rc = wire_fill(&r->answers, 0, err);
		if (rc == PV_OK && p[0].revents)
			rc = take_answers(r, err);
		crew_watch(&r->crew, r->a->hsm_timeout_s);
	}
	if (rc == PV_OK)
		rc = drain_order(r, true, err);
	return rc == PV_OK ? r->sink->flush(r->sink->ctx, r->counts, err) : rc;
}

/*
 * The one signer of a command looks at the token while the store is read. Until
 * they have the PIN signers may be killed at any moment; reader and writer are
 * forked before it is read.
 */
static enum pv_code start_crew(struct issue_run *r, struct err *err)
{
	enum pv_code rc = issue_start_early(r, err);

	if (rc == PV_OK)
		rc = issue_load_contexts(r, err);
	if (rc == PV_OK)
		rc = issue_start_signers(r, err);
	if (rc == PV_OK)
		rc = issue_start_others(r, err);
	issue_close_ends(r, false);
	/* At the prompt an interrupt still ends everything at once. */
	if (rc == PV_OK)
		rc = r->backends->pin_read(r->a, &r->pin, err);
	if (rc != PV_OK)
		crew_dismiss_all(&r->crew, CREW_SIGNER);
	return rc;
}

static enum pv_code run_crew(struct issue_run *r, struct err *err)
{
	CLEANUP(fd_cleanup) int signals = -1;
	struct sigaction hup = { .sa_handler = SIG_DFL };
	sigset_t child, all, before;
	enum pv_code rc;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	rc = start_crew(r, err);
	all = child;
	sigaddset(&all, SIGINT);
	sigaddset(&all, SIGTERM);
	/* Under nohup it means nothing. */
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		sigaddset(&all, SIGHUP);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signals = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
	if (rc == PV_OK && signals < 0)
		rc = err_errno(err, PV_INTERNAL, "process.signal", NULL,
			       "cannot watch for signals");
	wire_init(&r->answers, TAKE_FD(r->to_parent[1]));
	if (rc == PV_OK)
		rc = loop(r, signals, err);
	wire_release(&r->answers);
	crew_end(&r->crew, signals, rc == PV_OK ? END_GRACE_MS : 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* What the run as a whole says, from its children and its answers. */
static enum pv_code verdict(struct issue_run *r, struct err *err)
{
	uint64_t bad = r->counts->denied + r->counts->quarantined +
		       r->counts->failed + r->counts->conflicts;

	for (size_t i = 0; i < r->crew.n; i++) {
		const struct crew_member *m = &r->crew.members[i];

		if (!(r->interrupted && m->role == CREW_READER))
			note_failure(r, &m->news.failed);
		r->counts->unlocked |= m->news.unlocked;
		if (m->news.switched.code != PV_OK)
			r->counts->switched = m->news.switched;
	}
	/* One that came when all was done has interrupted nothing. */
	if (r->interrupted && !r->complete)
		return err_fail(err, PV_INTERRUPTED, "interrupted",
				"run the same command again to go on",
				"interrupted after %llu results",
				(unsigned long long)r->answered);
	if (r->worst.code == PV_OK && !r->done)
		return err_fail(err, PV_INTERNAL, "process.writer",
				"run it again", "the run ended early");
	*err = r->worst;
	if (r->opts->batch && bad > 0)
		err_prefix(err,
			   "%llu of %llu requests were not issued; the worst",
			   (unsigned long long)bad,
			   (unsigned long long)r->answered);
	return err->code;
}

enum pv_code issue_run(const struct authority *a,
		       const struct backends *backends,
		       const struct issue_opts *opts,
		       const struct issue_sink *sink,
		       struct issue_counts *counts, struct err *err)
{
	struct issue_run r = { .a = a,
			       .backends = backends,
			       .opts = opts,
			       .sink = sink,
			       .counts = counts,
			       .to_parent = { -1, -1 },
			       .shared = -1 };
	enum pv_code rc;

	memset(counts, 0, sizeof(*counts));
	memset(r.to_signer, 0xff, sizeof(r.to_signer));
	memset(r.to_writer, 0xff, sizeof(r.to_writer));
	r.answers.fd = -1;
	rc = issue_choose_jobs(&r, err);
	if (rc == PV_OK)
		rc = order_results_init(&r.order, err);
	if (rc == PV_OK)
		rc = issue_make_channels(&r, err);
	if (rc == PV_OK)
		rc = run_crew(&r, err);
	issue_close_ends(&r, true);
	if (rc == PV_OK)
		rc = verdict(&r, err);
	order_results_release(&r.order);
	secret_release(&r.pin);
	if (r.pins && r.pins != MAP_FAILED)
		munmap(r.pins, sizeof(*r.pins));
	if (r.watches && r.watches != MAP_FAILED)
		munmap(r.watches, r.jobs * sizeof(*r.watches));
	for (size_t i = 0; i < r.contexts_n; i++)
		issue_context_free(r.contexts[i]);
	return rc;
}
