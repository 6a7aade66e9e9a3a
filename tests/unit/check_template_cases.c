/*
 * The parser held to files: every tests/data/invalid/template/<case> gives its
 * error, every valid template survives show and refuses an unknown key
 * wherever one can stand. tests/interop/schema.mjs does the same to the schema.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/template.h"
#include "tests/unit/casefiles.h"

static enum pv_code parse(const char *text, size_t len, struct template **t,
			  struct err *err)
{
	struct span s = { (const uint8_t *)text, len };

	err_init(err);
	*t = NULL;
	return template_parse(s, t, NULL, err);
}

static enum pv_code parse_case(struct span text, struct err *err)
{
	struct template *t = NULL;
	enum pv_code rc = template_parse(text, &t, NULL, err);

	ck_assert((rc == PV_OK) == (t != NULL));
	template_free(t);
	return rc;
}

START_TEST(test_invalid)
{
	casefiles_refused("template", 200, parse_case);
}
END_TEST

static void check_valid(const char *path)
{
	struct template *t;
	json_t *root, *again;
	struct buf b;
	struct err err;
	char *text;

	unit_read(path, &b);
	unit_ok(parse((const char *)b.data, b.len, &t, &err), &err);
	unit_ok(template_show(t, &root, &err), &err);
	template_free(t);
	/* the effective template parses and shows as itself */
	text = json_dumps(root, 0);
	unit_ok(parse(text, strlen(text), &t, &err), &err);
	unit_ok(template_show(t, &again, &err), &err);
	ck_assert(json_equal(root, again));
	template_free(t);
	free(text);
	json_decref(again);
	casefiles_strict(root, parse_case);
	json_decref(root);
	buf_release(&b);
}

static void check_example(const char *name, void *arg)
{
	char path[256];

	(void)arg;
	snprintf(path, sizeof(path), "template/%s", name);
	check_valid(path);
}

static void check_shipped(const char *name, void *arg)
{
	char path[256];
	size_t len = strlen(name);

	(void)arg;
	if (len < 5 || strcmp(name + len - 5, ".json") != 0 ||
	    strstr(name, ".schema.json"))
		return;
	snprintf(path, sizeof(path), "../../templates/%s", name);
	check_valid(path);
}

START_TEST(test_valid)
{
	ck_assert_uint_ge(casefiles_each("template", check_example, NULL), 10);
	casefiles_each("../../templates", check_shipped, NULL);
}
END_TEST

/* What show fills in is what the parser assumed. */
START_TEST(test_show_defaults)
{
	struct template *t;
	json_t *root;
	struct buf b;
	struct err err;

	unit_read("template/base.json", &b);
	unit_ok(parse((const char *)b.data, b.len, &t, &err), &err);
	unit_ok(template_show(t, &root, &err), &err);
	json_t *id = json_object_get(json_object_get(root, "components"), "id");
	json_t *limits = json_object_get(root, "limits");
	json_t *stages = json_object_get(root, "stages");
	json_t *seal = json_object_get(root, "seal");
	json_t *manifest = json_object_get(root, "manifest");
	ck_assert_str_eq(json_string_value(json_object_get(id, "version")),
			 "1");
	ck_assert_int_eq(json_integer_value(json_object_get(id, "max_size")),
			 65536);
	ck_assert(json_is_false(json_object_get(limits, "without_order")));
	ck_assert_uint_eq(
		json_array_size(json_object_get(stages, "operational")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(seal, "chunk")),
			 1024);
	ck_assert_str_eq(
		json_string_value(json_object_get(manifest, "not_after")),
		"none");
	json_decref(root);
	template_free(t);
	buf_release(&b);
}
END_TEST

/* Every prefix of a template is refused, and the whole is not. */
START_TEST(test_prefixes)
{
	struct template *t;
	struct buf b;
	struct err err;

	unit_read("template/base.json", &b);
	for (size_t len = 0; len + 2 < b.len; len++)
		ck_assert(parse((const char *)b.data, len, &t, &err) ==
			  PV_INPUT);
	unit_ok(parse((const char *)b.data, b.len, &t, &err), &err);
	template_free(t);
	buf_release(&b);
}
END_TEST

START_TEST(test_size)
{
	struct template *t;
	struct buf b;
	struct err err;

	unit_read("template/base.json", &b);
	while (b.len < TEMPLATE_SIZE_MAX)
		buf_put_u8(&b, ' ');
	unit_ok(parse((const char *)b.data, b.len, &t, &err), &err);
	template_free(t);
	buf_put_u8(&b, ' ');
	unit_refused(parse((const char *)b.data, b.len, &t, &err), PV_INPUT,
		     "json.size", &err);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("template_cases");
	TCase *t = tcase_create("template_cases");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_invalid);
	tcase_add_test(t, test_valid);
	tcase_add_test(t, test_show_defaults);
	tcase_add_test(t, test_prefixes);
	tcase_add_test(t, test_size);
	suite_add_tcase(s, t);
	return unit_run(s);
}
