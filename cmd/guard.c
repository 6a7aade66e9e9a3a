#include "cmd/guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"

#define TICK_MS 200
#define TIMEOUT_DEFAULT_S 20 /* overview.md, hsm_timeout_s */

static void signals_of_people(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGQUIT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGTSTP);
}

void guard_hold_signals(void)
{
	sigset_t set;

	signals_of_people(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void guard_release_signals(void)
{
	sigset_t set;

	signals_of_people(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* What a service manager sends to the parent alone is meant for both. */
static void hand_on(int signals, pid_t child)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP)
			kill(child, (int)info.ssi_signo);
}

static enum pv_code timed_out(pid_t child, unsigned timeout_s, struct err *err)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return err_fail(err, PV_HSM_TEMP, "hsm.timeout",
			"check the token, then run it again",
			"the token did not answer within %u s", timeout_s);
}

/* PV_OK with the child's exit code, or why there is none. */
static enum pv_code ended(int status, enum pv_code *code, struct err *err)
{
	sigset_t people;

	if (WIFEXITED(status)) {
		*code = (enum pv_code)WEXITSTATUS(status);
		return PV_OK;
	}
	signals_of_people(&people);
	if (sigismember(&people, WTERMSIG(status)))
		return err_fail(err, PV_INTERRUPTED, "interrupted",
				"run it again, or go on with a ceremony by "
				"`provctl ceremony resume'",
				"interrupted by signal %d", WTERMSIG(status));
	return err_fail(err, PV_INTERNAL, "process.killed", "run it again",
			"the process was ended by signal %d", WTERMSIG(status));
}

static enum pv_code wait_for(const struct guard *g, pid_t child, int signals,
			     enum pv_code *code, struct err *err)
{
	struct pollfd p = { signals, POLLIN, 0 };
	int status;

	for (;;) {
		pid_t got = waitpid(child, &status, WNOHANG);
		int64_t since = hsm_watch_since(&g->watch);

		if (got == child)
			return ended(status, code, err);
		if (got < 0 && errno != EINTR)
			return err_errno(err, PV_INTERNAL, "process", NULL,
					 "cannot wait for the verb's process");
		if (since != 0 &&
		    pvtime_mono_ms() - since > (int64_t)g->timeout_s * 1000)
			return timed_out(child, g->timeout_s, err);
		if (poll(&p, 1, TICK_MS) > 0)
			hand_on(signals, child);
	}
}

static struct guard *share(struct err *err)
{
	struct guard *g = mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (g == MAP_FAILED) {
		err_errno(err, PV_INTERNAL, "process", NULL,
			  "cannot share memory with a process");
		return NULL;
	}
	g->timeout_s = TIMEOUT_DEFAULT_S;
	return g;
}

/* Nobody waits for one whose parent is gone, or knows that it goes on: it reads
 * no terminal, and has the token no longer. */
static void end_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(PV_INTERRUPTED);
}

/* *in_child: this is the one that works. */
static enum pv_code fork_watched(const struct guard *g, bool *in_child,
				 enum pv_code *code, struct err *err)
{
	CLEANUP(fd_cleanup) int signals = -1;
	const pid_t parent = getpid();
	sigset_t set, before;
	enum pv_code rc;
	pid_t child;

	signals_of_people(&set);
	sigdelset(&set, SIGTSTP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &before);
	child = fork();
	*in_child = child == 0;
	if (child == 0) {
		end_with(parent);
		sigprocmask(SIG_SETMASK, &before, NULL);
		return PV_OK;
	}
	signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	rc = child < 0 || signals < 0
		     ? err_errno(err, PV_INTERNAL, "process", NULL,
				 "cannot start the verb's process")
		     : wait_for(g, child, signals, code, err);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

enum pv_code guard_enter(struct guard **guard, enum pv_code *code,
			 struct err *err)
{
	struct guard *g = share(err);
	bool in_child = false;
	enum pv_code rc;

	*guard = NULL;
	if (!g)
		return PV_INTERNAL;
	rc = fork_watched(g, &in_child, code, err);
	if (in_child)
		*guard = g;
	else
		munmap(g, sizeof(*g));
	return rc;
}

enum pv_code guard_run(enum pv_code (*work)(void *ctx, struct guard *g,
					    struct err *err),
		       void *ctx, struct err *err)
{
	struct guard *g = share(err);
	enum pv_code code = PV_INTERNAL, rc;
	bool in_child = false;

	if (!g)
		return PV_INTERNAL;
	err_init(&g->why);
	rc = fork_watched(g, &in_child, &code, err);
	if (in_child)
		_exit((int)work(ctx, g, &g->why));
	if (rc == PV_OK && code != PV_OK) {
		*err = g->why;
		err->code = rc = code;
	}
	munmap(g, sizeof(*g));
	return rc;
}
