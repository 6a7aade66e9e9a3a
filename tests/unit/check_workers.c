#include "lib/flow/workers.h"

#include <poll.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define PIECES 200

struct piece {
	size_t worker, seen; /* how often it was worked on */
	size_t order;
};

struct tally {
	_Atomic size_t under_way, most, done;
};

static void work(void *ctx, size_t worker, void *p)
{
	struct tally *t = ctx;
	struct piece *piece = p;
	size_t now = ++t->under_way;

	while (now > t->most)
		t->most = now;
	usleep(1000);
	piece->worker = worker;
	piece->seen++;
	piece->order = ++t->done;
	t->under_way--;
}

/* Waits for the descriptor until all pieces have ended. */
static void wait_all(struct workers *w, size_t n)
{
	size_t ended = 0;

	while (ended < n) {
		struct pollfd p = { workers_fd(w), POLLIN, 0 };

		ck_assert_int_eq(poll(&p, 1, 5000), 1);
		ended += workers_done(w);
	}
	ck_assert_uint_eq(ended, n);
}

START_TEST(each_piece_is_done_once)
{
	struct piece pieces[PIECES] = { 0 };
	struct tally t = { 0 };
	struct workers *w;
	struct err err;

	err_init(&err);
	ck_assert_int_eq(workers_start(4, work, &t, &w, &err), PV_OK);
	for (size_t i = 0; i < PIECES; i++)
		ck_assert_int_eq(workers_put(w, &pieces[i], &err), PV_OK);
	ck_assert(!workers_help(w));
	wait_all(w, PIECES);
	for (size_t i = 0; i < PIECES; i++) {
		ck_assert_uint_eq(pieces[i].seen, 1);
		ck_assert_uint_lt(pieces[i].worker, 4);
	}
	ck_assert_uint_eq(t.most, 4);
	ck_assert_uint_eq(workers_done(w), 0);
	workers_stop(w);
}
END_TEST

START_TEST(without_threads_the_caller_works_in_order)
{
	struct piece pieces[3] = { 0 };
	struct tally t = { 0 };
	struct workers *w;
	struct err err;

	err_init(&err);
	ck_assert_int_eq(workers_start(0, work, &t, &w, &err), PV_OK);
	ck_assert_int_eq(workers_fd(w), -1);
	ck_assert(!workers_help(w));
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(workers_put(w, &pieces[i], &err), PV_OK);
	for (size_t i = 0; i < 3; i++) {
		ck_assert(workers_help(w));
		ck_assert_uint_eq(pieces[i].order, i + 1);
	}
	ck_assert(!workers_help(w));
	ck_assert_uint_eq(workers_done(w), 3);
	workers_stop(w);
}
END_TEST

START_TEST(without_threads_what_waits_can_be_seen_and_drained)
{
	struct piece pieces[4] = { 0 };
	void *seen[3] = { NULL };
	struct tally t = { 0 };
	struct workers *w;
	struct err err;

	err_init(&err);
	ck_assert_int_eq(workers_start(0, work, &t, &w, &err), PV_OK);
	ck_assert_uint_eq(workers_waiting(w, seen, 3), 0);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(workers_put(w, &pieces[i], &err), PV_OK);
	ck_assert(workers_help(w));
	ck_assert_uint_eq(workers_waiting(w, seen, 2), 3);
	ck_assert_ptr_eq(seen[0], &pieces[1]);
	ck_assert_ptr_eq(seen[1], &pieces[2]);
	ck_assert_ptr_null(seen[2]);
	workers_drain(w);
	ck_assert_uint_eq(t.done, 4);
	ck_assert_uint_eq(workers_waiting(w, seen, 3), 0);
	workers_stop(w);
}
END_TEST

START_TEST(too_many_are_refused)
{
	static struct piece pieces[WORKERS_QUEUE_MAX + 1];
	struct tally t = { 0 };
	struct workers *w;
	struct err err;

	err_init(&err);
	ck_assert_int_eq(workers_start(0, work, &t, &w, &err), PV_OK);
	for (size_t i = 0; i < WORKERS_QUEUE_MAX; i++)
		ck_assert_int_eq(workers_put(w, &pieces[i], &err), PV_OK);
	ck_assert_int_eq(workers_put(w, &pieces[WORKERS_QUEUE_MAX], &err),
			 PV_INTERNAL);
	/* What waits is dropped. */
	workers_stop(w);
	ck_assert_uint_eq(t.done, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("workers");
	TCase *t = tcase_create("workers");

	tcase_add_test(t, each_piece_is_done_once);
	tcase_add_test(t, without_threads_the_caller_works_in_order);
	tcase_add_test(t, without_threads_what_waits_can_be_seen_and_drained);
	tcase_add_test(t, too_many_are_refused);
	suite_add_tcase(s, t);
	return unit_run(s);
}
