/* The keeper of boxes, and the box of one piece. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/box_impl.h"
#include "lib/flow/sandbox.h"

/* A certificate chain is verified in milliseconds. */
#define BOX_CPU_S 10u
#define BOX_MEMORY ((size_t)1 << 30)

/* ---- descriptors ---- */

enum pv_code box_send_ends(const struct box_keeper *k,
			   const struct box_ends *ends, struct err *err)
{
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(*ends))];
	} with;
	uint8_t mark = 0;
	struct iovec one = { &mark, sizeof(mark) };
	struct msghdr m = { .msg_iov = &one,
			    .msg_iovlen = 1,
			    .msg_control = with.room,
			    .msg_controllen = sizeof(with.room) };
	struct cmsghdr *c;

	memset(&with, 0, sizeof(with));
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(*ends));
	memcpy(CMSG_DATA(c), ends, sizeof(*ends));
	if (sendmsg(k->ctl, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(mark))
		return PV_OK;
	return err_errno(err, PV_INTERNAL, k->work->rule, "run it again",
			 "cannot ask for a process that %s", k->work->does);
}

/* False at the end, or for what is no such message. */
static bool receive_ends(int ctl, struct box_ends *ends)
{
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(*ends))];
	} with;
	uint8_t mark;
	struct iovec one = { &mark, sizeof(mark) };
	struct msghdr m = { .msg_iov = &one,
			    .msg_iovlen = 1,
			    .msg_control = with.room,
			    .msg_controllen = sizeof(with.room) };
	const struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(ctl, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n == (ssize_t)sizeof(mark) ? CMSG_FIRSTHDR(&m) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(*ends)))
		return false;
	memcpy(ends, CMSG_DATA(c), sizeof(*ends));
	return true;
}

bool box_leave_files(int a, int b)
{
	const int low = a < b ? a : b, high = a < b ? b : a;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool good = null >= 0 && low > 2;

	for (int fd = 0; fd <= 2 && good; fd++)
		good = dup2(null, fd) == fd;
	if (good && low > 3)
		good = close_range(3, (unsigned)low - 1, 0) == 0;
	if (good && high > low + 1)
		good = close_range((unsigned)low + 1, (unsigned)high - 1, 0) ==
		       0;
	return good && close_range((unsigned)high + 1, ~0u, 0) == 0;
}

/* ---- in the box ---- */

static enum pv_code answer(const struct box_work *work, struct wire *w,
			   int secrets, struct wire_rec *rec, struct err *err)
{
	for (size_t i = 0; i < sizeof(work->tasks) / sizeof(work->tasks[0]);
	     i++)
		if (work->tasks[i].answer && work->tasks[i].type == rec->type)
			return work->tasks[i].answer(w, secrets, rec, err);
	return err_fail(err, PV_INTERNAL, work->rule, NULL,
			"asked for what it does not do");
}

/* What it must be, before it is told anything; then it says so. */
static enum pv_code get_ready(struct wire *w, unsigned time_s, struct err *err)
{
	enum secret_heap heap;
	bool landlock;
	enum pv_code rc = secret_setup(&heap, err);

	if (rc == PV_OK)
		rc = sandbox_bound(BOX_CPU_S, BOX_MEMORY, time_s, err);
	if (rc == PV_OK)
		rc = sandbox_enter(-1, &landlock, err);
	if (rc != PV_OK)
		return rc;
	wire_put_mark(w, WIRE_READY, 0);
	return wire_flush(w, err);
}

__attribute__((noreturn)) static void
run_box(const struct box_keeper *k, const struct box_ends *ends, pid_t keeper)
{
	struct wire_rec rec;
	struct wire w;
	bool got = false;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper || !box_leave_files(ends->wire, ends->secrets))
		_exit(PV_INTERNAL);
	wire_init(&w, ends->wire);
	rc = get_ready(&w, k->time_s, &err);
	if (rc == PV_OK)
		rc = wire_read(&w, &rec, &got, &err);
	if (rc == PV_OK && got)
		rc = answer(k->work, &w, ends->secrets, &rec, &err);
	_exit((int)rc);
}

/* ---- who keeps boxes ---- */

/* Who asks decides what a signal means; a box's own end is the kernel's. */
static void leave_signals(void)
{
	static const int askers[] = { SIGINT,  SIGTERM, SIGHUP,
				      SIGQUIT, SIGTSTP, SIGPIPE };
	sigset_t none;

	for (size_t i = 0; i < sizeof(askers) / sizeof(askers[0]); i++)
		(void)signal(askers[i], SIG_IGN);
	(void)signal(SIGALRM, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool say(int ctl, int value)
{
	return send(ctl, &value, sizeof(value), MSG_NOSIGNAL) ==
	       (ssize_t)sizeof(value);
}

/* One at a time: its process, then how that ended. */
static bool keep_one(const struct box_keeper *k, int ctl)
{
	const pid_t self = getpid();
	struct box_ends ends;
	int status = 0;
	pid_t pid;

	if (!receive_ends(ctl, &ends))
		return false;
	pid = fork();
	if (pid == 0)
		run_box(k, &ends, self);
	close(ends.wire);
	close(ends.secrets);
	if (pid < 0 || !say(ctl, pid))
		return false;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return say(ctl, status);
}

void box_keep(const struct box_keeper *k, int ctl, pid_t parent)
{
	uint8_t hash[32];
	struct err err;

	err_init(&err);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	leave_signals();
	if (getppid() != parent || !box_leave_files(ctl, ctl))
		_exit(PV_INTERNAL);
	/* What libraries read at first use, while that can be reached. */
	if (sha256((struct span){ NULL, 0 }, hash, &err) != PV_OK)
		_exit(PV_INTERNAL);
	while (keep_one(k, ctl))
		;
	_exit(PV_OK);
}
