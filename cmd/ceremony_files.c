/* The files of a ceremony, checked: for verify and cosign. */
#include "cmd/ceremony_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/ceremony.h"
#include "lib/base/fileio.h"
#include "lib/log/transcript.h"

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

const char *ceremony_transcript(const char *path, char room[CEREMONY_PATH_MAX])
{
	struct stat st;
	int n;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return path;
	n = snprintf(room, CEREMONY_PATH_MAX, "%s/" TRANSCRIPT_FILE, path);
	return n < CEREMONY_PATH_MAX ? room : path;
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
	char beside[CEREMONY_PATH_MAX];
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

enum pv_code ceremony_files_check(const struct ceremony_named *named,
				  struct ceremony_files *f,
				  struct ceremonycheck_report *r,
				  struct err *err)
{
	struct ceremony_named all = *named, *in = &all;
	char room[CEREMONY_PATH_MAX];
	enum pv_code rc;

	in->transcript = ceremony_transcript(named->transcript, room);
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
