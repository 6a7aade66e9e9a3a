/* The processes that a run starts. */
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/issue_impl.h"
#include "lib/flow/writer.h"

#define GROUP_SECRETS (512u * 1024u) /* bytes of one group in the heap */
#define HEAP_MIN (512u * 1024u)
#define HEAP_EARLY (2u * 1024u * 1024u) /* of a signer without a template */
#define HEAP_MAX (256u * 1024u * 1024u)
#define GROUP_RESULTS (16u * 1024u * 1024u) /* of its bundles in a signer */

/* What one device's bundles take at most: more is refused when sealing. */
static uint64_t result_bytes(const struct template *t)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->components_n; i++)
		sum += t->components[i].max_size;
	return sum < WIRE_RECORD_MAX ? sum : WIRE_RECORD_MAX;
}

/*
 * Two groups' secrets must fit into a part of a signer's secure heap, and
 * their bundles into its memory.
 */
static size_t group_size(const struct template *t)
{
	size_t secrets = prepared_secret_bytes(t);
	uint64_t results = result_bytes(t);
	uint64_t n = READER_GROUP_MAX;

	if (secrets > 0 && n > GROUP_SECRETS / secrets)
		n = GROUP_SECRETS / secrets;
	if (results > 0 && n > GROUP_RESULTS / results)
		n = GROUP_RESULTS / results;
	return n > 0 ? (size_t)n : 1;
}

static enum pv_code run_reader(void *ctx, int ctl, struct err *err)
{
	struct issue_run *r = ctx;
	struct wire wires[ISSUE_JOBS_MAX];
	struct reader_opts opts = r->opts->source;
	uint8_t go[ISSUE_GO_LEN];
	enum pv_code rc = fd_read_all(ctl, go, sizeof(go), err);

	if (rc != PV_OK)
		return rc;
	/* Those that have a session: the others get no work. */
	opts.signers_n = 0;
	for (size_t i = 0; i < r->jobs; i++) {
		if (go[i / 8] >> (i % 8) & 1)
			wire_init(&wires[opts.signers_n++], r->to_signer[i][0]);
		else
			fd_cleanup(&r->to_signer[i][0]);
	}
	opts.signers = wires;
	opts.group_max = READER_GROUP_MAX;
	/* Open intents of an older template are finished in the same groups. */
	for (size_t i = 0; i < r->contexts_n; i++)
		if (opts.group_max > group_size(r->contexts[i]->tmpl))
			opts.group_max = group_size(r->contexts[i]->tmpl);
	return reader_run(&opts, err);
}

struct signer_job {
	struct issue_run *r;
	size_t index;
};

/* A signer's part of the calls that the token takes at once; at least one. */
static unsigned sessions_of(const struct issue_run *r, size_t index)
{
	size_t all = r->opts->batch ? r->a->sessions_per_token : 1;
	size_t part = all / r->jobs + (index < all % r->jobs);

	return part > 0 ? (unsigned)part : 1;
}

/*
 * A signer's heap for secrets: those of two groups, or of the one device, the
 * stored ones, and the plain bundles that its threads (signer_token.c) seal at
 * once. Its blocks are powers of two, so twice of what is needed.
 */
static size_t heap_bytes(const struct issue_run *r)
{
	uint64_t at_once = 2 + 2 * sessions_of(r, 0);
	uint64_t sealing = 0, waiting = 0, stored = 0;
	size_t bytes = HEAP_MIN;

	for (size_t i = 0; i < r->contexts_n; i++) {
		const struct template *t = r->contexts[i]->tmpl;
		size_t secrets = prepared_secret_bytes(t);

		/* One device's: made, and once more on their way to the row. */
		secrets *= 4;
		if (secrets > 0 && r->opts->batch)
			secrets = 2 * GROUP_SECRETS;
		if (sealing < result_bytes(t))
			sealing = result_bytes(t);
		if (waiting < secrets)
			waiting = secrets;
		stored += 2 * stored_rows_bytes(&r->contexts[i]->stored);
	}
	while (bytes < HEAP_MAX &&
	       bytes < HEAP_MIN / 2 + waiting + stored + sealing * at_once)
		bytes *= 2;
	return bytes;
}

/*
 * While the parent reads the store, the signer goes as far into the token as it
 * comes without a PIN; not while a person is asked for that. What fails fails
 * again at its turn, and is told then.
 */
static struct hsm *meet_token(const struct issue_run *r,
			      const struct signer_opts *opts)
{
	const struct hsm_login login = { .sessions = opts->sessions,
					 .watch = opts->watch };
	struct hsm *met = NULL;
	struct err later;

	err_init(&later);
	if (strcmp(r->a->pin_source, "prompt") == 0 ||
	    r->backends->hsm_meet(r->a, &login, &met, &later) != PV_OK)
		return NULL;
	return met;
}

static const struct order *order_of(const struct issue_run *r)
{
	return r->ticket.order.id[0] ? &r->ticket.order : NULL;
}

static enum pv_code run_signer(void *ctx, int ctl, struct err *err)
{
	struct signer_job *job = ctx;
	struct issue_run *r = job->r;
	struct wire reader, writer;
	struct signer_opts opts = {
		.authority = r->a,
		.backends = r->backends,
		.contexts = (const struct issue_context *const *)r->contexts,
		.station = r->opts->station,
		.actor = r->actor,
		.batch = r->opts->batch,
		.sessions = sessions_of(r, job->index),
		.log = &r->log,
		.ctl = ctl,
		.reader = &reader,
		.writer = &writer,
		.pins = r->pins,
		.watch = &r->watches[job->index]
	};
	enum pv_code rc;

