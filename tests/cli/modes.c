/*
 * A file system that keeps no modes, loaded before the C library (LD_PRELOAD):
 * fstat() of a regular file below the folder $MODES_OFF says that everybody may
 * read it, as a FAT does.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int below(int fd, const char *folder)
{
	char link[64], path[4096];
	size_t len = strlen(folder);
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = '\0';
	return strncmp(path, folder, len) == 0 && path[len] == '/';
}

int fstat(int fd, struct stat *st)
{
	const char *folder = getenv("MODES_OFF");
	int rc = (int)syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);

	if (rc == 0 && folder && S_ISREG(st->st_mode) && below(fd, folder))
		st->st_mode |= 0055;
	return rc;
}
