#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/base/filesweep.h"
#include "tests/unit/unit.h"

static int dir = -1;

static void setup(void)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%ld", unit_tmp(), (long)getpid());
	ck_assert_int_eq(mkdir(path, 0700), 0);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir, 0);
}

static void put(const char *name, const char *text, mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void refused(const char *name, unsigned flags, size_t max,
		    enum pv_code want, const char *rule)
{
	struct buf b;
	struct err e;

	err_init(&e);
	buf_init(&b, max);
	unit_refused(file_read(dir, name, flags, &b, &e), want, rule, &e);
	buf_release(&b);
}

/* Appended, whatever of the buffer is there already. */
START_TEST(reads_any_length)
{
	static const size_t lens[] = { 0,     1,     255,   16383, 16384,
				       16385, 32767, 65536, 99999 };
	static char text[100000];
	struct buf b;

	memset(text, 'x', sizeof(text) - 1);
	buf_init(&b, sizeof(text));
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		size_t len = lens[i];

		put("long", text + sizeof(text) - 1 - len, 0600);
		buf_reset(&b);
		buf_put_u8(&b, 'a');
		UNIT_OK(file_read(dir, "long", 0, &b, &err_));
		ck_assert_uint_eq(b.len, 1 + len);
		ck_assert_uint_eq(b.data[0], 'a');
		ck_assert_mem_eq(b.data + 1, text, len);
		if (len == 0)
			continue;
		refused("long", 0, len - 1, PV_INPUT, "file.size");
	}
	buf_release(&b);
}
END_TEST

START_TEST(reads_within_the_cap)
{
	struct buf b;

	put("f", "12345", 0600);
	buf_init(&b, 5);
	UNIT_OK(file_read(dir, "f", 0, &b, &err_));
	ck_assert_uint_eq(b.len, 5);
	buf_release(&b);
	refused("f", 0, 4, PV_INPUT, "file.size");
	refused("none", 0, 4, PV_NOT_FOUND, "file.missing");
	refused("f/none", 0, 4, PV_NOT_FOUND, "file.missing");
}
END_TEST

START_TEST(only_regular_files)
{
	put("f", "x", 0600);
	ck_assert_int_eq(symlinkat("f", dir, "link"), 0);
	ck_assert_int_eq(mkfifoat(dir, "fifo", 0600), 0);
	refused("link", FILEIO_NOFOLLOW, 9, PV_INPUT, "file.symlink");
	refused("fifo", 0, 9, PV_INPUT, "file.type");
	refused(".", 0, 9, PV_INPUT, "file.type");
	refused("/dev/zero", 0, 9, PV_INPUT, "file.type");
}
END_TEST

START_TEST(modes)
{
	struct buf b;

	put("open", "x", 0644);
	put("group", "x", 0664);
	put("mine", "x", 0600);
	refused("open", FILEIO_PRIVATE, 9, PV_DENIED, "file.mode");
	refused("group", FILEIO_NOT_WRITABLE_BY_OTHERS, 9, PV_DENIED,
		"file.writable");
	buf_init(&b, 9);
	UNIT_OK(file_read(dir, "mine", FILEIO_PRIVATE, &b, &err_));
	UNIT_OK(file_read(dir, "open", FILEIO_NOT_WRITABLE_BY_OTHERS, &b,
			  &err_));
	buf_release(&b);
}
END_TEST

START_TEST(secret_files)
{
	struct secret s = SECRET_INIT;
	struct err e;

	put("pin", "1234", 0600);
	put("empty", "", 0600);
	UNIT_OK(file_read_secret(dir, "pin", FILEIO_PRIVATE, 4, &s, &err_));
	ck_assert(secret_equal(&s, "1234", 4));
	secret_release(&s);
	err_init(&e);
	unit_refused(file_read_secret(dir, "pin", 0, 3, &s, &e), PV_INPUT,
		     "file.size", &e);
	err_init(&e);
	unit_refused(file_read_secret(dir, "empty", 0, 3, &s, &e), PV_INPUT,
		     "file.empty", &e);
	ck_assert_ptr_null(s.data);
}
END_TEST

START_TEST(writes_replace_whole_files)
{
	struct stat st;
	struct buf b;
	struct err e;

	UNIT_OK(file_write(dir, "w", 0600, "one", 3, &err_));
	UNIT_OK(file_write(dir, "w", 0640, "second", 6, &err_));
	ck_assert_int_eq(fstatat(dir, "w", &st, 0), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0640);
	buf_init(&b, 20);
	UNIT_OK(file_read(dir, "w", 0, &b, &err_));
	ck_assert(span_is(buf_span(&b), "second"));
	buf_release(&b);
	ck_assert_int_eq(symlinkat("w", dir, "l"), 0);
	err_init(&e);
	unit_refused(file_write(dir, "l", 0600, "x", 1, &e), PV_CONFLICT,
		     "output.symlink", &e);
	err_init(&e);
	unit_refused(file_write(dir, "none/x", 0600, "x", 1, &e), PV_NOT_FOUND,
		     "dir.open", &e);
}
END_TEST

