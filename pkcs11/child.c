#include "pkcs11/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"

/* What goes over the pipe before the result. */
struct report {
	enum pv_code code;
	struct err err;
};

/* Nothing of the child's memory may reach a disk. */
static void harden(void)
{
	const struct rlimit none = { 0, 0 };

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

/* A token half written is worse than a late Ctrl-C: the time-out bounds us. */
static void set_signals(unsigned timeout_s)
{
	sigset_t none;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(timeout_s + 1); /* also when the parent is gone */
}

__attribute__((noreturn)) static void
child_main(const struct p11_child *c, unsigned timeout_s, void *result, int fd)
{
	struct report report;
	int status = 0;

	memset(&report, 0, sizeof(report));
	harden();
	set_signals(timeout_s);
	report.code = c->run(c->ctx, result, &report.err);
	if (fd_write_all(fd, &report, sizeof(report), NULL) != PV_OK ||
	    (c->result_len &&
	     fd_write_all(fd, result, c->result_len, NULL) != PV_OK))
		status = 1;
	_exit(status);
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

enum got { GOT_ALL, GOT_END, GOT_LATE };

/* Reads exactly len bytes until the deadline. */
static enum got read_until(int fd, uint8_t *out, size_t len,
			   long long deadline_ms)
{
	size_t have = 0;

	while (have < len) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		long long left = deadline_ms - now_ms();
		ssize_t n;

		if (left <= 0)
			return GOT_LATE;
		if (poll(&p, 1, (int)left) <= 0)
			continue; /* interrupted or late: the clock decides */
		n = read(fd, out + have, len - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return GOT_END;
		have += (size_t)n;
	}
	return GOT_ALL;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Takes over the child's cause, unless err holds an earlier one. */
static enum pv_code adopt(const struct p11_child *c, const struct report *r,
			  struct err *err)
{
	struct err cause;

	if (r->code == PV_OK)
		return PV_OK;
	if (r->err.code != r->code)
		return err_fail(err, r->code, "hsm.child", NULL,
				"%s failed without a cause", c->what);
	err_adopt(&cause, &r->err);
	if (err && err->code == PV_OK)
		*err = cause;
	return cause.code;
}

static enum pv_code collect(const struct p11_child *c, unsigned timeout_s,
			    void *result, int fd, pid_t pid, struct err *err)
{
	long long deadline_ms = now_ms() + (long long)timeout_s * 1000;
	CLEANUP(mem_cleanup) uint8_t *copy = NULL;
	struct report report;
	enum got got;

	copy = mem_new(c->result_len, err);
	got = copy ? read_until(fd, (uint8_t *)&report, sizeof(report),
				deadline_ms)
		   : GOT_END;
	if (got == GOT_ALL)
		got = read_until(fd, copy, c->result_len, deadline_ms);
	if (got != GOT_ALL)
		kill(pid, SIGKILL);
	reap(pid);
	if (!copy)
		return PV_INTERNAL;
	if (got == GOT_LATE)
		return err_fail(err, PV_HSM_TEMP, "hsm.timeout",
				"see that the HSM answers, then run again",
				"%s: no answer within %u s", c->what,
				timeout_s);
	if (got == GOT_END)
		return err_fail(err, PV_HSM_FATAL, "hsm.crash",
				"try the module with another tool",
				"%s: the module ended its process", c->what);
	if (c->result_len)
		memcpy(result, copy, c->result_len);
	return adopt(c, &report, err);
}

enum pv_code p11_child_run(const struct p11_child *c, void *result,
			   struct err *err)
{
	unsigned timeout_s =
		c->timeout_s ? c->timeout_s : P11_TIMEOUT_DEFAULT_S;
	CLEANUP(fd_cleanup) int reader = -1;
	CLEANUP(fd_cleanup) int writer = -1;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_errno(err, PV_INTERNAL, "hsm.child", NULL,
				 "%s: no pipe", c->what);
	reader = fds[0];
	writer = fds[1];
	pid = fork();
	if (pid < 0)
		return err_errno(err, PV_INTERNAL, "hsm.child", NULL,
				 "%s: no child process", c->what);
	if (pid == 0)
		child_main(c, timeout_s, result, writer);
	fd_cleanup(&writer);
	return collect(c, timeout_s, result, reader, pid, err);
}
