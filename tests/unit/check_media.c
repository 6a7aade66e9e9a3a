#include "lib/ceremony/media.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/mediabox.h"
#include "tests/unit/box_fix.h"
#include "tests/unit/unit.h"

static struct mediabox box = MEDIABOX_INIT;

static void setup(void)
{
	ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	UNIT_OK(mediabox_start(&box, &err_));
}

static void teardown(void)
{
	mediabox_stop(&box);
}

static struct media on(const char *dir)
{
	return (struct media){ .dir = dir, .box = &box };
}

/* A folder of its own for each test. */
static const char *medium(const char *name, char dir[200])
{
	snprintf(dir, 200, "%s/%s", unit_tmp(), name);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	return dir;
}

static struct span text(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static void write_bytes(const char *dir, const char *file, const char *bytes,
			size_t len)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	UNIT_OK(file_write(AT_FDCWD, path, 0644, bytes, len, &err_));
}

static void write_file(const char *dir, const char *file, const char *bytes)
{
	write_bytes(dir, file, bytes, strlen(bytes));
}

static void give(const char *dir, const char *file, const char *bytes)
{
	const struct media m = on(dir);
	uint8_t hash[32], want[32];

	UNIT_OK(media_give(&m, "acme", file, text(bytes), hash, &err_));
	UNIT_OK(sha256(text(bytes), want, &err_));
	ck_assert_mem_eq(hash, want, sizeof(hash));
}

static enum pv_code take(const char *dir, const char *from, const char *file,
			 struct buf *bytes, struct err *err)
{
	const struct media m = on(dir);
	uint8_t hash[32];

	err_init(err);
	buf_init(bytes, MEDIA_FILE_MAX);
	return media_take(&m, from, file, bytes, hash, err);
}

static void refused(const char *dir, const char *file, enum pv_code code,
		    const char *rule)
{
	struct err err;
	struct buf b;

	unit_refused(take(dir, "acme", file, &b, &err), code, rule, &err);
	buf_release(&b);
}

START_TEST(test_there_and_back)
{
	char dir[200], path[300];
	struct buf b;
	struct err err;

	medium("back", dir);
	give(dir, "one.csr", "first");
	give(dir, "two.pem", "second");
	give(dir, "one.csr", "first"); /* once more: nothing new */
	UNIT_OK(take(dir, "acme", "one.csr", &b, &err_));
	ck_assert(span_equal(buf_span(&b), text("first")));
	buf_release(&b);
	UNIT_OK(take(dir, "acme", "two.pem", &b, &err_));
	ck_assert(span_equal(buf_span(&b), text("second")));
	buf_release(&b);
	refused(dir, "three", PV_NOT_FOUND, "media.file");
	unit_refused(take(dir, "other", "one.csr", &b, &err), PV_NOT_FOUND,
		     "media.file", &err);
	snprintf(path, sizeof(path), "%s/acme/" MEDIA_SUMS, dir);
	buf_init(&b, MEDIA_FILE_MAX);
	UNIT_OK(file_read(AT_FDCWD, path, 0, &b, &err_));
	ck_assert_uint_eq(b.len, 2 * (64 + 2 + 7 + 1));
	buf_release(&b);
}
END_TEST

START_TEST(test_nothing_is_written_over)
{
	uint8_t hash[32];
	struct err err;
	struct buf b;
	char dir[200];

	const struct media m = on(medium("over", dir));

	err_init(&err);
	give(dir, "one.csr", "first");
	unit_refused(
		media_give(&m, "acme", "one.csr", text("other"), hash, &err),
		PV_CONFLICT, "media.sums", &err);
	write_file(dir, "acme/stray", "there");
	err_init(&err);
	unit_refused(media_give(&m, "acme", "stray", text("other"), hash, &err),
		     PV_CONFLICT, "output.exists", &err);
	UNIT_OK(take(dir, "acme", "one.csr", &b, &err_));
	ck_assert(span_equal(buf_span(&b), text("first")));
	buf_release(&b);
	refused(dir, "stray", PV_INTEGRITY, "media.sums");
}
END_TEST

START_TEST(test_replaces)
{
	uint8_t hash[32];
	struct buf b;
	char dir[200];
	const struct media m = on(medium("replaces", dir));

	give(dir, "one.crl", "first");
	give(dir, "two.pem", "second");
	for (int i = 0; i < 2; i++) {
		UNIT_OK(media_replace(&m, "acme", "one.crl", text("third"),
				      hash, &err_));
		UNIT_OK(take(dir, "acme", "one.crl", &b, &err_));
		ck_assert(span_equal(buf_span(&b), text("third")));
		buf_release(&b);
		UNIT_OK(take(dir, "acme", "two.pem", &b, &err_));
		buf_release(&b);
	}
}
END_TEST

