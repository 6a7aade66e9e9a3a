/*
 * The command that carries what is published further. It starts with nothing of
 * ours: a clean environment, no descriptors but standard error, its own process
 * group, a bounded time.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/flow/publishdir.h"

#define DUE_FILE "publish.due" /* in the home: RFC 3339 time, LF */
#define HOOK_MS 60000
#define POLL_NS 20000000

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

static enum pv_code check_file(const char *path, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	struct stat st;
	enum pv_code rc;

	if (path[0] != '/')
		return err_fail(err, PV_DENIED, "publish.hook",
				"write its absolute path in provctl.json",
				"publish_hook is no absolute path");
	rc = file_open(AT_FDCWD, path, FILEIO_NOT_WRITABLE_BY_OTHERS, &fd, err);
	if (rc == PV_OK && fstat(fd, &st) != 0)
		rc = err_errno(err, PV_STORAGE, "publish.hook", NULL,
			       "cannot inspect it");
	if (rc == PV_OK && !(st.st_mode & 0111))
		rc = err_fail(err, PV_DENIED, "publish.hook",
			      "make it executable", "it is not executable");
	return rc;
}

static enum pv_code start(const char *path, int folder, pid_t *pid,
			  struct err *err)
{
	char *const argv[] = { (char *)path, NULL };
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
	/* Our standard output is for machines. */
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, 2, 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(&files, 3);
	if (rc == 0)
		rc = posix_spawn(pid, path, &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
out:
	if (rc == 0)
		return PV_OK;
	errno = rc;
	return err_errno(err, PV_STORAGE, "publish.hook", NULL,
			 "it cannot be started");
}

/* Its end, within the time; then nothing of its group goes on. */
static enum pv_code wait_for(pid_t pid, struct err *err)
{
	const struct timespec step = { .tv_nsec = POLL_NS };
	int64_t end_ms = pvtime_mono_ms() + HOOK_MS;
	int status = 0;
	pid_t got = 0;

	while (got == 0 && pvtime_mono_ms() < end_ms) {
		got = waitpid(pid, &status, WNOHANG);
		if (got == 0 || (got < 0 && errno == EINTR)) {
			got = 0;
			nanosleep(&step, NULL);
		}
	}
	if (got == 0) {
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		return err_fail(err, PV_STORAGE, "publish.hook",
				"the next run that publishes tries again",
				"it took more than %d s and was ended",
				HOOK_MS / 1000);
	}
	if (got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return PV_OK;
	return err_fail(err, PV_STORAGE, "publish.hook",
			"the next run that publishes tries again",
			WIFSIGNALED(status) ? "it ended by signal %d"
					    : "it ended with exit code %d",
			WIFSIGNALED(status) ? WTERMSIG(status)
					    : WEXITSTATUS(status));
}

enum pv_code publish_hook_run(const struct authority *a, int folder, bool *ran,
			      struct err *err)
{
	enum pv_code rc = PV_OK;
	struct err why;
	pid_t pid = 0;

	*ran = false;
	if (publish_hook_since(a) == 0)
		return PV_OK;
	if (!a->publish_hook[0])
		return told(a, err);
	err_init(&why);
	if (check_file(a->publish_hook, &why) != PV_OK)
		rc = err_fail(err, PV_STORAGE, "publish.hook", why.hint, "%s",
			      why.message);
	if (rc == PV_OK)
		rc = start(a->publish_hook, folder, &pid, err);
	if (rc == PV_OK)
		rc = wait_for(pid, err);
	if (rc == PV_OK)
		rc = told(a, err);
	*ran = rc == PV_OK;
	if (rc != PV_OK) {
		err_prefix(err, "what was published stands, but the hook");
		err_object(err, a->publish_hook);
	}
	return rc;
}
