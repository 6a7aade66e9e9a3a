/* attest verify: evidence in. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/attest.h"
#include "cmd/attest_release.h"
#include "cmd/attest_verify.h"
#include "cmd/opts.h"
#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/flow/issue.h"
#include "lib/flow/outcome.h"

#define SPKI_MAX 1200

struct args {
	const char *device, *stage, *evidence, *challenge, *seal_key, *from;
	const char *out, *output;
	uint64_t jobs;
	bool explain, no_release;
};

/* ---- one ---- */

static enum pv_code open_token(struct verify_run *v, const char *device,
			       struct err *err)
{
	bool needed = false;
	enum pv_code rc = PV_OK;

	if (v->r.s->hsm)
		return PV_OK;
	rc = attestverify_needs_token(v->r.s->store, device, &needed, err);
	/* Whoever is asked for a PIN holds nobody up. */
	if (rc == PV_OK && needed)
		rc = attest_group_flush(&v->r, err);
	return rc == PV_OK && needed ? session_login(v->r.app, v->r.s, err)
				     : rc;
}

/* What it is for is sealed once all is durable. */
static void keep(struct verify_run *v, const struct attestverify_said *said)
{
	struct verify_passed p = { .device = "" };

	memcpy(p.device, said->device, sizeof(p.device));
	memcpy(p.sha256, said->sha256, sizeof(p.sha256));
	buf_put(&v->passed, &p, sizeof(p));
}

static enum pv_code one(struct verify_run *v, const struct attestverify_in *in,
			struct err *why, struct err *err)
{
	struct attestverify_said said = { .device = "" };
	enum pv_code rc = open_token(v, in->device, err);

	if (rc == PV_OK)
		rc = attest_group_begin(&v->r, err);
	if (rc != PV_OK)
		return rc;
	v->flow.a = v->r.s->a;
	v->flow.store = v->r.s->store;
	v->flow.hsm = v->r.s->hsm;
	err_init(&said.verdict.why);
	if (why->code == PV_OK &&
	    attestverify_take(&v->flow, &v->r.who, in, &said, why) != PV_OK)
		err_object(why, in->device);
	if (why->code == PV_OK)
		keep(v, &said);
	if (v->explain && !v->r.app->json)
		rc = verify_explain(v, in->device, &said, why, err);
	if (rc == PV_OK)
		rc = attest_group_end(&v->r, verify_line(v, in->device, &said),
				      said.existing ? "existing" : "verified",
				      why, err);
	/* Nothing more is verified after that: it must not go with the rest. */
	if (rc == PV_OK && v->box.pid == 0)
		rc = attest_group_flush(&v->r, err);
	return rc;
}

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
	CLEANUP(buf_release) struct buf bytes;
	CLEANUP(buf_release) struct buf seal;
	const char *pem = verify_text(line, "seal_key");
	const char *stage = verify_text(line, "stage");
	struct verify_challenge c;
	struct attestverify_in in = { .device = verify_text(line, "device"),
				      .stage = stage[0] ? stage : NULL };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_init(&bytes, VERIFY_READ_MAX);
	buf_init(&seal, SPKI_MAX);
	rc = verify_take_challenge(line, &c, &in, &why);
	if (rc == PV_OK)
		rc = take_base64(verify_text(line, "evidence"), &bytes, &why);
	if (rc == PV_OK && pem[0])
		rc = pem_decode(
			(struct span){ (const uint8_t *)pem, strlen(pem) },
			"PUBLIC KEY", &seal, &why);
	in.evidence = buf_span(&bytes);
	in.seal_key = buf_span(&seal);
	return one(ctx, &in, &why, err);
}

/* ---- options ---- */

static enum pv_code one_file(struct verify_run *v, const struct args *a,
			     struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	CLEANUP(buf_release) struct buf seal;
	json_t *line = NULL;
	struct verify_challenge c;
	struct attestverify_in in = { .device = a->device, .stage = a->stage };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_init(&bytes, VERIFY_READ_MAX);
	buf_init(&seal, SPKI_MAX);
	rc = file_read(AT_FDCWD, a->evidence, 0, &bytes, err);
	if (rc == PV_OK && a->seal_key)
		rc = attest_read_der(a->seal_key, "PUBLIC KEY", SPKI_MAX, &seal,
				     err);
	if (rc == PV_OK)
		rc = verify_challenge_of(a->challenge, a->device, &line, err);
	if (rc == PV_OK)
		rc = verify_take_challenge(line, &c, &in, err);
	in.evidence = buf_span(&bytes);
	in.seal_key = buf_span(&seal);
	if (rc == PV_OK)
		rc = one(v, &in, &why, err);
	json_decref(line);
	return rc;
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
			"see provctl attest --help",
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
		rc = buf_check(&v.passed, err);
	if (rc != PV_OK)
		return rc;
	rc = attest_group_finish(&v.r, "pieces of evidence", err);
	*passed = v.passed;
	buf_init(&v.passed, 0);
	return rc;
}

/* Those that passed, whatever became of others; the worse of the two. */
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

	if (passed.len == 0 || a->no_release || attest_ends_all(rc))
		return rc;
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
