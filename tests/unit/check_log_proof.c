#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/json.h"
#include "lib/log/proof.h"
#include "tests/unit/unit.h"

#define SIZE 67u

static struct log_hasher hasher;

static void setup(void)
{
	struct err err;

	err_init(&err);
	unit_ok(log_hasher_init(&hasher, &err), &err);
}

static void teardown(void)
{
	log_hasher_release(&hasher);
}

/* ---- vectors ---- */

static bool get_hash(json_t *v, uint8_t out[LOG_HASH])
{
	const char *text = json_string_value(v);
	size_t len;

	return text && base64_decode(text, strlen(text), out, LOG_HASH, &len) &&
	       len == LOG_HASH;
}

/*
 * Some cases have the text "don't care" for a root. It is padded with zeros:
 * equal ones stay equal and no tree has such a root.
 */
static bool get_root(json_t *v, uint8_t out[LOG_HASH])
{
	const char *text = json_string_value(v);
	size_t len;

	memset(out, 0, LOG_HASH);
	return text && base64_decode(text, strlen(text), out, LOG_HASH, &len);
}

/* False for a proof that holds anything but hashes. */
static bool get_proof(json_t *v, struct log_proof *p)
{
	p->n = json_array_size(v);
	if (p->n > LOG_PROOF_MAX)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (!get_hash(json_array_get(v, i), p->hash[i]))
			return false;
	return true;
}

static uint64_t get_size(json_t *o, const char *key)
{
	double v = json_real_value(json_object_get(o, key));

	/* All are small but for 2^64 - 1, which jansson's integers lack. */
	return v > 1e19 ? UINT64_MAX : (uint64_t)v;
}

static bool inclusion_holds(json_t *o, const char **why)
{
	uint8_t root[LOG_HASH];
	uint8_t leaf[LOG_HASH];
	struct log_proof p;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	*why = "a hash that is not 32 bytes";
	if (!get_root(json_object_get(o, "root"), root) ||
	    !get_hash(json_object_get(o, "leafHash"), leaf) ||
	    !get_proof(json_object_get(o, "proof"), &p))
		return false;
	rc = log_check_inclusion(&hasher, leaf, get_size(o, "leafIdx"),
				 get_size(o, "treeSize"), &p, root, &err);
	*why = "log.proof";
	if (rc != PV_OK)
		unit_refused(rc, PV_INTEGRITY, "log.proof", &err);
	return rc == PV_OK;
}

static bool consistency_holds(json_t *o, const char **why)
{
	struct log_point old = { .size = get_size(o, "size1") };
	struct log_point now = { .size = get_size(o, "size2") };
	struct log_proof p;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	*why = "a hash that is not 32 bytes";
	if (!get_root(json_object_get(o, "root1"), old.root) ||
	    !get_root(json_object_get(o, "root2"), now.root) ||
	    !get_proof(json_object_get(o, "proof"), &p))
		return false;
	rc = log_check_consistency(&hasher, &old, &now, &p, &err);
	*why = "log.proof";
	if (rc != PV_OK)
		unit_refused(rc, PV_INTEGRITY, "log.proof", &err);
	return rc == PV_OK;
}

static void vectors(const char *file, size_t count,
		    bool (*holds)(json_t *o, const char **why))
{
	struct buf text;
	const char *name;
	json_error_t error;
	json_t *root;
	json_t *o;
	size_t n = 0;

	unit_read(file, &text);
	root = json_loadb((const char *)text.data, text.len,
			  JSON_DECODE_INT_AS_REAL, &error);
	ck_assert_msg(root != NULL, "%s: %s", file, error.text);
	json_object_foreach(root, name, o)
	{
		bool bad = json_is_true(json_object_get(o, "wantErr"));
		const char *why;

		ck_assert_msg(holds(o, &why) == !bad, "%s: %s", file, name);
		unit_case(file, name, bad ? UNIT_REFUSED : UNIT_PASS,
			  bad ? why : NULL);
		n++;
	}
	ck_assert_uint_eq(n, count);
	json_decref(root);
	buf_release(&text);
}