static void reads_as(const char *name, const char *text)
{
	struct buf b;

	buf_init(&b, 100);
	UNIT_OK(file_read(dir, name, 0, &b, &err_));
	ck_assert_uint_eq(b.len, strlen(text));
	ck_assert_mem_eq(b.data, text, b.len);
	buf_release(&b);
}

static void expect_empty(void)
{
	DIR *d = fdopendir(dup(dir));
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	ck_assert_uint_eq(n, 2); /* . and .. */
	closedir(d);
}

START_TEST(group_is_idempotent)
{
	struct file_group *g = NULL;
	struct err e;

	UNIT_OK(file_group_new(&g, &err_));
	UNIT_OK(file_group_add(g, dir, "a", 0600, "A", 1, &err_));
	UNIT_OK(file_group_add(g, dir, "b", 0600, "B", 1, &err_));
	ck_assert_int_ne(faccessat(dir, "a", F_OK, 0), 0);
	UNIT_OK(file_group_commit(g, &err_));
	ck_assert_int_eq(faccessat(dir, "a", F_OK, 0), 0);
	UNIT_OK(file_group_add(g, dir, "a", 0600, "A", 1, &err_));
	err_init(&e);
	unit_refused(file_group_add(g, dir, "b", 0600, "X", 1, &e), PV_CONFLICT,
		     "output.exists", &e);
	err_init(&e);
	unit_refused(file_group_add(g, dir, "b", 0600, "BB", 2, &e),
		     PV_CONFLICT, "output.exists", &e);
	ck_assert_int_eq(symlinkat("a", dir, "s"), 0);
	err_init(&e);
	unit_refused(file_group_add(g, dir, "s", 0600, "A", 1, &e), PV_CONFLICT,
		     "output.exists", &e);
	err_init(&e);
	unit_refused(file_group_add(g, dir, "../p", 0600, "A", 1, &e),
		     PV_INTERNAL, "file.group", &e);
	UNIT_OK(file_group_commit(g, &err_));
	file_group_free(g);
}
END_TEST

START_TEST(group_replaces)
{
	struct file_group *g = NULL;
	struct buf b;
	struct err e;

	UNIT_OK(file_group_new(&g, &err_));
	UNIT_OK(file_group_add(g, dir, "a", 0600, "A", 1, &err_));
	UNIT_OK(file_group_commit(g, &err_));
	UNIT_OK(file_group_replace(g, dir, "a", 0644, "BB", 2, &err_));
	UNIT_OK(file_group_replace(g, dir, "new", 0644, "N", 1, &err_));
	UNIT_OK(file_group_commit(g, &err_));
	buf_init(&b, 16);
	UNIT_OK(file_read(dir, "a", 0, &b, &err_));
	ck_assert(span_is(buf_span(&b), "BB"));
	ck_assert_int_eq(symlinkat("a", dir, "link"), 0);
	err_init(&e);
	unit_refused(file_group_replace(g, dir, "link", 0644, "A", 1, &e),
		     PV_CONFLICT, "output.exists", &e);
	buf_release(&b);
	file_group_free(g);
}
END_TEST

/* Of the child that ended: a whole file's temporary, too. */
static void left_by(pid_t pid)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), ".w.0.%ld.tmp", (long)pid);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ge(fd, 0);
	fd_cleanup(&fd);
	file_group_sweep(dir);
	ck_assert_int_ne(faccessat(dir, name, F_OK, 0), 0);
}

