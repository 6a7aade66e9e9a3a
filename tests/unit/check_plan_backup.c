/* Keepers of printed shares. */
#include <stdio.h>
#include <string.h>

#include "policy/plan.h"
#include "tests/unit/unit.h"

/* A plan whose backup has these keys besides. */
static enum pv_code parse(const char *keys, struct plan **plan, struct err *err)
{
	char text[1024];
	int n = snprintf(
		text, sizeof(text),
		"{\"plan\":\"p\",\"version\":1,\"steps\":["
		"{\"step\":\"init-token\"},"
		"{\"step\":\"generate-key\",\"purpose\":\"root\","
		"\"kind\":\"P-256\",\"backup\":true},"
		"{\"step\":\"back-up-key\",\"purpose\":\"root\",\"shares\":2,"
		"\"threshold\":2,%s}]}",
		keys);

	err_init(err);
	*plan = NULL;
	return plan_parse((struct span){ (const uint8_t *)text, (size_t)n },
			  plan, err);
}

START_TEST(test_keepers)
{
	struct plan *p;
	struct err err;

	unit_ok(parse("\"print\":true,\"keepers\":[\"a\",\"b\"]", &p, &err),
		&err);
	ck_assert(p->steps[2].print);
	ck_assert_str_eq(p->steps[2].officers[0], "a");
	ck_assert_str_eq(p->steps[2].officers[1], "b");
	plan_free(p);
	unit_ok(parse("\"print\":true", &p, &err), &err);
	ck_assert_str_eq(p->steps[2].officers[0], "");
	plan_free(p);
}
END_TEST

#define KEY(digit)                                                             \
	"\"" digit "000000000000000000000000000000"                            \
	"000000000000000000000000000000000\""
#define OFFICERS                                                               \
	"\"officers\":[{\"name\":\"a\",\"spki_sha256\":" KEY(                  \
		"1") "},"                                                      \
		     "{\"name\":\"b\",\"spki_sha256\":" KEY("2") "}]"

static const struct {
	const char *keys, *rule;
} bad[] = {
	{ "\"print\":true,\"keepers\":[\"a\"]", "plan.count" },
	{ "\"print\":true,\"keepers\":[\"a\",\"b\",\"c\"]", "plan.count" },
	{ "\"print\":true,\"keepers\":[\"a\",\"a\"]", "plan.duplicate" },
	{ "\"print\":true,\"keepers\":[\"a\",\"../b\"]", "plan.name" },
	{ "\"print\":true,\"keepers\":[\"a\",7]", "plan.type" },
	{ "\"print\":true,\"keepers\":\"a\"", "plan.type" },
	{ OFFICERS ",\"keepers\":[\"a\",\"b\"]", "plan.shares" },
};

START_TEST(test_refused)
{
	struct plan *p;
	struct err err;

	unit_refused(parse(bad[_i].keys, &p, &err), PV_INPUT, bad[_i].rule,
		     &err);
	ck_assert_ptr_null(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plan_backup");
	TCase *t = tcase_create("plan_backup");

	tcase_add_test(t, test_keepers);
	tcase_add_loop_test(t, test_refused, 0,
			    (int)(sizeof(bad) / sizeof(*bad)));
	suite_add_tcase(s, t);
	return unit_run(s);
}
