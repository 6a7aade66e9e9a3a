#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/flow/wire.h"
#include "tests/unit/unit.h"

static struct wire a, b;

static void setup(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	wire_init(&a, fds[0]);
	wire_init(&b, fds[1]);
}

static void teardown(void)
{
	wire_release(&a);
	wire_release(&b);
}

START_TEST(fields_come_back)
{
	struct span s = { (const uint8_t *)"\0x", 2 };
	struct wire_rec rec;
	struct err e, got;
	char text[8];
	bool there;
	size_t mark = wire_begin(&a, WIRE_INTENT), span;

	err_init(&e);
	err_fail(&e, PV_DENIED, "r", "h", "m");
	wire_put_u64(&a, UINT64_MAX);
	wire_put_span(&a, s);
	wire_put_str(&a, "text");
	span = wire_begin_span(&a);
	buf_put_str(&a.out, "written ");
	buf_put_str(&a.out, "in place");
	wire_end_span(&a, span);
	span = wire_begin_span(&a);
	wire_end_span(&a, span);
	wire_put_bytes(&a, "1234", 4);
	wire_put_err(&a, &e);
	wire_end(&a, mark);
	wire_put_mark(&a, WIRE_END, 5);
	UNIT_OK(wire_flush(&a, &err_));

	UNIT_OK(wire_read(&b, &rec, &there, &err_));
	ck_assert(there);
	ck_assert_int_eq(rec.type, WIRE_INTENT);
	ck_assert_uint_eq(wire_get_u64(&rec), UINT64_MAX);
	ck_assert(span_equal(wire_get_span(&rec), s));
	wire_get_str(&rec, text, sizeof(text));
	ck_assert_str_eq(text, "text");
	ck_assert(span_is(wire_get_span(&rec), "written in place"));
	ck_assert_uint_eq(wire_get_span(&rec).len, 0);
	wire_get_bytes(&rec, text, 4);
	ck_assert_mem_eq(text, "1234", 4);
	wire_get_err(&rec, &got);
	ck_assert_int_eq(got.code, PV_DENIED);
	ck_assert_str_eq(got.rule, "r");
	ck_assert_str_eq(got.message, "m");
	ck_assert_str_eq(got.hint, "h");
	UNIT_OK(wire_done(&rec, &err_));

	ck_assert(wire_holds(&b, WIRE_BIT(WIRE_END)));
	ck_assert(!wire_holds(&b, WIRE_BIT(WIRE_GO)));
	ck_assert(wire_next(&b, &rec));
	wire_unget(&b, &rec);
	ck_assert(wire_next(&b, &rec));
	ck_assert_uint_eq(wire_get_u64(&rec), 5);
	ck_assert(!wire_next(&b, &rec));
}
END_TEST

/* What is asked for leaves, the rest later, and in order. */
START_TEST(part_goes_first)
{
	struct wire_rec rec;
	size_t first;
	bool there;

	wire_put_mark(&a, WIRE_OUT, 1);
	first = a.out.len;
	wire_put_mark(&a, WIRE_OUT, 2);
	UNIT_OK(wire_flush_part(&a, first, &err_));
	UNIT_OK(wire_read(&b, &rec, &there, &err_));
	ck_assert_uint_eq(wire_get_u64(&rec), 1);
	UNIT_OK(wire_fill(&b, 0, &err_));
	ck_assert(!wire_next(&b, &rec));
	UNIT_OK(wire_flush(&a, &err_));
	UNIT_OK(wire_read(&b, &rec, &there, &err_));
	ck_assert_uint_eq(wire_get_u64(&rec), 2);
}
END_TEST

START_TEST(getters_stick)
{
	struct wire_rec rec;
	struct err e;
	char text[4];
	bool there;
	size_t mark = wire_begin(&a, WIRE_GO);

	wire_put_str(&a, "long");
	wire_end(&a, mark);
	wire_put_mark(&a, WIRE_GO, 1);
	UNIT_OK(wire_flush(&a, &err_));
	UNIT_OK(wire_read(&b, &rec, &there, &err_));
	wire_get_str(&rec, text, sizeof(text));
	ck_assert_str_eq(text, "");
	err_init(&e);
	unit_refused(wire_done(&rec, &e), PV_INTERNAL, "wire.record", &e);
	ck_assert(wire_next(&b, &rec));
	err_init(&e);
	unit_refused(wire_done(&rec, &e), PV_INTERNAL, "wire.record", &e);
	ck_assert_uint_eq(wire_get_u64(&rec), 1);
	ck_assert_uint_eq(wire_get_u64(&rec), 0);
	ck_assert(rec.bad);
}
END_TEST

START_TEST(record_too_long)
{
	struct err e;
	size_t mark = wire_begin(&a, WIRE_GO);
	static uint8_t big[WIRE_RECORD_MAX + 1];

	wire_put_bytes(&a, big, sizeof(big));
	wire_end(&a, mark);
	err_init(&e);
	ck_assert_int_ne(wire_flush(&a, &e), PV_OK);
	/* A length that no record has ends the channel. */
	ck_assert_int_eq(write(a.fd, "\xff\xff\xff\xff\x01", 5), 5);
	UNIT_OK(wire_fill(&b, 100, &err_));
	struct wire_rec rec;

	ck_assert(!wire_next(&b, &rec));
	ck_assert(b.eof);
}
END_TEST

/* Both ends send far more than a socket holds before either reads. */
START_TEST(no_deadlock)
{
	static uint8_t bytes[100000];
	struct wire_rec rec;
	bool there;
	int status;
	pid_t pid = fork();
	struct wire *w = pid == 0 ? &a : &b;

	wire_release(pid == 0 ? &b : &a);
	memset(bytes, pid == 0, sizeof(bytes));
	for (int i = 0; i < 50; i++) {
		size_t mark = wire_begin(w, WIRE_RESULT);

		wire_put_bytes(w, bytes, sizeof(bytes));
		wire_end(w, mark);
	}
	UNIT_OK(wire_flush(w, &err_));
	for (int i = 0; i < 50; i++) {
		UNIT_OK(wire_read(w, &rec, &there, &err_));
		ck_assert(there);
		ck_assert_uint_eq(rec.left, sizeof(bytes));
		ck_assert_uint_eq(rec.p[99999], pid != 0);
	}
	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	UNIT_OK(wire_read(w, &rec, &there, &err_));
	ck_assert(!there);
}
END_TEST

START_TEST(peer_gone)
{
	struct err e;

	wire_release(&b);
	wire_put_mark(&a, WIRE_GO, 1);
	err_init(&e);
	unit_refused(wire_flush(&a, &e), PV_INTERRUPTED, "wire.peer", &e);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire");
	TCase *t = tcase_create("wire");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, fields_come_back);
	tcase_add_test(t, part_goes_first);
	tcase_add_test(t, getters_stick);
	tcase_add_test(t, record_too_long);
	tcase_add_test(t, no_deadlock);
	tcase_add_test(t, peer_gone);
	suite_add_tcase(s, t);
	return unit_run(s);
}
