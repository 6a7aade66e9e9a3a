#include "lib/flow/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/log/tilefiles.h"

CLEANUP_PTR(struct log_tilereader, log_tilereader_free);

#define LOCK_NAME_MAX 4096

/* Waits for another run on the same state, which is short. */
static enum pv_code lock(const char *state, int *fd, struct err *err)
{
	char name[LOCK_NAME_MAX];
	int rc;

	if ((size_t)snprintf(name, sizeof(name), "%s.lock", state) >=
	    sizeof(name))
		return err_fail(err, PV_INPUT, "file.path", NULL,
				"the path is too long");
	*fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd < 0)
		return err_errno(err, PV_STORAGE, "witness.state",
				 "check the path and whose its folder is",
				 "cannot open %s", name);
	do
		rc = flock(*fd, LOCK_EX);
	while (rc != 0 && errno == EINTR);
	if (rc != 0)
		return err_errno(err, PV_STORAGE, "witness.state", NULL,
				 "cannot lock %s", name);
	return PV_OK;
}

static enum pv_code parse(const struct witness_opts *opts, struct span note,
			  struct log_checkpoint *c, struct err *err)
{
	enum pv_code rc = log_checkpoint_parse(c, note, err);

	return rc == PV_OK
		       ? log_checkpoint_verify(c, opts->keys, opts->keys_n, err)
		       : rc;
}

static enum pv_code changed(const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "witness.state",
			"give --log-key for each key that the log had; else "
			"put the file back, or find out why before you begin "
			"anew",
			"what this witness has seen is not a checkpoint of "
			"this log: %s",
			what);
}

/* What was seen last; size 0 when nothing was. */
static enum pv_code load(const struct witness_opts *opts,
			 struct log_checkpoint *last, struct err *err)
{
	CLEANUP(buf_release) struct buf note;
	struct err why;
	enum pv_code rc;

	buf_init(&note, WITNESS_NOTE_MAX);
	err_init(&why);
	rc = file_read(AT_FDCWD, opts->state,
		       FILEIO_NOFOLLOW | FILEIO_NOT_WRITABLE_BY_OTHERS, &note,
		       &why);
	if (rc == PV_NOT_FOUND && opts->first)
		return PV_OK;
	if (rc == PV_NOT_FOUND)
		return err_fail(err, PV_NOT_FOUND, "witness.state",
				"for a log that this witness never saw: "
				"--first",
				"there is no %s", opts->state);
	if (rc == PV_OK && opts->first)
		return err_fail(err, PV_CONFLICT, "witness.state",
				"leave --first out",
				"this witness has seen the log already");
	if (rc == PV_OK) {
		rc = parse(opts, buf_span(&note), last, &why);
		return rc == PV_OK ? rc : changed(why.message, err);
	}
	*err = why;
	return rc;
}

/* From the log's own tiles, which the proof itself then checks. */
static enum pv_code prove(int *folder, const struct log_point *last,
			  const struct log_point *next, struct log_hasher *h,
			  struct log_proof *proof, struct err *err)
{
	CLEANUP(cleanup_log_tilereader_free) struct log_tilereader *r = NULL;
	const struct log_tile_source source = log_tilefiles(folder);
	struct log_reader reader;
	enum pv_code rc;

	proof->n = 0;
	if (last->size == 0 || last->size >= next->size)
		return PV_OK;
	rc = log_tilereader_new(&r, &source, h, next->size, err);
	if (rc != PV_OK)
		return rc;
	reader = log_tilereader_of(r);
	return log_prove_consistency(h, &reader, last->size, next->size, proof,
				     err);
}

/* Two checkpoints that the log signed part, or an old folder was looked at. */
static enum pv_code alarm(const struct witness_opts *opts,
			  const struct log_point *last,
			  const struct log_point *next, struct err *err)
{
	const char *unless = next->size == last->size
				     ? ""
				     : ", unless this folder is an old or "
				       "damaged copy";

	err_prefix(err,
		   "the log of %llu entries does not go on from the %llu that "
		   "this witness has seen",
		   (unsigned long long)next->size,
		   (unsigned long long)last->size);
	err_object(err, opts->log);
	snprintf(err->hint, sizeof(err->hint),
		 "the log was set back or shows two faces%s: keep this folder "
		 "and the state as they are, have the authority stop issuing, "
		 "and tell its officers and the other witnesses",
		 unless);
	return PV_INTEGRITY;
}

static enum pv_code goes_on(const struct witness_opts *opts, int *folder,
			    const struct log_point *last,
			    const struct log_point *next, struct err *err)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	struct log_proof proof;
	enum pv_code rc = log_hasher_init(&h, err);

	if (rc == PV_OK)
		rc = prove(folder, last, next, &h, &proof, err);
	if (rc == PV_OK)
		rc = log_checkpoint_may_follow(&h, last->size ? last : NULL,
					       next, &proof, err);
	return rc == PV_INTEGRITY ? alarm(opts, last, next, err) : rc;
}

static enum pv_code read_log(const struct witness_opts *opts, int folder,
			     struct buf *note, struct log_checkpoint *c,
			     struct err *err)
{
	enum pv_code rc =
		file_read(folder, "checkpoint", FILEIO_NOFOLLOW, note, err);

	if (rc == PV_OK)
		rc = parse(opts, buf_span(note), c, err);
	if (rc != PV_OK)
		err_object(err, "checkpoint");
	return rc;
}

/* Compare and replace. */
static enum pv_code follow(const struct witness_opts *opts,
			   struct log_checkpoint *next, uint64_t *before,
			   struct err *err)
{
	CLEANUP(buf_release) struct buf note;
	CLEANUP(fd_cleanup) int folder = -1;
	CLEANUP(fd_cleanup) int held = -1;
	LOG_CHECKPOINT last = { .at.size = 0 };
	enum pv_code rc = dir_open(AT_FDCWD, opts->log, &folder, err);

	buf_init(&note, WITNESS_NOTE_MAX);
	if (rc == PV_OK)
		rc = lock(opts->state, &held, err);
	if (rc == PV_OK)
		rc = load(opts, &last, err);
	if (rc == PV_OK)
		rc = read_log(opts, folder, &note, next, err);
	if (rc == PV_OK && last.note.mem &&
	    !span_equal(last.origin, next->origin))
		rc = changed("it has another origin", err);
	if (rc == PV_OK)
		rc = goes_on(opts, &folder, &last.at, &next->at, err);
	*before = last.at.size;
	if (rc == PV_OK)
		rc = file_write(AT_FDCWD, opts->state, 0600, note.data,
				note.len, err);
	return rc;
}

enum pv_code witness_run(const struct witness_opts *opts,
			 const struct witnesskey *key,
			 struct witness_seen *seen, struct buf *line,
			 struct err *err)
{
	LOG_CHECKPOINT c = { .at.size = 0 };
	int64_t now = pvtime_now_s();
	enum pv_code rc;

	if (now < 0)
		return err_fail(err, PV_DENIED, "witness.clock",
				"set the machine's clock",
				"the clock stands outside 1970 to 9999");
	rc = follow(opts, &c, &seen->before, err);
	if (rc != PV_OK)
		return rc;
	snprintf(seen->origin, sizeof(seen->origin), "%.*s", (int)c.origin.len,
		 (const char *)c.origin.p);
	seen->at = c.at;
	return witnesskey_cosign(key, c.note.text, (uint64_t)now, line, err);
}
