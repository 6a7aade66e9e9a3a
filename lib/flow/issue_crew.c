/* What a run loads, and the processes it starts. */
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/event.h"
#include "lib/flow/issue_impl.h"
#include "lib/flow/writer.h"

#define GROUP_SECRETS (512u * 1024u) /* bytes of one group in the heap */
#define HEAP_MIN (512u * 1024u)
#define HEAP_MAX (256u * 1024u * 1024u)
#define GROUP_RESULTS (16u * 1024u * 1024u) /* of its bundles in a signer */

/* ---- the context, before anything is forked ---- */

struct pinning {
	struct issue_run *r;
	struct store *store;
};

/* One that cannot be loaded, or is past what one run takes up, leaves its
 * intents open. */
static enum pv_code load_pinned_one(void *ctx, const struct store_template *t,
				    struct err *err)
{
	const struct pinning *p = ctx;
	struct issue_run *r = p->r;
	struct err ignored;

	(void)err;
	err_init(&ignored);
	if (r->contexts_n < ISSUE_CONTEXTS_MAX &&
	    memcmp(r->contexts[0]->template_sha256, t->sha256, 32) != 0 &&
	    issue_context_load_digest(r->a, p->store, t->sha256,
				      &r->contexts[r->contexts_n],
				      &ignored) == PV_OK)
		r->contexts_n++;
	return PV_OK;
}

/* Versions that open intents began under. */
static enum pv_code load_pinned(struct issue_run *r, struct store *store,
				struct err *err)
{
	struct pinning p = { r, store };
	struct store_visit v = { .ctx = &p, .fn.template = load_pinned_one };

	return store_template_open(store, r->opts->template_name, &v, err);
}

static const char *option(const struct issue_run *r, const char *key)
{
	const struct reader_opts *from = &r->opts->source;

	for (size_t i = 0; i < from->pairs_n; i++)
		if (strcmp(from->pairs[i].key, key) == 0 &&
		    name_is_safe(from->pairs[i].value,
				 strlen(from->pairs[i].value)))
			return from->pairs[i].value;
	return NULL;
}

/* What refuses the whole run (a CA template, an expired CA) is logged too. */
static enum pv_code log_denial(struct issue_run *r, struct store *store,
			       const struct err *why, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	const char *device = option(r, "device");
	const char *request = option(r, "request");
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc != PV_OK)
		return rc;
	if (!request)
		request = device ? device : "-";
	log_request_deny(&e, &who.who, request, device,
			 why->rule[0] ? why->rule : "-", NULL);
	rc = event_append(store, &e, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

enum pv_code issue_load_contexts(struct issue_run *r, struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	enum pv_code rc = r->backends->store_open(r->a, false, &store, err);

	if (rc == PV_OK)
		rc = checkpoint_load(r->a, store, &r->log, err);
	if (rc == PV_OK)
		rc = issue_context_load(r->a, store, r->opts->template_name,
					&r->contexts[0], err);
	if (store && (rc == PV_DENIED || rc == PV_INPUT)) {
		struct err unlogged;

		err_init(&unlogged);
		if (log_denial(r, store, err, &unlogged) != PV_OK)
			err_prefix(err, "not logged (%.100s)",
				   unlogged.message);
	}
	if (rc != PV_OK)
		return rc;
	r->contexts_n = 1;
	return load_pinned(r, store, err);
}

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
 * A signer's heap for secrets: those of two groups, and the plain bundles that
 * its threads (signer_token.c) seal at once. Its blocks are powers of two, so
 * twice of what is needed.
 */
static size_t heap_bytes(const struct issue_run *r)
{
	uint64_t at_once = 2 + 2 * sessions_of(r, 0);
	uint64_t sealing = 0, waiting = 0;
	size_t bytes = HEAP_MIN;

	for (size_t i = 0; i < r->contexts_n; i++) {
		const struct template *t = r->contexts[i]->tmpl;

		if (sealing < result_bytes(t))
			sealing = result_bytes(t);
		if (prepared_secret_bytes(t) > 0)
			waiting = 2 * GROUP_SECRETS;
	}
	while (bytes < HEAP_MAX &&
	       bytes < HEAP_MIN / 2 + waiting + sealing * at_once)
		bytes *= 2;
	return bytes;
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
		.contexts_n = r->contexts_n,
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

enum pv_code issue_start_crew(struct issue_run *r, struct err *err)
{
	int keep[ISSUE_JOBS_MAX + 3];
	struct crew_job job = { .keep = keep };
	enum pv_code rc;

	for (size_t i = 0; i < r->jobs; i++)
		keep[i] = r->to_writer[i][1];
	keep[r->jobs] = r->to_parent[0];
	keep[r->jobs + 1] = r->a->home_fd;
	job.role = CREW_WRITER;
	job.run = run_writer;
	job.ctx = r;
	job.keep_n = r->jobs + 2;
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
		job.heap_bytes = heap_bytes(r);
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

void issue_close_ends(struct issue_run *r, bool all)
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
