/* attest verify: evidence in. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/attest.h"
#include "cmd/attest_verify.h"
#include "cmd/opts.h"
#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"

#define SPKI_MAX 1200

struct args {
	const char *device, *stage, *evidence, *challenge, *seal_key, *from;
	bool explain;
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

	if (a->from ? !any : all)
		return PV_OK;
	return err_fail(err, PV_USAGE, "usage.argument",
			"see provctl attest --help",
			"give --device, --evidence and --challenge, or --from "
			"alone");
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
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	SESSION s = { .a = NULL };
	CLEANUP(verify_run_release) struct verify_run v;
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	verify_run_init(&v, app, &s, a.explain);
	if (rc == PV_OK)
		rc = check(&a, err);
	/* Before PIN, token and store. */
	if (rc == PV_OK)
		rc = evidencebox_start(&v.box, err);
	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_MAY(ROLE_OP_ATTEST),
				  &s, err);
	if (rc == PV_OK)
		rc = a.from ? attest_each_line(&v.r, a.from, take_line, &v, err)
			    : one_file(&v, &a, err);
	return rc == PV_OK
		       ? attest_group_finish(&v.r, "pieces of evidence", err)
		       : rc;
}
