#include "lib/flow/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Every child holds only its own ends: else no end of a channel is seen. */
static void close_others(const struct crew_job *job, int ctl)
{
	int keep[CREW_MAX + 4];
	size_t n = 0;
	int next = 3;

	for (size_t i = 0; i < job->keep_n; i++)
		if (job->keep[i] >= 3)
			keep[n++] = job->keep[i];
	keep[n++] = ctl;
	qsort(keep, n, sizeof(keep[0]), by_number);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] > next)
			close_range((unsigned)next, (unsigned)keep[i] - 1, 0);
		next = keep[i] + 1;
	}
	close_range((unsigned)next, ~0u, 0);
}

/* Standard input and output are the parent's, but where they are kept. */
static enum pv_code leave_standard(const struct crew_job *job, struct err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool bad = null < 0;

	for (int fd = 0; fd <= 1 && !bad; fd++) {
		bool kept = false;

		for (size_t i = 0; i < job->keep_n; i++)
			kept = kept || job->keep[i] == fd;
		if (!kept)
			bad = dup2(null, fd) != fd;
	}
	if (null > 2)
		close(null);
	return bad ? err_errno(err, PV_INTERNAL, "process", NULL,
			       "cannot open /dev/null")
		   : PV_OK;
}

/* The parent decides what a signal means for the run. */
static void leave_signals(void)
{
	static const int parents[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
				       SIGTSTP };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t none;

	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++)
		sigaction(parents[i], &ignore, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static const char *role_name(enum crew_role role)
{
	switch (role) {
	case CREW_READER:
		return "reader";
	case CREW_SIGNER:
		return "signer";
	case CREW_WRITER:
		return "writer";
	}
	return "child";
}

enum pv_code crew_set_up_heap(int ctl, size_t bytes, struct err *err)
{
	enum secret_heap heap = SECRET_HEAP_UNLOCKED;
	enum pv_code rc = secret_setup_size(bytes, &heap, err);

	if (rc == PV_OK && heap == SECRET_HEAP_UNLOCKED)
		rc = ctl_say_unlocked(ctl, err);
	return rc;
}

__attribute__((noreturn)) static void run_child(const struct crew_job *job,
						pid_t parent, int ctl)
{
	struct err err, ignored;
	enum pv_code rc;

	err_init(&err);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(PV_INTERRUPTED);
	prctl(PR_SET_NAME, role_name(job->role));
	leave_signals();
	close_others(job, ctl);
	rc = leave_standard(job, &err);
	if (rc == PV_OK)
		rc = job->run(job->ctx, ctl, &err);
	if (rc != PV_OK) {
		err_init(&ignored);
		if (err.code == PV_OK)
			err_fail(&err, rc, NULL, NULL, "the %s failed",
				 role_name(job->role));
		rc = ctl_say_failed(ctl, &err, &ignored) == PV_OK ? rc
								  : PV_INTERNAL;
	}
	_exit((int)rc);
}

enum pv_code crew_start(struct crew *c, const struct crew_job *job,
			struct err *err)
{
	struct crew_member *m = &c->members[c->n];
	pid_t parent = getpid();
	int ctl[2];

	if (c->n == CREW_MAX ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ctl) != 0)
		return err_errno(err, PV_INTERNAL, "process", NULL,
				 "cannot make a channel to a process");
	m->role = job->role;
	m->watch = job->watch;
	m->dismissed = false;
	m->news = (struct ctl_news){ .ready = false };
	err_init(&m->news.failed);
	err_init(&m->news.switched);
	m->pid = fork();
	if (m->pid == 0) {
		close(ctl[0]);
		run_child(job, parent, ctl[1]);
	}
	close(ctl[1]);
	wire_init(&m->ctl, ctl[0]);
	if (m->pid < 0) {
		m->pid = 0;
		wire_release(&m->ctl);
		return err_errno(err, PV_INTERNAL, "process", NULL,
				 "cannot start a process");
	}
	c->n++;
	return PV_OK;
}

enum pv_code crew_send(struct crew_member *m, const void *p, size_t len,
		       struct err *err)
{
	struct err gone;

	err_init(&gone);
	if (m->ctl.fd >= 0 && fd_write_all(m->ctl.fd, p, len, &gone) == PV_OK)
		return PV_OK;
	return err_fail(err, PV_HSM_TEMP, "process.ended", "run it again",
			"the %s ended before it began", role_name(m->role));
}

