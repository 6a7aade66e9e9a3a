#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/flow/results.h"
#include "lib/flow/results_line.h"
#include "tests/unit/unit.h"

#define OLD "{\"request\":\"of an earlier run\"}\n"

static char out[300]; /* the output folder */

static const char *in_out(const char *name)
{
	static char slots[4][600];
	static unsigned next;
	char *path = slots[next++ % 4];

	snprintf(path, sizeof(slots[0]), "%s/%s", out, name);
	return path;
}

static void setup(void)
{
	snprintf(out, sizeof(out), "%s/%ld", unit_tmp(), (long)getpid());
	ck_assert_int_eq(mkdir(out, 0700), 0);
}

static void reads_as(const char *path, const char *text)
{
	struct buf b;

	buf_init(&b, 65536);
	UNIT_OK(file_read(AT_FDCWD, path, 0, &b, &err_));
	ck_assert_uint_eq(b.len, strlen(text));
	ck_assert_mem_eq(b.data, text, b.len);
	buf_release(&b);
}

static size_t lines_in(const char *path)
{
	struct buf b;
	size_t n = 0;

	buf_init(&b, 1 << 20);
	UNIT_OK(file_read(AT_FDCWD, path, 0, &b, &err_));
	for (size_t i = 0; i < b.len; i++)
		n += b.data[i] == '\n';
	buf_release(&b);
	return n;
}

static size_t names_in(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

static void put_old(void)
{
	UNIT_OK(file_write(AT_FDCWD, in_out("results.jsonl"), 0600, OLD,
			   strlen(OLD), &err_));
}

static struct span text_span(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static void answer(struct record_out *o, const char *device, const char *cert)
{
	memset(o, 0, sizeof(*o));
	snprintf(o->id, sizeof(o->id), "r-%s", device);
	snprintf(o->device, sizeof(o->device), "%s", device);
	o->serial = text_span("\x01\x02");
	o->cert = text_span(cert);
	o->bundles_n = 1;
	snprintf(o->bundles[0].stage, sizeof(o->bundles[0].stage),
		 "operational");
	o->bundles[0].container = text_span("bundle");
}

static struct results *start(const char *dir, const char *file)
{
	struct results_opts opts = { .out_dir = dir, .bundle_file = file };
	struct results *r = NULL;

	UNIT_OK(results_new(&opts, &r, &err_));
	return r;
}

static enum pv_code give(struct results *r, const struct record_out *o,
			 struct err *err)
{
	struct issue_sink sink = results_sink(r);

	err_init(err);
	return sink.result(sink.ctx, o, err);
}

START_TEST(one_device_twice)
{
	struct results *r = start(out, NULL);
	struct record_out o;
	struct err e;

	answer(&o, "dev-1", "cert");
	unit_ok(give(r, &o, &e), &e);
	o.status = ISSUE_EXISTING;
	unit_ok(give(r, &o, &e), &e);
	/* Another answer for the same device is one request's conflict. */
	o.bundles[0].container = text_span("other");
	unit_refused(give(r, &o, &e), PV_CONFLICT, "output.exists", &e);
	UNIT_OK(results_finish(r, &err_));
	results_free(r);
	reads_as(in_out("bundles/dev-1.operational.pvb"), "bundle");
	ck_assert_uint_eq(lines_in(in_out("results.jsonl")), 3);
	ck_assert_uint_eq(names_in(in_out("bundles")), 1);
	ck_assert_uint_eq(names_in(out), 3);
}
END_TEST

START_TEST(without_room)
{
	static const char big[20000];
	struct rlimit limit = { 8192, 8192 };
	struct results *r;
	struct record_out o;
	struct err e;

	put_old();
	r = start(out, NULL);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	answer(&o, "dev-1", "cert");
	unit_ok(give(r, &o, &e), &e);
	answer(&o, "dev-2", "cert");
	o.bundles[0].container =
		(struct span){ (const uint8_t *)big, sizeof(big) };
	unit_refused(give(r, &o, &e), PV_STORAGE, "file.write", &e);
	err_init(&e);
	unit_refused(results_finish(r, &e), PV_STORAGE, NULL, &e);
	results_free(r);
	/* The next run finds nothing in its way. */
	ck_assert_uint_eq(names_in(in_out("certs")), 0);
	ck_assert_uint_eq(names_in(in_out("bundles")), 0);
	reads_as(in_out("results.jsonl"), OLD);
	ck_assert_uint_eq(names_in(out), 3);
}
END_TEST

/* results.jsonl itself gets too long: no part of it is put in place. */
START_TEST(without_room_for_lines)
{
	struct rlimit limit = { 1024, 1024 };
	struct issue_counts counts = { 0 };
	struct issue_sink sink;
	struct results *r;
	struct record_out o;
	struct err e;

	put_old();
	r = start(out, NULL);
	sink = results_sink(r);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	answer(&o, "dev-1", "cert");
	for (size_t i = 0; i < 20; i++)
		unit_ok(give(r, &o, &e), &e);
	err_init(&e);
	unit_refused(sink.flush(sink.ctx, &counts, &e), PV_STORAGE,
		     "file.write", &e);
	err_init(&e);
	unit_refused(results_finish(r, &e), PV_STORAGE, NULL, &e);
	results_free(r);
	reads_as(in_out("results.jsonl"), OLD);
	ck_assert_uint_eq(names_in(out), 3);
}
END_TEST

START_TEST(nothing_given)
{
	struct results *r;
	struct record_out o;
	struct err e;

	put_old();
	r = start(out, NULL);
	UNIT_OK(results_finish(r, &err_));
	results_free(r);
	reads_as(in_out("results.jsonl"), OLD);
	ck_assert_uint_eq(names_in(out), 3);
	/* A run that ends on its way leaves the former file, too. */
	r = start(out, NULL);
	answer(&o, "dev-1", "cert");
	unit_ok(give(r, &o, &e), &e);
	results_free(r);
	reads_as(in_out("results.jsonl"), OLD);
	ck_assert_uint_eq(names_in(out), 3);
}
END_TEST

START_TEST(one_run_at_a_time)
{
	struct results_opts opts = { .out_dir = out };
	struct results *r = start(out, NULL), *second = NULL;
	struct record_out o;
	struct err e;

	err_init(&e);
	unit_refused(results_new(&opts, &second, &e), PV_CONFLICT,
		     "output.busy", &e);
	/* It did not take the first one's file away. */
	answer(&o, "dev-1", "cert");
	unit_ok(give(r, &o, &e), &e);
	UNIT_OK(results_finish(r, &err_));
	ck_assert_uint_eq(lines_in(in_out("results.jsonl")), 1);
	results_free(r);
	results_free(start(out, NULL));
}
END_TEST

START_TEST(two_stages_to_a_file)
{
	static const struct {
		const char *file, *bootstrap, *operational;
	} rows[] = {
		{ "x.pvb", "x.bootstrap.pvb", "x.operational.pvb" },
		{ "a.b.pvb", "a.b.bootstrap.pvb", "a.b.operational.pvb" },
		{ "plain", "plain.bootstrap", "plain.operational" },
		{ ".hidden", ".hidden.bootstrap", ".hidden.operational" },
	};
	struct record_out o;
	struct err e;

	answer(&o, "dev-1", "cert");
	o.bundles_n = 2;
	snprintf(o.bundles[0].stage, sizeof(o.bundles[0].stage), "bootstrap");
	snprintf(o.bundles[1].stage, sizeof(o.bundles[1].stage), "operational");
	o.bundles[1].container = text_span("second");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct results *r = start(NULL, in_out(rows[i].file));

		unit_ok(give(r, &o, &e), &e);
		UNIT_OK(results_finish(r, &err_));
		results_free(r);
		reads_as(in_out(rows[i].bootstrap), "bundle");
		reads_as(in_out(rows[i].operational), "second");
		ck_assert_int_ne(access(in_out(rows[i].file), F_OK), 0);
	}
}
END_TEST

START_TEST(file_names)
{
	struct results_opts opts = { .bundle_file = NULL };
	static const char *const rows[] = { "", ".", "..", "a/" };
	char name[256];
	struct results *r = NULL;
	struct err e;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		opts.bundle_file = in_out(rows[i]);
		err_init(&e);
		unit_refused(results_new(&opts, &r, &e), PV_USAGE,
			     "usage.value", &e);
	}
	memset(name, 'x', sizeof(name));
	name[200] = '\0';
	opts.bundle_file = in_out(name);
	err_init(&e);
	unit_refused(results_new(&opts, &r, &e), PV_USAGE, "usage.value", &e);
}
END_TEST

