/* attest verify: evidence that waits to be recorded. */
#include <stdlib.h>
#include <string.h>

#include "cmd/attest_verify.h"
#include "cmd/out.h"
#include "lib/base/mem.h"

#define PASSED_MAX (64u * 1024u * 1024u) /* bytes */
#define SPKI_MAX 1200

static enum pv_code take_all(void *ctx, struct err *err);

void verify_run_init(struct verify_run *v, const struct app *app,
		     struct session *s, bool explain)
{
	memset(v, 0, sizeof(*v));
	attest_group_init(&v->r, app, s);
	v->r.rest = take_all;
	v->r.rest_ctx = v;
	v->box = (struct evidencebox)EVIDENCEBOX_INIT;
	v->flow.box = &v->box;
	v->explain = explain;
	buf_init(&v->passed, PASSED_MAX);
}

struct verify_piece *verify_piece_new(struct err *err)
{
	struct verify_piece *p = mem_new(sizeof(*p), err);

	if (!p)
		return NULL;
	err_init(&p->why);
	buf_init(&p->bytes, VERIFY_READ_MAX);
	buf_init(&p->seal, SPKI_MAX);
	return p;
}

void verify_piece_free(struct verify_piece *p)
{
	if (!p)
		return;
	json_decref(p->line);
	buf_release(&p->bytes);
	buf_release(&p->seal);
	free(p);
}

static void drop_pieces(struct verify_run *v)
{
	for (size_t i = 0; i < v->pieces_n; i++)
		verify_piece_free(v->pieces[i]);
	v->pieces_n = 0;
}

void verify_run_release(struct verify_run *v)
{
	drop_pieces(v);
	attest_group_release(&v->r);
	buf_release(&v->passed);
	evidencebox_stop(&v->box);
}

/* ---- second step ---- */

static enum pv_code take(struct verify_run *v, struct verify_piece *p,
			 struct attestverify_said *said, struct err *err)
{
	struct err *why = &p->why;
	enum pv_code rc = attest_group_begin(&v->r, err);

	if (rc != PV_OK)
		return rc;
	err_init(&said->verdict.why);
	if (why->code == PV_OK &&
	    attestverify_take(&v->flow, &v->r.who, &p->in, &p->asked, said,
			      why) != PV_OK)
		err_object(why, p->in.device);
	if (v->explain && !v->r.app->json)
		rc = verify_explain(v, p->in.device, said, why, err);
	return rc == PV_OK ? attest_group_end(
				     &v->r, verify_line(v, p->in.device, said),
				     said->existing ? "existing" : "verified",
				     why, err)
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

/* All that wait, in one transaction, which is committed when it is over. */
static enum pv_code take_all(void *ctx, struct err *err)
{
	struct verify_run *v = ctx;
	const size_t durable = v->passed.len;
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < v->pieces_n; i++) {
		struct attestverify_said said = { .device = "" };

		rc = take(v, v->pieces[i], &said, err);
		if (rc == PV_OK && v->pieces[i]->why.code == PV_OK)
			keep(v, &said);
	}
	drop_pieces(v);
	if (rc == PV_OK)
		rc = attest_group_commit(&v->r, err);
	if (rc != PV_OK)
		v->passed.len = durable;
	return rc == PV_OK ? buf_check(&v->passed, err) : rc;
}

/* ---- first step ---- */

static enum pv_code open_token(struct verify_run *v, const char *device,
			       struct err *err)
{
	bool needed = false;
	enum pv_code rc = PV_OK;

	if (v->r.s->hsm)
		return PV_OK;
	rc = attestverify_needs_token(v->r.s->store, device, &needed, err);
	return rc == PV_OK && needed ? session_login(v->r.app, v->r.s, err)
				     : rc;
}

enum pv_code verify_piece(struct verify_run *v, struct verify_piece **piece,
			  struct err *err)
{
	struct verify_piece *p = *piece;
	enum pv_code rc = open_token(v, p->in.device, err);

	v->flow.a = v->r.s->a;
	v->flow.store = v->r.s->store;
	v->flow.hsm = v->r.s->hsm;
	p->in.evidence = buf_span(&p->bytes);
	p->in.seal_key = buf_span(&p->seal);
	if (rc == PV_OK && p->why.code == PV_OK)
		rc = attestverify_ask(&v->flow, &p->in, &p->asked, err);
	if (rc != PV_OK)
		return rc;
	v->pieces[v->pieces_n++] = p;
	*piece = NULL;
	return v->pieces_n == VERIFY_PIECES ? attest_group_flush(&v->r, err)
					    : PV_OK;
}
