#include "lib/flow/crew.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"

#define SIGNER_HEAP (4u * 1024u * 1024u) /* two groups and a whole bundle */

static bool is_kept(const struct crew_job *job, int fd, int ctl)
{
	if (fd <= 2 || fd == ctl)
		return true;
	for (size_t i = 0; i < job->keep_n; i++)
		if (job->keep[i] == fd)
			return true;
	return false;
}

/* Every child holds only its own ends: else no end of a channel is seen. */
static void close_others(const struct crew_job *job, int ctl)
{
	long max = sysconf(_SC_OPEN_MAX);
	int top = max > 0 && max < 4096 ? (int)max : 4096;

	for (int fd = 3; fd < top; fd++)
		if (!is_kept(job, fd, ctl))
			close(fd);
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

__attribute__((noreturn)) static void run_child(const struct crew_job *job,
						pid_t parent, int ctl)
{
	enum secret_heap heap = SECRET_HEAP_LOCKED;
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct err err;
	sigset_t none;
	enum pv_code rc;

	err_init(&err);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(PV_INTERRUPTED);
	prctl(PR_SET_NAME, role_name(job->role));
	sigaction(SIGINT, &ignore, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close_others(job, ctl);
	/* Reader and writer hold no secret: without a heap they cannot. */
	rc = job->role == CREW_SIGNER
		     ? secret_setup_size(SIGNER_HEAP, &heap, &err)
		     : PV_OK;
	if (rc == PV_OK)
		rc = job->run(job->ctx, ctl, &err);
	if (rc != PV_OK) {
		struct err ignored;

		err_init(&ignored);
		if (err.code == PV_OK)
			err_fail(&err, rc, NULL, NULL, "the %s failed",
				 role_name(job->role));
		rc = fd_write_all(ctl, &err, sizeof(err), &ignored) == PV_OK
			     ? rc
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
	m->ctl = ctl[0];
	err_init(&m->err);
	m->pid = fork();
	if (m->pid == 0) {
		close(ctl[0]);
		run_child(job, parent, ctl[1]);
	}
	close(ctl[1]);
	if (m->pid < 0) {
		m->pid = 0;
		fd_cleanup(&m->ctl);
		return err_errno(err, PV_INTERNAL, "process", NULL,
				 "cannot start a process");
	}
	c->n++;
	return PV_OK;
}

enum pv_code crew_send_pin(struct crew *c, const struct secret *pin,
			   struct err *err)
{
	uint8_t head[2] = { (uint8_t)(pin->len >> 8), (uint8_t)pin->len };

	for (size_t i = 0; i < c->n; i++) {
		struct crew_member *m = &c->members[i];
		struct err gone;
		enum pv_code rc;

		if (m->role != CREW_SIGNER || m->ctl < 0)
			continue;
		err_init(&gone);
		rc = fd_write_all(m->ctl, head, sizeof(head), &gone);
		if (rc == PV_OK && pin->len > 0)
			rc = fd_write_all(m->ctl, pin->data, pin->len, &gone);
		if (rc != PV_OK)
			return err_fail(err, PV_HSM_TEMP, "process.signer",
					"run it again",
					"a signer ended before it had the PIN");
	}
	return PV_OK;
}

/* The error record that a child left, or one for how it ended. */
static void take_error(struct crew_member *m, int status)
{
	static const enum pv_code codes[] = { PV_INTERNAL, PV_HSM_TEMP,
					      PV_STORAGE };
	struct err got;

	if (m->err.code == PV_OK &&
	    recv(m->ctl, &got, sizeof(got), MSG_WAITALL | MSG_DONTWAIT) ==
		    (ssize_t)sizeof(got))
		m->err = got;
	if (m->err.code != PV_OK || (WIFEXITED(status) && !WEXITSTATUS(status)))
		return;
	err_object(&m->err, role_name(m->role));
	if (WIFSIGNALED(status))
		err_fail(&m->err, codes[m->role], "process.killed",
			 "run it again: what is finished stays",
			 "the %s process was ended by signal %d",
			 role_name(m->role), WTERMSIG(status));
	else
		err_fail(&m->err, codes[m->role], "process.ended",
			 "run it again: what is finished stays",
			 "the %s process ended with status %d",
			 role_name(m->role), WEXITSTATUS(status));
}

bool crew_reap(struct crew *c)
{
	bool running = false;

	for (size_t i = 0; i < c->n; i++) {
		struct crew_member *m = &c->members[i];
		int status;

		if (m->pid == 0)
			continue;
		if (waitpid(m->pid, &status, WNOHANG) != m->pid) {
			running = true;
			continue;
		}
		m->pid = 0;
		take_error(m, status);
		fd_cleanup(&m->ctl);
	}
	return running;
}

/* Since when the one that is longest in the token is there; 0: nobody is. */
static int64_t longest_in_token(struct signer_watch *watch)
{
	int64_t first = 0;

	for (size_t i = 0; i < SIGNER_WATCHED; i++) {
		int64_t since = watch->busy_since_ms[i];

		if (since != 0 && (first == 0 || since < first))
			first = since;
	}
	return first;
}

void crew_watch(struct crew *c, unsigned timeout_s)
{
	int64_t now = pvtime_mono_ms();

	for (size_t i = 0; i < c->n; i++) {
		struct crew_member *m = &c->members[i];
		int64_t since = m->watch ? longest_in_token(m->watch) : 0;

		if (m->pid == 0 || since == 0 ||
		    now - since <= (int64_t)timeout_s * 1000)
			continue;
		err_fail(&m->err, PV_HSM_TEMP, "hsm.timeout",
			 "check the token, then run it again",
			 "the token did not answer within %u s", timeout_s);
		kill(m->pid, SIGKILL);
	}
}

void crew_signal(struct crew *c, enum crew_role role, int sig)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->members[i].role == role && c->members[i].pid > 0)
			kill(c->members[i].pid, sig);
}

void crew_end(struct crew *c, int grace_ms)
{
	int64_t until = pvtime_mono_ms() + grace_ms;

	while (crew_reap(c)) {
		if (pvtime_mono_ms() > until)
			for (size_t i = 0; i < c->n; i++)
				if (c->members[i].pid > 0)
					kill(c->members[i].pid, SIGKILL);
		poll(NULL, 0, 2);
	}
}
