#include "cmd/opts.h"
#include "tests/unit/unit.h"

struct values {
	bool flag;
	const char *text;
	uint64_t number;
	struct opt_list list;
};

#define TABLE(v)                                                               \
	{                                                                      \
		{ "flag", 'f', OPT_FLAG, &(v).flag, 0, 0 },                    \
			{ "text", 't', OPT_STRING, &(v).text, 0, 0 },          \
			{ "number", 0, OPT_NUMBER, &(v).number, 2, 300 },      \
			{ "list", 0, OPT_LIST, &(v).list, 0, 0 },              \
			{ NULL, 0, OPT_FLAG, NULL, 0, 0 },                     \
	}

#define ARGC(argv) ((int)(sizeof(argv) / sizeof((argv)[0])))

static enum pv_code parse(struct values *v, int argc, const char **argv,
			  struct opt_args *args, struct err *err)
{
	const struct opt table[] = TABLE(*v);

	*v = (struct values){ .number = 7 };
	err_init(err);
	return opts_parse(table, argc, (char **)(uintptr_t)argv, 0, 2, args,
			  err);
}

START_TEST(takes_every_form)
{
	const char *argv[] = { "verb",	   "one", "--flag", "--text=a=b",
			       "--number", "300", "--list", "x",
			       "--list=y", "--",  "-two" };
	struct opt_args args;
	struct values v;
	struct err err;

	unit_ok(parse(&v, ARGC(argv), argv, &args, &err), &err);
	ck_assert(v.flag);
	ck_assert_str_eq(v.text, "a=b");
	ck_assert_uint_eq(v.number, 300);
	ck_assert_uint_eq(v.list.n, 2);
	ck_assert_str_eq(v.list.values[1], "y");
	ck_assert_uint_eq(args.n, 2);
	ck_assert_str_eq(args.values[1], "-two");
}
END_TEST

START_TEST(takes_letters)
{
	const char *argv[] = { "verb", "-f", "-tx", "-" };
	const char *apart[] = { "verb", "-t", "-" };
	struct opt_args args;
	struct values v;
	struct err err;

	unit_ok(parse(&v, ARGC(argv), argv, &args, &err), &err);
	ck_assert(v.flag);
	ck_assert_str_eq(v.text, "x");
	ck_assert_uint_eq(args.n, 1);
	unit_ok(parse(&v, ARGC(apart), apart, &args, &err), &err);
	ck_assert_str_eq(v.text, "-");
}
END_TEST

static const struct refusal {
	const char *a, *b, *rule;
} refusals[] = {
	{ "--unknown", NULL, "usage.option" },
	{ "--fla", NULL, "usage.option" }, /* no abbreviations */
	{ "-x", NULL, "usage.option" },
	{ "-ff", NULL, "usage.option" },
	{ "--flag=1", NULL, "usage.value" },
	{ "--flag", "--flag", "usage.option" },
	{ "--text", NULL, "usage.value" },
	{ "--text", "--flag", "usage.value" },
	{ "--number=1", NULL, "usage.value" },
	{ "--number=301", NULL, "usage.value" },
	{ "--number=", NULL, "usage.value" },
	{ "--number=+3", NULL, "usage.value" },
	{ "--number= 3", NULL, "usage.value" },
	{ "--number=3x", NULL, "usage.value" },
	{ "--number=18446744073709551617", NULL, "usage.value" },
	{ "--pin=1234", NULL, "usage.pin" },
	{ "--so-pin", "1234", "usage.pin" },
	{ "--password=1234", NULL, "usage.pin" },
	/* What stands behind an option that is none may be a PIN. */
	{ "-p1234", NULL, "usage.option" },
	{ "-f1234", NULL, "usage.option" },
	{ "--user=1234", NULL, "usage.option" },
};

START_TEST(refuses)
{
	const struct refusal *r = &refusals[_i];
	const char *argv[] = { "verb", r->a, r->b };
	struct opt_args args;
	struct values v;
	struct err err;

	unit_refused(parse(&v, r->b ? 3 : 2, argv, &args, &err), PV_USAGE,
		     r->rule, &err);
	ck_assert_ptr_null(strstr(err.message, "1234"));
	ck_assert_ptr_null(strstr(err.object, "1234"));
}
END_TEST

START_TEST(counts_arguments)
{
	const char *argv[] = { "verb", "a", "b", "c" };
	const struct opt none[] = { { NULL, 0, OPT_FLAG, NULL, 0, 0 } };
	struct opt_args args;
	struct values v;
	struct err err;

	unit_refused(parse(&v, ARGC(argv), argv, &args, &err), PV_USAGE,
		     "usage.argument", &err);
	err_init(&err);
	unit_refused(opts_parse(none, 1, (char **)(uintptr_t)argv, 1, 1, &args,
				&err),
		     PV_USAGE, "usage.argument", &err);
}
END_TEST

START_TEST(limits_a_list)
{
	const char *argv[OPTS_LIST_MAX + 2];
	struct opt_args args;
	struct values v;
	struct err err;

	argv[0] = "verb";
	for (int i = 1; i < ARGC(argv); i++)
		argv[i] = "--list=x";
	unit_ok(parse(&v, ARGC(argv) - 1, argv, &args, &err), &err);
	ck_assert_uint_eq(v.list.n, OPTS_LIST_MAX);
	unit_refused(parse(&v, ARGC(argv), argv, &args, &err), PV_USAGE,
		     "usage.value", &err);
}
END_TEST

START_TEST(stops_at_the_verb)
{
	const char *argv[] = { "provctl", "--flag", "-t", "x", "verb", "-z" };
	const char *ended[] = { "provctl", "--", "--flag" };
	struct values v = { .number = 7 };
	const struct opt table[] = TABLE(v);
	struct err err;
	int next = 0;

	err_init(&err);
	unit_ok(opts_parse_until(table, ARGC(argv), (char **)(uintptr_t)argv,
				 &next, &err),
		&err);
	ck_assert_int_eq(next, 4);
	unit_ok(opts_parse_until(table, ARGC(ended), (char **)(uintptr_t)ended,
				 &next, &err),
		&err);
	ck_assert_int_eq(next, 2);
}
END_TEST

START_TEST(knows_pins)
{
	ck_assert(opts_is_pin("--pin"));
	ck_assert(opts_is_pin("--user-pin=1"));
	ck_assert(!opts_is_pin("--pin-source"));
	ck_assert(!opts_is_pin("--pi"));
	ck_assert(!opts_is_pin("pin"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("opts");
	TCase *t = tcase_create("opts");

	tcase_add_test(t, takes_every_form);
	tcase_add_test(t, takes_letters);
	tcase_add_loop_test(t, refuses, 0,
			    (int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(t, counts_arguments);
	tcase_add_test(t, limits_a_list);
	tcase_add_test(t, stops_at_the_verb);
	tcase_add_test(t, knows_pins);
	suite_add_tcase(s, t);
	return unit_run(s);
}
