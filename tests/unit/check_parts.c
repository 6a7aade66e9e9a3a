#include <string.h>

#include "lib/flow/parts.h"
#include "tests/unit/unit.h"

static struct err err;
static struct template *t;

/* Two stages at once, one of three components; another waits for evidence. */
static const char text[] =
	"{\"template\":\"n\",\"version\":1,"
	"\"vendor\":\"0d4f3a52-8e19-4c6b-9d27-51b8e0c7f3aa\","
	"\"class\":\"0d4f3a52-8e19-4c6b-9d27-51b8e0c7f3bb\","
	"\"device\":{\"id\":\"[a-z]+\",\"key\":\"none\",\"recipient\":\"kdf\","
	"\"roles\":{\"all\":[\"a\",\"b\",\"c\"],\"few\":[\"a\",\"c\"]}},"
	"\"components\":{\"a\":{\"sealed\":true,\"config\":{}},"
	"\"b\":{\"sealed\":true,\"config\":{}},"
	"\"c\":{\"sealed\":true,\"config\":{}}},"
	"\"stages\":{\"bootstrap\":[\"a\"],\"operational\":[\"b\",\"c\"]}}";

static void set_up(void)
{
	err_init(&err);
	unit_ok(template_parse(
			(struct span){ (const uint8_t *)text, strlen(text) },
			&t, NULL, &err),
		&err);
}

static void tear_down(void)
{
	template_free(t);
}

static uint32_t named(size_t role, const char *names)
{
	uint32_t bits = 0;

	unit_ok(parts_named(t, role, names, &bits, &err), &err);
	return bits;
}

START_TEST(names_are_bits)
{
	ck_assert_uint_eq(named(0, "a"), 1);
	ck_assert_uint_eq(named(0, "c,a"), 5);
	ck_assert_uint_eq(named(0, "b,b"), 2);
}
END_TEST

START_TEST(what_the_role_has_not_is_denied)
{
	static const char *const bad[] = { "", "d", "a,", ",a", "a,,b", "aa" };
	uint32_t bits = 77;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_init(&err);
		ck_assert_int_eq(parts_named(t, 0, bad[i], &bits, &err),
				 PV_DENIED);
		ck_assert_str_eq(err.rule, "rotate.components");
	}
	err_init(&err);
	ck_assert_int_eq(parts_named(t, 1, "b", &bits, &err), PV_DENIED);
	ck_assert_uint_eq(bits, 77);
}
END_TEST

START_TEST(a_stage_is_sealed_whole)
{
	ck_assert_uint_eq(parts_whole(t, 0, 1), 1);
	ck_assert_uint_eq(parts_whole(t, 0, 2), 6);
	ck_assert_uint_eq(parts_whole(t, 0, 5), 7);
	ck_assert_uint_eq(parts_whole(t, 1, 4), 4);
	ck_assert_uint_eq(parts_whole(t, 0, 0), 0);
}
END_TEST

START_TEST(the_same_components_are_the_same_text)
{
	struct buf b;

	buf_init(&b, 64);
	parts_put(t, named(0, "c,a,c"), &b);
	ck_assert_uint_eq(b.len, 3);
	ck_assert_mem_eq(b.data, "a,c", 3);
	buf_reset(&b);
	parts_put(t, 0, &b);
	ck_assert_uint_eq(b.len, 0);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("parts");
	TCase *tc = tcase_create("parts");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, names_are_bits);
	tcase_add_test(tc, what_the_role_has_not_is_denied);
	tcase_add_test(tc, a_stage_is_sealed_whole);
	tcase_add_test(tc, the_same_components_are_the_same_text);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
