#include <string.h>

#include "lib/base/text.h"
#include "tests/unit/unit.h"

static const char *const fields[] = { "lot", "rev" };

static void expands(const char *from, const char *want)
{
	const char *const values[] = { "L042", NULL };
	const struct text_vars vars = { .device_id = "D-1",
					.order_id = "O-9",
					.authority = "acme",
					.fields = values,
					.fields_n = 2,
					.shard = 4294967295u };
	char out[TEXT_VALUE_MAX];
	struct text t;
	struct buf b;
	size_t len;

	UNIT_OK(text_parse(&t, from, fields, 2, true, &err_));
	UNIT_OK(text_expand(&t, &vars, out, sizeof(out), &len, &err_));
	ck_assert_str_eq(out, want);
	ck_assert_uint_eq(len, strlen(want));
	buf_init(&b, strlen(want) + 1);
	buf_put_u8(&b, '>');
	UNIT_OK(text_append(&t, &vars, &b, &err_));
	ck_assert_str_eq(buf_cstr(&b) + 1, want);
	buf_release(&b);
	text_release(&t);
}

START_TEST(values_go_in_as_they_are)
{
	expands("", "");
	expands("plain $ text } {", "plain $ text } {");
	expands("${device.id}", "D-1");
	expands("a${device.id}b${device.lot}c", "aD-1bL042c");
	expands("${order.id}/${authority.name}/${shard}",
		"O-9/acme/4294967295");
	expands("$${device.id}}", "$D-1}");
}
END_TEST

START_TEST(values_are_not_parsed_again)
{
	const char *const values[] = { "${device.id}", "x" };
	const struct text_vars vars = { .device_id = "D",
					.fields = values,
					.fields_n = 2 };
	char out[64];
	struct text t;

	UNIT_OK(text_parse(&t, "${device.lot}", fields, 2, false, &err_));
	ck_assert(text_has_vars(&t));
	UNIT_OK(text_expand(&t, &vars, out, sizeof(out), NULL, &err_));
	ck_assert_str_eq(out, "${device.id}");
	text_release(&t);
}
END_TEST

static void bad(const char *from, bool shard)
{
	struct text t;
	struct err e;

	err_init(&e);
	unit_refused(text_parse(&t, from, fields, 2, shard, &e), PV_INPUT,
		     "template.placeholder", &e);
	ck_assert_ptr_null(t.parts);
}

START_TEST(unknown_names)
{
	char many[200] = "";

	bad("${", true);
	bad("x${device.id", true);
	bad("${}", true);
	bad("${device.}", true);
	bad("${device.color}", true);
	bad("${device.lotx}", true);
	bad("${shard}", false);
	bad("${env.HOME}", true);
	for (int i = 0; i < 40; i++)
		memcpy(many + 4 * i, "$.${", 5);
	bad(many, true);
}
END_TEST

START_TEST(missing_values_and_length)
{
	const char *const values[] = { NULL, NULL };
	const struct text_vars vars = { .fields = values, .fields_n = 2 };
	char out[8];
	struct text t;
	struct err e;

	UNIT_OK(text_parse(&t, "${device.rev}", fields, 2, false, &err_));
	err_init(&e);
	unit_refused(text_expand(&t, &vars, out, sizeof(out), NULL, &e),
		     PV_INPUT, "template.value", &e);
	err_init(&e);
	unit_refused(text_expand(&t, NULL, out, sizeof(out), NULL, &e),
		     PV_INPUT, "template.value", &e);
	text_release(&t);
	UNIT_OK(text_parse(&t, "1234567", fields, 2, false, &err_));
	UNIT_OK(text_expand(&t, NULL, out, 8, NULL, &err_));
	err_init(&e);
	unit_refused(text_expand(&t, NULL, out, 7, NULL, &e), PV_INPUT,
		     "template.value", &e);
	ck_assert(!text_has_vars(&t));
	text_release(&t);
}
END_TEST

START_TEST(appending_has_no_bound_of_its_own)
{
	static char many[8 * TEXT_VALUE_MAX + 1];
	const char *const values[] = { NULL, NULL };
	const struct text_vars vars = { .device_id = "D",
					.fields = values,
					.fields_n = 2 };
	struct text t;
	struct buf b;
	struct err e;

	memset(many, 'x', sizeof(many) - 1);
	UNIT_OK(text_parse(&t, many, fields, 2, false, &err_));
	buf_init(&b, sizeof(many) - 1);
	UNIT_OK(text_append(&t, NULL, &b, &err_));
	ck_assert_str_eq(buf_cstr(&b), many);
	err_init(&e);
	unit_refused(text_append(&t, NULL, &b, &e), PV_INPUT, "size.limit", &e);
	text_release(&t);
	UNIT_OK(text_parse(&t, "${device.rev}", fields, 2, false, &err_));
	buf_reset(&b);
	err_init(&e);
	unit_refused(text_append(&t, &vars, &b, &e), PV_INPUT, "template.value",
		     &e);
	text_release(&t);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("text");

	tcase_add_test(t, values_go_in_as_they_are);
	tcase_add_test(t, values_are_not_parsed_again);
	tcase_add_test(t, unknown_names);
	tcase_add_test(t, missing_values_and_length);
	tcase_add_test(t, appending_has_no_bound_of_its_own);
	suite_add_tcase(s, t);
	return unit_run(s);
}
