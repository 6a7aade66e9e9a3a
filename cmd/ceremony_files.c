/* The files of a ceremony, checked: for verify and cosign. */
#include "cmd/ceremony_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ceremony.h"
#include "cmd/out.h"
#include "lib/base/fileio.h"
#include "lib/flow/ceremonytext.h"

#define PATH_CAP 4096

void ceremony_files_release(struct ceremony_files *f)
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

/* The last thing that a ceremony makes. */
static enum pv_code read_note(const struct ceremony_named *in,
			      const char *beside, struct ceremony_files *f,
			      struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = file_read(AT_FDCWD, in->note ? in->note : beside, 0, &f->note,
		       &why);
	if (rc == PV_NOT_FOUND && !in->note)
		return err_fail(
			err, rc, "ceremony.unfinished",
			"`provctl ceremony resume' goes on with it; a "
			"note that lies elsewhere is named with --note",
			"the ceremony has not ended: no " TRANSCRIPT_NOTE_FILE
			" lies beside it");
	if (rc != PV_OK)
		*err = why;
	return rc;
}

static enum pv_code load(const struct ceremony_named *in,
			 struct ceremony_files *f, struct err *err)
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
		rc = read_note(in, beside, f, err);
	if (rc == PV_OK && in->plan)
		rc = ceremony_read_plan(in->plan, &f->plan, err);
	if (rc == PV_OK && in->vkey)
		rc = vkey(in->vkey, &f->key, err);
	for (size_t i = 0; rc == PV_OK && i < in->witnesses.n; i++)
		rc = vkey(in->witnesses.values[i], &f->witnesses[i], err);
	return rc;
}

enum pv_code ceremony_print(const struct app *app,
			    const struct ceremonycheck_report *r,
			    struct err *err)
{
	char plan[65], head[65], groups[CEREMONYTEXT_GROUPS];
	char began[PVTIME_RFC3339_LEN + 1] = "";

	hex_encode(r->plan_sha256, 32, plan);
	hex_encode(r->head.sha256, 32, head);
	if (!pvtime_format(r->began_s, began))
		began[0] = '\0';
	if (app->json)
		return out_json(
			json_pack(
				"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, "
				"s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
				"plan", r->plan, "plan_sha256", plan,
				"authority", r->authority, "mode", r->mode,
				"answers", r->answers, "began", began, "head",
				head, "lines", (json_int_t)r->head.lines,
				"steps", (json_int_t)r->steps, "keys",
				(json_int_t)r->keys, "certificates",
				(json_int_t)r->certificates, "lists",
				(json_int_t)r->lists, "destroyed",
				(json_int_t)r->destroyed, "resumes",
				(json_int_t)r->resumes, "failures",
				(json_int_t)r->failures, "orphans",
				(json_int_t)r->orphans, "logged",
				(json_int_t)r->logged, "approvals",
				r->approvals[0] ? r->approvals : "-"),
			err);
	ceremonytext_groups(head, groups);
	printf("ceremony of plan %s, authority %s, mode %s, answers %s, begun "
	       "%s\n"
	       "%llu lines, %zu steps, %zu keys, %zu certificates, %zu "
	       "resumed, "
	       "%zu failed, %zu unrecorded objects\n",
	       r->plan, r->authority, r->mode, r->answers, began,
	       (unsigned long long)r->head.lines, r->steps, r->keys,
	       r->certificates, r->resumes, r->failures, r->orphans);
	if (r->lists + r->destroyed > 0)
		printf("%zu list%s signed, %zu key%s destroyed\n", r->lists,
		       err_s(r->lists), r->destroyed, err_s(r->destroyed));
	printf("head %s\n", groups);
	if (r->logged > 0)
		printf("%zu entr%s of the log say the same\n", r->logged,
		       err_ies(r->logged));
	printf("plan approved by %s\n",
	       r->approvals[0] && strcmp(r->approvals, "-") != 0
		       ? r->approvals
		       : "nobody: none were asked");
	for (size_t i = 0; i < r->signers_n; i++) {
		CLEANUP(buf_release) struct buf text;

		buf_init(&text, 1024);
		note_key_put(&r->signer[i], &text);
		printf("signed by %s\n", buf_cstr(&text));
	}
	return PV_OK;
}

/* The whole of it once more, since the log is read by what it said. */
static enum pv_code check_log(const struct ceremony_named *in,
			      const struct ceremonycheck *checked,
			      struct ceremonycheck_report *r, struct err *err)
{
	CLEANUP(ceremony_points_release) struct ceremony_points p;
	struct ceremonycheck job = *checked;
	enum pv_code rc;

	ceremony_points_init(&p, r->plan_sha256);
	rc = ceremony_read_log(in, r, checked->key, &p, err);
	job.log = &p;
	return rc == PV_OK ? ceremonycheck(&job, r, err) : rc;
}

enum pv_code ceremony_files_check(const struct ceremony_named *in,
				  struct ceremony_files *f,
				  struct ceremonycheck_report *r,
				  struct err *err)
{
	enum pv_code rc;

	*f = (struct ceremony_files){ .dir = -1 };
	buf_init(&f->lines, TRANSCRIPT_SIZE_MAX);
	buf_init(&f->note, NOTE_SIZE_MAX);
	rc = load(in, f, err);
	const struct ceremonycheck job = { .transcript = buf_span(&f->lines),
					   .note = buf_span(&f->note),
					   .plan = f->plan,
					   .dir = f->dir,
					   .key = in->vkey ? &f->key : NULL,
					   .witnesses = f->witnesses,
					   .witnesses_n = in->witnesses.n,
					   .mode = in->mode ? in->mode : "run",
					   .unattended = in->unattended };
	if (rc == PV_OK)
		rc = ceremonycheck(&job, r, err);
	if (rc == PV_OK && in->log)
		rc = check_log(in, &job, r, err);
	if (rc != PV_OK)
		err_object(err, in->transcript);
	return rc;
}
