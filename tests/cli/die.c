/*
 * A process that is killed when it makes something durable, loaded before the C
 * library (LD_PRELOAD): at its DIE_AT-th sync or rename, before it happens.
 * Each process counts for itself.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int left;

__attribute__((constructor)) static void read_count(void)
{
	const char *at = getenv("DIE_AT");

	left = at ? atoi(at) : 0;
}

static void count(void)
{
	if (left > 0 && --left == 0)
		kill(getpid(), SIGKILL);
}

#define NEXT(name, type)                                                       \
	count();                                                               \
	type *next = (type *)dlsym(RTLD_NEXT, name)

typedef int sync_fn(int fd);
typedef int rename_fn(int from, const char *old, int to, const char *new);
typedef int rename2_fn(int from, const char *old, int to, const char *new,
		       unsigned flags);

int fsync(int fd)
{
	NEXT("fsync", sync_fn);
	return next(fd);
}

int fdatasync(int fd)
{
	NEXT("fdatasync", sync_fn);
	return next(fd);
}

int syncfs(int fd)
{
	NEXT("syncfs", sync_fn);
	return next(fd);
}

int renameat(int from, const char *old, int to, const char *new)
{
	NEXT("renameat", rename_fn);
	return next(from, old, to, new);
}

int renameat2(int from, const char *old, int to, const char *new,
	      unsigned flags)
{
	NEXT("renameat2", rename2_fn);
	return next(from, old, to, new, flags);
}