START_TEST(group_leaves_nothing_behind)
{
	struct file_group *g = NULL;
	char name[64];
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct err e;

		err_init(&e);
		_exit(file_group_new(&g, &e) == PV_OK &&
				      file_group_add(g, dir, "x", 0600, "X", 1,
						     &e) == PV_OK
			      ? 0
			      : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	snprintf(name, sizeof(name), ".x.%ld.tmp", (long)pid);
	ck_assert_int_eq(faccessat(dir, name, F_OK, 0), 0);
	file_group_sweep(dir);
	ck_assert_int_ne(faccessat(dir, name, F_OK, 0), 0);
	left_by(pid);

	UNIT_OK(file_group_new(&g, &err_));
	UNIT_OK(file_group_add(g, dir, "y", 0600, "Y", 1, &err_));
	snprintf(name, sizeof(name), ".y.%ld.tmp", (long)getpid());
	file_group_sweep(dir);
	ck_assert_int_eq(faccessat(dir, name, F_OK, 0), 0);
	file_group_free(g);
	ck_assert_int_ne(faccessat(dir, name, F_OK, 0), 0);
}
END_TEST

static void count_swept(void *ctx, const char *file)
{
	ck_assert_str_eq(file, ".text.1.tmp");
	++*(unsigned *)ctx;
}

/* Its number is another process' by now: the first one lives always. */
START_TEST(alone_sweeps_a_number_that_lives)
{
	const char *name = ".text.1.tmp";
	unsigned n = 0;
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	ck_assert_int_ge(fd, 0);
	fd_cleanup(&fd);
	file_group_sweep(dir);
	ck_assert_int_eq(faccessat(dir, name, F_OK, 0), 0);
	UNIT_OK(file_sweep_told(dir, count_swept, &n, &err_));
	ck_assert_int_ne(faccessat(dir, name, F_OK, 0), 0);
	ck_assert_uint_eq(n, 1);
	UNIT_OK(file_sweep_told(dir, NULL, NULL, &err_));
}
END_TEST

/* Writes past 4096 bytes fail from here on, as on a full disk. */
static void limit_size(void)
{
	struct rlimit limit = { 4096, 4096 };

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(group_without_room)
{
	static const char big[8192];
	struct file_group *g = NULL;
	struct err e;

	UNIT_OK(file_group_new(&g, &err_));
	UNIT_OK(file_group_add(g, dir, "first", 0600, "1", 1, &err_));
	limit_size();
	err_init(&e);
	unit_refused(file_group_add(g, dir, "big", 0600, big, sizeof(big), &e),
		     PV_STORAGE, "file.write", &e);
	err_init(&e);
	unit_refused(file_group_add(g, dir, "next", 0600, "2", 1, &e),
		     PV_STORAGE, "file.group", &e);
	err_init(&e);
	unit_refused(file_group_commit(g, &e), PV_STORAGE, "file.group", &e);
	file_group_free(g);
	expect_empty();
}
END_TEST

START_TEST(group_takes_one_file_twice)
{
	struct file_group *g = NULL;
	struct err e;

	UNIT_OK(file_group_new(&g, &err_));
	UNIT_OK(file_group_add(g, dir, "a", 0600, "A", 1, &err_));
	UNIT_OK(file_group_add(g, dir, "a", 0600, "A", 1, &err_));
	err_init(&e);
	unit_refused(file_group_add(g, dir, "a", 0600, "X", 1, &e), PV_CONFLICT,
		     "output.exists", &e);
	UNIT_OK(file_group_commit(g, &err_));
	reads_as("a", "A");
	file_group_free(g);
}
END_TEST

START_TEST(folders)
{
	struct err e;
	int fd = -1;

	UNIT_OK(dir_make(dir, "d", 0700, &err_));
	UNIT_OK(dir_make(dir, "d", 0700, &err_));
	UNIT_OK(dir_open(dir, "d", &fd, &err_));
	fd_cleanup(&fd);
	ck_assert_int_eq(symlinkat("d", dir, "dl"), 0);
	err_init(&e);
	unit_refused(dir_make(dir, "dl", 0700, &e), PV_CONFLICT,
		     "output.exists", &e);
}
END_TEST

static mode_t mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

/* provctl's own umask is 077, and what it publishes has to be read. */
START_TEST(modes_are_what_is_asked_for)
{
	struct file_group *g = NULL;
	mode_t before = umask(077);

	UNIT_OK(file_group_new(&g, &err_));
	UNIT_OK(file_group_add(g, dir, "public", 0644, "A", 1, &err_));
	UNIT_OK(file_group_add(g, dir, "private", 0600, "A", 1, &err_));
	UNIT_OK(file_group_commit(g, &err_));
	file_group_free(g);
	UNIT_OK(file_write(dir, "whole", 0644, "A", 1, &err_));
	UNIT_OK(dir_make(dir, "open", 0755, &err_));
	UNIT_OK(dir_make(dir, "closed", 0700, &err_));
	UNIT_OK(dir_make(dir, "closed", 0755, &err_));
	umask(before);
	ck_assert_int_eq(mode_of("public"), 0644);
	ck_assert_int_eq(mode_of("private"), 0600);
	ck_assert_int_eq(mode_of("whole"), 0644);
	ck_assert_int_eq(mode_of("open"), 0755);
	ck_assert_int_eq(mode_of("closed"), 0700);
}
END_TEST

START_TEST(safe_names)
{
	static const char *const bad[] = { "",	    ".",       "..",  ".x",
					   "-x",    "a/b",     "a b", "a\n",
					   "a\x7f", "\xc3\xa4" };
	char longest[66];

	memset(longest, 'a', 65);
	longest[65] = '\0';
	ck_assert(!name_is_safe(longest, 65));
	ck_assert(name_is_safe(longest, 64));
	ck_assert(name_is_safe("A-1.x_y:z~!", 11));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert(!name_is_safe(bad[i], strlen(bad[i])));
	ck_assert(!name_is_safe("a\0b", 3));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fileio");
	TCase *t = tcase_create("fileio");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, reads_any_length);
	tcase_add_test(t, reads_within_the_cap);
	tcase_add_test(t, only_regular_files);
	tcase_add_test(t, modes);
	tcase_add_test(t, secret_files);
	tcase_add_test(t, writes_replace_whole_files);
	tcase_add_test(t, group_is_idempotent);
	tcase_add_test(t, group_replaces);
	tcase_add_test(t, group_leaves_nothing_behind);
	tcase_add_test(t, alone_sweeps_a_number_that_lives);
	tcase_add_test(t, group_without_room);
	tcase_add_test(t, group_takes_one_file_twice);
	tcase_add_test(t, folders);
	tcase_add_test(t, modes_are_what_is_asked_for);
	tcase_add_test(t, safe_names);
	suite_add_tcase(s, t);
	return unit_run(s);
}
