#include <stdio.h>
#include <string.h>

#include "lib/flow/order_results.h"
#include "tests/unit/unit.h"

static struct order_results o;

static void put(uint64_t line)
{
	char text[32];
	struct span s = { (const uint8_t *)text, 0 };

	s.len = (size_t)snprintf(text, sizeof(text), "r%llu",
				 (unsigned long long)line);
	UNIT_OK(order_results_put(&o, line, s, &err_));
}

static void take(bool skip, uint64_t want)
{
	char text[32];
	struct span s;

	if (want == 0) {
		ck_assert(!order_results_take(&o, skip, &s));
		return;
	}
	ck_assert(order_results_take(&o, skip, &s));
	snprintf(text, sizeof(text), "r%llu", (unsigned long long)want);
	ck_assert(span_is(s, text));
}

START_TEST(in_order)
{
	UNIT_OK(order_results_init(&o, &err_));
	put(3);
	take(false, 0);
	put(1);
	take(false, 1);
	take(false, 0);
	put(2);
	take(false, 2);
	take(false, 3);
	take(false, 0);
	take(true, 0);
	order_results_release(&o);
}
END_TEST

START_TEST(many_rounds_and_growth)
{
	UNIT_OK(order_results_init(&o, &err_));
	for (uint64_t base = 0; base < 5000; base += 2500) {
		for (uint64_t i = 2500; i >= 1; i--)
			put(base + i);
		for (uint64_t i = 1; i <= 2500; i++)
			take(false, base + i);
	}
	/* Through every slot of the ring, one at a time. */
	for (uint64_t i = 5001; i < 20000; i++) {
		put(i);
		take(false, i);
	}
	order_results_release(&o);
}
END_TEST

START_TEST(gaps_are_skipped_at_the_end)
{
	UNIT_OK(order_results_init(&o, &err_));
	put(2);
	put(1000);
	take(false, 0);
	take(true, 2);
	take(true, 1000);
	take(true, 0);
	order_results_release(&o);
}
END_TEST

START_TEST(one_answer_a_line)
{
	struct span s = { (const uint8_t *)"x", 1 };
	struct err e;

	UNIT_OK(order_results_init(&o, &err_));
	put(1);
	err_init(&e);
	unit_refused(order_results_put(&o, 1, s, &e), PV_INTERNAL,
		     "results.line", &e);
	take(false, 1);
	err_init(&e);
	unit_refused(order_results_put(&o, 1, s, &e), PV_INTERNAL,
		     "results.line", &e);
	order_results_release(&o);
}
END_TEST

/* The next line need not be held; held ones come behind it. */
START_TEST(the_next_one_passes)
{
	UNIT_OK(order_results_init(&o, &err_));
	ck_assert(!order_results_pass(&o, 0));
	ck_assert(!order_results_pass(&o, 2));
	put(2);
	ck_assert(order_results_pass(&o, 1));
	ck_assert(!order_results_pass(&o, 1));
	/* A second answer is refused, not passed over the first. */
	ck_assert(!order_results_pass(&o, 2));
	take(false, 2);
	/* What was given out before is let go. */
	ck_assert(order_results_pass(&o, 3));
	for (size_t i = 0; i < o.size; i++)
		ck_assert_ptr_null(o.ring[i]);
	take(false, 0);
	order_results_release(&o);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("order_results");
	TCase *t = tcase_create("order_results");

	tcase_add_test(t, in_order);
	tcase_add_test(t, many_rounds_and_growth);
	tcase_add_test(t, gaps_are_skipped_at_the_end);
	tcase_add_test(t, one_answer_a_line);
	tcase_add_test(t, the_next_one_passes);
	suite_add_tcase(s, t);
	return unit_run(s);
}
