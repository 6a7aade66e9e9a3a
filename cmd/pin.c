#include "cmd/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/opts.h"
#include "cmd/prompt.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"

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
				"the %s is empty or longer than %d "
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
	return finish(&s, s.len, "PIN from the PIN file", pin, err);
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
	return finish(&s, len, "PIN from the descriptor", pin, err);
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

static enum pv_code prompt(const char *word, const char *what,
			   struct secret *pin, struct err *err)
{
	const struct prompt p = { .what = word,
				  .about = what,
				  .rule = "pin.terminal",
				  .hint = "use pin_source file:, fd: or "
					  "systemd: without a terminal",
				  .max = PIN_MAX };
	SECRET s = SECRET_INIT;
	enum pv_code code = prompt_hidden(&p, &s, err);

	return code ? code : finish(&s, s.len, word, pin, err);
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
	return prompt("PIN", what, pin, err);
}

enum pv_code pin_read_phrase(const char *source, const char *what, bool is_new,
			     struct secret *phrase, struct err *err)
{
	SECRET again = SECRET_INIT;
	char about[160];
	enum pv_code rc;

	if (strcmp(source, "prompt") != 0)
		return pin_read(AT_FDCWD, source, what, phrase, err);
	if (!is_new)
		return prompt("passphrase", what, phrase, err);
	snprintf(about, sizeof(about), "%.128s (new)", what);
	rc = prompt("passphrase", about, phrase, err);
	snprintf(about, sizeof(about), "%.128s (new, again)", what);
	if (rc == PV_OK)
		rc = prompt("passphrase", about, &again, err);
	if (rc == PV_OK && !secret_equal(&again, phrase->data, phrase->len))
		rc = err_fail(err, PV_INPUT, "pin.twice", "start again",
			      "the two are not the same");
	return rc;
}

enum pv_code pin_check(int home_fd, const char *source, struct err *err)
{
	SECRET pin = SECRET_INIT;

	if (strncmp(source, "file:", 5) != 0 &&
	    strncmp(source, "systemd:", 8) != 0)
		return PV_OK;
	return pin_read(home_fd, source, "", &pin, err);
}
