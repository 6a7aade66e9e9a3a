#include "lib/flow/box.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/box_impl.h"

/* ---- one box ---- */

static enum pv_code ended(const struct box_keeper *k, struct err *err)
{
	return err_fail(err, PV_INTERNAL, k->work->rule, "run it again",
			"the process that %s has ended", k->work->does);
}

static enum pv_code cannot_start(struct err *err)
{
	return err_errno(err, PV_INTERNAL, "process", NULL,
			 "cannot start a process");
}

/* The next thing that the keeper says. */
static enum pv_code hear(const struct box_keeper *k, int *value,
			 struct err *err)
{
	ssize_t n;

	do
		n = recv(k->ctl, value, sizeof(*value), 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*value) ? PV_OK : ended(k, err);
}

enum pv_code box_open(struct box_keeper *k, struct box *x, struct err *err)
{
	struct box_ends theirs;
	int pair[2], secrets[2], pid = 0;
	enum pv_code rc;

	*x = (struct box)BOX_INIT;
	if (k->pid == 0)
		return ended(k, err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return cannot_start(err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, secrets) != 0) {
		close(pair[0]);
		close(pair[1]);
		return cannot_start(err);
	}
	wire_init(&x->wire, pair[0]);
	x->secrets = secrets[0];
	theirs = (struct box_ends){ .wire = pair[1], .secrets = secrets[1] };
	rc = box_send_ends(k, &theirs, err);
	close(theirs.wire);
	close(theirs.secrets);
	if (rc == PV_OK)
		rc = hear(k, &pid, err);
	x->pid = rc == PV_OK ? pid : 0;
	return rc;
}

/* It ends once nobody is there to be answered, at the latest in its time. */
static enum pv_code box_close(const struct box_keeper *k, struct box *x,
			      int *status, struct err *err)
{
	enum pv_code rc = PV_OK;

	wire_release(&x->wire);
	fd_cleanup(&x->secrets);
	if (x->pid > 0)
		rc = hear(k, status, err);
	x->pid = 0;
	return rc;
}

static enum pv_code put(struct box *x, const struct box_talk *t,
			struct err *err)
{
	enum pv_code rc = t->put(&x->wire, t->question, err);

	if (rc == PV_OK && t->secret)
		rc = fd_write_all(x->secrets, t->secret->data, t->secret->len,
				  err);
	return rc == PV_OK ? wire_flush(&x->wire, err) : rc;
}

static enum pv_code await_ready(struct box *x, bool *ready, struct err *err)
{
	struct wire_rec rec;
	enum pv_code rc = wire_read(&x->wire, &rec, ready, err);

	*ready = rc == PV_OK && *ready && rec.type == WIRE_READY;
	return rc;
}

static void blame(const struct box_keeper *k, struct box_blame *to,
		  const char *found, const char *message)
{
	to->found = found;
	err_init(&to->why);
	(void)err_fail(&to->why, PV_INPUT, k->work->blame, k->work->next, "%s",
		       message);
}

static enum pv_code again_and_again(const struct box_keeper *k,
				    struct err *err)
{
	return err_fail(err, PV_INTERNAL, k->work->rule,
			"see whether the machine has memory left, then run it "
			"again",
			"the process that %s has ended without an answer %u "
			"times in a row",
			k->work->does, k->deaths);
}

struct end { /* of a box without an answer */
	const char *found, *how;
};

static struct end end_of(int status)
{
	if (!WIFSIGNALED(status))
		return (struct end){ "no answer",
				     "has the process that takes it apart end "
				     "without an answer" };
	if (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGXCPU)
		return (struct end){ "no end",
				     "keeps the process that takes it apart "
				     "for longer than it may take" };
	return (struct end){ "a crash",
			     "ends the process that takes it apart" };
}

/* How a box ended that was ready and gave no answer. Bytes do not send
 * SIGKILL: people do, or a machine without memory. */
static enum pv_code refuse(struct box_keeper *k, int status,
			   struct box_blame *to, struct err *err)
{
	const struct end end = end_of(status);
	char text[160];

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return ended(k, err);
	/* A signal is the bytes' own doing: however many, the rest goes on. */
	if (!WIFSIGNALED(status) && ++k->deaths >= BOX_DEATHS_MAX)
		return again_and_again(k, err);
	snprintf(text, sizeof(text), "%s %s", k->work->what, end.how);
	blame(k, to, end.found, text);
	return PV_OK;
}

/* *ready: the question was put; *got: an answer came, or what is none. */
static enum pv_code hear_answer(const struct box_keeper *k, struct box *x,
				const struct box_talk *t, struct box_blame *to,
				bool *ready, bool *got, struct err *err)
{
	struct wire_rec rec;
	enum pv_code rc = await_ready(x, ready, err);

	*got = false;
	if (rc == PV_OK && *ready)
		rc = put(x, t, err);
	if (rc == PV_OK && *ready)
		rc = wire_read(&x->wire, &rec, got, err);
	if (rc != PV_OK || !*got)
		return rc;
	rc = t->get(&rec, x->secrets, t->answer, err);
	if (rc == PV_INPUT)
		blame(k, to, "what none says", err->message);
	return rc == PV_INPUT ? PV_OK : rc;
}

enum pv_code box_talk(struct box_keeper *k, struct box *x,
		      const struct box_talk *t, struct box_blame *to,
		      struct err *err)
{
	bool ready = false, got = false;
	int status = 0;
	struct err gone;
	enum pv_code rc, closed;

	to->found = NULL;
	err_init(&gone);
	rc = hear_answer(k, x, t, to, &ready, &got, &gone);
	closed = box_close(k, x, &status, err);
	if (closed != PV_OK)
		return closed;
	if (rc == PV_INTERNAL) {
		*err = gone;
		return rc;
	}
	if (rc == PV_OK && got) {
		k->deaths = 0;
		return PV_OK;
	}
	return ready ? refuse(k, status, to, err) : ended(k, err);
}

/* ---- who asks ---- */

enum pv_code box_keeper_start(struct box_keeper *k, struct err *err)
{
	const pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return cannot_start(err);
	k->pid = fork();
	if (k->pid == 0)
		box_keep(k, pair[1], parent);
	close(pair[1]);
	k->ctl = pair[0];
	if (k->pid > 0)
		return PV_OK;
	k->pid = 0;
	fd_cleanup(&k->ctl);
	return cannot_start(err);
}

/* One that could not be opened is ended, too. */
static enum pv_code open_or_end(struct box_keeper *k, struct box *x,
				struct err *err)
{
	struct err ignored;
	int status;
	enum pv_code rc = box_open(k, x, err);

	if (rc == PV_OK)
		return rc;
	err_init(&ignored);
	(void)box_close(k, x, &status, &ignored);
	return rc;
}

enum pv_code box_ask_one(struct box_keeper *k, const struct box_talk *talk,
			 struct box_blame *to, struct err *err)
{
	struct box x;
	enum pv_code rc = open_or_end(k, &x, err);

	to->found = NULL;
	return rc == PV_OK ? box_talk(k, &x, talk, to, err) : rc;
}

void box_keeper_stop(struct box_keeper *k)
{
	int status;

	if (k->pid == 0)
		return;
	fd_cleanup(&k->ctl);
	while (waitpid(k->pid, &status, 0) < 0 && errno == EINTR)
		;
	k->pid = 0;
}
