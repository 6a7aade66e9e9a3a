/* Lines to one other end, lib/base/lineio.h. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/lineio.h"
#include "lib/base/pvtime.h"

static void refused(const char *where, unsigned baud, enum pv_code code,
		    const char *rule)
{
	struct lineio l = LINEIO_INIT;
	struct err err;

	err_init(&err);
	unit_refused(lineio_open(&l, where, baud, &err), code, rule, &err);
	lineio_close(&l);
}

static void gives(struct lineio *l, const char *text)
{
	uint8_t got[64];
	size_t n = 0;

	UNIT_OK(lineio_receive(l, got, sizeof(got), 1000, &n, &err_));
	ck_assert_uint_eq(n, strlen(text));
	ck_assert_mem_eq(got, text, n);
}

static void takes(struct lineio *l, const char *text)
{
	struct span s = { (const uint8_t *)text, strlen(text) };
	bool sent = false;

	UNIT_OK(lineio_send(l, s, 1000, &sent, &err_));
	ck_assert(sent);
}

static void is_gone(struct lineio *l)
{
	uint8_t got[8];
	struct err err;
	size_t n;

	err_init(&err);
	unit_refused(lineio_receive(l, got, sizeof(got), 1000, &n, &err),
		     PV_HSM_TEMP, "link.gone", &err);
}

START_TEST(forms)
{
	static const char *const not_fds[] = { "fd:",	   "fd:x",  "fd:3x",
					       "fd:65536", "fd:-1", "fd:3,",
					       "fd:3,4,5", "fd:",   "fd:,3" };

	for (size_t i = 0; i < sizeof(not_fds) / sizeof(not_fds[0]); i++)
		refused(not_fds[i], LINEIO_BAUD, PV_INPUT, "link.fd");
}
END_TEST

START_TEST(not_a_line)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/file", unit_tmp());
	fd = open(path, O_RDWR | O_CREAT, 0600); /* inherited: no CLOEXEC */
	ck_assert_int_ge(fd, 0);
	refused(path, LINEIO_BAUD, PV_INPUT, "link.path");
	refused(unit_tmp(), LINEIO_BAUD, PV_INPUT, "link.path");
	refused("/dev/null", LINEIO_BAUD, PV_INPUT, "link.path");
	snprintf(path, sizeof(path), "fd:%d", fd);
	refused(path, LINEIO_BAUD, PV_INPUT, "link.path");
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	refused(path, LINEIO_BAUD, PV_INPUT, "link.fd");
	close(fd);
	refused("fd:999", LINEIO_BAUD, PV_INPUT, "link.fd");
	refused("/nowhere/tty", LINEIO_BAUD, PV_NOT_FOUND, "link.path");
	refused("3", LINEIO_BAUD, PV_NOT_FOUND, "link.path");
	refused("/dev/null", 12345, PV_USAGE, "link.baud");
	snprintf(path, sizeof(path), "%s/fifo", unit_tmp());
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	refused(path, LINEIO_BAUD, PV_INPUT, "link.path");
}
END_TEST

