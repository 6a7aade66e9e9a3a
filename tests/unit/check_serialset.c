#include "lib/flow/serialset.h"

#include "tests/unit/unit.h"

#define FIRST UINT64_C(0x01000000)
#define N UINT64_C(0x7f000000)

START_TEST(test_marks)
{
	struct serialset s;

	UNIT_OK(serialset_init(&s, FIRST, N, &err_));
	ck_assert(!serialset_holds(&s, FIRST - 1));
	ck_assert(!serialset_holds(&s, FIRST + N));
	for (uint64_t i = 0; i < 3000; i += 7)
		UNIT_OK(serialset_set(&s, FIRST + i, (enum serial_mark)(i % 5),
				      &err_));
	for (uint64_t i = 0; i < 3000; i++)
		for (int mark = 0; mark < 5; mark++)
			ck_assert_int_eq(serialset_get(&s, FIRST + i,
						       (enum serial_mark)mark),
					 i % 7 == 0 && i % 5 == (uint64_t)mark);
	serialset_clear(&s, FIRST + 7, SERIAL_ISSUE);
	ck_assert(!serialset_get(&s, FIRST + 7, SERIAL_ISSUE));
	serialset_clear(&s, FIRST + N - 1, SERIAL_ISSUE);
	serialset_clear(&s, 0, SERIAL_ISSUE);
	serialset_release(&s);
}
END_TEST

START_TEST(test_next)
{
	struct serialset s;
	uint64_t number = 0;
	struct err err;

	err_init(&err);
	UNIT_OK(serialset_init(&s, FIRST, N, &err_));
	ck_assert(!serialset_next(&s, &number));
	UNIT_OK(serialset_set(&s, FIRST + 5, SERIAL_HELD, &err_));
	ck_assert(!serialset_next(&s, &number));
	UNIT_OK(serialset_set(&s, FIRST + N - 1, SERIAL_ISSUE, &err_));
	UNIT_OK(serialset_set(&s, FIRST + 512, SERIAL_INTENT, &err_));
	ck_assert(serialset_next(&s, &number));
	ck_assert_uint_eq(number, FIRST + 512);
	number++;
	ck_assert(serialset_next(&s, &number));
	ck_assert_uint_eq(number, FIRST + N - 1);
	number++;
	ck_assert(!serialset_next(&s, &number));
	unit_refused(serialset_set(&s, FIRST + N, SERIAL_ISSUE, &err),
		     PV_INTERNAL, "audit.serial", &err);
	serialset_release(&s);
	serialset_release(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("serialset");
	TCase *t = tcase_create("serialset");

	tcase_add_test(t, test_marks);
	tcase_add_test(t, test_next);
	suite_add_tcase(s, t);
	return unit_run(s);
}
