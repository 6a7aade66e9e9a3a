/* ceremony explain and verify: no authority, no token. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ceremony.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/ceremonycheck.h"
#include "lib/flow/ceremonytext.h"

#define PATH_CAP 4096

CLEANUP_PTR(struct plan, plan_free);

enum pv_code ceremony_read_plan(const char *path, struct plan **plan,
				struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, PLAN_SIZE_MAX);
	rc = file_read(AT_FDCWD, path, 0, &text, err);
	if (rc == PV_OK)
		rc = plan_parse(buf_span(&text), plan, err);
	if (rc != PV_OK)
		err_object(err, path);
	return rc;
}

enum pv_code ceremony_run_explain(const struct app *app, int argc, char **argv,
				  struct err *err)
{
	CLEANUP(cleanup_plan_free) struct plan *plan = NULL;
	CLEANUP(buf_release) struct buf text;
	const char *output = "-";
	bool html = false;
	const struct opt opts[] = {
		{ "html", 0, OPT_FLAG, &html, 0, 0 },
		{ "output", 'o', OPT_STRING, &output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 1, &args, err);

	(void)app;
	buf_init(&text, CEREMONYTEXT_MAX);
	if (rc == PV_OK)
		rc = ceremony_read_plan(args.values[0], &plan, err);
	if (rc != PV_OK)
		return rc;
	ceremonytext(plan, html, &text);
	rc = buf_check(&text, err);
	return rc == PV_OK ? out_file(output, 0644, buf_span(&text), err) : rc;
}

/* ---- verify ---- */

struct verify_args {
	const char *transcript, *note, *plan, *dir, *vkey;
	struct opt_list witnesses;
};

/* What is not given lies beside the transcript. */
struct files {
	struct buf lines, note;
	struct plan *plan;
	int dir;
	struct note_key key, witnesses[OPTS_LIST_MAX];
};

static void files_release(struct files *f)
{
	buf_release(&f->lines);
	buf_release(&f->note);
	plan_free(f->plan);
	fd_cleanup(&f->dir);
}

static enum pv_code vkey(const char *text, struct note_key *key,
			 struct err *err)
{
	return note_key_parse(
		key, (struct span){ (const uint8_t *)text, strlen(text) }, err);
}

static enum pv_code load(const struct verify_args *in, struct files *f,
			 struct err *err)
{
	char beside[PATH_CAP];
	const char *slash = strrchr(in->transcript, '/');
	enum pv_code rc;

	snprintf(beside, sizeof(beside), "%.*s",
		 slash ? (int)(slash - in->transcript) + 1 : 1,
		 slash ? in->transcript : ".");
	rc = dir_open(AT_FDCWD, in->dir ? in->dir : beside, &f->dir, err);
	if (rc == PV_OK)
		rc = file_read(AT_FDCWD, in->transcript, 0, &f->lines, err);
	snprintf(beside, sizeof(beside), "%.*s" TRANSCRIPT_NOTE_FILE,
		 slash ? (int)(slash - in->transcript) + 1 : 0, in->transcript);
	if (rc == PV_OK)
		rc = file_read(AT_FDCWD, in->note ? in->note : beside, 0,
			       &f->note, err);
	if (rc == PV_OK && in->plan)
		rc = ceremony_read_plan(in->plan, &f->plan, err);
	if (rc == PV_OK && in->vkey)
		rc = vkey(in->vkey, &f->key, err);
	for (size_t i = 0; rc == PV_OK && i < in->witnesses.n; i++)
		rc = vkey(in->witnesses.values[i], &f->witnesses[i], err);
	return rc;
}

static enum pv_code print(const struct app *app,
			  const struct ceremonycheck_report *r, struct err *err)
{
	char plan[65], head[65], groups[CEREMONYTEXT_GROUPS];
	char began[PVTIME_RFC3339_LEN + 1] = "";

	hex_encode(r->plan_sha256, 32, plan);
	hex_encode(r->head.sha256, 32, head);
	if (!pvtime_format(r->began_s, began))
		began[0] = '\0';
	if (app->json)
		return out_json(
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, "
				  "s:I, s:I, s:I, s:I, s:I}",
				  "plan", r->plan, "plan_sha256", plan,
				  "authority", r->authority, "mode", r->mode,
				  "began", began, "head", head, "lines",
				  (json_int_t)r->head.lines, "steps",
				  (json_int_t)r->steps, "keys",
				  (json_int_t)r->keys, "certificates",
				  (json_int_t)r->certificates, "resumes",
				  (json_int_t)r->resumes, "failures",
				  (json_int_t)r->failures, "orphans",
				  (json_int_t)r->orphans),
			err);
	ceremonytext_groups(head, groups);
	printf("ceremony of plan %s, authority %s, mode %s, begun %s\n"
	       "%llu lines, %zu steps, %zu keys, %zu certificates, %zu "
	       "resumed, "
	       "%zu failed, %zu unrecorded objects\nhead %s\n",
	       r->plan, r->authority, r->mode, began,
	       (unsigned long long)r->head.lines, r->steps, r->keys,
	       r->certificates, r->resumes, r->failures, r->orphans, groups);
	for (size_t i = 0; i < r->signers_n; i++) {
		CLEANUP(buf_release) struct buf text;

		buf_init(&text, 1024);
		note_key_put(&r->signer[i], &text);
		printf("signed by %s\n", buf_cstr(&text));
	}
	return PV_OK;
}

enum pv_code ceremony_run_verify(const struct app *app, int argc, char **argv,
				 struct err *err)
{
	struct verify_args in = { .note = NULL };
	const struct opt opts[] = {
		{ "note", 0, OPT_STRING, &in.note, 0, 0 },
		{ "plan", 0, OPT_STRING, &in.plan, 0, 0 },
		{ "dir", 0, OPT_STRING, &in.dir, 0, 0 },
		{ "log-vkey", 0, OPT_STRING, &in.vkey, 0, 0 },
		{ "witness", 0, OPT_LIST, &in.witnesses, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(files_release) struct files f = { .dir = -1 };
	struct ceremonycheck_report r;
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 1, &args, err);

	buf_init(&f.lines, TRANSCRIPT_SIZE_MAX);
	buf_init(&f.note, NOTE_SIZE_MAX);
	if (rc != PV_OK)
		return rc;
	in.transcript = args.values[0];
	rc = load(&in, &f, err);
	const struct ceremonycheck job = { .transcript = buf_span(&f.lines),
					   .note = buf_span(&f.note),
					   .plan = f.plan,
					   .dir = f.dir,
					   .key = in.vkey ? &f.key : NULL,
					   .witnesses = f.witnesses,
					   .witnesses_n = in.witnesses.n };
	if (rc == PV_OK)
		rc = ceremonycheck(&job, &r, err);
	if (rc == PV_OK)
		return print(app, &r, err);
	err_object(err, in.transcript);
	return rc;
}
