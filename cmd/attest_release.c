/* attest release: the bundles that evidence is for, once more or after all. */
#include "cmd/attest_release.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd/attest.h"
#include "cmd/attest_verify.h"
#include "cmd/crewrun.h"
#include "cmd/issue_summary.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/namelist.h"
#include "lib/flow/outcome.h"

CLEANUP_PTR(struct authority, authority_close);
CLEANUP_PTR(struct release_list, release_free);

#define IDS_MAX (64u * 1024u * 1024u) /* bytes of the ids of a list */

struct run {
	struct crewrun c;
	const struct attest_release *r;
	struct err worst;
	uint64_t refused; /* before there was anything to seal */
};

/* A line for a device that has nothing to be released; of one it is the error.
 */
static enum pv_code put_refused(void *ctx, const char *device,
				const struct err *why, struct err *err)
{
	struct run *r = ctx;

	r->refused++;
	outcome_note(&r->worst, why);
	err_object(&r->worst, device);
	if (r->c.one)
		return PV_OK;
	return out_json(
		json_pack("{s:s, s:s, s:{s:i, s:s, s:s, s:s}}", "device",
			  device, "status",
			  outcome_is_denial(why->code) ? "denied" : "failed",
			  "error", "code", (int)why->code, "rule", why->rule,
			  "message", why->message, "hint", why->hint),
		err);
}

bool attest_ends_all(enum pv_code rc)
{
	return rc == PV_INTERRUPTED || rc == PV_HSM_TEMP ||
	       rc == PV_HSM_FATAL || rc == PV_STORAGE || rc == PV_INTERNAL;
}

static enum pv_code seal(struct run *r, const struct authority *a,
			 const struct actor_claim *claim,
			 struct rotate_input *in, struct err *err)
{
	struct issue_opts opts = {
		.template_name = in->template_name,
		.claim = claim,
		.release = true,
		.batch = !r->c.one,
		.in_order = true,
		.jobs = (unsigned)r->r->jobs,
		.source = { .fd = in->fd, .folder = -1, .renewal = true }
	};
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = crewrun_go(&r->c, a, &opts, &why);
	fd_cleanup(&in->fd);
	outcome_note(&r->worst, &why);
	if (attest_ends_all(rc))
		*err = why;
	return attest_ends_all(rc) ? rc : PV_OK;
}

static enum pv_code seal_all(struct run *r, const struct authority *a,
			     const struct actor_claim *claim, struct err *err)
{
	const struct rotate_sink sink = { r, put_refused };
	CLEANUP(cleanup_release_free) struct release_list *list = NULL;
	struct rotate_input in = { .fd = -1 };
	enum pv_code rc = release_new(a, r->c.app->backends, &sink, r->r->of,
				      r->r->n, &list, err);

	while (rc == PV_OK) {
		rc = release_next(list, &in, err);
		if (rc != PV_OK || in.fd < 0)
			break;
		rc = seal(r, a, claim, &in, err);
	}
	fd_cleanup(&in.fd);
	if (rc == PV_OK && r->worst.code != PV_OK) {
		*err = r->worst;
		rc = err->code;
	}
	return rc;
}

enum pv_code attest_release(const struct app *app,
			    const struct attest_release *of, struct err *err)
{
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;
	struct run r = { .r = of,
			 .c = { .app = app,
				.label = "release",
				.out = of->out,
				.output = of->output,
				.one = of->n == 1 && !of->from,
				.total = of->n } };
	struct actor_claim claim;
	enum pv_code rc = session_home(app, &a, &claim, err);

	err_init(&r.worst);
	if (rc == PV_OK)
		rc = crewrun_open(&r.c, err);
	if (rc == PV_OK) {
		rc = seal_all(&r, a, &claim, err);
		rc = crewrun_close(&r.c, rc, err);
	}
	if (!r.c.one && of->n > 0)
		issue_summary(app, of->from, &r.c.n, rc == PV_OK);
	crewrun_release(&r.c);
	return rc;
}

