#include "lib/log/transcript.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "tests/unit/unit.h"

static int open_dir(void)
{
	int fd = open(unit_tmp(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void put(struct transcript *t, uint32_t step, const char *event,
		const char *value)
{
	const struct transcript_pair pairs[] = { { "what", value },
						 { "none", NULL } };

	UNIT_OK(transcript_put(t, step, event, pairs, 2, &err_));
}

/* Three lines in a new file of that name; read back into b. */
static void make(int dir, const char *name, struct buf *b)
{
	struct transcript t = TRANSCRIPT_INIT;

	UNIT_OK(transcript_create(&t, dir, name, &err_));
	put(&t, 0, "begin", "one");
	put(&t, 1, "step", "t\xc3\xa4st\n\x1b[31m\xe2\x80\xae");
	put(&t, 1, "done", "");
	ck_assert_uint_eq(t.head.lines, 3);
	transcript_close(&t);
	buf_init(b, TRANSCRIPT_SIZE_MAX);
	UNIT_OK(file_read(dir, name, FILEIO_PRIVATE, b, &err_));
}

struct seen {
	unsigned lines;
	char last[64];
};

static enum pv_code see(void *ctx, const struct transcript_line *line,
			struct err *err)
{
	struct seen *s = ctx;

	(void)err;
	s->lines++;
	ck_assert_uint_eq(line->seq, s->lines);
	snprintf(s->last, sizeof(s->last), "%s %s", line->event,
		 transcript_fact(line, "what"));
	ck_assert_ptr_null(transcript_fact(line, "none"));
	return PV_OK;
}

START_TEST(test_round_trip)
{
	struct seen seen = { .lines = 0 };
	const struct transcript_sink sink = { see, &seen };
	struct transcript t = TRANSCRIPT_INIT;
	struct transcript_head head;
	uint8_t hash[32];
	const char *last;
	struct err err;
	struct buf b;
	int dir = open_dir();

	err_init(&err);
	make(dir, "round", &b);
	UNIT_OK(transcript_read(buf_span(&b), &sink, &head, &err_));
	ck_assert_uint_eq(seen.lines, 3);
	ck_assert_str_eq(seen.last, "done ");
	ck_assert_uint_eq(head.lines, 3);
	last = strstr(buf_cstr(&b), "{\"seq\":3");
	ck_assert_ptr_nonnull(last);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "t\xc3\xa4st??[31m?\""));
	UNIT_OK(sha256((struct span){ (const uint8_t *)last, strlen(last) },
		       hash, &err_));
	ck_assert_mem_eq(hash, head.sha256, 32);
	unit_refused(transcript_create(&t, dir, "round", &err), PV_CONFLICT,
		     "output.exists", &err);
	buf_release(&b);
	close(dir);
}
END_TEST

/* A crash cuts a line short; one that was cut is gone, and it goes on. */
START_TEST(test_goes_on)
{
	struct seen seen = { .lines = 0 };
	const struct transcript_sink sink = { see, &seen };
	struct transcript t = TRANSCRIPT_INIT;
	struct transcript_head head;
	struct buf b;
	int dir = open_dir();
	int fd;

	make(dir, "on", &b);
	fd = openat(dir, "on", O_WRONLY | O_APPEND);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, b.data, 30), 30);
	close(fd);
	buf_release(&b);
	UNIT_OK(transcript_reopen(&t, dir, "on", &sink, &err_));
	ck_assert_uint_eq(seen.lines, 3);
	put(&t, 2, "step", "four");
	transcript_close(&t);
	buf_init(&b, TRANSCRIPT_SIZE_MAX);
	UNIT_OK(file_read(dir, "on", FILEIO_PRIVATE, &b, &err_));
	UNIT_OK(transcript_read(buf_span(&b), NULL, &head, &err_));
	ck_assert_uint_eq(head.lines, 4);
	buf_release(&b);
	close(dir);
}
END_TEST