static void may_not(const char *dir, const char *file, size_t size,
		    bool replaces, enum pv_code code, const char *rule)
{
	const struct media m = on(dir);
	struct err err;

	err_init(&err);
	unit_refused(media_may_give(&m, "acme", file, size, replaces, &err),
		     code, rule, &err);
}

/* What would be refused is refused before, and nothing stays of the try. */
START_TEST(test_may_give)
{
	char dir[200], path[300];
	struct rlimit limit = { 2000, 2000 };
	uint8_t hash[32], long_one[MEDIA_FILE_MAX + 1] = { 0 };
	const struct media m = on(medium("may", dir));
	struct dirent *e;
	struct err err;
	size_t n = 0;
	DIR *d;

	UNIT_OK(media_may_give(&m, "acme", "one.crl", 100, false, &err_));
	give(dir, "one.crl", "first");
	may_not(dir, "one.crl", 5, false, PV_CONFLICT, "media.sums");
	UNIT_OK(media_may_give(&m, "acme", "one.crl", MEDIA_FILE_MAX, true,
			       &err_));
	may_not(dir, "two.crl", sizeof(long_one), false, PV_INPUT,
		"media.size");
	err_init(&err);
	unit_refused(media_give(&m, "acme", "two.crl",
				(struct span){ long_one, sizeof(long_one) },
				hash, &err),
		     PV_INPUT, "media.size", &err);
	write_file(dir, "acme/stray", "there");
	may_not(dir, "stray", 5, false, PV_CONFLICT, "output.exists");
	/* As where a medium is full. */
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	UNIT_OK(media_may_give(&m, "acme", "two.crl", 2000, false, &err_));
	may_not(dir, "two.crl", 2001, false, PV_STORAGE, NULL);
	snprintf(path, sizeof(path), "%s/acme", dir);
	d = opendir(path);
	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.' || strstr(e->d_name, ".tmp");
	closedir(d);
	ck_assert_uint_eq(n, 3); /* one.crl, stray, SHA256SUMS */
}
END_TEST

#define SUM_OF_FIRST                                                           \
	"a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"

START_TEST(test_sums_that_lie)
{
	char dir[200], line[200];
	struct buf b;

	medium("lie", dir);
	give(dir, "one.csr", "first");
	write_file(dir, "acme/one.csr", "fjrst");
	refused(dir, "one.csr", PV_INTEGRITY, "media.sums");
	write_file(dir, "acme/one.csr", "first");
	write_file(dir, "acme/" MEDIA_SUMS, "");
	refused(dir, "one.csr", PV_INTEGRITY, "media.sums");
	write_file(dir, "acme/" MEDIA_SUMS, "one.csr\n");
	refused(dir, "one.csr", PV_INTEGRITY, "media.sums");
	/* No digits of a hash: their text has an end in it. */
	memcpy(line, SUM_OF_FIRST "  one.csr\n" SUM_OF_FIRST "  two.csr\n",
	       2 * (64 + 2 + 7 + 1));
	line[64 + 2 + 7 + 1 + 9] = '\0';
	write_bytes(dir, "acme/" MEDIA_SUMS, line, 2 * (64 + 2 + 7 + 1));
	refused(dir, "one.csr", PV_INTEGRITY, "media.sums");
	/* The right one, and another of that name behind it. */
	snprintf(line, sizeof(line), SUM_OF_FIRST "  one.csr\n%064d  one.csr\n",
		 0);
	write_file(dir, "acme/" MEDIA_SUMS, line);
	refused(dir, "one.csr", PV_INTEGRITY, "media.sums");
	/* The right one alone, without its end of line. */
	line[64 + 2 + 7] = '\0';
	write_file(dir, "acme/" MEDIA_SUMS, line);
	refused(dir, "one.csr", PV_INTEGRITY, "media.sums");
	strcat(line, "\n");
	write_file(dir, "acme/" MEDIA_SUMS, line);
	UNIT_OK(take(dir, "acme", "one.csr", &b, &err_));
	buf_release(&b);
}
END_TEST

START_TEST(test_names)
{
	uint8_t hash[32];
	struct err err;
	char dir[200], to[300], from[300];

	const struct media m = on(medium("names", dir));
	const struct media none = on("/nonexistent");

	err_init(&err);
	unit_refused(media_give(NULL, "acme", "f", text("x"), hash, &err),
		     PV_USAGE, "media.none", &err);
	err_init(&err);
	unit_refused(media_give(&m, "../up", "f", text("x"), hash, &err),
		     PV_INPUT, "media.name", &err);
	err_init(&err);
	unit_refused(media_give(&m, "acme", MEDIA_SUMS, text("x"), hash, &err),
		     PV_INPUT, "media.name", &err);
	err_init(&err);
	unit_refused(media_give(&none, "acme", "f", text("x"), hash, &err),
		     PV_NOT_FOUND, "media.file", &err);
	refused(dir, "../f", PV_INPUT, "media.name");
	give(dir, "real", "x");
	snprintf(from, sizeof(from), "%s/acme/real", dir);
	snprintf(to, sizeof(to), "%s/acme/link", dir);
	ck_assert_int_eq(symlink(from, to), 0);
	refused(dir, "link", PV_INPUT, NULL);
}
END_TEST

