#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/pin.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "tests/unit/unit.h"

static int folder(void)
{
	int fd = open(unit_tmp(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void put(int dir, const char *name, const char *text, size_t len,
		mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, text, len), (int)len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void is_pin(const struct secret *pin, const char *want)
{
	ck_assert_uint_eq(pin->len, strlen(want));
	ck_assert(secret_equal(pin, want, strlen(want)));
}

START_TEST(forms)
{
	static const char *const good[] = {
		"prompt", "file:x",   "file:/a/b",
		"fd:0",	  "fd:65535", "systemd:pin"
	};
	static const char *const bad[] = {
		"",	      "1234",	  "Prompt",  "file:",	 "fd:",
		"fd:-1",      "fd:65536", "fd:1x",   "systemd:", "systemd:../x",
		"systemd:-x", "env:PIN",  "prompt ",
	};
	SECRET pin = SECRET_INIT;
	struct err err;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(pin_source_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!pin_source_valid(bad[i]), "%s", bad[i]);
		err_init(&err);
		unit_refused(pin_read(AT_FDCWD, bad[i], "x", &pin, &err),
			     PV_INPUT, "pin.source", &err);
		ck_assert_ptr_null(strstr(err.message, "1234"));
	}
}
END_TEST

START_TEST(files)
{
	CLEANUP(fd_cleanup) int dir = folder();
	SECRET pin = SECRET_INIT;
	char longest[PIN_MAX + 3];
	struct err err;

	err_init(&err);
	put(dir, "p", "s3cret\n", 7, 0600);
	unit_ok(pin_read(dir, "file:p", "x", &pin, &err), &err);
	is_pin(&pin, "s3cret");
	put(dir, "p", "a b\r\n", 5, 0600);
	unit_ok(pin_read(dir, "file:p", "x", &pin, &err), &err);
	is_pin(&pin, "a b");
	memset(longest, '7', sizeof(longest));
	put(dir, "p", longest, PIN_MAX, 0600);
	unit_ok(pin_read(dir, "file:p", "x", &pin, &err), &err);
	ck_assert_uint_eq(pin.len, PIN_MAX);
	put(dir, "p", longest, PIN_MAX + 1, 0600);
	unit_refused(pin_read(dir, "file:p", "x", &pin, &err), PV_INPUT,
		     "pin.length", &err);
	err_init(&err);
	put(dir, "p", longest, sizeof(longest), 0600);
	unit_refused(pin_read(dir, "file:p", "x", &pin, &err), PV_INPUT, NULL,
		     &err);
	err_init(&err);
	put(dir, "p", "\n", 1, 0600);
	unit_refused(pin_read(dir, "file:p", "x", &pin, &err), PV_INPUT,
		     "pin.length", &err);
}
END_TEST

START_TEST(files_of_others)
{
	static const mode_t modes[] = { 0644, 0640, 0604, 0620, 0660 };
	CLEANUP(fd_cleanup) int dir = folder();
	SECRET pin = SECRET_INIT;
	struct err err;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		err_init(&err);
		put(dir, "q", "s3cret\n", 7, modes[i]);
		unit_refused(pin_read(dir, "file:q", "x", &pin, &err),
			     PV_DENIED, "file.mode", &err);
		ck_assert_ptr_null(strstr(err.message, "s3cret"));
	}
	err_init(&err);
	put(dir, "q", "s3cret\n", 7, 0600);
	ck_assert_int_eq(symlinkat("q", dir, "link"), 0);
	unit_refused(pin_read(dir, "file:link", "x", &pin, &err), PV_INPUT,
		     "file.symlink", &err);
	err_init(&err);
	unit_refused(pin_read(dir, "file:none", "x", &pin, &err), PV_NOT_FOUND,
		     NULL, &err);
	ck_assert_ptr_null(pin.data);
}
END_TEST

START_TEST(descriptors)
{
	SECRET pin = SECRET_INIT;
	char source[32], rest[8];
	struct err err;
	int ends[2];

	err_init(&err);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq((int)write(ends[1], "one\nrest", 8), 8);
	close(ends[1]);
	snprintf(source, sizeof(source), "fd:%d", ends[0]);
	/* What stands behind the first line is no part of a PIN. */
	unit_ok(pin_read(AT_FDCWD, source, "x", &pin, &err), &err);
	is_pin(&pin, "one");
	ck_assert_int_eq((int)read(ends[0], rest, sizeof(rest)), 4);
	close(ends[0]);
}
END_TEST

START_TEST(descriptor_lines)
{
	SECRET pin = SECRET_INIT;
	char source[32];
	struct err err;
	int ends[2];

	err_init(&err);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq((int)write(ends[1], "one\n", 4), 4);
	snprintf(source, sizeof(source), "fd:%d", ends[0]);
	/* The other end stays open: a line is enough. */
	unit_ok(pin_read(AT_FDCWD, source, "x", &pin, &err), &err);
	is_pin(&pin, "one");
	close(ends[1]);
	unit_refused(pin_read(AT_FDCWD, source, "x", &pin, &err), PV_INPUT,
		     "pin.length", &err);
	close(ends[0]);
	err_init(&err);
	unit_refused(pin_read(AT_FDCWD, source, "x", &pin, &err), PV_INPUT,
		     "pin.source", &err);
}
END_TEST

/* A number in use by the process itself would be waited on for ever. */
START_TEST(own_descriptors)
{
	SECRET pin = SECRET_INIT;
	char source[32];
	struct err err;
	int ends[2];

	err_init(&err);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	snprintf(source, sizeof(source), "fd:%d", ends[0]);
	unit_refused(pin_read(AT_FDCWD, source, "x", &pin, &err), PV_INPUT,
		     "pin.source", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "no descriptor"));
	ck_assert_ptr_nonnull(strstr(err.hint, "<FILE"));
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(credentials)
{
	CLEANUP(fd_cleanup) int dir = folder();
	SECRET pin = SECRET_INIT;
	struct err err;

	err_init(&err);
	unsetenv("CREDENTIALS_DIRECTORY");
	unit_refused(pin_read(dir, "systemd:hsm", "x", &pin, &err),
		     PV_NOT_FOUND, "pin.source", &err);
	err_init(&err);
	setenv("CREDENTIALS_DIRECTORY", unit_tmp(), 1);
	put(dir, "hsm", "cred", 4, 0440);
	unit_ok(pin_read(dir, "systemd:hsm", "x", &pin, &err), &err);
	is_pin(&pin, "cred");
	put(dir, "hsm", "cred", 4, 0660);
	unit_refused(pin_read(dir, "systemd:hsm", "x", &pin, &err), PV_DENIED,
		     NULL, &err);
}
END_TEST

/*
 * Types keys at a prompt in a child that has a terminal of its own. What the
 * terminal showed goes to screen; *echo says whether it echoes at the end.
 */
static int prompt(const char *keys, int with_signal, char *screen, size_t cap,
		  bool *echo)
{
	struct termios after;
	struct pollfd ready;
	size_t used = 0;
	int terminal, status = 0;
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		SECRET pin = SECRET_INIT;
		struct err err;

		signal(SIGTERM, SIG_DFL); /* check has one of its own */
		err_init(&err);
		enum pv_code rc =
			pin_read(AT_FDCWD, "prompt", "acme", &pin, &err);
		if (rc == PV_OK && !secret_equal(&pin, "geheim", 6))
			rc = PV_INTERNAL;
		_exit((int)rc);
	}
	ready = (struct pollfd){ .fd = terminal, .events = POLLIN };
	while (used + 1 < cap && !memmem(screen, used, "acme: ", 6)) {
		ck_assert_int_gt(poll(&ready, 1, 5000), 0);
		ssize_t n = read(terminal, screen + used, cap - 1 - used);
		ck_assert_int_gt((int)n, 0);
		used += (size_t)n;
	}
	if (with_signal)
		kill(pid, with_signal);
	ck_assert_int_eq((int)write(terminal, keys, strlen(keys)),
			 (int)strlen(keys));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(tcgetattr(terminal, &after), 0);
	*echo = (after.c_lflag & (ECHO | ICANON | ISIG)) ==
		(ECHO | ICANON | ISIG);
	while (used + 1 < cap && poll(&ready, 1, 0) > 0) {
		ssize_t n = read(terminal, screen + used, cap - 1 - used);
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	screen[used] = '\0';
	close(terminal);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

START_TEST(prompts)
{
	char screen[500];
	bool echo;

	ck_assert_int_eq(prompt("geheim\n", 0, screen, sizeof(screen), &echo),
			 PV_OK);
	ck_assert_ptr_nonnull(strstr(screen, "PIN for acme: "));
	ck_assert_ptr_null(strstr(screen, "geheim"));
	ck_assert(echo);
	ck_assert_int_eq(
		prompt("gehx\177eim\r", 0, screen, sizeof(screen), &echo),
		PV_OK);
	ck_assert_int_eq(prompt("\n", 0, screen, sizeof(screen), &echo),
			 PV_INPUT);
	ck_assert_int_eq(prompt("ge\003", 0, screen, sizeof(screen), &echo),
			 PV_INTERRUPTED);
	ck_assert(echo);
}
END_TEST

START_TEST(signal_restores)
{
	char screen[500];
	bool echo = false;

	ck_assert_int_eq(prompt("", SIGTERM, screen, sizeof(screen), &echo),
			 128 + SIGTERM);
	ck_assert(echo);
}
END_TEST

START_TEST(no_terminal)
{
	SECRET pin = SECRET_INIT;
	struct err err;
	int status = 0;
	pid_t pid = fork();

	err_init(&err);
	if (pid == 0) {
		setsid();
		_exit((int)pin_read(AT_FDCWD, "prompt", "x", &pin, &err));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), PV_DENIED);
}
END_TEST

/* A chroot may have no /dev/pts. */
static bool has_terminals(void)
{
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
		return false;
	close(master);
	close(slave);
	return true;
}

START_TEST(shared_descriptors)
{
	char source[32];
	int ends[2], copy;

	ck_assert_int_eq(pipe(ends), 0);
	copy = dup(ends[0]);
	snprintf(source, sizeof(source), "fd:%d", ends[0]);
	ck_assert(pin_source_shares(source, ends[0]));
	ck_assert(pin_source_shares(source, copy)); /* one pipe, two numbers */
	ck_assert(!pin_source_shares("prompt", ends[0]));
	ck_assert(!pin_source_shares("file:0", ends[0]));
	close(ends[0]);
	ck_assert(!pin_source_shares(source, copy)); /* not open */
	close(copy);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pin");
	TCase *t = tcase_create("pin");

	tcase_add_test(t, forms);
	tcase_add_test(t, files);
	tcase_add_test(t, files_of_others);
	tcase_add_test(t, descriptors);
	tcase_add_test(t, descriptor_lines);
	tcase_add_test(t, shared_descriptors);
	tcase_add_test(t, own_descriptors);
	tcase_add_test(t, credentials);
	if (has_terminals()) {
		tcase_add_test(t, prompts);
		tcase_add_test(t, signal_restores);
	} else {
		unit_skip("prompts", "no pseudo terminals here");
		unit_skip("signal_restores", "no pseudo terminals here");
	}
	tcase_add_test(t, no_terminal);
	suite_add_tcase(s, t);
	return unit_run(s);
}
