#include "cmd/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/opts.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"

#define CTRL_C 0x03
#define CTRL_D 0x04
#define BACKSPACE 0x08
#define DELETE 0x7f

/* Drops one line end, and refuses what is left empty or too long. */
static enum pv_code finish(struct secret *s, size_t len, const char *where,
			   struct secret *pin, struct err *err)
{
	if (len && s->data[len - 1] == '\n')
		len--;
	if (len && s->data[len - 1] == '\r')
		len--;
	if (len == 0 || len > PIN_MAX)
		return err_fail(err, PV_INPUT, "pin.length", NULL,
				"the PIN from %s is empty or longer than %d "
				"bytes",
				where, PIN_MAX);
	secret_truncate(s, len);
	secret_move(pin, s);
	return PV_OK;
}

static enum pv_code read_path(int dirfd, const char *path, unsigned flags,
			      struct secret *pin, struct err *err)
{
	SECRET s = SECRET_INIT;
	enum pv_code code =
		file_read_secret(dirfd, path, flags, PIN_MAX + 2, &s, err);

	if (code) {
		err_prefix(err, "PIN file");
		return code;
	}
	return finish(&s, s.len, "the PIN file", pin, err);
}

/*
 * What this process opened is close-on-exec, what it was started with never
 * is: a number that only happens to be in use is not read from.
 */
static enum pv_code check_inherited(int fd, struct err *err)
{
	char hint[80];
	int flags = fcntl(fd, F_GETFD);

	if (flags >= 0 && !(flags & FD_CLOEXEC))
		return PV_OK;
	snprintf(hint, sizeof(hint),
		 "start it with %d<FILE, or change pin_source", fd);
	return err_fail(err, PV_INPUT, "pin.source", hint,
			"no descriptor %d was handed in for the PIN", fd);
}

static enum pv_code read_fd(int fd, struct secret *pin, struct err *err)
{
	SECRET s = SECRET_INIT;
	size_t len = 0;
	enum pv_code code = check_inherited(fd, err);

	if (!code)
		code = secret_alloc(&s, PIN_MAX + 3, err);
	if (code)
		return code;
	/* Byte by byte: what stands behind the line is somebody else's. */
	while (len < s.len) {
		ssize_t n = read(fd, s.data + len, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, PV_INPUT, "pin.source", NULL,
					 "cannot read the PIN from fd:%d", fd);
		len += (size_t)n;
		if (n == 0 || s.data[len - 1] == '\n')
			break;
	}
	return finish(&s, len, "the descriptor", pin, err);
}

static enum pv_code read_systemd(const char *name, struct secret *pin,
				 struct err *err)
{
	CLEANUP(fd_cleanup) int dir = -1;
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	enum pv_code code;

	if (!folder || folder[0] != '/')
		return err_fail(
			err, PV_NOT_FOUND, "pin.source",
			"start provctl from a unit with LoadCredential=",
			"systemd gave no folder of credentials");
	code = dir_open(AT_FDCWD, folder, &dir, err);
	if (code)
		return code;
	/* Owned by root or by the service; readers are set by systemd. */
	return read_path(dir, name,
			 FILEIO_NOFOLLOW | FILEIO_NOT_WRITABLE_BY_OTHERS, pin,
			 err);
}

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

static enum pv_code tty_quiet(struct tty *t, struct err *err)
{
	struct termios raw;
	sigset_t block;

	t->fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (t->fd < 0 || tcgetattr(t->fd, &t->before) != 0)
		return err_fail(err, PV_DENIED, "pin.terminal",
				"use pin_source file:, fd: or systemd: without "
				"a terminal",
				"there is no terminal to ask for the PIN on");
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
		return err_errno(err, PV_DENIED, "pin.terminal", NULL,
				 "cannot switch the terminal's echo off");
	return PV_OK;
}

/* One byte, or PV_INTERRUPTED for a signal (left pending) or an end. */
static enum pv_code tty_byte(const struct tty *t, uint8_t *byte,
			     struct err *err)
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
	return err_fail(err, PV_INTERRUPTED, "pin.interrupted", NULL,
			"interrupted while asking for the PIN");
}

static enum pv_code prompt(const char *what, struct secret *pin,
			   struct err *err)
{
	CLEANUP(tty_restore) struct tty t = { .fd = -1, .signals = -1 };
	SECRET s = SECRET_INIT;
	uint8_t byte = 0;
	size_t len = 0;
	enum pv_code code = tty_quiet(&t, err);

	if (!code)
		code = secret_alloc(&s, PIN_MAX + 1, err);
	if (!code)
		code = fd_write_all(t.fd, "PIN for ", 8, err);
	if (!code)
		code = fd_write_all(t.fd, what, strlen(what), err);
	if (!code)
		code = fd_write_all(t.fd, ": ", 2, err);
	while (!code) {
		code = tty_byte(&t, &byte, err);
		if (code || byte == '\n' || byte == '\r' || byte == CTRL_D)
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
	return code ? code : finish(&s, len, "the prompt", pin, err);
}

bool pin_source_valid(const char *source)
{
	uint64_t fd;

	if (strcmp(source, "prompt") == 0)
		return true;
	if (strncmp(source, "file:", 5) == 0)
		return source[5] != '\0';
	if (strncmp(source, "fd:", 3) == 0)
		return opts_number(source + 3, 0, 65535, &fd);
	if (strncmp(source, "systemd:", 8) == 0)
		return name_is_safe(source + 8, strlen(source + 8));
	return false;
}

bool pin_source_shares(const char *source, int fd)
{
	struct stat pin, other;
	uint64_t n;

	return strncmp(source, "fd:", 3) == 0 &&
	       opts_number(source + 3, 0, 65535, &n) &&
	       check_inherited((int)n, NULL) == PV_OK &&
	       fstat((int)n, &pin) == 0 && fstat(fd, &other) == 0 &&
	       pin.st_dev == other.st_dev && pin.st_ino == other.st_ino;
}

enum pv_code pin_read(int home_fd, const char *source, const char *what,
		      struct secret *pin, struct err *err)
{
	uint64_t fd;

	if (!pin_source_valid(source))
		return err_fail(err, PV_INPUT, "pin.source",
				"use prompt, file:PATH, fd:N or systemd:NAME",
				"pin_source is none of the known forms");
	if (strncmp(source, "file:", 5) == 0)
		return read_path(home_fd, source + 5,
				 FILEIO_NOFOLLOW | FILEIO_PRIVATE, pin, err);
	if (strncmp(source, "systemd:", 8) == 0)
		return read_systemd(source + 8, pin, err);
	if (strncmp(source, "fd:", 3) == 0 &&
	    opts_number(source + 3, 0, 65535, &fd))
		return read_fd((int)fd, pin, err);
	return prompt(what, pin, err);
}

enum pv_code pin_check(int home_fd, const char *source, struct err *err)
{
	SECRET pin = SECRET_INIT;

	if (strncmp(source, "file:", 5) != 0 &&
	    strncmp(source, "systemd:", 8) != 0)
		return PV_OK;
	return pin_read(home_fd, source, "", &pin, err);
}
