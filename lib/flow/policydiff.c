/* The fields. */
#include "lib/flow/policydiff.h"

#include <stdio.h>
#include <string.h>

#define POINTER_MAX 512 /* bytes; keys of templates are short */

struct walk {
	json_t *changes;
	char pointer[POINTER_MAX];
	bool failed; /* out of memory; sticks */
};

static void compare(struct walk *w, json_t *old, json_t *new);

/* Puts "/key" behind the pointer (RFC 6901); returns its former length. */
static size_t enter(struct walk *w, const char *key)
{
	size_t was = strlen(w->pointer), n = was;

	if (n + 2 * strlen(key) + 2 > sizeof(w->pointer)) {
		w->failed = true;
		return was;
	}
	w->pointer[n++] = '/';
	for (; *key; key++) {
		if (*key == '~' || *key == '/')
			w->pointer[n++] = '~';
		w->pointer[n++] = *key == '~' ? '0' : *key == '/' ? '1' : *key;
	}
	w->pointer[n] = '\0';
	return was;
}

static void leave(struct walk *w, size_t was)
{
	w->pointer[was] = '\0';
}

static void add(struct walk *w, json_t *old, json_t *new)
{
	json_t *change = json_pack("{s:s, s:O*, s:O*}", "path", w->pointer,
				   "old", old, "new", new);

	if (!change || json_array_append_new(w->changes, change) != 0)
		w->failed = true;
}

static void compare_objects(struct walk *w, json_t *old, json_t *new)
{
	const char *key;
	json_t *value;

	json_object_foreach(old, key, value)
	{
		size_t was = enter(w, key);

		compare(w, value, json_object_get(new, key));
		leave(w, was);
	}
	json_object_foreach(new, key, value)
	{
		size_t was = enter(w, key);

		if (!json_object_get(old, key))
			add(w, NULL, value);
		leave(w, was);
	}
}

static void compare_lists(struct walk *w, json_t *old, json_t *new)
{
	size_t n = json_array_size(old);
	char place[24];

	if (json_array_size(new) > n)
		n = json_array_size(new);
	for (size_t i = 0; i < n; i++) {
		size_t was;

		snprintf(place, sizeof(place), "%zu", i);
		was = enter(w, place);
		compare(w, json_array_get(old, i), json_array_get(new, i));
		leave(w, was);
	}
}

static bool of_objects(const json_t *list)
{
	return json_is_array(list) && json_is_object(json_array_get(list, 0));
}

/* One of them may be NULL: it is not there. */
static void compare(struct walk *w, json_t *old, json_t *new)
{
	if (json_is_object(old) && json_is_object(new))
		compare_objects(w, old, new);
	else if (of_objects(old) && of_objects(new))
		compare_lists(w, old, new);
	else if (!old || !new || !json_equal(old, new))
		add(w, old, new);
}

enum pv_code policydiff_fields(const struct template *old,
			       const struct template *new, json_t **changes,
			       struct err *err)
{
	struct walk w = { .changes = json_array() };
	json_t *a = NULL, *b = NULL;
	enum pv_code rc = template_show(old, &a, err);

	*changes = NULL;
	if (rc == PV_OK)
		rc = template_show(new, &b, err);
	if (rc == PV_OK && w.changes)
		compare(&w, a, b);
	if (rc == PV_OK && (!w.changes || w.failed))
		rc = err_fail(err, PV_INTERNAL, "memory",
			      "free memory and run again",
			      "out of memory for the differences");
	json_decref(a);
	json_decref(b);
	if (rc == PV_OK)
		*changes = w.changes;
	else
		json_decref(w.changes);
	return rc;
}
