#include "tests/unit/casefiles.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

size_t casefiles_each(const char *folder,
		      void (*fn)(const char *name, void *arg), void *arg)
{
	struct dirent **list;
	int n = scandir(unit_path(folder), &list, NULL, alphasort);
	size_t calls = 0;

	ck_assert_int_gt(n, 0);
	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.') {
			fn(list[i]->d_name, arg);
			calls++;
		}
		free(list[i]);
	}
	free(list);
	return calls;
}

struct casefiles {
	const char *kind;
	casefiles_parse parse;
};

static void casefiles_one(const char *name, void *arg)
{
	const struct casefiles *c = arg;
	char path[256], got[1024];
	struct buf input, want;
	struct err err;

	snprintf(path, sizeof(path), "invalid/%s/%s/input", c->kind, name);
	unit_read(path, &input);
	snprintf(path, sizeof(path), "invalid/%s/%s/error", c->kind, name);
	unit_read(path, &want);
	err_init(&err);
	ck_assert_msg(c->parse(buf_span(&input), &err) == PV_INPUT, "%s", name);
	snprintf(got, sizeof(got), "%s\n%s\n", err.rule, err.message);
	ck_assert_str_eq(got, buf_cstr(&want));
	buf_release(&input);
	buf_release(&want);
}

void casefiles_refused(const char *kind, size_t min, casefiles_parse parse)
{
	struct casefiles c = { kind, parse };
	char folder[128];

	snprintf(folder, sizeof(folder), "invalid/%s", kind);
	ck_assert_uint_ge(casefiles_each(folder, casefiles_one, &c), min);
}

bool casefiles_accepted(json_t *root, casefiles_parse parse)
{
	char *text = json_dumps(root, 0);
	struct err err;
	bool ok;

	ck_assert(text != NULL);
	err_init(&err);
	ok = parse((struct span){ (const uint8_t *)text, strlen(text) },
		   &err) == PV_OK;
	ck_assert(ok || err.message[0]);
	free(text);
	return ok;
}

static void casefiles_unknown(json_t *root, json_t *v, casefiles_parse parse)
{
	const char *key;
	json_t *child;
	size_t i;

	json_array_foreach(v, i, child) casefiles_unknown(root, child, parse);
	if (!json_is_object(v))
		return;
	ck_assert_int_eq(json_object_set_new(v, "zzz", json_true()), 0);
	ck_assert(!casefiles_accepted(root, parse));
	ck_assert_int_eq(json_object_del(v, "zzz"), 0);
	json_object_foreach(v, key, child) if (strcmp(key, "config") != 0)
		casefiles_unknown(root, child, parse);
}

void casefiles_nulls(json_t *root, json_t *v, casefiles_parse parse)
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
		ck_assert_msg(!casefiles_accepted(root, parse), "%s", key);
		ck_assert_int_eq(json_object_iter_set_new(v, it, child), 0);
		if (strcmp(key, "config") != 0)
			casefiles_nulls(root, child, parse);
	}
}

void casefiles_strict(json_t *root, casefiles_parse parse)
{
	ck_assert(casefiles_accepted(root, parse));
	casefiles_unknown(root, root, parse);
	casefiles_nulls(root, root, parse);
	ck_assert(casefiles_accepted(root, parse));
}