START_TEST(test_inclusion_vectors)
{
	vectors("vectors/merkle/inclusion.json", 98, inclusion_holds);
}
END_TEST

START_TEST(test_consistency_vectors)
{
	vectors("vectors/merkle/consistency.json", 98, consistency_holds);
}
END_TEST

/* ---- proofs of our own ---- */

struct forest { /* every complete subtree of a tree */
	uint8_t hash[8][SIZE][LOG_HASH];
	uint64_t size;
};

static enum pv_code keep(void *ctx, unsigned level, uint64_t index,
			 const uint8_t hash[static LOG_HASH], struct err *err)
{
	struct forest *f = ctx;

	(void)err;
	memcpy(f->hash[level][index], hash, LOG_HASH);
	return PV_OK;
}

static enum pv_code fetch(void *ctx, unsigned level, uint64_t index,
			  uint8_t out[static LOG_HASH], struct err *err)
{
	const struct forest *f = ctx;

	if (level >= 8 || (index + 1) << level > f->size)
		return err_fail(err, PV_INTERNAL, "test", NULL,
				"asked outside of the tree");
	memcpy(out, f->hash[level][index], LOG_HASH);
	return PV_OK;
}

/* f of SIZE leaves; roots[n] of the first n. */
static void grow(struct forest *f, uint8_t roots[SIZE + 1][LOG_HASH])
{
	const struct log_tree_sink sink = { keep, f };
	struct log_tree t = { .size = 0 };
	struct err err;

	err_init(&err);
	for (uint8_t n = 0; n <= SIZE; n++) {
		uint8_t leaf[LOG_HASH];
		struct span s = { &n, 1 };

		unit_ok(log_tree_root(&t, &hasher, roots[n], &err), &err);
		unit_ok(log_hash_leaf(&hasher, s, leaf, &err), &err);
		if (n < SIZE)
			unit_ok(log_tree_append(&t, &hasher, leaf, &sink, &err),
				&err);
	}
	f->size = SIZE;
}

static void ck_inclusion(struct forest *f, uint64_t index, uint64_t size,
			 const uint8_t root[LOG_HASH])
{
	const struct log_reader r = { fetch, f };
	const uint8_t *leaf = f->hash[0][index];
	struct log_proof p;
	struct err err;

	err_init(&err);
	f->size = size; /* nothing past the size may be asked for */
	unit_ok(log_prove_inclusion(&hasher, &r, index, size, &p, &err), &err);
	unit_ok(log_check_inclusion(&hasher, leaf, index, size, &p, root, &err),
		&err);
	for (size_t i = 0; i < p.n; i++) {
		err_init(&err);
		p.hash[i][i % LOG_HASH] ^= 1;
		unit_refused(log_check_inclusion(&hasher, leaf, index, size, &p,
						 root, &err),
			     PV_INTEGRITY, "log.proof", &err);
		p.hash[i][i % LOG_HASH] ^= 1;
	}
	f->size = SIZE;
}

START_TEST(test_own_inclusion)
{
	static struct forest f;
	static uint8_t roots[SIZE + 1][LOG_HASH];

	grow(&f, roots);
	for (uint64_t size = 1; size <= SIZE; size++)
		for (uint64_t i = 0; i < size; i++)
			ck_inclusion(&f, i, size, roots[size]);
}
END_TEST

static void ck_consistency(struct forest *f, const struct log_point *old,
			   const struct log_point *now)
{
	const struct log_reader r = { fetch, f };
	struct log_proof p;
	struct err err;

	err_init(&err);
	f->size = now->size;
	unit_ok(log_prove_consistency(&hasher, &r, old->size, now->size, &p,
				      &err),
		&err);
	unit_ok(log_check_consistency(&hasher, old, now, &p, &err), &err);
	for (size_t i = 0; i < p.n; i++) {
		err_init(&err);
		p.hash[i][i % LOG_HASH] ^= 1;
		unit_refused(log_check_consistency(&hasher, old, now, &p, &err),
			     PV_INTEGRITY, "log.proof", &err);
		p.hash[i][i % LOG_HASH] ^= 1;
	}
	f->size = SIZE;
}

