/* The folder of a new authority. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/ceremony/init_impl.h"

static void close_folder(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Nothing may be in it; what is there is named in the error. */
static enum pv_code check_empty(int fd, struct err *err)
{
	CLEANUP(close_folder) DIR *d = NULL;
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	bool used = false, config = false, store = false;

	d = own >= 0 ? fdopendir(own) : NULL;
	if (!d) {
		fd_cleanup(&own);
		return err_errno(err, PV_CONFLICT, "init.folder", NULL,
				 "cannot look into it");
	}
	for (errno = 0; (entry = readdir(d)) != NULL; errno = 0) {
		used |= strcmp(entry->d_name, ".") != 0 &&
			strcmp(entry->d_name, "..") != 0;
		config |= strcmp(entry->d_name, "provctl.json") == 0;
		store |= strcmp(entry->d_name, "store.db") == 0 ||
			 strcmp(entry->d_name, "softhsm") == 0 ||
			 strcmp(entry->d_name, CEREMONY_FOLDER) == 0;
	}
	if (errno != 0)
		return err_errno(err, PV_STORAGE, "dir.read", NULL,
				 "cannot look into it");
	if (config)
		return err_fail(err, PV_CONFLICT, "authority.exists",
				"choose another folder",
				"there is an authority already");
	if (used)
		return err_fail(
			err, PV_CONFLICT, "init.folder",
			store ? "a ceremony or an init did not end here: "
				"go on with `provctl ceremony resume'"
			      : "choose a new or an empty folder",
			"the folder is not empty");
	return PV_OK;
}

enum pv_code init_take_folder(const char *dir, int *fd, struct err *err)
{
	struct stat st;

	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return err_fail(err, PV_CONFLICT, "init.folder",
				"name the folder itself",
				"it is a link or no folder");
	if (*fd < 0 && errno == ENOENT)
		return err_fail(err, PV_NOT_FOUND, "init.folder",
				"name the folder that it began in, or begin "
				"with `provctl ceremony run'",
				"there is no such folder");
	if (*fd < 0 || fstat(*fd, &st) != 0)
		return err_errno(err, PV_CONFLICT, "init.folder",
				 "look at its owner and its mode",
				 "cannot look into it");
	if (st.st_uid != geteuid())
		return err_fail(err, PV_DENIED, "init.folder",
				"choose a new folder or one of your own",
				"the folder belongs to another user");
	return PV_OK;
}

enum pv_code init_folder_free(const char *dir, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	struct stat st;
	enum pv_code rc;

	if (lstat(dir, &st) != 0)
		return PV_OK;
	err_object(err, dir);
	rc = init_take_folder(dir, &fd, err);
	if (rc == PV_OK)
		rc = check_empty(fd, err);
	if (rc == PV_OK && err)
		err->object[0] = '\0'; /* the next cause has its own */
	return rc;
}

enum pv_code init_make_home(const char *dir, int *fd, struct err *err)
{
	enum pv_code rc;

	err_object(err, dir);
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_errno(err,
				 errno == ENOENT ? PV_NOT_FOUND : PV_STORAGE,
				 "init.folder", "make its parent folder first",
				 "cannot make the folder");
	rc = init_take_folder(dir, fd, err);
	if (rc == PV_OK)
		rc = check_empty(*fd, err);
	if (rc == PV_OK && fchmod(*fd, 0700) != 0)
		rc = err_errno(err, PV_STORAGE, "init.folder", NULL,
			       "cannot chmod 0700 the folder");
	if (rc == PV_OK && err)
		err->object[0] = '\0'; /* the next cause has its own */
	return rc;
}

enum pv_code init_open_home(struct authority *a, const char *dir,
			    struct err *err)
{
	static const char *const folders[] = { "templates", "certs", "out",
					       "publish", CEREMONY_FOLDER };
	char resolved[PATH_MAX];
	struct stat named, held;
	enum pv_code rc = PV_OK;

	if (!realpath(dir, resolved) || strlen(resolved) >= sizeof(a->home) ||
	    strchr(resolved, '\n'))
		return err_fail(err, PV_INPUT, "init.folder", NULL,
				"the folder's path cannot be used");
	snprintf(a->home, sizeof(a->home), "%.1023s", resolved);
	if (stat(a->home, &named) != 0 || fstat(a->home_fd, &held) != 0 ||
	    named.st_dev != held.st_dev || named.st_ino != held.st_ino)
		return err_fail(err, PV_CONFLICT, "init.folder", NULL,
				"the folder was replaced meanwhile");
	for (size_t i = 0; rc == PV_OK && i < 5; i++)
		rc = dir_make(a->home_fd, folders[i], 0700, err);
	return rc;
}

enum pv_code init_read_mode(int folder, char mode[INIT_MODE_MAX],
			    struct err *err)
{
	static const char *const words[] = { "init", "run", "rehearsal" };
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, INIT_MODE_MAX - 1);
	rc = file_read(folder, INIT_MODE_FILE, FILEIO_NOFOLLOW | FILEIO_PRIVATE,
		       &text, err);
	for (size_t i = 0; rc == PV_OK && i < sizeof(words) / sizeof(words[0]);
	     i++)
		if (span_is(buf_span(&text), words[i])) {
			snprintf(mode, INIT_MODE_MAX, "%s", words[i]);
			return PV_OK;
		}
	return rc == PV_OK ? err_fail(err, PV_INPUT, "ceremony.mode",
				      "begin in another folder",
				      "how the ceremony began is not said")
			   : rc;
}
