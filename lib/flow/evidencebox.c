#include "lib/flow/evidencebox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/evidencebox_impl.h"

bool verdict_passed(const struct verdict *v, const char *rule)
{
	bool made = false;

	for (size_t i = 0; i < v->n; i++) {
		if (strcmp(v->list[i].rule, rule) != 0)
			continue;
		if (!v->list[i].passed)
			return false;
		made = true;
	}
	return made;
}

void verdict_add(struct verdict *v, const char *rule, bool passed,
		 const char *expected, const char *found)
{
	struct verdict_check *c;

	if (v->n == EVIDENCE_CHECKS_MAX)
		return;
	c = &v->list[v->n++];
	c->passed = passed;
	snprintf(c->rule, sizeof(c->rule), "%s", rule);
	snprintf(c->expected, sizeof(c->expected), "%s", expected);
	snprintf(c->found, sizeof(c->found), "%s", found);
}

/* ---- one box ---- */

static enum pv_code ended(struct err *err)
{
	return err_fail(err, PV_INTERNAL, "evidence.box", "run it again",
			"the process that verifies evidence has ended");
}

static enum pv_code cannot_start(struct err *err)
{
	return err_errno(err, PV_INTERNAL, "process", NULL,
			 "cannot start a process");
}

/* The next thing that the keeper says. */
static enum pv_code hear(const struct evidencebox *b, int *value,
			 struct err *err)
{
	ssize_t n;

	do
		n = recv(b->ctl, value, sizeof(*value), 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*value) ? PV_OK : ended(err);
}

enum pv_code box_open(struct evidencebox *b, struct box *x, struct err *err)
{
	struct box_ends theirs;
	int pair[2], keys[2], pid = 0;
	enum pv_code rc;

	*x = (struct box)BOX_INIT;
	if (b->pid == 0)
		return ended(err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return cannot_start(err);
	if (pipe2(keys, O_CLOEXEC) != 0) {
		close(pair[0]);
		close(pair[1]);
		return cannot_start(err);
	}
	wire_init(&x->wire, pair[0]);
	x->keys = keys[1];
	theirs = (struct box_ends){ .wire = pair[1], .keys = keys[0] };
	rc = box_send_ends(b->ctl, &theirs, err);
	close(theirs.wire);
	close(theirs.keys);
	if (rc == PV_OK)
		rc = hear(b, &pid, err);
	x->pid = rc == PV_OK ? pid : 0;
	return rc;
}

/* It ends once nobody is there to be answered, at the latest in its time. */
static enum pv_code box_close(const struct evidencebox *b, struct box *x,
			      int *status, struct err *err)
{
	enum pv_code rc = PV_OK;

	wire_release(&x->wire);
	fd_cleanup(&x->keys);
	if (x->pid > 0)
		rc = hear(b, status, err);
	x->pid = 0;
	return rc;
}

struct box_talk { /* one question, and what is said to it */
	enum pv_code (*put)(struct wire *w, const void *question,
			    struct err *err);
	enum pv_code (*get)(struct wire_rec *rec, void *answer,
			    struct err *err);
	const void *question;
	void *answer;
	const struct secret *secret; /* goes by the other way; NULL: none */
};
struct box_blame {	   /* where it took apart what is no evidence */
	struct err why;	   /* PV_INPUT "evidence.parser" */
	const char *found; /* in a few words; NULL: there was an answer */
};

static enum pv_code put(struct box *x, const struct box_talk *t,
			struct err *err)
{
	enum pv_code rc = t->put(&x->wire, t->question, err);

	if (rc == PV_OK && t->secret)
		rc = fd_write_all(x->keys, t->secret->data, t->secret->len,
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

static void blame(struct box_blame *to, const char *found, const char *message)
{
	to->found = found;
	err_init(&to->why);
	(void)err_fail(&to->why, PV_INPUT, "evidence.parser",
		       "keep it and tell us: it is in quarantine", "%s",
		       message);
}

/* How a box ended that was ready and gave no answer. Evidence does not send
 * SIGKILL: people do, or a machine without memory. */
static enum pv_code refuse(int status, struct box_blame *to, struct err *err)
{
	const int by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (by == 0 || by == SIGKILL)
		return ended(err);
	if (by == SIGALRM || by == SIGXCPU)
		blame(to, "no end",
		      "the evidence keeps the process that takes it apart for "
		      "longer than it may take");
	else
		blame(to, "a crash",
		      "the evidence ends the process that takes it apart");
	return PV_OK;
}

/* *ready: the question was put; *got: an answer came, or what is none. */
static enum pv_code hear_answer(struct box *x, const struct box_talk *t,
				struct box_blame *to, bool *ready, bool *got,
				struct err *err)
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
	rc = t->get(&rec, t->answer, err);
	if (rc == PV_INPUT)
		blame(to, "what none says", err->message);
	return rc == PV_INPUT ? PV_OK : rc;
}

/* Asks, and ends x. t->get gives PV_INPUT for what cannot be an answer. What
 * ends the box, or has it say such things, is to blame for it. PV_INTERNAL. */
static enum pv_code box_talk(struct evidencebox *b, struct box *x,
			     const struct box_talk *t, struct box_blame *to,
			     struct err *err)
{
	bool ready = false, got = false;
	int status = 0;
	struct err gone;
	enum pv_code rc, closed;

