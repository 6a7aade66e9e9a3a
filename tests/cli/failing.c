/*
 * A folder that a file system cannot read any more, loaded before the C library
 * (LD_PRELOAD): faccessat() and scandirat() in the folder $FAIL_IN, or below
 * it, end with EIO. So do listings of the folder $FAIL_LIST_IN, or below it, at
 * their end: the $FAIL_LISTS-th of them that comes there, and all behind it.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_in(const char *folder, int fd)
{
	char link[64], path[4096];
	size_t len = folder ? strlen(folder) : 0;
	ssize_t n;

	if (!folder)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = '\0';
	errno = EIO;
	return strncmp(path, folder, len) == 0 &&
	       (path[len] == '/' || path[len] == '\0');
}

static int fails(int fd)
{
	return is_in(getenv("FAIL_IN"), fd);
}

struct dirent64;
typedef struct dirent64 *list_fn(DIR *dir);

struct dirent64 *readdir64(DIR *dir)
{
	static int ends;
	list_fn *next = (list_fn *)dlsym(RTLD_NEXT, "readdir64");
	const char *from = getenv("FAIL_LISTS");
	struct dirent64 *e = next(dir);
	int why = errno;

	if (!e && from && is_in(getenv("FAIL_LIST_IN"), dirfd(dir)))
		why = ++ends >= atoi(from) ? EIO : why;
	errno = why;
	return e;
}

typedef int access_fn(int fd, const char *path, int mode, int flags);
typedef int scan_fn(int fd, const char *path, struct dirent ***names,
		    int (*take)(const struct dirent *),
		    int (*order)(const struct dirent **,
				 const struct dirent **));

int faccessat(int fd, const char *path, int mode, int flags)
{
	access_fn *next = (access_fn *)dlsym(RTLD_NEXT, "faccessat");

	return fails(fd) ? -1 : next(fd, path, mode, flags);
}

int scandirat(int fd, const char *path, struct dirent ***names,
	      int (*take)(const struct dirent *),
	      int (*order)(const struct dirent **, const struct dirent **))
{
	scan_fn *next = (scan_fn *)dlsym(RTLD_NEXT, "scandirat");

	return fails(fd) ? -1 : next(fd, path, names, take, order);
}
