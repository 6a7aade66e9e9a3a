/* Where the value of a stored secret comes from. */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/secret.h"
#include "lib/base/fileio.h"
#include "lib/flow/secrets.h"
#include "tests/unit/unit.h"

static struct err err;

static void setup(void)
{
	err_init(&err);
}

static const char *put(const char *name, size_t len, mode_t mode)
{
	static char path[300];
	static char bytes[SECRETS_VALUE_MAX + 2];
	int fd;

	memset(bytes, 'v', sizeof(bytes));
	snprintf(path, sizeof(path), "%s/%s", unit_tmp(), name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	unit_ok(fd_write_all(fd, bytes, len, &err), &err);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

START_TEST(takes_private_files)
{
	SECRET value = SECRET_INIT;

	unit_ok(secret_input(put("most", SECRETS_VALUE_MAX, 0600), "prompt",
			     "x", &value, &err),
		&err);
	ck_assert_uint_eq(value.len, SECRETS_VALUE_MAX);
	unit_ok(secret_input(put("one", 1, 0400), "prompt", "x", &value, &err),
		&err);
	ck_assert_uint_eq(value.len, 1);
	unit_refused(secret_input(put("more", SECRETS_VALUE_MAX + 1, 0600),
				  "prompt", "x", &value, &err),
		     PV_INPUT, NULL, &err);
	err_init(&err);
	unit_refused(
		secret_input(put("open", 5, 0640), "prompt", "x", &value, &err),
		PV_DENIED, NULL, &err);
	err_init(&err);
	unit_refused(secret_input("/dev/zero", "prompt", "x", &value, &err),
		     PV_INPUT, NULL, &err);
}
END_TEST

/* Standard input becomes that file. */
static void input_is(const char *path)
{
	int fd = open(path, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
}

START_TEST(takes_standard_input)
{
	SECRET value = SECRET_INIT;

	input_is(put("in", 700, 0600));
	unit_ok(secret_input("-", "prompt", "x", &value, &err), &err);
	ck_assert_uint_eq(value.len, 700);
	unit_refused(secret_input("-", "prompt", "x", &value, &err), PV_INPUT,
		     "secret.length", &err);
	err_init(&err);
	input_is(put("in", SECRETS_VALUE_MAX + 1, 0600));
	unit_refused(secret_input("-", "prompt", "x", &value, &err), PV_INPUT,
		     "secret.length", &err);
	err_init(&err);
	unit_refused(secret_input("-", "fd:0", "x", &value, &err), PV_USAGE,
		     "pin.shared", &err);
}
END_TEST

static void await(int terminal, const char *text)
{
	char screen[500];
	size_t used = 0;
	struct pollfd ready = { .fd = terminal, .events = POLLIN };

	while (used == 0 || !memmem(screen, used, text, strlen(text))) {
		ssize_t n;

		ck_assert_int_gt(poll(&ready, 1, 5000), 0);
		n = read(terminal, screen + used, sizeof(screen) - used);
		ck_assert_int_gt((int)n, 0);
		used += (size_t)n;
		ck_assert(used < sizeof(screen));
		ck_assert(!memmem(screen, used, "typed", 5));
	}
}

static void answer(int terminal, const char *keys)
{
	ck_assert_int_eq((int)write(terminal, keys, strlen(keys)),
			 (int)strlen(keys));
}

/* What a person who types that gets; again NULL: is not asked again. */
static int ask(const char *keys, const char *again)
{
	int terminal, status = 0;
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		SECRET value = SECRET_INIT;
		enum pv_code rc =
			secret_input(NULL, "prompt", "fleet", &value, &err);

		if (rc == PV_OK && !secret_equal(&value, "typed value", 11))
			rc = PV_INTERNAL;
		_exit((int)rc);
	}
	await(terminal, "Value for fleet: ");
	answer(terminal, keys);
	if (again) {
		await(terminal, "The same again for fleet: ");
		answer(terminal, again);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	close(terminal);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(asks_twice)
{
	ck_assert_int_eq(ask("typed value\n", "typed value\n"), PV_OK);
	ck_assert_int_eq(ask("typed value\n", "typed valve\n"), PV_INPUT);
	ck_assert_int_eq(ask("typed value\n", "\n"), PV_INPUT);
	ck_assert_int_eq(ask("typed value\n", "\003"), PV_INTERRUPTED);
	ck_assert_int_eq(ask("\n", NULL), PV_INPUT);
}
END_TEST

/* A terminal would show what is typed. */
START_TEST(terminal_is_no_input)
{
	SECRET value = SECRET_INIT;
	int master, slave;

	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	ck_assert_int_eq(dup2(slave, STDIN_FILENO), STDIN_FILENO);
	unit_refused(secret_input("-", "prompt", "x", &value, &err), PV_USAGE,
		     "secret.terminal", &err);
}
END_TEST

static Suite *suite(bool terminals)
{
	Suite *all = suite_create("secret_input");
	TCase *t = tcase_create("secret_input");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, takes_private_files);
	tcase_add_test(t, takes_standard_input);
	if (terminals) {
		tcase_add_test(t, asks_twice);
		tcase_add_test(t, terminal_is_no_input);
	} else {
		unit_skip("asks_twice", "no pseudo terminals here");
	}
	suite_add_tcase(all, t);
	return all;
}

int main(void)
{
	int master, slave;
	bool terminals = openpty(&master, &slave, NULL, NULL, NULL) == 0;

	if (terminals) {
		close(master);
		close(slave);
	}
	return unit_run(suite(terminals));
}
