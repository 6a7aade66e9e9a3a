/* seal_vec: reading JSON vector files, for the tests of lib/seal. */
#ifndef PV_TESTS_SEAL_VEC_H
#define PV_TESTS_SEAL_VEC_H

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/secret.h"
#include "tests/unit/unit.h"

static inline json_t *vec_load(const char *file)
{
	json_error_t e;
	json_t *j = json_load_file(unit_path(file), 0, &e);

	if (!j)
		ck_abort_msg("%s: %s", file, e.text);
	return j;
}

static inline const char *vec_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	ck_assert_msg(s != NULL, "no text under %s", key);
	return s;
}

static inline long vec_int(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	ck_assert_msg(json_is_integer(v), "no number under %s", key);
	return (long)json_integer_value(v);
}

/* Hex text into b, which is initialised here. p is never NULL after. */
static inline void vec_hex_text(const char *hex, struct buf *b)
{
	size_t len = strlen(hex) / 2;

	buf_init(b, 1u << 24);
	ck_assert(buf_room(b, len + 1) != NULL);
	ck_assert(hex_decode(hex, b->data, len));
	buf_commit(b, len);
}

static inline void vec_hex(const json_t *o, const char *key, struct buf *b)
{
	vec_hex_text(vec_str(o, key), b);
}

static inline void vec_secret(const json_t *o, const char *key,
			      struct secret *s)
{
	struct buf b;
	struct err err;

	err_init(&err);
	vec_hex(o, key, &b);
	unit_ok(secret_copy(s, b.data, b.len, &err), &err);
	buf_release(&b);
}

static inline void vec_equal(const json_t *o, const char *key, const void *p,
			     size_t len)
{
	struct buf b;

	vec_hex(o, key, &b);
	ck_assert_uint_eq(b.len, len);
	ck_assert_mem_eq(b.data, p, len);
	buf_release(&b);
}

static inline struct span vec_span(const void *p, size_t len)
{
	struct span s = { p, len };

	return s;
}

/* Calls fn for every test of a Wycheproof file and checks their number. */
typedef void vec_wycheproof_fn(const char *file, const char *name,
			       const json_t *group, const json_t *test,
			       bool valid);

static inline void vec_wycheproof(const char *file, size_t want,
				  vec_wycheproof_fn *fn)
{
	json_t *root = vec_load(file);
	const json_t *group, *test;
	size_t i, j, n = 0;

	json_array_foreach(json_object_get(root, "testGroups"), i, group)
	{
		json_array_foreach(json_object_get(group, "tests"), j, test)
		{
			char name[32];

			snprintf(name, sizeof(name), "tcId %ld",
				 vec_int(test, "tcId"));
			fn(file, name, group, test,
			   strcmp(vec_str(test, "result"), "invalid") != 0);
			n++;
		}
	}
	ck_assert_uint_eq(n, want);
	ck_assert_uint_eq(n, (size_t)vec_int(root, "numberOfTests"));
	json_decref(root);
}

/* A case that the vectors call invalid and that we refused. */
static inline void vec_refused(const char *file, const char *name,
			       const json_t *test)
{
	const char *comment = vec_str(test, "comment");

	unit_case(file, name, UNIT_REFUSED,
		  *comment ? comment : "invalid by the vectors");
}

/* One ECDSA case of Wycheproof: is it taken, and should it be? */
static inline void vec_ecdsa_case(
	const char *file, const char *name, const json_t *group,
	const json_t *test, bool valid,
	bool (*taken)(struct span spki, struct span msg, struct span sig))
{
	struct buf spki, msg, sig;

	vec_hex(group, "publicKeyDer", &spki);
	vec_hex(test, "msg", &msg);
	vec_hex(test, "sig", &sig);
	ck_assert_msg(taken(buf_span(&spki), buf_span(&msg), buf_span(&sig)) ==
			      valid,
		      "%s", name);
	if (valid)
		unit_case(file, name, UNIT_PASS, NULL);
	else
		vec_refused(file, name, test);
	buf_release(&spki);
	buf_release(&msg);
	buf_release(&sig);
}

#endif
