#include "lib/flow/status_ceremonies.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/ceremonyfolder.h"

/* NAME-VERSION */
static int is_named(const struct dirent *e)
{
	const char *dash = strrchr(e->d_name, '-');

	return dash && name_is_safe(e->d_name, (size_t)(dash - e->d_name)) &&
	       dash[1] && strspn(dash + 1, "0123456789") == strlen(dash + 1) &&
	       strlen(e->d_name) < STATUS_CEREMONY_MAX;
}

static bool is_open(int ceremonies, const char *name)
{
	CLEANUP(fd_cleanup)
	int fd = openat(ceremonies, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 &&
	       faccessat(fd, CEREMONY_PLAN_FILE, F_OK, AT_SYMLINK_NOFOLLOW) ==
		       0 &&
	       !ceremony_folder_ended(fd);
}

enum pv_code status_ceremonies_look(const struct authority *a,
				    struct status *st, struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	struct dirent **names = NULL;
	enum pv_code rc;
	int n;

	/* None was run since the authority was made. */
	if (faccessat(a->home_fd, CEREMONY_FOLDER, F_OK, AT_SYMLINK_NOFOLLOW) !=
	    0)
		return PV_OK;
	rc = dir_open(a->home_fd, CEREMONY_FOLDER, &folder, err);
	if (rc != PV_OK)
		return rc;
	n = scandirat(folder, ".", &names, is_named, alphasort);
	if (n < 0)
		return err_errno(err, PV_STORAGE, "dir.read", NULL,
				 "cannot look for ceremonies");
	for (int i = 0; i < n; i++) {
		if (st->ceremonies_n < STATUS_CEREMONIES_MAX &&
		    is_open(folder, names[i]->d_name))
			snprintf(st->ceremonies[st->ceremonies_n++],
				 STATUS_CEREMONY_MAX, "%.*s",
				 STATUS_CEREMONY_MAX - 1, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return PV_OK;
}
