#include "lib/flow/issue.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/crew.h"
#include "lib/flow/order_results.h"
#include "lib/flow/outcome.h"
#include "lib/flow/writer.h"
#include "lib/store/store_device.h"

#define CONTEXTS_MAX 8 /* the current template and those of open intents */
#define TICK_MS 500    /* between two looks at the signers */
#define END_GRACE_MS 5000
#define GROUP_SECRETS (512u * 1024u) /* bytes of one group in the heap */

struct run {
	const struct authority *a;
	const struct backends *backends;
	const struct issue_opts *opts;
	const struct issue_sink *sink;
	struct issue_counts *counts;
	struct issue_context *contexts[CONTEXTS_MAX];
	size_t contexts_n;
	char actor[32];
	size_t jobs;
	/* Ends of channels: [0] the reader's, signer's, writer's side. */
	int to_signer[ISSUE_JOBS_MAX][2]; /* reader, signer */
	int to_writer[ISSUE_JOBS_MAX][2]; /* signer, writer */
	int to_parent[2];		  /* writer, parent */
	struct signer_watch *watches;
	struct crew crew;
	struct wire answers;
	struct order_results order;
	bool done, interrupted;
	struct err worst; /* of the answers, by rank */
	uint64_t answered;
};

/* ---- the context, before anything is forked ---- */

static enum pv_code add_context(void *ctx, const struct store_intent *i,
				struct err *err)
{
	struct run *r = ctx;
	struct err ignored;

	(void)err;
	for (size_t n = 0; n < r->contexts_n; n++)
		if (memcmp(r->contexts[n]->template_sha256,
			   i->s.template_sha256, 32) == 0)
			return PV_OK;
	/* Of another template, or past what one run takes up: stays open. */
	if (strcmp(i->s.template_name, r->opts->template_name) != 0 ||
	    r->contexts_n == CONTEXTS_MAX)
		return PV_OK;
	err_init(&ignored);
	struct store *store = NULL;

	if (r->backends->store_open(r->a, false, &store, &ignored) == PV_OK &&
	    issue_context_load_digest(r->a, store, i->s.template_sha256,
				      &r->contexts[r->contexts_n],
				      &ignored) == PV_OK)
		r->contexts_n++;
	store_close(store);
	return PV_OK;
}

static enum pv_code load_contexts(struct run *r, struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	struct store_visit v = { .ctx = r, .fn.intent = add_context };
	enum pv_code rc = r->backends->store_open(r->a, false, &store, err);

	if (rc == PV_OK)
		rc = issue_context_load(r->a, store, r->opts->template_name,
					&r->contexts[0], err);
	if (rc != PV_OK)
		return rc;
	r->contexts_n = 1;
	return store_intent_each(store, &v, err);
}

/* ---- the children ---- */

/* Two groups' secrets must fit into a part of a signer's secure heap. */
static size_t group_size(const struct template *t)
{
	size_t bytes = prepared_secret_bytes(t);
	size_t n = bytes ? GROUP_SECRETS / bytes : READER_GROUP_MAX;

	if (n > READER_GROUP_MAX)
		n = READER_GROUP_MAX;
	return n > 0 ? n : 1;
}

static enum pv_code run_reader(void *ctx, int ctl, struct err *err)
{
	struct run *r = ctx;
	struct wire wires[ISSUE_JOBS_MAX];
	struct reader_opts opts = r->opts->source;

	(void)ctl;
	for (size_t i = 0; i < r->jobs; i++)
		wire_init(&wires[i], r->to_signer[i][0]);
	opts.signers = wires;
	opts.signers_n = r->jobs;
	opts.group_max = group_size(r->contexts[0]->tmpl);
	return reader_run(&opts, err);
}

struct signer_job {
	struct run *r;
	size_t index;
};

static enum pv_code run_signer(void *ctx, int ctl, struct err *err)
{
	struct signer_job *job = ctx;
	struct run *r = job->r;
	struct wire reader, writer;
	struct signer_opts opts = {
		.authority = r->a,
		.backends = r->backends,
		.contexts = (const struct issue_context *const *)r->contexts,
		.contexts_n = r->contexts_n,
		.station = r->opts->station,
		.actor = r->actor,
		.batch = r->opts->batch,
		.pin_fd = ctl,
		.reader = &reader,
		.writer = &writer,
		.watch = &r->watches[job->index]
	};

	wire_init(&reader, r->to_signer[job->index][1]);
	wire_init(&writer, r->to_writer[job->index][0]);
	return signer_run(&opts, err);
}

