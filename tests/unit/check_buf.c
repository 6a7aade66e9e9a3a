#include <string.h>

#include "tests/unit/unit.h"

START_TEST(grows_to_its_cap)
{
	struct buf b;
	struct err e;

	buf_init(&b, 1000);
	for (int i = 0; i < 1000; i++)
		buf_put_u8(&b, (uint8_t)i);
	UNIT_OK(buf_check(&b, &err_));
	ck_assert_uint_eq(b.len, 1000);
	ck_assert_uint_eq(b.data[999], 999 & 255);
	buf_put_u8(&b, 0);
	err_init(&e);
	unit_refused(buf_check(&b, &e), PV_INPUT, "size.limit", &e);
	ck_assert_uint_eq(b.len, 1000);
	buf_put(&b, "x", 1);
	ck_assert_uint_eq(b.len, 1000);
	ck_assert_ptr_null(buf_cstr(&b));
	buf_reset(&b);
	UNIT_OK(buf_check(&b, &err_));
	ck_assert_uint_eq(b.len, 0);
	buf_release(&b);
}
END_TEST

START_TEST(huge_put_is_refused)
{
	struct buf b;

	buf_init(&b, 100);
	buf_put(&b, "abc", 3);
	ck_assert_ptr_null(buf_room(&b, SIZE_MAX));
	ck_assert(b.failed);
	buf_release(&b);
}
END_TEST

#define NO_MACHINE_HAS ((size_t)1 << 52) /* bytes; and no address space */

#if !defined(__SANITIZE_ADDRESS__) /* its malloc ends the process */
START_TEST(no_memory_is_nobody_s_input)
{
	struct buf b;
	struct err e;

	buf_init(&b, SIZE_MAX / 2);
	buf_put(&b, "abc", 3);
	ck_assert_ptr_null(buf_room(&b, NO_MACHINE_HAS));
	err_init(&e);
	unit_refused(buf_check(&b, &e), PV_INTERNAL, "memory", &e);
	ck_assert_uint_eq(b.len, 3);
	buf_reset(&b);
	UNIT_OK(buf_check(&b, &err_));
	ck_assert_ptr_null(buf_room(&b, SIZE_MAX));
	err_init(&e);
	unit_refused(buf_check(&b, &e), PV_INPUT, "size.limit", &e);
	buf_release(&b);
}
END_TEST
#endif

START_TEST(integers_are_big_endian)
{
	static const uint8_t want[] = { 1, 2,  3,  4,  5,  6,  7, 8,
					9, 10, 11, 12, 13, 14, 15 };
	struct buf b;

	buf_init(&b, 64);
	buf_put_u8(&b, 1);
	buf_put_be16(&b, 0x0203);
	buf_put_be32(&b, 0x04050607);
	buf_put_be64(&b, 0x08090a0b0c0d0e0f);
	ck_assert_uint_eq(b.len, sizeof(want));
	ck_assert_mem_eq(b.data, want, sizeof(want));
	buf_consume(&b, 3);
	ck_assert_uint_eq(b.data[0], 4);
	buf_consume(&b, 100);
	ck_assert_uint_eq(b.len, 0);
	buf_release(&b);
}
END_TEST

START_TEST(printf_longer_than_its_scratch)
{
	char text[1500];
	struct buf b;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	buf_init(&b, 4000);
	buf_printf(&b, "%d-%s", 7, text);
	ck_assert_uint_eq(b.len, 2 + 1499);
	ck_assert_uint_eq(strlen(buf_cstr(&b)), b.len);
	buf_release(&b);
	buf_init(&b, 1000);
	buf_printf(&b, "%s", text);
	ck_assert(b.failed);
	buf_wipe(&b);
}
END_TEST

START_TEST(hex)
{
	static const uint8_t bytes[] = { 0x00, 0x9f, 0xff };
	uint8_t back[3];
	char text[7];

	hex_encode(bytes, 3, text);
	ck_assert_str_eq(text, "009fff");
	ck_assert(hex_decode("009FfF", back, 3));
	ck_assert_mem_eq(back, bytes, 3);
	ck_assert(!hex_decode("009ff", back, 3));
	ck_assert(!hex_decode("009fff0", back, 3));
	ck_assert(!hex_decode("00 fff", back, 3));
	ck_assert(!hex_decode("", back, 3));
}
END_TEST

START_TEST(spans)
{
	struct span a = { (const uint8_t *)"abc", 3 };
	struct span b = { (const uint8_t *)"abd", 3 };
	struct span none = { NULL, 0 };

	ck_assert(span_equal(a, a));
	ck_assert(!span_equal(a, b));
	ck_assert(span_equal(none, none));
	ck_assert(!span_equal(a, none));
	ck_assert(span_is(a, "abc"));
	ck_assert(!span_is(a, "ab"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("buf");
	TCase *t = tcase_create("buf");

	tcase_add_test(t, grows_to_its_cap);
	tcase_add_test(t, huge_put_is_refused);
#if !defined(__SANITIZE_ADDRESS__) /* its malloc ends the process */
	tcase_add_test(t, no_memory_is_nobody_s_input);
#endif
	tcase_add_test(t, integers_are_big_endian);
	tcase_add_test(t, printf_longer_than_its_scratch);
	tcase_add_test(t, hex);
	tcase_add_test(t, spans);
	suite_add_tcase(s, t);
	return unit_run(s);
}