START_TEST(handed_in)
{
	struct lineio l = LINEIO_INIT;
	char where[32];
	int p[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	snprintf(where, sizeof(where), "fd:%d", p[0]);
	UNIT_OK(lineio_open(&l, where, LINEIO_BAUD, &err_));
	ck_assert_int_eq(write(p[1], "one", 3), 3);
	gives(&l, "one");
	takes(&l, "two");
	lineio_close(&l);
	/* As it was: open, and it waits. */
	ck_assert(!(fcntl(p[0], F_GETFL) & O_NONBLOCK));
	UNIT_OK(lineio_open(&l, where, LINEIO_BAUD, &err_));
	close(p[1]);
	is_gone(&l);
	lineio_close(&l);
	close(p[0]);
}
END_TEST

START_TEST(two_pipes)
{
	struct lineio l = LINEIO_INIT;
	char where[32], got[8];
	int in[2], out[2];

	ck_assert_int_eq(pipe(in) | pipe(out), 0);
	snprintf(where, sizeof(where), "fd:%d,%d", in[0], out[1]);
	UNIT_OK(lineio_open(&l, where, LINEIO_BAUD, &err_));
	ck_assert_int_eq(write(in[1], "one", 3), 3);
	gives(&l, "one");
	takes(&l, "two");
	ck_assert_int_eq(read(out[0], got, sizeof(got)), 3);
	close(in[1]);
	is_gone(&l);
	lineio_close(&l);
}
END_TEST

/* Nothing comes, and nothing is taken: it waits as long as it may. */
START_TEST(waits)
{
	static uint8_t much[4u << 20];
	struct span s = { much, sizeof(much) };
	struct lineio l = LINEIO_INIT;
	uint8_t got[8];
	int p[2];
	int64_t start;
	size_t n = 9;
	bool sent = true;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	UNIT_OK(lineio_take(&l, p[0], &err_));
	start = pvtime_mono_ms();
	UNIT_OK(lineio_receive(&l, got, sizeof(got), 50, &n, &err_));
	ck_assert_uint_eq(n, 0);
	ck_assert_int_ge(pvtime_mono_ms() - start, 50);
	start = pvtime_mono_ms();
	UNIT_OK(lineio_send(&l, s, 50, &sent, &err_));
	ck_assert(!sent);
	ck_assert_int_ge(pvtime_mono_ms() - start, 50);
	close(p[1]);
	lineio_close(&l);
	ck_assert_int_eq(fcntl(p[0], F_GETFD), -1); /* it was its own */
}
END_TEST

START_TEST(sockets)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct lineio l = LINEIO_INIT;
	char far[200];
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%.90s/sock", unit_tmp());
	ck_assert_int_eq(bind(s, (struct sockaddr *)&at, sizeof(at)), 0);
	refused(at.sun_path, LINEIO_BAUD, PV_HSM_TEMP, "link.gone");
	ck_assert_int_eq(listen(s, 1), 0);
	UNIT_OK(lineio_open(&l, at.sun_path, LINEIO_BAUD, &err_));
	takes(&l, "hello");
	lineio_close(&l);
	/* The same socket, by a path that is too long for one. */
	snprintf(far, sizeof(far), "%.*s%.60s%.60s/sock",
		 (int)(strlen(at.sun_path) - 5), at.sun_path,
		 "/././././././././././././././././././././././././././././.",
		 "/././././././././././././././././././././././././././././.");
	refused(far, LINEIO_BAUD, PV_INPUT, "link.path");
	close(s);
}
END_TEST

/* A terminal: raw while it is used, then as it was; one user at a time. */
START_TEST(terminal)
{
	struct lineio l = LINEIO_INIT, second = LINEIO_INIT;
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	struct termios before, now;
	char got[8];
	struct err err;

	ck_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	ck_assert_int_eq(tcgetattr(master, &before), 0);
	UNIT_OK(lineio_open(&l, ptsname(master), 9600, &err_));
	ck_assert_int_eq(tcgetattr(master, &now), 0);
	ck_assert(!(now.c_lflag & (ICANON | ECHO | ISIG)));
	ck_assert(!(now.c_oflag & OPOST));
	ck_assert_uint_eq(cfgetospeed(&now), B9600);
	err_init(&err);
	unit_refused(lineio_open(&second, ptsname(master), 9600, &err),
		     PV_CONFLICT, "link.busy", &err);
	lineio_close(&second);
	ck_assert_int_eq(write(master, "\x03\n\x11", 3), 3);
	gives(&l, "\x03\n\x11");
	takes(&l, "a\nb");
	ck_assert_int_eq(read(master, got, sizeof(got)), 3);
	lineio_close(&l);
	ck_assert_int_eq(tcgetattr(master, &now), 0);
	ck_assert_uint_eq(now.c_lflag, before.c_lflag);
	UNIT_OK(lineio_open(&l, ptsname(master), 9600, &err_));
	close(master);
	is_gone(&l);
	lineio_close(&l);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lineio");
	TCase *tc = tcase_create("lineio");

	signal(SIGPIPE, SIG_IGN);
	tcase_add_test(tc, forms);
	tcase_add_test(tc, not_a_line);
	tcase_add_test(tc, handed_in);
	tcase_add_test(tc, two_pipes);
	tcase_add_test(tc, waits);
	tcase_add_test(tc, sockets);
	tcase_add_test(tc, terminal);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
