#include "lib/flow/ceremonyfolder.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"

enum pv_code ceremony_folder_open(int home_fd, const struct plan *plan, int *fd,
				  struct err *err)
{
	char name[CEREMONY_NAME_MAX];
	enum pv_code rc;

	ceremony_folder(plan, name);
	rc = dir_open(home_fd, name, fd, err);
	if (rc == PV_OK && flock(*fd, LOCK_EX | LOCK_NB) != 0)
		rc = err_fail(err, PV_CONFLICT, "ceremony.busy",
			      "wait until that run has ended",
			      "another run has this ceremony");
	if (rc != PV_OK)
		err_object(err, name);
	return rc;
}

enum pv_code ceremony_folder_same(int fd, struct span text, const char *path,
				  struct err *err)
{
	CLEANUP(buf_release) struct buf there;
	enum pv_code rc;

	buf_init(&there, PLAN_SIZE_MAX);
	rc = file_read(fd, CEREMONY_PLAN_FILE, FILEIO_NOFOLLOW | FILEIO_PRIVATE,
		       &there, err);
	if (rc != PV_OK || span_equal(buf_span(&there), text))
		return rc;
	err_object(err, path);
	return err_fail(err, PV_DENIED, "ceremony.other",
			"give the plan that it began with: it lies in the "
			"ceremony's folder",
			"the ceremony of that name and version was begun with "
			"another plan");
}

bool ceremony_folder_ended(int fd)
{
	return faccessat(fd, TRANSCRIPT_NOTE_FILE, F_OK, AT_SYMLINK_NOFOLLOW) ==
	       0;
}

/* ---- what the home is ---- */

/* The first line is enough: PV_WAITING. */
static enum pv_code take_mode(void *ctx, const struct transcript_line *line,
			      struct err *err)
{
	const char *mode = transcript_fact(line, "mode");

	(void)err;
	*(bool *)ctx |= mode && strcmp(mode, "rehearsal") == 0;
	return PV_WAITING;
}

static enum pv_code look(int folders, const char *name, bool *rehearsal,
			 struct err *err)
{
	const struct transcript_sink sink = { take_mode, rehearsal };
	CLEANUP(fd_cleanup) int fd = -1;
	CLEANUP(buf_release) struct buf lines;
	struct transcript_head head;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_init(&lines, TRANSCRIPT_SIZE_MAX);
	rc = dir_open(folders, name, &fd, &why);
	if (rc == PV_OK)
		rc = file_read(fd, TRANSCRIPT_FILE, FILEIO_NOFOLLOW, &lines,
			       &why);
	/* A run may have been stopped before its first line. */
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc == PV_OK)
		rc = transcript_read(buf_span(&lines), &sink, &head, &why);
	if (rc == PV_OK || rc == PV_WAITING)
		return PV_OK;
	*err = why;
	err_object(err, name);
	return rc;
}

static void close_folder(DIR **d)
{
	if (*d)
		closedir(*d);
}

enum pv_code ceremony_folder_rehearsed(int home_fd, bool *rehearsal,
				       struct err *err)
{
	CLEANUP(close_folder) DIR *d = NULL;
	int fd = openat(home_fd, CEREMONY_FOLDER,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct dirent *entry;
	enum pv_code rc = PV_OK;

	*rehearsal = false;
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		fd_cleanup(&fd);
		return err_errno(err, PV_STORAGE, "ceremony.folder", NULL,
				 "cannot look into " CEREMONY_FOLDER);
	}
	while (rc == PV_OK && (entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.')
			rc = look(fd, entry->d_name, rehearsal, err);
	return rc;
}
