/* attest verify: evidence in. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/attest.h"
#include "cmd/attest_release.h"
#include "cmd/attest_verify.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/flow/issue.h"
#include "lib/flow/outcome.h"

#define SPKI_MAX 1200

CLEANUP_PTR(struct verify_piece, verify_piece_free);

struct args {
	const char *device, *stage, *evidence, *challenge, *seal_key, *from;
	const char *out, *output;
	uint64_t jobs;
	bool explain, no_release;
};

/* ---- many ---- */

static enum pv_code take_base64(const char *text, struct buf *out,
				struct err *err)
{
	size_t n = strlen(text);
	size_t room = BASE64_DECODED_MAX(n) + 1, len = 0;
	uint8_t *p = buf_room(out, room);

	if (!p || !base64_decode(text, n, p, room, &len))
		return err_fail(err, PV_INPUT, "evidence.base64", NULL,
				"\"evidence\" is no base64 of evidence");
	buf_commit(out, len);
	return PV_OK;
}

static enum pv_code take_line(void *ctx, json_t *line, struct err *err)
{
	CLEANUP(cleanup_verify_piece_free)
	struct verify_piece *p = verify_piece_new(err);
	const char *pem = verify_text(line, "seal_key");
	const char *stage = verify_text(line, "stage");
	enum pv_code rc;

	if (!p)
		return PV_INTERNAL;
	p->line = json_incref(line);
	p->in.device = verify_text(line, "device");
	p->in.stage = stage[0] ? stage : NULL;
	rc = verify_take_challenge(line, &p->c, &p->in, &p->why);
	if (rc == PV_OK)
		rc = take_base64(verify_text(line, "evidence"), &p->bytes,
				 &p->why);
	if (rc == PV_OK && pem[0])
		rc = pem_decode(
			(struct span){ (const uint8_t *)pem, strlen(pem) },
			"PUBLIC KEY", &p->seal, &p->why);
	if (rc == PV_INTERNAL)
		*err = p->why;
	return rc == PV_INTERNAL ? rc : verify_piece(ctx, &p, err);
}

/* ---- options ---- */

static enum pv_code one_file(struct verify_run *v, const struct args *a,
			     struct err *err)
{
	CLEANUP(cleanup_verify_piece_free)
	struct verify_piece *p = verify_piece_new(err);
	enum pv_code rc;

	if (!p)
		return PV_INTERNAL;
	p->in.device = a->device;
	p->in.stage = a->stage;
	rc = file_read(AT_FDCWD, a->evidence, 0, &p->bytes, err);
	if (rc == PV_OK && a->seal_key)
		rc = attest_read_der(a->seal_key, "PUBLIC KEY", SPKI_MAX,
				     &p->seal, err);
	if (rc == PV_OK)
		rc = verify_challenge_of(a->challenge, a->device, &p->line,
					 err);
	if (rc == PV_OK)
		rc = verify_take_challenge(p->line, &p->c, &p->in, err);
	return rc == PV_OK ? verify_piece(v, &p, err) : rc;
}

static enum pv_code check(const struct args *a, struct err *err)
{
	bool all = a->device && a->evidence && a->challenge;
	bool any = a->device || a->evidence || a->challenge || a->seal_key ||
		   a->stage;

	bool how = a->out || a->jobs;

	if ((a->output && a->from) || (how && !a->from) ||
	    (a->no_release && (a->output || how)))
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl attest verify --help",
				"-o goes with --device, --out and --jobs with "
				"--from, none with --no-release");
	if (a->from ? !any : all)
		return PV_OK;
	return err_fail(err, PV_USAGE, "usage.argument",
			"see provctl attest verify --help",
			"give --device, --evidence and --challenge, or --from "
			"alone");
}

/* All of it; *passed gets what was verified, and is durable. */
static enum pv_code verify(const struct app *app, const struct args *a,
			   struct buf *passed, struct err *err)
{
	SESSION s = { .a = NULL };
	CLEANUP(verify_run_release) struct verify_run v;
	enum pv_code rc;

	verify_run_init(&v, app, &s, a->explain);
	/* Before PIN, token and store. */
	rc = evidencebox_start(&v.box, err);
	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_MAY(ROLE_OP_ATTEST),
				  &s, err);
	if (rc != PV_OK)
		return rc;
	rc = a->from ? attest_each_line(&v.r, a->from, take_line, &v, err)
		     : one_file(&v, a, err);
	if (rc == PV_OK)
		rc = attest_group_finish(&v.r, "pieces of evidence", err);
	*passed = v.passed;
	buf_init(&v.passed, 0);
	return rc;
}

/* The token, the store or a person stopped it: what is to be sealed waits. */
static bool stops_release(enum pv_code rc)
{
	return attest_ends_all(rc) && rc != PV_INTERNAL;
}

/* Those that passed, whatever became of others and of the run; the worse of
 * the two. */
static enum pv_code release(const struct app *app, const struct args *a,
			    struct span passed, enum pv_code rc,
			    struct err *err)
{
	const struct attest_release how = { .from = a->from,
					    .out = a->out,
					    .output = a->output,
					    .jobs = a->jobs };
	struct err why;
	enum pv_code released;

	if (passed.len == 0 || a->no_release)
		return rc;
	if (stops_release(rc)) {
		out_note(app,
			 "provctl: %zu verified, and nothing sealed for it: "
			 "run it again, or provctl attest release",
			 passed.len / sizeof(struct verify_passed));
		return rc;
	}
	err_init(&why);
	released = attest_release_passed(app, &how, passed, &why);
	if (released == PV_OK || outcome_rank(released) <= outcome_rank(rc))
		return rc;
	*err = why;
	return released;
}

enum pv_code attest_run_verify(const struct app *app, int argc, char **argv,
			       struct err *err)
{
	struct args a = { .device = NULL };
	const struct opt opts[] = {
		{ "device", 0, OPT_STRING, &a.device, 0, 0 },
		{ "stage", 0, OPT_STRING, &a.stage, 0, 0 },
		{ "evidence", 0, OPT_STRING, &a.evidence, 0, 0 },
		{ "challenge", 0, OPT_STRING, &a.challenge, 0, 0 },
		{ "seal-key", 0, OPT_STRING, &a.seal_key, 0, 0 },
		{ "from", 0, OPT_STRING, &a.from, 0, 0 },
		{ "explain", 0, OPT_FLAG, &a.explain, 0, 0 },
		{ "output", 'o', OPT_STRING, &a.output, 0, 0 },
		{ "out", 0, OPT_STRING, &a.out, 0, 0 },
		{ "jobs", 0, OPT_NUMBER, &a.jobs, 1, ISSUE_JOBS_MAX },
		{ "no-release", 0, OPT_FLAG, &a.no_release, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(buf_release) struct buf passed;
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	buf_init(&passed, 0);
	if (rc == PV_OK)
		rc = check(&a, err);
	if (rc != PV_OK)
		return rc;
	rc = verify(app, &a, &passed, err);
	return release(app, &a, buf_span(&passed), rc, err);
}