/* What nobody could read any more is not written. */
START_TEST(test_full)
{
	const struct transcript_pair pair = { "what", "x" };
	struct transcript t = TRANSCRIPT_INIT;
	int dir = open_dir();
	struct buf b;
	struct err err;
	size_t line;

	make(dir, "full", &b);
	UNIT_OK(transcript_reopen(&t, dir, "full", NULL, &err_));
	ck_assert_uint_eq(t.size, b.len);
	put(&t, 0, "resume", "x");
	line = t.size - b.len;
	ck_assert_uint_gt(line, 0);
	/* As if there were as many as go in, and one line less a byte. */
	t.size = TRANSCRIPT_SIZE_MAX - line + 1;
	err_init(&err);
	unit_refused(transcript_put(&t, 0, "resume", &pair, 1, &err), PV_DENIED,
		     "transcript.size", &err);
	ck_assert_uint_eq(t.head.lines, 4);
	t.size = TRANSCRIPT_SIZE_MAX - line;
	put(&t, 0, "resume", "x");
	ck_assert_uint_eq(t.size, TRANSCRIPT_SIZE_MAX);
	ck_assert_uint_eq(t.head.lines, 5);
	/* What begins something is refused before that. */
	t.size = TRANSCRIPT_SIZE_MAX - TRANSCRIPT_RESERVE - line + 3;
	unit_refused(transcript_put(&t, 0, "sign", &pair, 1, &err), PV_DENIED,
		     "transcript.size", &err);
	unit_refused(transcript_put(&t, 1, "step", &pair, 1, &err), PV_DENIED,
		     "transcript.size", &err);
	ck_assert_uint_eq(t.head.lines, 5);
	put(&t, 0, "resume", "x");
	ck_assert_uint_eq(t.head.lines, 6);
	transcript_close(&t);
	buf_release(&b);
	close(dir);
}
END_TEST

START_TEST(test_closed_takes_nothing)
{
	struct transcript t = TRANSCRIPT_INIT;
	struct err err;

	err_init(&err);
	unit_refused(transcript_put(&t, 0, "begin", NULL, 0, &err), PV_STORAGE,
		     "transcript.write", &err);
	err_init(&err);
	unit_refused(
		transcript_reopen(&t, AT_FDCWD, "/nonexistent/t", NULL, &err),
		PV_NOT_FOUND, NULL, &err);
	ck_assert_int_eq(t.fd, -1);
}
END_TEST

/* Every byte of a transcript counts: changed, it is refused, but for the last
 * line, which the note over the head covers. */
START_TEST(test_every_byte_counts)
{
	struct transcript_head whole, head;
	struct buf b;
	int dir = open_dir();

	make(dir, "bytes", &b);
	UNIT_OK(transcript_read(buf_span(&b), NULL, &whole, &err_));
	for (size_t i = 0; i < b.len; i++) {
		struct err err;
		enum pv_code rc;

		err_init(&err);
		b.data[i] ^= 1;
		rc = transcript_read(buf_span(&b), NULL, &head, &err);
		ck_assert_msg(rc == PV_INPUT || rc == PV_INTEGRITY ||
				      memcmp(head.sha256, whole.sha256, 32),
			      "byte %zu", i);
		b.data[i] ^= 1;
	}
	buf_release(&b);
	close(dir);
}
END_TEST

START_TEST(test_lines_taken_out)
{
	struct transcript_head head;
	struct err err;
	struct buf b;
	int dir = open_dir();
	const uint8_t *second;
	size_t first;

	make(dir, "out", &b);
	second = memchr(b.data, '\n', b.len);
	ck_assert_ptr_nonnull(second);
	first = (size_t)(second + 1 - b.data);
	err_init(&err);
	unit_refused(
		transcript_read((struct span){ b.data + first, b.len - first },
				NULL, &head, &err),
		PV_INTEGRITY, "transcript.chain", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "line 1"));
	err_init(&err);
	unit_refused(transcript_read((struct span){ b.data, b.len - 1 }, NULL,
				     &head, &err),
		     PV_INPUT, "transcript.syntax", &err);
	ck_assert_uint_eq(head.lines, 2);
	buf_release(&b);
	close(dir);
}
END_TEST

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define START "{\"seq\":1,\"time\":\"2026-11-26T00:00:00Z\",\"prev\":\"" ZEROS
#define REST "\",\"step\":0,\"event\":\"begin\",\"facts\":{}}\n"