	/* Before anything draws random bytes: their state lies in it. */
	rc = crew_set_up_heap(ctl, r->early ? HEAP_EARLY : heap_bytes(r), err);
	if (rc == PV_OK && r->early) {
		opts.met = meet_token(r, &opts);
		rc = issue_take_contexts(r, ctl, err);
	}
	opts.contexts_n = r->contexts_n;
	opts.order = order_of(r);
	opts.station_signed = r->ticket.station_signed;
	if (rc != PV_OK) {
		hsm_close(opts.met);
		return rc;
	}
	wire_init(&reader, r->to_signer[job->index][1]);
	wire_init(&writer, r->to_writer[job->index][0]);
	return signer_run(&opts, err);
}

static enum pv_code run_writer(void *ctx, int ctl, struct err *err)
{
	struct issue_run *r = ctx;
	struct wire wires[ISSUE_JOBS_MAX], parent;
	struct writer_opts opts = { .authority = r->a,
				    .backends = r->backends,
				    .ctx = r->contexts[0],
				    .log = &r->log,
				    .order = order_of(r),
				    .bound = r->bound,
				    .claim = r->opts->claim,
				    .judged = r->judged,
				    .station_signed = r->ticket.station_signed,
				    .station = r->opts->station,
				    .actor = r->actor,
				    .batch = r->opts->batch,
				    .release = r->opts->release,
				    .covers = r->ruled || r->opts->order,
				    .signers = wires,
				    .signers_n = r->jobs,
				    .parent = &parent };

	(void)ctl;
	for (size_t i = 0; i < r->jobs; i++)
		wire_init(&wires[i], r->to_writer[i][1]);
	wire_init(&parent, r->to_parent[0]);
	return writer_run(&opts, err);
}

enum pv_code issue_make_channels(struct issue_run *r, struct err *err)
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
	r->shared = memfd_create("contexts", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bad = bad || r->shared < 0;
	r->watches =
		mmap(NULL, r->jobs * sizeof(*r->watches),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	r->pins = mmap(NULL, sizeof(*r->pins), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!bad && r->watches != MAP_FAILED && r->pins != MAP_FAILED)
		return PV_OK;
	return err_errno(err, PV_INTERNAL, "process", NULL,
			 "cannot make the channels of a run");
}

static enum pv_code start_signers(struct issue_run *r, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < r->jobs; i++) {
		struct signer_job signer = { r, i };
		const int keep[] = { r->to_signer[i][1], r->to_writer[i][0],
				     r->shared };
		const struct crew_job job = { .role = CREW_SIGNER,
					      .run = run_signer,
					      .ctx = &signer,
					      .keep = keep,
					      .keep_n = 3,
					      .watch = &r->watches[i] };

		rc = crew_start(&r->crew, &job, err);
	}
	return rc;
}

enum pv_code issue_start_early(struct issue_run *r, struct err *err)
{
	struct x509_ctx *x509 = NULL;
	enum pv_code rc;

	r->early = !r->opts->batch;
	if (!r->early)
		return PV_OK;
	/* What OpenSSL sets up for its first hash and key is inherited. */
	rc = x509_ctx_new(&x509, err);
	x509_ctx_free(x509);
	return rc == PV_OK ? start_signers(r, err) : rc;
}

enum pv_code issue_start_signers(struct issue_run *r, struct err *err)
{
	if (r->early && heap_bytes(r) <= HEAP_EARLY)
		return issue_hand_contexts(r, err);
	/* Its heap is too small for this template, and cannot grow. */
	if (r->early) {
		crew_dismiss_all(&r->crew, CREW_SIGNER);
		crew_end(&r->crew, -1, 0);
		r->crew.n = 0;
		r->early = false;
	}
	return start_signers(r, err);
}

enum pv_code issue_start_others(struct issue_run *r, struct err *err)
{
	int keep[ISSUE_JOBS_MAX + 2];
	struct crew_job job = { .role = CREW_WRITER,
				.run = run_writer,
				.ctx = r,
				.keep = keep,
				.keep_n = r->jobs + 2 };
	enum pv_code rc;

	for (size_t i = 0; i < r->jobs; i++)
		keep[i] = r->to_writer[i][1];
	keep[r->jobs] = r->to_parent[0];
	keep[r->jobs + 1] = r->a->home_fd;
	rc = crew_start(&r->crew, &job, err);
	for (size_t i = 0; i < r->jobs; i++)
		keep[i] = r->to_signer[i][0];
	keep[r->jobs] = r->opts->source.fd;
	keep[r->jobs + 1] = r->opts->source.folder;
	job.role = CREW_READER;
	job.run = run_reader;
	return rc == PV_OK ? crew_start(&r->crew, &job, err) : rc;
}

void issue_close_ends(struct issue_run *r, bool all)
{
	for (size_t i = 0; i < r->jobs; i++) {
		for (int side = 0; side < 2; side++) {
			fd_cleanup(&r->to_signer[i][side]);
			fd_cleanup(&r->to_writer[i][side]);
		}
	}
	fd_cleanup(&r->to_parent[0]);
	fd_cleanup(&r->shared);
	if (all)
		fd_cleanup(&r->to_parent[1]);
}