static enum pv_code run_writer(void *ctx, int ctl, struct err *err)
{
	struct run *r = ctx;
	struct wire wires[ISSUE_JOBS_MAX], parent;
	struct writer_opts opts = { .authority = r->a,
				    .backends = r->backends,
				    .ctx = r->contexts[0],
				    .station = r->opts->station,
				    .actor = r->actor,
				    .batch = r->opts->batch,
				    .signers = wires,
				    .signers_n = r->jobs,
				    .parent = &parent };

	(void)ctl;
	for (size_t i = 0; i < r->jobs; i++)
		wire_init(&wires[i], r->to_writer[i][1]);
	wire_init(&parent, r->to_parent[0]);
	return writer_run(&opts, err);
}

static enum pv_code make_channels(struct run *r, struct err *err)
{
	bool bad = false;

	for (size_t i = 0; i < r->jobs; i++)
		bad = bad ||
		      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				 r->to_signer[i]) != 0 ||
		      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				 r->to_writer[i]) != 0;
	bad = bad || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				r->to_parent) != 0;
	r->watches =
		mmap(NULL, r->jobs * sizeof(*r->watches),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!bad && r->watches != MAP_FAILED)
		return PV_OK;
	return err_errno(err, PV_INTERNAL, "process", NULL,
			 "cannot make the channels of a run");
}

static enum pv_code start_crew(struct run *r, struct err *err)
{
	int keep[ISSUE_JOBS_MAX + 2];
	struct crew_job job = { .keep = keep };
	enum pv_code rc;

	for (size_t i = 0; i < r->jobs; i++)
		keep[i] = r->to_writer[i][1];
	keep[r->jobs] = r->to_parent[0];
	job.role = CREW_WRITER;
	job.run = run_writer;
	job.ctx = r;
	job.keep_n = r->jobs + 1;
	rc = crew_start(&r->crew, &job, err);
	for (size_t i = 0; rc == PV_OK && i < r->jobs; i++) {
		struct signer_job signer = { r, i };

		keep[0] = r->to_signer[i][1];
		keep[1] = r->to_writer[i][0];
		job.role = CREW_SIGNER;
		job.run = run_signer;
		job.ctx = &signer;
		job.keep_n = 2;
		job.watch = &r->watches[i];
		rc = crew_start(&r->crew, &job, err);
	}
	for (size_t i = 0; i < r->jobs; i++)
		keep[i] = r->to_signer[i][0];
	keep[r->jobs] = r->opts->source.fd;
	keep[r->jobs + 1] = r->opts->source.folder;
	job.role = CREW_READER;
	job.run = run_reader;
	job.ctx = r;
	job.keep_n = r->jobs + 2;
	job.watch = NULL;
	return rc == PV_OK ? crew_start(&r->crew, &job, err) : rc;
}

static void close_ends(struct run *r, bool all)
{
	for (size_t i = 0; i < r->jobs; i++) {
		for (int side = 0; side < 2; side++) {
			fd_cleanup(&r->to_signer[i][side]);
			fd_cleanup(&r->to_writer[i][side]);
		}
	}
	fd_cleanup(&r->to_parent[0]);
	if (all)
		fd_cleanup(&r->to_parent[1]);
}

/* ---- answers ---- */

static void note_failure(struct run *r, const struct err *e)
{
	outcome_note(&r->worst, e);
}

static void count(struct run *r, const struct record_out *o)
{
	struct issue_counts *c = r->counts;

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

static enum pv_code give_out(struct run *r, struct span record, struct err *err)
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
		note_failure(r, &why);
		return PV_OK;
	}
	*err = why;
	return rc;
}

static enum pv_code drain_order(struct run *r, bool skip, struct err *err)
{
	struct span record;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && order_results_take(&r->order, skip, &record))
		rc = give_out(r, record, err);
	return rc;
}

static enum pv_code take_answers(struct run *r, struct err *err)
{
	struct wire_rec rec;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && wire_next(&r->answers, &rec)) {
		struct span record = { rec.p, rec.left };
		struct wire_rec peek = rec;

		if (rec.type == WIRE_END) {
			r->done = true;
			break;
		}
		if (!r->opts->in_order)
			rc = give_out(r, record, err);
		else
			rc = order_results_put(&r->order, wire_get_u64(&peek),
					       record, err);
	}
	if (rc == PV_OK && r->opts->in_order)
		rc = drain_order(r, false, err);
	return rc == PV_OK ? r->sink->flush(r->sink->ctx, r->counts, err) : rc;
}

/* ---- the parent's loop ---- */

static void take_signal(struct run *r, int fd)
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
			crew_signal(&r->crew, CREW_READER, SIGKILL);
		} else {
			crew_signal(&r->crew, CREW_SIGNER, SIGKILL);
		}
	}
}

