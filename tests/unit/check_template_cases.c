/*
 * The parser held to files: every tests/data/invalid/template/<case> gives its
 * error, every valid template survives show and refuses an unknown key
 * wherever one can stand. tests/interop/schema.mjs does the same to the schema.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "policy/template.h"
#include "tests/unit/unit.h"

static enum pv_code parse(const char *text, size_t len, struct template **t,
			  struct err *err)
{
	struct span s = { (const uint8_t *)text, len };

	err_init(err);
	*t = NULL;
	return template_parse(s, t, NULL, err);
}

/* Calls fn for each name in tests/data/<folder>; returns how many. */
static size_t each(const char *folder, void (*fn)(const char *name))
{
	struct dirent **list;
	int n = scandir(unit_path(folder), &list, NULL, alphasort);
	size_t calls = 0;

	ck_assert_int_gt(n, 0);
	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.') {
			fn(list[i]->d_name);
			calls++;
		}
		free(list[i]);
	}
	free(list);
	return calls;
}

static void check_invalid(const char *name)
{
	char path[256], got[1024];
	struct buf input, want;
	struct template *t;
	struct err err;

	snprintf(path, sizeof(path), "invalid/template/%s/input", name);
	unit_read(path, &input);
	snprintf(path, sizeof(path), "invalid/template/%s/error", name);
	unit_read(path, &want);
	ck_assert_msg(parse((const char *)input.data, input.len, &t, &err) ==
			      PV_INPUT,
		      "%s", name);
	ck_assert(t == NULL);
	snprintf(got, sizeof(got), "%s\n%s\n", err.rule, err.message);
	ck_assert_str_eq(got, buf_cstr(&want));
	buf_release(&input);
	buf_release(&want);
}

START_TEST(test_invalid)
{
	ck_assert_uint_ge(each("invalid/template", check_invalid), 200);
}
END_TEST

/* Parses object's document as it stands now; true when it is accepted. */
static bool accepted(json_t *root)
{
	char *text = json_dumps(root, 0);
	struct template *t;
	struct err err;
	bool ok;

	ck_assert(text != NULL);
	ok = parse(text, strlen(text), &t, &err) == PV_OK;
	ck_assert(ok || err.message[0]);
	template_free(t);
	free(text);
	return ok;
}

static void spoil_objects(json_t *root, json_t *v)
{
	const char *key;
	json_t *child;
	size_t i;

	json_array_foreach(v, i, child) spoil_objects(root, child);
	if (!json_is_object(v))
		return;
	ck_assert_int_eq(json_object_set_new(v, "zzz", json_true()), 0);
	ck_assert(!accepted(root));
	ck_assert_int_eq(json_object_del(v, "zzz"), 0);
	json_object_foreach(v, key, child) if (strcmp(key, "config") != 0)
		spoil_objects(root, child);
}

/* No value may be replaced by null, and no type is coerced. */
static void spoil_values(json_t *root, json_t *v)
{
	const char *key;
	json_t *child;
	void *it;

	for (it = json_object_iter(v); it; it = json_object_iter_next(v, it)) {
		key = json_object_iter_key(it);
		child = json_object_iter_value(it);
		json_incref(child);
		ck_assert_int_eq(json_object_iter_set_new(v, it, json_null()),
				 0);
		ck_assert_msg(!accepted(root), "%s", key);
		ck_assert_int_eq(json_object_iter_set_new(v, it, child), 0);
		if (strcmp(key, "config") != 0)
			spoil_values(root, child);
	}
}

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
	spoil_objects(root, root);
	spoil_values(root, root);
	ck_assert(accepted(root));
	json_decref(root);
	buf_release(&b);
}

static void check_example(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "template/%s", name);
	check_valid(path);
}

static void check_shipped(const char *name)
{
	char path[256];
	size_t len = strlen(name);

	if (len < 5 || strcmp(name + len - 5, ".json") != 0 ||
	    strcmp(name, "template.schema.json") == 0)
		return;
	snprintf(path, sizeof(path), "../../templates/%s", name);
	check_valid(path);
}

START_TEST(test_valid)
{
	ck_assert_uint_ge(each("template", check_example), 10);
	each("../../templates", check_shipped);
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