enum pv_code crew_send_pin(struct crew_member *m, const struct secret *pin,
			   struct err *err)
{
	uint8_t head[2] = { (uint8_t)(pin->len >> 8), (uint8_t)pin->len };
	enum pv_code rc = crew_send(m, head, sizeof(head), err);

	if (rc == PV_OK && pin->len > 0)
		rc = crew_send(m, pin->data, pin->len, err);
	return rc;
}

void crew_listen(struct crew *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct crew_member *m = &c->members[i];

		ctl_listen(&m->ctl, m->role == CREW_READER, &m->news);
	}
}

void crew_dismiss(struct crew_member *m)
{
	m->dismissed = true;
	if (m->pid > 0)
		kill(m->pid, SIGKILL);
}

/* The error that a child left, or one for how it ended. */
static void take_end(struct crew_member *m, int status)
{
	static const enum pv_code codes[] = { PV_INTERNAL, PV_HSM_TEMP,
					      PV_STORAGE };
	struct err *e = &m->news.failed;

	ctl_listen(&m->ctl, m->role == CREW_READER, &m->news);
	wire_release(&m->ctl);
	if (m->dismissed || e->code != PV_OK ||
	    (WIFEXITED(status) && !WEXITSTATUS(status)))
		return;
	err_object(e, role_name(m->role));
	if (WIFSIGNALED(status))
		err_fail(e, codes[m->role], "process.killed",
			 "run it again: what is finished stays",
			 "the %s process was ended by signal %d",
			 role_name(m->role), WTERMSIG(status));
	else
		err_fail(e, codes[m->role], "process.ended",
			 "run it again: what is finished stays",
			 "the %s process ended with status %d",
			 role_name(m->role), WEXITSTATUS(status));
}

bool crew_reap(struct crew *c)
{
	bool running = false;

	for (size_t i = 0; i < c->n; i++) {
		struct crew_member *m = &c->members[i];
		int status = 0;
		pid_t got;

		if (m->pid == 0)
			continue;
		got = waitpid(m->pid, &status, WNOHANG);
		/* One that someone else reaped has ended, how is not known. */
		if (got == 0 || (got < 0 && errno != ECHILD)) {
			running = true;
			continue;
		}
		m->pid = 0;
		take_end(m, got < 0 ? 0 : status);
	}
	return running;
}

void crew_watch(struct crew *c, unsigned timeout_s)
{
	int64_t now = pvtime_mono_ms();

	for (size_t i = 0; i < c->n; i++) {
		struct crew_member *m = &c->members[i];
		int64_t since = m->watch ? hsm_watch_since(m->watch) : 0;

		if (m->pid == 0 || since == 0 ||
		    now - since <= (int64_t)timeout_s * 1000)
			continue;
		err_fail(&m->news.failed, PV_HSM_TEMP, "hsm.timeout",
			 "check the token, then run it again",
			 "the token did not answer within %u s", timeout_s);
		kill(m->pid, SIGKILL);
	}
}

void crew_dismiss_all(struct crew *c, enum crew_role role)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->members[i].role == role)
			crew_dismiss(&c->members[i]);
}

void crew_give_up(struct crew *c)
{
	static const uint8_t word = 1;
	struct err gone;

	err_init(&gone);
	for (size_t i = 0; i < c->n; i++)
		if (c->members[i].role == CREW_SIGNER &&
		    crew_send(&c->members[i], &word, 1, &gone) != PV_OK)
			err_init(&gone); /* it has ended already */
}

/* Until a child ends, or for a moment. */
static void wait_for_one(int signals)
{
	struct pollfd p = { signals, POLLIN, 0 };
	struct signalfd_siginfo info;

	poll(&p, 1, signals >= 0 ? 50 : 2);
	while (p.revents & POLLIN &&
	       read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		; /* which signal it was does not matter any more */
}

void crew_end(struct crew *c, int signals, int grace_ms)
{
	int64_t until = pvtime_mono_ms() + grace_ms;

	while (crew_reap(c)) {
		if (pvtime_mono_ms() > until)
			for (size_t i = 0; i < c->n; i++)
				crew_dismiss(&c->members[i]);
		wait_for_one(signals);
	}
}
