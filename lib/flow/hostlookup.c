#include "lib/flow/hostlookup.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"

static size_t resolve(const char *host, const char *port, int flags,
		      struct host_address list[HOST_ADDRESSES_MAX])
{
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM,
				       .ai_flags = flags };
	struct addrinfo *all = NULL;
	size_t n = 0;

	if (getaddrinfo(host, port, &want, &all) != 0)
		return 0;
	for (const struct addrinfo *a = all; a && n < HOST_ADDRESSES_MAX;
	     a = a->ai_next) {
		if (a->ai_addrlen > sizeof(list[n].at))
			continue;
		memset(&list[n], 0, sizeof(list[n]));
		memcpy(&list[n].at, a->ai_addr, a->ai_addrlen);
		list[n++].len = a->ai_addrlen;
	}
	freeaddrinfo(all);
	return n;
}

/* The child: it ends with who started it. One write: a pipe takes it whole. */
static void answer(const char *host, const char *port, pid_t parent, int to)
{
	struct host_address list[HOST_ADDRESSES_MAX];
	size_t n;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		return;
	n = resolve(host, port, 0, list);
	if (n > 0 && write(to, list, n * sizeof(*list)) < 0)
		return;
}

/* All that comes until the other end is closed. */
static enum pv_code await(int from, int64_t end_ms, void *out, size_t room,
			  size_t *got, struct err *err)
{
	*got = 0;
	while (*got < room) {
		struct pollfd p = { .fd = from, .events = POLLIN };
		int64_t left = end_ms - pvtime_mono_ms();
		ssize_t n;

		if (left <= 0)
			return err_fail(err, PV_STORAGE, "http.timeout", NULL,
					"the host was not found in time");
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(from, (uint8_t *)out + *got, room - *got);
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return err_errno(err, PV_INTERNAL, "process", NULL,
					 "cannot read what a child says");
		*got += n > 0 ? (size_t)n : 0;
	}
	return PV_OK;
}

static enum pv_code ask_child(const char *host, const char *port,
			      int64_t end_ms,
			      struct host_address list[HOST_ADDRESSES_MAX],
			      size_t *n, struct err *err)
{
	CLEANUP(fd_cleanup) int from = -1;
	CLEANUP(fd_cleanup) int to = -1;
	pid_t parent = getpid(), child;
	size_t got = 0;
	int ends[2];
	enum pv_code rc;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_errno(err, PV_INTERNAL, "process", NULL,
				 "cannot make a pipe");
	from = ends[0];
	to = ends[1];
	child = fork();
	if (child < 0)
		return err_errno(err, PV_INTERNAL, "process", NULL,
				 "cannot start a process");
	if (child == 0) {
		answer(host, port, parent, to);
		_exit(0);
	}
	fd_cleanup(&to);
	to = -1;
	rc = await(from, end_ms, list, HOST_ADDRESSES_MAX * sizeof(*list), &got,
		   err);
	/* After its answer it ends by itself. */
	if (rc != PV_OK)
		kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	*n = got / sizeof(*list);
	return rc;
}

enum pv_code host_lookup(const char *host, const char *port, int64_t end_ms,
			 struct host_address list[HOST_ADDRESSES_MAX],
			 size_t *n, struct err *err)
{
	enum pv_code rc = PV_OK;

	*n = resolve(host, port, AI_NUMERICHOST | AI_NUMERICSERV, list);
	if (*n == 0)
		rc = ask_child(host, port, end_ms, list, n, err);
	if (rc == PV_OK && *n == 0)
		rc = err_fail(err, PV_STORAGE, "http.connect", NULL,
			      "the host is not known");
	return rc;
}
