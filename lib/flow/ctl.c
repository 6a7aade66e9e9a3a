#include "lib/flow/ctl.h"

#include <unistd.h>

#include "lib/base/fileio.h"

/* Sends one record on fd, which may be blocking or not. */
static enum pv_code say(int fd, enum wire_type type, const struct err *what,
			struct err *err)
{
	struct wire w = { .fd = -1 };
	size_t mark;
	enum pv_code rc;

	buf_init(&w.out, WIRE_RECORD_MAX);
	mark = wire_begin(&w, type);
	if (what)
		wire_put_err(&w, what);
	wire_end(&w, mark);
	rc = buf_check(&w.out, err);
	if (rc == PV_OK)
		rc = fd_write_all(fd, w.out.data, w.out.len, err);
	buf_release(&w.out);
	return rc;
}

enum pv_code ctl_say_ready(int fd, struct err *err)
{
	return say(fd, WIRE_READY, NULL, err);
}

enum pv_code ctl_say_unlocked(int fd, struct err *err)
{
	return say(fd, WIRE_UNLOCKED, NULL, err);
}

enum pv_code ctl_say_switched(int fd, const struct err *what, struct err *err)
{
	return say(fd, WIRE_SWITCHED, what, err);
}

enum pv_code ctl_say_failed(int fd, const struct err *what, struct err *err)
{
	return say(fd, WIRE_FATAL, what, err);
}

static bool believable(enum pv_code code, bool reader)
{
	switch (code) {
	case PV_INPUT:
	case PV_INTERNAL:
	case PV_INTERRUPTED:
		return true;
	case PV_USAGE:
	case PV_DENIED:
	case PV_INTEGRITY:
	case PV_HSM_TEMP:
	case PV_HSM_FATAL:
	case PV_STORAGE:
	case PV_CONFLICT:
	case PV_NOT_FOUND:
	case PV_WAITING:
		return !reader;
	case PV_OK:
		break;
	}
	return false;
}

static void take_failure(struct wire_rec *rec, bool reader,
			 struct ctl_news *news)
{
	struct err got, ignored;

	err_init(&ignored);
	wire_get_err(rec, &got);
	if (news->failed.code != PV_OK)
		return;
	if (wire_done(rec, &ignored) == PV_OK && believable(got.code, reader))
		news->failed = got;
	else
		err_fail(&news->failed, PV_INTERNAL, "process.failed",
			 "run it again",
			 "a process ended with an error that it cannot have");
}

void ctl_listen(struct wire *w, bool reader, struct ctl_news *news)
{
	struct wire_rec rec;
	struct err ignored;

	err_init(&ignored);
	if (w->fd < 0)
		return;
	if (wire_fill(w, 0, &ignored) != PV_OK)
		w->eof = true;
	while (wire_next(w, &rec)) {
		if (rec.type == WIRE_READY)
			news->ready = true;
		else if (rec.type == WIRE_UNLOCKED)
			news->unlocked = true;
		else if (rec.type == WIRE_SWITCHED)
			wire_get_err(&rec, &news->switched);
		else if (rec.type == WIRE_FATAL)
			take_failure(&rec, reader, news);
	}
}
