#include "lib/flow/evidencebox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/evidencebox_impl.h"
#include "lib/flow/sandbox.h"

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

/* ---- in the box ---- */

static enum pv_code answer(struct wire *w, int keys, struct wire_rec *rec,
			   struct err *err)
{
	struct box_question q;
	struct evidence_report report = { .n = 0 };
	SECRET mac = SECRET_INIT;
	struct err why;
	enum pv_code rc = box_get_question(rec, &q, err);

	if (rc == PV_OK && q.mac_len > 0)
		rc = secret_alloc(&mac, (size_t)q.mac_len, err);
	if (rc == PV_OK && q.mac_len > 0)
		rc = fd_read_all(keys, mac.data, mac.len, err);
	if (rc != PV_OK)
		return rc;
	q.want.mac_key = q.mac_len > 0 ? &mac : NULL;
	err_init(&why);
	if (evidence_verify(q.bytes, &q.want, &report, &why) == PV_OK)
		err_init(&why);
	box_put_verdict(w, &why, &report);
	return wire_flush(w, err);
}

/* What libraries read at first use, while that can be reached. */
static enum pv_code warm_up(struct err *err)
{
	enum secret_heap heap;
	uint8_t hash[32];
	enum pv_code rc = secret_setup(&heap, err);

	return rc == PV_OK ? sha256((struct span){ NULL, 0 }, hash, err) : rc;
}

static void run_box(int fd, int keys, pid_t parent)
{
	struct wire w;
	bool landlock;
	bool got = true;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (getppid() != parent)
		_exit(PV_INTERNAL);
	wire_init(&w, fd);
	rc = warm_up(&err);
	if (rc == PV_OK)
		rc = sandbox_enter(-1, &landlock, &err);
	while (rc == PV_OK && got) {
		struct wire_rec rec;

		rc = wire_read(&w, &rec, &got, &err);
		if (rc == PV_OK && got)
			rc = answer(&w, keys, &rec, &err);
	}
	_exit((int)rc);
}

/* ---- who asks ---- */

static enum pv_code ended(struct err *err)
{
	return err_fail(err, PV_INTERNAL, "evidence.box", "run it again",
			"the process that verifies evidence has ended");
}

enum pv_code evidencebox_start(struct evidencebox *b, struct err *err)
{
	int pair[2], keys[2];
	pid_t parent = getpid();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_errno(err, PV_INTERNAL, "process", NULL,
				 "cannot start a process");
	if (pipe2(keys, O_CLOEXEC) != 0) {
		close(pair[0]);
		close(pair[1]);
		return err_errno(err, PV_INTERNAL, "process", NULL,
				 "cannot start a process");
	}
	b->pid = fork();
	if (b->pid == 0) {
		close(pair[0]);
		close(keys[1]);
		run_box(pair[1], keys[0], parent);
	}
	close(pair[1]);
	close(keys[0]);
	wire_init(&b->wire, pair[0]);
	b->keys = keys[1];
	if (b->pid > 0)
		return PV_OK;
	b->pid = 0;
	wire_release(&b->wire);
	fd_cleanup(&b->keys);
	return err_errno(err, PV_INTERNAL, "process", NULL,
			 "cannot start a process");
}

static enum pv_code ask(struct evidencebox *b, struct span bytes,
			const struct evidence_want *want, struct err *err)
{
	const struct secret *mac = want->mac_key;
	enum pv_code rc = box_put_question(&b->wire, bytes, want, err);

	if (rc == PV_OK && mac)
		rc = fd_write_all(b->keys, mac->data, mac->len, err);
	return rc == PV_OK ? wire_flush(&b->wire, err) : rc;
}

enum pv_code evidencebox_verify(struct evidencebox *b, struct span bytes,
				const struct evidence_want *want,
				struct verdict *v, struct err *err)
{
	struct wire_rec rec;
	bool got = false;
	struct err gone;
	enum pv_code rc;

	memset(v, 0, sizeof(*v));
	err_init(&v->why);
	err_init(&gone);
	if (b->pid == 0)
		return ended(err);
	rc = ask(b, bytes, want, &gone);
	if (rc == PV_OK)
		rc = wire_read(&b->wire, &rec, &got, &gone);
	if (rc == PV_OK && got)
		return box_get_verdict(&rec, v, err);
	evidencebox_stop(b);
	if (rc == PV_INTERNAL) {
		*err = gone;
		return rc;
	}
	(void)err_fail(&v->why, PV_INPUT, "evidence.parser",
		       "keep it and tell us: it is in quarantine",
		       "the evidence ends the process that takes it apart");
	verdict_add(v, "evidence.parser", false, "evidence", "a crash");
	return PV_OK;
}

void evidencebox_stop(struct evidencebox *b)
{
	int status;

	if (b->pid == 0)
		return;
	wire_release(&b->wire);
	fd_cleanup(&b->keys);
	while (waitpid(b->pid, &status, 0) < 0 && errno == EINTR)
		;
	b->pid = 0;
}