START_TEST(test_own_consistency)
{
	static struct forest f;
	static uint8_t roots[SIZE + 1][LOG_HASH];

	grow(&f, roots);
	for (uint64_t size = 1; size <= SIZE; size++)
		for (uint64_t i = 1; i <= size; i++) {
			struct log_point old = { .size = i };
			struct log_point now = { .size = size };

			memcpy(old.root, roots[i], LOG_HASH);
			memcpy(now.root, roots[size], LOG_HASH);
			ck_consistency(&f, &old, &now);
		}
}
END_TEST

START_TEST(test_root_at)
{
	static struct forest f;
	static uint8_t roots[SIZE + 1][LOG_HASH];
	const struct log_reader r = { fetch, &f };
	uint8_t root[LOG_HASH];
	struct err err;

	err_init(&err);
	grow(&f, roots);
	for (uint64_t n = 0; n <= SIZE; n++) {
		f.size = n;
		unit_ok(log_root_at(&hasher, &r, n, root, &err), &err);
		ck_assert_mem_eq(root, roots[n], LOG_HASH);
	}
	unit_refused(log_root_at(&hasher, &r, LOG_SIZE_MAX, root, &err),
		     PV_INPUT, "log.range", &err);
}
END_TEST

START_TEST(test_no_such_proof)
{
	static const uint64_t bad[][2] = {
		{ 0, 0 },
		{ 1, 1 },
		{ 5, 4 },
		{ 0, UINT64_MAX },
		{ UINT64_MAX, UINT64_MAX },
		{ 0, LOG_SIZE_MAX },
	};
	struct forest f = { .size = 0 };
	const struct log_reader r = { fetch, &f };
	struct log_proof p = { .n = 0 };
	uint8_t zero[LOG_HASH] = { 0 };
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_init(&err);
		unit_refused(log_prove_inclusion(&hasher, &r, bad[i][0],
						 bad[i][1], &p, &err),
			     PV_INPUT, "log.range", &err);
		err_init(&err);
		unit_refused(log_check_inclusion(&hasher, zero, bad[i][0],
						 bad[i][1], &p, zero, &err),
			     PV_INTEGRITY, "log.proof", &err);
	}
	err_init(&err);
	unit_refused(log_prove_consistency(&hasher, &r, 0, 4, &p, &err),
		     PV_INPUT, "log.range", &err);
	err_init(&err);
	unit_refused(log_prove_consistency(&hasher, &r, 5, 4, &p, &err),
		     PV_INPUT, "log.range", &err);
	err_init(&err);
	p.n = LOG_PROOF_MAX + 1;
	unit_refused(log_check_inclusion(&hasher, zero, 0, 2, &p, zero, &err),
		     PV_INTEGRITY, "log.proof", &err);
}
END_TEST

START_TEST(test_reader_fails)
{
	struct forest f = { .size = 0 };
	const struct log_reader r = { fetch, &f };
	struct log_proof p;
	struct err err;

	err_init(&err);
	unit_refused(log_prove_inclusion(&hasher, &r, 0, 2, &p, &err),
		     PV_INTERNAL, "test", &err);
	err_init(&err);
	unit_refused(log_prove_consistency(&hasher, &r, 1, 2, &p, &err),
		     PV_INTERNAL, "test", &err);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("log_proof");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_inclusion_vectors);
	tcase_add_test(t, test_consistency_vectors);
	tcase_add_test(t, test_own_inclusion);
	tcase_add_test(t, test_own_consistency);
	tcase_add_test(t, test_root_at);
	tcase_add_test(t, test_no_such_proof);
	tcase_add_test(t, test_reader_fails);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
