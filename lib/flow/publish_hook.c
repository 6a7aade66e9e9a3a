/*
 * The command that carries what is published further. It starts with nothing of
 * ours: a clean environment, no descriptors but a pipe for what it says and its
 * own file, its own process group, a bounded time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/flow/publishdir.h"

#define DUE_FILE "publish.due" /* in the home: RFC 3339 time, LF */
#define POLL_MS 20
#define SAYS_MAX 8192u /* bytes of it that people see */
#define CHUNK 4096u
#define HOOK_FD 3
#define HOOK_PATH "/proc/self/fd/3"
#define DRAINS (65536u / CHUNK) /* pipe(7): what a pipe holds */

enum pv_code publish_hook_due(const struct authority *a, struct err *err)
{
	char text[PVTIME_RFC3339_LEN + 1];

	if (publish_hook_since(a) > 0)
		return PV_OK;
	if (!pvtime_format(pvtime_now_s(), text))
		return err_fail(err, PV_DENIED, "clock.range",
				"set the machine's clock",
				"the clock stands outside 1970 to 9999");
	text[PVTIME_RFC3339_LEN] = '\n';
	return file_write(a->home_fd, DUE_FILE, 0644, text,
			  PVTIME_RFC3339_LEN + 1, err);
}

int64_t publish_hook_since(const struct authority *a)
{
	CLEANUP(buf_release) struct buf text;
	int64_t since_s = 1; /* one that does not parse is due all the same */

	buf_init(&text, 64);
	if (faccessat(a->home_fd, DUE_FILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
	    errno == ENOENT)
		return 0;
	if (file_read(a->home_fd, DUE_FILE, FILEIO_NOFOLLOW, &text, NULL) ==
		    PV_OK &&
	    text.len > PVTIME_RFC3339_LEN &&
	    pvtime_parse((const char *)text.data, PVTIME_RFC3339_LEN, &since_s))
		return since_s;
	return 1;
}

static enum pv_code told(const struct authority *a, struct err *err)
{
	if (unlinkat(a->home_fd, DUE_FILE, 0) == 0 || errno == ENOENT)
		return PV_OK;
	return err_errno(err, PV_STORAGE, "publish.hook", NULL,
			 "cannot remove " DUE_FILE);
}

/* The file that was looked at, whatever has its name by now. A script's
 * interpreter opens it by that path: it has it open, too. */
static enum pv_code start(int file, int folder, int says, pid_t *pid,
			  struct err *err)
{
	char *const argv[] = { (char *)HOOK_PATH, NULL };
	char *const env[] = { (char *)"PATH=/usr/bin:/bin", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc = posix_spawn_file_actions_init(&files);

	if (rc == 0)
		rc = posix_spawnattr_init(&attr);
	if (rc != 0)
		goto out;
	sigemptyset(&none);
	sigfillset(&all);
	rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
						     POSIX_SPAWN_SETSIGMASK |
						     POSIX_SPAWN_SETSIGDEF);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(&attr, &none);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(&attr, &all);
	if (rc == 0)
		rc = posix_spawn_file_actions_addfchdir_np(&files, folder);
	if (rc == 0)
		rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null",
						      O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, says, 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, says, 2);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, file, HOOK_FD);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(&files,
							      HOOK_FD + 1);
	if (rc == 0)
		rc = posix_spawn(pid, HOOK_PATH, &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
out:
	if (rc == 0)
		return PV_OK;
	errno = rc;
	return err_errno(err, PV_STORAGE, "publish.hook", NULL,
			 "it cannot be started");
}

struct hook {
	pid_t pid;
	int says;	 /* what it prints comes here */
	size_t told;	 /* bytes of that so far */
	unsigned time_s; /* that it has */
};

/* Our standard output is for machines. The rest is read, too, so that it does
 * not wait for us. */
static void tell(struct hook *h, const uint8_t *text, size_t len)
{
	static const char more[] = "\n(the publish hook says more)\n";
	size_t room = h->told < SAYS_MAX ? SAYS_MAX - h->told : 0;
	bool over = len > room;
	struct iovec v[2] = { { (void *)text, over ? room : len },
			      { (void *)more, sizeof(more) - 1 } };

	if (h->told > SAYS_MAX)
		return;
	/* Nobody may be listening any more. */
	if (writev(STDERR_FILENO, v, over ? 2 : 1) < 0)
		over = true;
	h->told += over ? SAYS_MAX + 1 : len;
}