enum pv_code attest_release_passed(const struct app *app,
				   const struct attest_release *r,
				   struct span passed, struct err *err)
{
	struct attest_release all = *r;
	CLEANUP(buf_release) struct buf list;
	enum pv_code rc;

	buf_init(&list, IDS_MAX);
	all.n = passed.len / sizeof(struct verify_passed);
	for (size_t i = 0; i < all.n; i++) {
		const struct verify_passed *p =
			(const struct verify_passed *)(const void *)passed.p +
			i;
		const struct release_of one = { p->device, p->sha256 };

		buf_put(&list, &one, sizeof(one));
	}
	rc = buf_check(&list, err);
	all.of = (const struct release_of *)(const void *)list.data;
	return rc == PV_OK ? attest_release(app, &all, err) : rc;
}

/* ---- the word ---- */

/* Ids of a list, each behind a NUL of its own. */
static enum pv_code read_list(const char *path, struct buf *ids, size_t *n,
			      struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	CLEANUP(namelist_release)
	struct namelist list = { .table = { .n = 0 } };
	const char *end = strrchr(path, '.');
	struct namelist_line line;
	bool ended = false;
	enum pv_code rc = PV_OK;

	if (strcmp(path, "-") == 0)
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		rc = file_open(AT_FDCWD, path, FILEIO_NOFOLLOW, &fd, err);
	if (rc == PV_OK)
		namelist_init(&list, fd,
			      end && strcasecmp(end, ".csv") == 0 ? ROWS_CSV
								  : ROWS_JSONL);
	while (rc == PV_OK && !ended) {
		rc = namelist_next(&list, &line, &ended, err);
		if (rc != PV_OK || ended)
			break;
		if (!line.device[0])
			rc = err_fail(err, PV_INPUT, "list.device",
				      "name devices",
				      "line %llu names a certificate",
				      (unsigned long long)line.line);
		buf_put(ids, line.device, strlen(line.device) + 1);
		++*n;
	}
	if (rc != PV_OK)
		err_object(err, path);
	return rc == PV_OK ? buf_check(ids, err) : rc;
}

static enum pv_code release_list_of(const struct app *app,
				    struct attest_release *r, struct err *err)
{
	CLEANUP(buf_release) struct buf ids;
	CLEANUP(buf_release) struct buf list;
	const char *at;
	enum pv_code rc;

	buf_init(&ids, IDS_MAX);
	buf_init(&list, IDS_MAX);
	rc = read_list(r->from, &ids, &r->n, err);
	at = (const char *)ids.data;
	for (size_t i = 0; rc == PV_OK && i < r->n; i++) {
		const struct release_of one = { .device = at };

		buf_put(&list, &one, sizeof(one));
		at += strlen(at) + 1;
	}
	if (rc == PV_OK)
		rc = buf_check(&list, err);
	r->of = (const struct release_of *)(const void *)list.data;
	return rc == PV_OK ? attest_release(app, r, err) : rc;
}

enum pv_code attest_run_release(const struct app *app, int argc, char **argv,
				struct err *err)
{
	struct release_of one = { .device = NULL };
	struct attest_release r = { .of = &one, .n = 1 };
	const struct opt opts[] = {
		{ "device", 0, OPT_STRING, &one.device, 0, 0 },
		{ "from", 0, OPT_STRING, &r.from, 0, 0 },
		{ "out", 0, OPT_STRING, &r.out, 0, 0 },
		{ "output", 'o', OPT_STRING, &r.output, 0, 0 },
		{ "jobs", 0, OPT_NUMBER, &r.jobs, 1, ISSUE_JOBS_MAX },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	if (rc == PV_OK && (!one.device == !r.from || (r.from && r.output) ||
			    (one.device && (r.out || r.jobs))))
		rc = err_fail(err, PV_USAGE, "usage.option",
			      "see provctl attest release --help",
			      "give --device ID with -o, or --from with --out");
	if (rc != PV_OK)
		return rc;
	if (!r.from)
		return attest_release(app, &r, err);
	r.n = 0;
	return release_list_of(app, &r, err);
}