static enum pv_code loop(struct run *r, int signals, struct err *err)
{
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && !r->done && !r->answers.eof) {
		struct pollfd p[2] = { { r->answers.fd, POLLIN, 0 },
				       { signals, POLLIN, 0 } };

		if (poll(p, 2, TICK_MS) < 0 && errno != EINTR)
			return err_errno(err, PV_INTERNAL, "process.poll", NULL,
					 "cannot wait for the run");
		if (p[1].revents)
			take_signal(r, signals);
		if (p[0].revents)
			rc = wire_fill(&r->answers, 0, err);
		if (rc == PV_OK && p[0].revents)
			rc = take_answers(r, err);
		crew_watch(&r->crew, r->a->hsm_timeout_s);
	}
	if (rc == PV_OK)
		rc = drain_order(r, true, err);
	return rc == PV_OK ? r->sink->flush(r->sink->ctx, r->counts, err) : rc;
}

static enum pv_code hand_pin(struct run *r, struct err *err)
{
	SECRET pin = SECRET_INIT;
	enum pv_code rc = r->backends->pin_read(r->a, &pin, err);

	return rc == PV_OK ? crew_send_pin(&r->crew, &pin, err) : rc;
}

static enum pv_code run_crew(struct run *r, struct err *err)
{
	CLEANUP(fd_cleanup) int signals = -1;
	sigset_t child, all, before;
	enum pv_code rc;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	rc = start_crew(r, err);
	close_ends(r, false);
	/* At the prompt an interrupt still ends everything at once. */
	if (rc == PV_OK)
		rc = hand_pin(r, err);
	all = child;
	sigaddset(&all, SIGINT);
	sigaddset(&all, SIGTERM);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signals = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
	if (rc == PV_OK && signals < 0)
		rc = err_errno(err, PV_INTERNAL, "process.signal", NULL,
			       "cannot watch for signals");
	wire_init(&r->answers, TAKE_FD(r->to_parent[1]));
	if (rc == PV_OK)
		rc = loop(r, signals, err);
	wire_release(&r->answers);
	crew_end(&r->crew, rc == PV_OK ? END_GRACE_MS : 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* What the run as a whole says, from its children and its answers. */
static enum pv_code verdict(struct run *r, struct err *err)
{
	uint64_t bad =
		r->counts->denied + r->counts->quarantined + r->counts->failed;

	for (size_t i = 0; i < r->crew.n; i++) {
		const struct crew_member *m = &r->crew.members[i];

		if (!(r->interrupted && m->role == CREW_READER))
			note_failure(r, &m->err);
	}
	if (r->interrupted)
		return err_fail(err, PV_INTERRUPTED, "interrupted",
				"run the same command again to go on",
				"interrupted after %llu results",
				(unsigned long long)r->answered);
	if (r->worst.code == PV_OK && !r->done)
		return err_fail(err, PV_INTERNAL, "process.writer",
				"run it again", "the run ended early");
	*err = r->worst;
	if (r->opts->batch && bad > 0)
		err_prefix(err, "%llu of %llu requests failed; the worst",
			   (unsigned long long)bad,
			   (unsigned long long)r->answered);
	return err->code;
}

static size_t choose_jobs(const struct run *r)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t jobs = r->opts->jobs ? r->opts->jobs : r->a->jobs;

	if (!r->opts->batch)
		return 1;
	if (jobs == 0)
		jobs = cores > 0 ? (size_t)cores : 1;
	return jobs < ISSUE_JOBS_MAX ? jobs : ISSUE_JOBS_MAX;
}

enum pv_code issue_run(const struct authority *a,
		       const struct backends *backends,
		       const struct issue_opts *opts,
		       const struct issue_sink *sink,
		       struct issue_counts *counts, struct err *err)
{
	struct run r = { .a = a,
			 .backends = backends,
			 .opts = opts,
			 .sink = sink,
			 .counts = counts,
			 .to_parent = { -1, -1 } };
	enum pv_code rc;

	memset(counts, 0, sizeof(*counts));
	memset(r.to_signer, 0xff, sizeof(r.to_signer));
	memset(r.to_writer, 0xff, sizeof(r.to_writer));
	r.answers.fd = -1;
	r.jobs = choose_jobs(&r);
	snprintf(r.actor, sizeof(r.actor), "os:%lu", (unsigned long)getuid());
	rc = load_contexts(&r, err);
	if (rc == PV_OK)
		rc = order_results_init(&r.order, err);
	if (rc == PV_OK)
		rc = make_channels(&r, err);
	if (rc == PV_OK)
		rc = run_crew(&r, err);
	close_ends(&r, true);
	if (rc == PV_OK)
		rc = verdict(&r, err);
	order_results_release(&r.order);
	if (r.watches && r.watches != MAP_FAILED)
		munmap(r.watches, r.jobs * sizeof(*r.watches));
	for (size_t i = 0; i < r.contexts_n; i++)
		issue_context_free(r.contexts[i]);
	return rc;
}