/* False: nothing came within the time, or no more will. */
static bool listen_to(struct hook *h, int wait_ms)
{
	struct pollfd p = { h->says, POLLIN, 0 };
	uint8_t text[CHUNK];
	ssize_t n;

	if (poll(&p, 1, wait_ms) <= 0)
		return false;
	n = read(h->says, text, sizeof(text));
	if (n > 0)
		tell(h, text, (size_t)n);
	else if (n == 0 || errno != EINTR)
		fd_cleanup(&h->says);
	return n > 0;
}

/* Whether it has ended by itself; it is not reaped, so that its group keeps
 * its number. */
static bool has_ended(pid_t pid, bool *lost)
{
	siginfo_t info = { .si_pid = 0 };

	*lost = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) !=
			0 &&
		errno != EINTR;
	return *lost || info.si_pid == pid;
}

static enum pv_code report(int status, struct err *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return PV_OK;
	return err_fail(err, PV_STORAGE, "publish.hook",
			"the next run that publishes tries again",
			WIFSIGNALED(status) ? "it ended by signal %d"
					    : "it ended with exit code %d",
			WIFSIGNALED(status) ? WTERMSIG(status)
					    : WEXITSTATUS(status));
}

/* Its end, within the time; then nothing of its group goes on. */
static enum pv_code wait_for(struct hook *h, struct err *err)
{
	int64_t end_ms = pvtime_mono_ms() + (int64_t)h->time_s * 1000;
	bool lost = false, ended = has_ended(h->pid, &lost);
	int status = 0;

	while (!ended && pvtime_mono_ms() < end_ms) {
		listen_to(h, POLL_MS);
		ended = has_ended(h->pid, &lost);
	}
	kill(-h->pid, SIGKILL);
	for (unsigned i = 0; i < DRAINS && listen_to(h, 0); i++)
		;
	if (lost)
		return err_errno(err, PV_STORAGE, "publish.hook", NULL,
				 "its end cannot be waited for");
	while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ended)
		return err_fail(err, PV_STORAGE, "publish.hook",
				"the next run that publishes tries again; "
				"publish_hook_timeout_s gives it longer",
				"it took more than %u s and was ended",
				h->time_s);
	return report(status, err);
}

static enum pv_code run(const struct authority *a, int file, int folder,
			struct err *err)
{
	CLEANUP(fd_cleanup) int says = -1;
	struct hook h = { .says = -1, .time_s = a->publish_hook_timeout_s };
	int ends[2];
	enum pv_code rc;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_errno(err, PV_STORAGE, "publish.hook", NULL,
				 "cannot make a pipe for what it says");
	h.says = ends[0];
	says = ends[1];
	rc = start(file, folder, says, &h.pid, err);
	fd_cleanup(&says);
	if (rc == PV_OK)
		rc = wait_for(&h, err);
	fd_cleanup(&h.says);
	return rc;
}

enum pv_code publish_hook_run(const struct authority *a, const char *accepted,
			      int folder, bool *ran, struct err *err)
{
	CLEANUP(fd_cleanup) int file = -1;
	enum pv_code rc = PV_OK;
	struct err why;

	*ran = false;
	if (publish_hook_since(a) == 0)
		return PV_OK;
	if (!a->publish_hook[0])
		return told(a, err);
	err_init(&why);
	if (publish_hook_open(a, accepted, &file, &why) != PV_OK)
		rc = err_fail(err, PV_STORAGE, "publish.hook", why.hint, "%s",
			      why.message);
	if (rc == PV_OK)
		rc = run(a, file, folder, err);
	if (rc == PV_OK)
		rc = told(a, err);
	*ran = rc == PV_OK;
	if (rc != PV_OK) {
		err_prefix(err, "what was published stands, but the hook");
		err_object(err, a->publish_hook);
	}
	return rc;
}
