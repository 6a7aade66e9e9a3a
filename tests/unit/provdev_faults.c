/*
 * Linked into a provdev of its own (--wrap): PROVDEV_FAULT="CALL N" lets the
 * N-th call of CALL fail with EIO, "CALL N cut" ends the process before it.
 * A failing fsync comes behind the change it was to make durable.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/provdev/store.h"

int __real_fsync(int fd);
int __real_syncfs(int fd);
int __real_renameat(int from, const char *old, int to, const char *new);
int __wrap_fsync(int fd);
int __wrap_syncfs(int fd);
int __wrap_renameat(int from, const char *old, int to, const char *new);

static bool fails(const char *call)
{
	static unsigned count;
	const char *plan = getenv("PROVDEV_FAULT");
	char name[16] = "", how[8] = "";
	unsigned n = 0;

	if (!plan || sscanf(plan, "%15s %u %7s", name, &n, how) < 2 ||
	    strcmp(name, call) != 0 || ++count != n)
		return false;
	if (how[0])
		_exit(STORE_CUT_STATUS);
	errno = EIO;
	return true;
}

int __wrap_fsync(int fd)
{
	return fails("fsync") ? -1 : __real_fsync(fd);
}

int __wrap_syncfs(int fd)
{
	return fails("syncfs") ? -1 : __real_syncfs(fd);
}

int __wrap_renameat(int from, const char *old, int to, const char *new)
{
	return fails("renameat") ? -1 : __real_renameat(from, old, to, new);
}