/* Neither what is taken nor what is given goes by way of a link. */
START_TEST(test_folders)
{
	char dir[200], to[300], from[300];
	uint8_t hash[32];
	struct err err;
	struct buf b;
	int fd = -1;

	const struct media m = on(medium("folders", dir));

	give(dir, "real", "x");
	snprintf(from, sizeof(from), "%s/acme", dir);
	snprintf(to, sizeof(to), "%s/other", dir);
	ck_assert_int_eq(symlink(from, to), 0);
	unit_refused(take(dir, "other", "real", &b, &err), PV_INPUT,
		     "media.folder", &err);
	err_init(&err);
	unit_refused(media_open(&m, "other", &fd, &err), PV_INPUT,
		     "media.folder", &err);
	ck_assert_int_eq(fd, -1);
	err_init(&err);
	ck_assert(media_give(&m, "other", "two", text("x"), hash, &err) !=
		  PV_OK);
	snprintf(to, sizeof(to), "%s/acme/two", dir);
	ck_assert_int_ne(access(to, F_OK), 0);
	err_init(&err);
	unit_refused(media_open(&m, "nobody", &fd, &err), PV_NOT_FOUND,
		     "media.file", &err);
	UNIT_OK(media_open(&m, "acme", &fd, &err_));
	close(fd);
}
END_TEST

/* Before the C library's: files of this process are somebody else's. */
static bool of_another;

uid_t geteuid(void)
{
	return (uid_t)syscall(SYS_geteuid) + of_another;
}

/* It says what it does here, and leaves nothing. */
START_TEST(test_modes)
{
	char dir[200], path[300];
	bool keeps = false;
	const struct media m = on(medium("modes", dir));

	UNIT_OK(media_keeps_modes(&m, "acme", &keeps, &err_));
	ck_assert(keeps);
	/* Also where a crash of a process with our number left its file. */
	snprintf(path, sizeof(path), "acme/.modes.0.%ld.tmp", (long)getpid());
	write_file(dir, path, "");
	UNIT_OK(media_keeps_modes(&m, "acme", &keeps, &err_));
	ck_assert(keeps);
	of_another = true;
	UNIT_OK(media_keeps_modes(&m, "acme", &keeps, &err_));
	of_another = false;
	ck_assert(!keeps);
	snprintf(path, sizeof(path), "%s/acme", dir);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

static void told(void *ctx, const char *file)
{
	ck_assert_str_eq(file, ctx);
}

/* Of whatever process: the authority's folder is its ceremony's alone. */
START_TEST(test_sweep)
{
	char dir[200], path[400], file[100];
	const struct media m = on(medium("sweep", dir));

	UNIT_OK(media_sweep(&m, "acme", told, file, &err_));
	give(dir, "real", "x");
	snprintf(file, sizeof(file), ".real.0.%ld.tmp", (long)getpid());
	snprintf(path, sizeof(path), "acme/%s", file);
	write_file(dir, path, "y");
	UNIT_OK(media_sweep(&m, "acme", told, file, &err_));
	snprintf(path, sizeof(path), "%s/acme/%s", dir, file);
	ck_assert_int_ne(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/acme/real", dir);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

/* Without its process nothing of a medium is read. */
START_TEST(test_no_box)
{
	struct media m;
	uint8_t hash[32];
	struct err err;
	struct buf b;
	char dir[200];

	m = on(medium("alone", dir));
	give(dir, "real", "x");
	m.box = NULL;
	err_init(&err);
	buf_init(&b, MEDIA_FILE_MAX);
	unit_refused(media_take(&m, "acme", "real", &b, hash, &err),
		     PV_INTERNAL, "media.box", &err);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("media");
	TCase *tc = tcase_create("media");

	if (!seccomp_is_there()) {
		unit_skip("media", "no seccomp here");
		return unit_run(s);
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_replaces);
	tcase_add_test(tc, test_may_give);
	tcase_add_test(tc, test_modes);
	tcase_add_test(tc, test_sweep);
	tcase_add_test(tc, test_folders);
	tcase_add_test(tc, test_no_box);
	tcase_add_test(tc, test_there_and_back);
	tcase_add_test(tc, test_nothing_is_written_over);
	tcase_add_test(tc, test_sums_that_lie);
	tcase_add_test(tc, test_names);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
