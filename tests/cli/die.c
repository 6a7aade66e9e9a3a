/*
 * A process that is killed when it makes something durable, loaded before the C
 * library (LD_PRELOAD): at its DIE_AT-th sync or rename, before it happens.
 * Each process counts for itself. Or one that crashes when it is told what to
 * do: at its recv(), when it was forked by one that was forked, and so on,
 * DIE_FORKED in a line.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static int left, forked;

__attribute__((constructor)) static void read_count(void)
{
	const char *at = getenv("DIE_AT");

	left = at ? atoi(at) : 0;
	at = getenv("DIE_FORKED");
	forked = at ? atoi(at) : -1;
}

static void count(void)
{
	if (left > 0 && --left == 0)
		kill(getpid(), SIGKILL);
}

#define NEXT(name, type)                                                       \
	count();                                                               \
	type *next = (type *)dlsym(RTLD_NEXT, name)

typedef pid_t fork_fn(void);
typedef ssize_t recv_fn(int fd, void *room, size_t len, int flags);
typedef int sync_fn(int fd);
typedef int rename_fn(int from, const char *old, int to, const char *new);
typedef int rename2_fn(int from, const char *old, int to, const char *new,
		       unsigned flags);

pid_t fork(void)
{
	fork_fn *next = (fork_fn *)dlsym(RTLD_NEXT, "fork");
	pid_t pid = next();

	forked -= pid == 0;
	return pid;
}

ssize_t recv(int fd, void *room, size_t len, int flags)
{
	recv_fn *next = (recv_fn *)dlsym(RTLD_NEXT, "recv");

	if (forked == 0)
		__builtin_trap();
	return next(fd, room, len, flags);
}

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