	to->found = NULL;
	err_init(&gone);
	rc = hear_answer(x, t, to, &ready, &got, &gone);
	closed = box_close(b, x, &status, err);
	if (closed != PV_OK)
		return closed;
	if (rc == PV_INTERNAL) {
		*err = gone;
		return rc;
	}
	if (rc == PV_OK && got)
		return PV_OK;
	return ready ? refuse(status, to, err) : ended(err);
}

struct asked {
	struct span bytes;
	const struct evidence_want *want;
};

static enum pv_code put_asked(struct wire *w, const void *question,
			      struct err *err)
{
	const struct asked *q = question;

	return box_put_question(w, q->bytes, q->want, err);
}

static enum pv_code get_verdict(struct wire_rec *rec, void *answer,
				struct err *err)
{
	return box_get_verdict(rec, answer, err);
}

enum pv_code box_ask(struct evidencebox *b, struct box *x, struct span bytes,
		     const struct evidence_want *want, struct verdict *v,
		     struct err *err)
{
	const struct asked q = { bytes, want };
	const struct box_talk t = { put_asked, get_verdict, &q, v,
				    want->mac_key };
	struct box_blame to;
	enum pv_code rc;

	memset(v, 0, sizeof(*v));
	err_init(&v->why);
	rc = box_talk(b, x, &t, &to, err);
	if (rc != PV_OK || !to.found)
		return rc;
	memset(v, 0, sizeof(*v));
	v->why = to.why;
	verdict_add(v, "evidence.parser", false, "a verdict", to.found);
	return PV_OK;
}

/* ---- who asks ---- */

enum pv_code evidencebox_start(struct evidencebox *b, struct err *err)
{
	const pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return cannot_start(err);
	b->pid = fork();
	if (b->pid == 0)
		box_keep(pair[1], parent, b->time_s);
	close(pair[1]);
	b->ctl = pair[0];
	if (b->pid > 0)
		return PV_OK;
	b->pid = 0;
	fd_cleanup(&b->ctl);
	return cannot_start(err);
}

/* One that could not be opened is ended, too. */
static enum pv_code open_or_end(struct evidencebox *b, struct box *x,
				struct err *err)
{
	struct err ignored;
	int status;
	enum pv_code rc = box_open(b, x, err);

	if (rc == PV_OK)
		return rc;
	err_init(&ignored);
	(void)box_close(b, x, &status, &ignored);
	return rc;
}

enum pv_code evidencebox_verify(struct evidencebox *b, struct span bytes,
				const struct evidence_want *want,
				struct verdict *v, struct err *err)
{
	struct box x;
	enum pv_code rc = open_or_end(b, &x, err);

	return rc == PV_OK ? box_ask(b, &x, bytes, want, v, err) : rc;
}

static enum pv_code get_made(struct wire_rec *rec, void *answer,
			     struct err *err)
{
	return box_get_offer(rec, answer, err);
}

enum pv_code evidencebox_offer(struct evidencebox *b,
			       const struct offer_want *want,
			       struct offer_made *made, struct err *err)
{
	const struct box_talk t = { box_put_offer, get_made, want, made,
				    want->secret };
	struct box_blame to = { .found = NULL };
	struct box x;
	enum pv_code rc = open_or_end(b, &x, err);

	memset(made, 0, sizeof(*made));
	err_init(&made->why);
	if (rc == PV_OK)
		rc = box_talk(b, &x, &t, &to, err);
	if (rc != PV_OK || !to.found)
		return rc;
	memset(made, 0, sizeof(*made));
	made->why = to.why;
	return PV_OK;
}

void evidencebox_stop(struct evidencebox *b)
{
	int status;

	if (b->pid == 0)
		return;
	fd_cleanup(&b->ctl);
	while (waitpid(b->pid, &status, 0) < 0 && errno == EINTR)
		;
	b->pid = 0;
}