/* Parses the line, and gives its error's message. */
static void line_says(const char *message, const char *want)
{
	struct record_out o;
	struct err why;
	struct results_line l = { .out = &o, .why = &why };
	struct buf b;
	json_t *j;

	answer(&o, "dev-1", "");
	err_init(&why);
	why.code = PV_INPUT;
	snprintf(why.message, sizeof(why.message), "%s", message);
	buf_init(&b, 65536);
	results_line_put(&b, &l);
	ck_assert(!b.failed);
	j = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES,
		       NULL);
	ck_assert_msg(j != NULL, "no JSON: %.*s", (int)b.len, b.data);
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_object_get(j, "error"), "message")),
			 want);
	for (size_t i = 0; i + 1 < b.len; i++)
		ck_assert(b.data[i] >= 0x20 && b.data[i] != 0x7f);
	json_decref(j);
	buf_release(&b);
}

START_TEST(lines_are_utf8)
{
	line_says("M\xc3\xbcnchen \xe2\x82\xac \xf0\x9f\x94\x91",
		  "M\xc3\xbcnchen \xe2\x82\xac \xf0\x9f\x94\x91");
	line_says("M\xfcnchen", "M\xef\xbf\xbdnchen");
	line_says("\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd");
	line_says("a\"b\\c\nd\x7f\x1b", "a\"b\\c\nd\x7f\x1b");
	/* A sequence that ends where plain text begins, and in a run. */
	line_says("a\xe2\x82z\xc2\xa0\xc2\n\"",
		  "a\xef\xbf\xbd\xef\xbf\xbdz\xc2\xa0"
		  "\xef\xbf\xbd\n\"");
	line_says("\n\n\"\"\\\\~ ", "\n\n\"\"\\\\~ ");
	line_says("\x1b\x1b[2J\xe2\x80\xae!", "\x1b\x1b[2J\xe2\x80\xae!");
	/* Escaped in the line, whole in the value. */
	line_says("\xc2\x9b\xe2\x80\xae", "\xc2\x9b\xe2\x80\xae");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("results");
	TCase *t = tcase_create("results");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, one_device_twice);
	tcase_add_test(t, without_room);
	tcase_add_test(t, without_room_for_lines);
	tcase_add_test(t, nothing_given);
	tcase_add_test(t, one_run_at_a_time);
	tcase_add_test(t, two_stages_to_a_file);
	tcase_add_test(t, file_names);
	tcase_add_test(t, lines_are_utf8);
	suite_add_tcase(s, t);
	return unit_run(s);
}
