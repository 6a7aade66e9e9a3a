#include "lib/flow/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/box_fix.h"
#include "tests/unit/unit.h"

#define WITHOUT_LANDLOCK 90

static char file[512];
static int folder;

static void setup(void)
{
	int fd;

	snprintf(file, sizeof(file), "%s/csr.pem", unit_tmp());
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_eq(write(fd, "text", 4), 4);
	close(fd);
	folder = open(unit_tmp(), O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(folder, 0);
}

static void teardown(void)
{
	close(folder);
}

/* How a child ended that confined itself and did what: 0, errno or -signal. */
static int confined(int dir, int (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		bool landlock;
		struct err err;

		err_init(&err);
		if (sandbox_enter(dir, &landlock, &err) != PV_OK)
			_exit(99);
		if (!landlock)
			_exit(WITHOUT_LANDLOCK);
		_exit(what());
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1000;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int try_open(const char *path, int flags)
{
	int fd = openat(AT_FDCWD, path, flags);

	return fd >= 0 ? 0 : errno;
}

static int read_below(void)
{
	int fd = openat(folder, "csr.pem", O_RDONLY | O_NOFOLLOW);
	char text[8];

	return fd >= 0 && read(fd, text, sizeof(text)) == 4 ? 0 : 1;
}

static int read_elsewhere(void)
{
	return try_open("/etc/passwd", O_RDONLY);
}

static int cut_below(void)
{
	return try_open(file, O_RDONLY | O_TRUNC);
}

static int write_below(void)
{
	return try_open(file, O_WRONLY);
}

static int map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED
		       ? 0
		       : errno;
}

static int make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
}

static int make_socket(void)
{
	int two[2];

	return pipe(two) == 0 ? 0 : errno;
}

static int ends[2];
static pid_t victim;

/* Each by itself: one of them is what it takes. */
static int own(void)
{
	return fcntl(ends[0], F_SETOWN, victim) == 0 ? 0 : errno;
}

static int choose_signal(void)
{
	return fcntl(ends[0], F_SETSIG, SIGKILL) == 0 ? 0 : errno;
}

static int ask_for_signals(void)
{
	return fcntl(ends[0], F_SETFL, O_ASYNC) == 0 ? 0 : errno;
}

static int ask_for_flags(void)
{
	int fd = fcntl(ends[0], F_DUPFD_CLOEXEC, 0);

	return fd >= 0 && fcntl(fd, F_GETFL) >= 0 &&
			       fcntl(fd, F_GETFD) == FD_CLOEXEC &&
			       fcntl(fd, F_SETFD, 0) == 0
		       ? 0
		       : 1;
}

START_TEST(files_below_the_folder_can_be_read)
{
	ck_assert_int_eq(confined(folder, read_below), 0);
}
END_TEST

START_TEST(other_files_cannot_be_read)
{
	ck_assert_int_eq(confined(folder, read_elsewhere), EACCES);
}
END_TEST

START_TEST(without_a_folder_nothing_is_opened)
{
	ck_assert_int_eq(confined(-1, read_below), 1);
	ck_assert_int_eq(confined(-1, read_elsewhere), EPERM);
}
END_TEST

START_TEST(files_are_neither_cut_nor_written)
{
	char text[8];
	int fd;

	ck_assert_int_eq(confined(folder, cut_below), -SIGSYS);
	ck_assert_int_eq(confined(folder, write_below), -SIGSYS);
	fd = open(file, O_RDONLY);
	ck_assert_int_eq(read(fd, text, sizeof(text)), 4);
	close(fd);
}
END_TEST

/* Not even by the kernel, which sends them for who owns a socket. */
START_TEST(nobody_gets_signals)
{
	victim = getpid();
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(confined(-1, ask_for_flags), 0);
	ck_assert_int_eq(confined(-1, own), -SIGSYS);
	ck_assert_int_eq(confined(-1, choose_signal), -SIGSYS);
	ck_assert_int_eq(confined(-1, ask_for_signals), -SIGSYS);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(memory_does_not_become_code)
{
	ck_assert_int_eq(confined(folder, map_code), -SIGSYS);
	ck_assert_int_eq(confined(folder, make_code), -SIGSYS);
}
END_TEST

START_TEST(other_calls_end_the_process)
{
	ck_assert_int_eq(confined(folder, make_socket), -SIGSYS);
}
END_TEST

static int nothing(void)
{
	return 0;
}

/* Sanitizers need calls of their own: there the filter is left out. */
static bool filter_is_built_in(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return false;
#else
	return true;
#endif
}

int main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("sandbox");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	if (!seccomp_is_there()) {
		unit_skip("sandbox", "no seccomp here");
		return unit_run(s);
	}
	if (confined(-1, nothing) == WITHOUT_LANDLOCK) {
		unit_skip("sandbox", "this kernel has no Landlock");
		return unit_run(s);
	}
	tcase_add_test(t, files_below_the_folder_can_be_read);
	tcase_add_test(t, other_files_cannot_be_read);
	if (filter_is_built_in()) {
		tcase_add_test(t, without_a_folder_nothing_is_opened);
		tcase_add_test(t, files_are_neither_cut_nor_written);
		tcase_add_test(t, nobody_gets_signals);
		tcase_add_test(t, memory_does_not_become_code);
		tcase_add_test(t, other_calls_end_the_process);
	}
	return unit_run(s);
}
