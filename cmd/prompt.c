#include "cmd/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/fileio.h"

#define CTRL_C 0x03
#define CTRL_D 0x04
#define BACKSPACE 0x08
#define DELETE 0x7f

/* The terminal while it does not echo. */
struct tty {
	int fd;
	int signals;
	bool changed;
	struct termios before;
	sigset_t mask;
};

/* Signals that came meanwhile are delivered here, with the terminal whole. */
static void tty_restore(struct tty *t)
{
	if (t->changed)
		tcsetattr(t->fd, TCSAFLUSH, &t->before);
	fd_cleanup(&t->fd);
	if (t->signals >= 0)
		sigprocmask(SIG_SETMASK, &t->mask, NULL);
	fd_cleanup(&t->signals);
}

static enum pv_code tty_quiet(struct tty *t, const struct prompt *p,
			      struct err *err)
{
	struct termios raw;
	sigset_t block;

	t->fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (t->fd < 0 || tcgetattr(t->fd, &t->before) != 0)
		return err_fail(err, PV_DENIED, p->rule, p->hint,
				"there is no terminal to ask for the %s on",
				p->what);
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGHUP);
	sigaddset(&block, SIGQUIT);
	sigaddset(&block, SIGTSTP);
	if (sigprocmask(SIG_BLOCK, &block, &t->mask) != 0)
		return err_errno(err, PV_INTERNAL, NULL, NULL, "sigprocmask");
	t->signals = signalfd(-1, &block, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->signals < 0) {
		sigprocmask(SIG_SETMASK, &t->mask, NULL);
		return err_errno(err, PV_INTERNAL, NULL, NULL, "signalfd");
	}
	raw = t->before;
	raw.c_lflag &=
		(tcflag_t) ~(ECHO | ECHOE | ECHOK | ECHONL | ICANON | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	t->changed = true;
	if (tcsetattr(t->fd, TCSAFLUSH, &raw) != 0)
		return err_errno(err, PV_DENIED, p->rule, NULL,
				 "cannot switch the terminal's echo off");
	return PV_OK;
}

/* One byte, or PV_INTERRUPTED for a signal (left pending) or an end. */
static enum pv_code tty_byte(const struct tty *t, const struct prompt *p,
			     uint8_t *byte, struct err *err)
{
	struct pollfd fds[2] = { { .fd = t->fd, .events = POLLIN },
				 { .fd = t->signals, .events = POLLIN } };

	for (;;) {
		int n = poll(fds, 2, -1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || fds[1].revents)
			break;
		if (read(t->fd, byte, 1) == 1 && *byte != CTRL_C)
			return PV_OK;
		break;
	}
	return err_fail(err, PV_INTERRUPTED, "interrupted", "run it again",
			"interrupted while asking for the %s", p->what);
}

static enum pv_code ask(const struct tty *t, const struct prompt *p,
			struct err *err)
{
	const char *const parts[] = { p->what, " for ", p->about, ": " };
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < 4; i++)
		rc = fd_write_all(t->fd, parts[i], strlen(parts[i]), err);
	return rc;
}

enum pv_code prompt_hidden(const struct prompt *p, struct secret *out,
			   struct err *err)
{
	CLEANUP(tty_restore) struct tty t = { .fd = -1, .signals = -1 };
	SECRET s = SECRET_INIT;
	uint8_t byte = 0;
	size_t len = 0;
	enum pv_code rc = tty_quiet(&t, p, err);

	/* One more than fits, so that too much is seen to be too much. */
	if (rc == PV_OK)
		rc = secret_alloc(&s, p->max + 1, err);
	if (rc == PV_OK)
		rc = ask(&t, p, err);
	while (rc == PV_OK) {
		rc = tty_byte(&t, p, &byte, err);
		if (rc != PV_OK || byte == '\n' || byte == '\r' ||
		    byte == CTRL_D)
			break;
		if (byte == BACKSPACE || byte == DELETE)
			len -= len > 0;
		else if (len < s.len)
			s.data[len++] = byte;
	}
	secret_wipe(&byte, sizeof(byte));
	if (t.fd >= 0 && t.changed) {
		ssize_t n = write(t.fd, "\n", 1);
		(void)n;
	}
	if (rc != PV_OK)
		return rc;
	secret_truncate(&s, len);
	secret_move(out, &s);
	return PV_OK;
}
