/* A number for each serial number of ours. */
#include "lib/flow/numbermap.h"

#include "lib/store/store_types.h"
#include "tests/unit/unit.h"

START_TEST(sets_and_finds)
{
	static const uint32_t places[] = { 0, 1, 511, 512, 513, 5000, 100000 };
	const size_t n = sizeof(places) / sizeof(places[0]);
	struct numbermap m = { 0 };
	uint64_t number = 0;
	uint32_t value = 0;
	struct err err;

	err_init(&err);
	ck_assert(!numbermap_next(&m, &number, &value));
	ck_assert_uint_eq(numbermap_get(&m, STORE_SERIAL_FIRST), 0);
	for (size_t i = n; i-- > 0;)
		unit_ok(numbermap_set(&m, STORE_SERIAL_FIRST + places[i],
				      (uint32_t)i + 1, &err),
			&err);
	unit_ok(numbermap_set(&m, STORE_SERIAL_FIRST + 512, 9, &err), &err);
	number = 0;
	for (size_t i = 0; i < n; i++, number++) {
		ck_assert(numbermap_next(&m, &number, &value));
		ck_assert_uint_eq(number, STORE_SERIAL_FIRST + places[i]);
		ck_assert_uint_eq(value, i == 3 ? 9 : i + 1);
		ck_assert_uint_eq(numbermap_get(&m, (uint32_t)number), value);
	}
	ck_assert(!numbermap_next(&m, &number, &value));
	ck_assert_uint_eq(numbermap_get(&m, STORE_SERIAL_FIRST + 2), 0);
	numbermap_release(&m);
}
END_TEST

START_TEST(others_are_none)
{
	struct numbermap m = { 0 };
	struct err err;

	err_init(&err);
	unit_ok(numbermap_set(&m, STORE_SERIAL_FIRST - 1, 7, &err), &err);
	unit_ok(numbermap_set(&m, STORE_SERIAL_LAST + 1, 7, &err), &err);
	ck_assert_uint_eq(m.n, 0);
	unit_ok(numbermap_set(&m, STORE_SERIAL_LAST, 7, &err), &err);
	ck_assert_uint_eq(numbermap_get(&m, STORE_SERIAL_LAST), 7);
	ck_assert_uint_eq(numbermap_get(&m, STORE_SERIAL_LAST + 1), 0);
	ck_assert_uint_eq(numbermap_get(&m, 1), 0);
	numbermap_release(&m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("numbermap");
	TCase *t = tcase_create("numbermap");

	tcase_add_test(t, sets_and_finds);
	tcase_add_test(t, others_are_none);
	suite_add_tcase(s, t);
	return unit_run(s);
}