static const struct {
	const char *text;
	enum pv_code code;
	const char *rule;
} bad[] = {
	{ "\n", PV_INPUT, "json.syntax" },
	{ "[]\n", PV_INPUT, "transcript.syntax" },
	{ "{}\n", PV_INPUT, "transcript.syntax" },
	{ START "\",\"step\":0,\"event\":\"begin\",\"facts\":{},\"x\":1}\n",
	  PV_INPUT, "transcript.syntax" },
	{ START "\",\"step\":-1,\"event\":\"begin\",\"facts\":{}}\n", PV_INPUT,
	  "transcript.syntax" },
	{ START "\",\"step\":0,\"event\":\"B\",\"facts\":{}}\n", PV_INPUT,
	  "transcript.syntax" },
	{ START "\",\"step\":0,\"event\":\"b\",\"facts\":{\"a\":1}}\n",
	  PV_INPUT, "transcript.syntax" },
	{ START "\",\"step\":0,\"event\":\"b\",\"facts\":{\"a\":\"\\u001b\"}}"
		"\n",
	  PV_INPUT, "transcript.syntax" },
	{ START "\",\"step\":0,\"event\":\"b\",\"facts\":{\"a\":\"\\n\"}}\n",
	  PV_INPUT, "transcript.syntax" },
	{ START "\",\"step\":0,\"step\":0,\"event\":\"b\",\"facts\":{}}\n",
	  PV_INPUT, "json.duplicate" },
	{ "{\"seq\":2,\"time\":\"2026-11-26T00:00:00Z\",\"prev\":\"" ZEROS REST,
	  PV_INTEGRITY, "transcript.chain" },
	{ "{\"seq\":1,\"time\":\"2026-11-26\",\"prev\":\"" ZEROS REST, PV_INPUT,
	  "transcript.syntax" },
	{ "{\"seq\":1,\"time\":\"2026-11-26T00:00:00Z\",\"prev\":\"00" REST,
	  PV_INPUT, "transcript.syntax" },
	{ "{\"seq\":1,\"time\":\"2026-11-26T00:00:00Z\",\"prev\":\"11" REST,
	  PV_INPUT, "transcript.syntax" },
};

START_TEST(test_refused)
{
	struct span text = { (const uint8_t *)bad[_i].text,
			     strlen(bad[_i].text) };
	struct transcript_head head;
	struct err err;

	err_init(&err);
	unit_refused(transcript_read(text, NULL, &head, &err), bad[_i].code,
		     bad[_i].rule, &err);
	ck_assert_uint_eq(head.lines, 0);
}
END_TEST

START_TEST(test_note)
{
	const struct transcript_note n = { "acme", { 1 }, { 7, { 2 }, 0 } };
	struct buf b;

	buf_init(&b, TRANSCRIPT_NOTE_MAX);
	transcript_note_put(&n, &b);
	ck_assert_str_eq(
		buf_cstr(&b),
		"provctl ceremony/v1\nlog acme\nplan sha256:01000000000000000"
		"00000000000000000000000000000000000000000000000\nlines 7\n"
		"head sha256:020000000000000000000000000000000000000000000000"
		"0000000000000000\n");
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transcript");
	TCase *t = tcase_create("transcript");

	tcase_add_test(t, test_round_trip);
	tcase_add_test(t, test_goes_on);
	tcase_add_test(t, test_full);
	tcase_add_test(t, test_closed_takes_nothing);
	tcase_add_test(t, test_every_byte_counts);
	tcase_add_test(t, test_lines_taken_out);
	tcase_add_loop_test(t, test_refused, 0,
			    (int)(sizeof(bad) / sizeof(*bad)));
	tcase_add_test(t, test_note);
	suite_add_tcase(s, t);
	return unit_run(s);
}
