#include "policy/binding.h"

#include <string.h>

#include "tests/unit/casefiles.h"
#include "tests/unit/unit.h"

static enum pv_code parse(const char *text, struct binding *b, struct err *err)
{
	err_init(err);
	return binding_parse(
		(struct span){ (const uint8_t *)text, strlen(text) }, b, err);
}

#define HEAD "{\"binding\":\"b\",\"module\":\"/m.so\","
#define TOKENS "\"tokens\":[\"pkcs11:token=a\",\"pkcs11:token=b\"],"

START_TEST(test_whole)
{
	struct binding b;
	struct err err;

	unit_ok(parse(HEAD TOKENS "\"pin_source\":\"file:/p\","
				  "\"so_pin_source\":\"prompt\"}",
		      &b, &err),
		&err);
	ck_assert_str_eq(b.name, "b");
	ck_assert_str_eq(b.module, "/m.so");
	ck_assert_uint_eq(b.tokens_n, 2);
	ck_assert_str_eq(b.tokens[1], "pkcs11:token=b");
	ck_assert_str_eq(b.pin_source, "file:/p");
	ck_assert_str_eq(b.so_pin_source, "prompt");
	unit_ok(parse(HEAD TOKENS "\"pin_source\":\"fd:3\"}", &b, &err), &err);
	ck_assert_str_eq(b.so_pin_source, "");
}
END_TEST

static const struct {
	const char *text;
	enum pv_code code;
	const char *rule;
} bad[] = {
	{ "", PV_INPUT, "json.syntax" },
	{ "[]", PV_INPUT, "binding.type" },
	{ "{}", PV_INPUT, "binding.missing" },
	{ HEAD "\"pin_source\":\"prompt\"}", PV_INPUT, "binding.missing" },
	{ HEAD TOKENS "\"pin\":\"1234\"}", PV_INPUT, "binding.unknown_key" },
	{ HEAD TOKENS "\"pin_source\":\"1234\"}", PV_INPUT,
	  "binding.pin_source" },
	{ HEAD TOKENS "\"pin_source\":\"file:p\"}", PV_INPUT,
	  "binding.pin_source" },
	{ HEAD TOKENS "\"pin_source\":7}", PV_INPUT, "binding.type" },
	{ HEAD "\"tokens\":[\"pkcs11:token=a\"]}", PV_INPUT,
	  "binding.missing" },
	{ HEAD "\"tokens\":[],\"pin_source\":\"prompt\"}", PV_INPUT,
	  "binding.count" },
	{ HEAD "\"tokens\":[\"a\"],\"pin_source\":\"prompt\"}", PV_INPUT,
	  "binding.token" },
	{ HEAD "\"tokens\":[\"pkcs11:token=a?pin-value=1234\"],"
	       "\"pin_source\":\"prompt\"}",
	  PV_INPUT, "binding.token" },
	{ "{\"binding\":\"b\",\"module\":\"m.so\"," TOKENS
	  "\"pin_source\":\"prompt\"}",
	  PV_INPUT, "binding.module" },
	{ "{\"binding\":\"../b\",\"module\":\"/m.so\"," TOKENS
	  "\"pin_source\":\"prompt\"}",
	  PV_INPUT, "binding.name" },
};

START_TEST(test_refused)
{
	struct binding b;
	struct err err;

	unit_refused(parse(bad[_i].text, &b, &err), bad[_i].code, bad[_i].rule,
		     &err);
	ck_assert_ptr_null(strstr(err.message, "1234"));
}
END_TEST

static enum pv_code parse_case(struct span text, struct err *err)
{
	struct binding b;

	return binding_parse(text, &b, err);
}

/* The very files that the schema is held to (tests/interop/schema.mjs). */
START_TEST(test_files)
{
	json_t *root;
	struct binding b;
	struct buf text;

	casefiles_refused("binding", 13, parse_case);
	unit_read("../../templates/examples/binding.json", &text);
	UNIT_OK(binding_parse(buf_span(&text), &b, &err_));
	root = json_loads(buf_cstr(&text), 0, NULL);
	ck_assert_ptr_nonnull(root);
	casefiles_strict(root, parse_case);
	json_decref(root);
	buf_release(&text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("binding");
	TCase *t = tcase_create("binding");

	tcase_add_test(t, test_whole);
	tcase_add_loop_test(t, test_refused, 0,
			    (int)(sizeof(bad) / sizeof(*bad)));
	tcase_add_test(t, test_files);
	suite_add_tcase(s, t);
	return unit_run(s);
}
