#include <string.h>

#include "lib/log/tree.h"
#include "tests/unit/unit.h"

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
	log_hasher_release(&hasher);
	ck_assert(hasher.md == NULL);
}

/* The leaves and roots that Certificate Transparency's tests use. */
static const struct {
	const char *leaf, *root;
} known[] = {
	{ "", "6e340b9cffb37a989ca544e6bb780a2c"
	      "78901d3fb33738768511a30617afa01d" },
	{ "00", "fac54203e7cc696cf0dfcb42c92a1d9d"
		"baf70ad9e621f4bd8d98662f00e3c125" },
	{ "10", "aeb6bcfe274b70a14fb067a5e5578264"
		"db0fa9b51af5e0ba159158f329e06e77" },
	{ "2021", "d37ee418976dd95753c1c73862b9398f"
		  "a2a2cf9b4ff0fdfe8b30cd95209614b7" },
	{ "3031", "4e3bbb1f7b478dcfe71fb631631519a3"
		  "bca12c9aefca1612bfce4c13a86264d4" },
	{ "40414243", "76e67dadbcdf1e10e1b74ddc608abd2f"
		      "98dfb16fbce75277b5232a127f2087ef" },
	{ "5051525354555657", "ddb89be403809e325750d3d263cd7892"
			      "9c2942b7942a34b77e122c9594a74c8c" },
	{ "606162636465666768696a6b6c6d6e6f",
	  "5dc9da79a70659a9ad559cb701ded9a2"
	  "ab9d823aad2f4960cfe370eff4604328" },
};

static void ck_root(const struct log_tree *t, const char *want)
{
	uint8_t root[LOG_HASH];
	char hex[2 * LOG_HASH + 1];
	struct err err;

	err_init(&err);
	unit_ok(log_tree_root(t, &hasher, root, &err), &err);
	hex_encode(root, sizeof(root), hex);
	ck_assert_str_eq(hex, want);
}

static void append(struct log_tree *t, struct span entry,
		   const struct log_tree_sink *sink)
{
	uint8_t leaf[LOG_HASH];
	struct err err;

	err_init(&err);
	unit_ok(log_hash_leaf(&hasher, entry, leaf, &err), &err);
	unit_ok(log_tree_append(t, &hasher, leaf, sink, &err), &err);
}

START_TEST(test_known_roots)
{
	struct log_tree t = { .size = 0 };

	ck_root(&t, "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		uint8_t bytes[16];
		struct span s = { bytes, strlen(known[i].leaf) / 2 };

		ck_assert(hex_decode(known[i].leaf, bytes, s.len));
		append(&t, s, NULL);
		ck_assert(t.size == i + 1);
		ck_root(&t, known[i].root);
	}
}
END_TEST

/* A leaf's hash is the one of 00 and the entry, however long that is. */
START_TEST(test_leaf_lengths)
{
	static const size_t lens[] = { 0, 1, 62, 63, 510, 511, 512, 65535 };
	static const uint8_t prefix[1] = { 0x00 };
	static uint8_t bytes[65535];
	struct span p = { prefix, 1 };

	memset(bytes, 0x5A, sizeof(bytes));
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct span s = { bytes, lens[i] };
		uint8_t leaf[LOG_HASH], want[LOG_HASH];

		UNIT_OK(log_hash_raw(&hasher, p, s, want, &err_));
		UNIT_OK(log_hash_leaf(&hasher, s, leaf, &err_));
		ck_assert_mem_eq(leaf, want, LOG_HASH);
		EVP_Digest(bytes, lens[i], want, NULL, EVP_sha256(), NULL);
		UNIT_OK(log_hash_raw(&hasher, s, (struct span){ NULL, 0 }, leaf,
				     &err_));
		ck_assert_mem_eq(leaf, want, LOG_HASH);
	}
}
END_TEST

/* MTH of RFC 6962 2.1 word by word, for comparison. */
static void naive(size_t from, size_t n, uint8_t out[LOG_HASH])
{
	uint8_t left[LOG_HASH];
	uint8_t right[LOG_HASH];
	size_t k = 1;
	uint8_t byte = (uint8_t)from;
	struct span s = { &byte, 1 };
	struct err err;

	err_init(&err);
	if (n == 1) {
		unit_ok(log_hash_leaf(&hasher, s, out, &err), &err);
		return;
	}
	while (2 * k < n)
		k *= 2;
	naive(from, k, left);
	naive(from + k, n - k, right);
	unit_ok(log_hash_node(&hasher, left, right, out, &err), &err);
}

struct seen {
	unsigned n;
};

static enum pv_code see(void *ctx, unsigned level, uint64_t index,
			const uint8_t hash[static LOG_HASH], struct err *err)
{
	struct seen *seen = ctx;
	uint8_t want[LOG_HASH];

	(void)err;
	naive((size_t)(index << level), (size_t)1 << level, want);
	ck_assert_mem_eq(want, hash, LOG_HASH);
	seen->n++;
	return PV_OK;
}

START_TEST(test_every_size)
{
	struct log_tree t = { .size = 0 };
	struct seen seen = { 0 };
	const struct log_tree_sink sink = { see, &seen };

	for (size_t n = 1; n <= 130; n++) {
		uint8_t byte = (uint8_t)(n - 1);
		struct span s = { &byte, 1 };
		uint8_t want[LOG_HASH];
		char hex[2 * LOG_HASH + 1];

		append(&t, s, &sink);
		naive(0, n, want);
		hex_encode(want, LOG_HASH, hex);
		ck_root(&t, hex);
		/* A tree of n leaves has 2n - popcount(n) complete subtrees. */
		ck_assert_uint_eq(seen.n,
				  2 * n - (unsigned)__builtin_popcountll(n));
	}
}
END_TEST

START_TEST(test_frontier)
{
	struct log_tree t = { .size = 0 };
	struct log_tree back;
	uint8_t bytes[LOG_FRONTIER_MAX];
	struct err err;

	err_init(&err);
	for (size_t n = 0; n < 70; n++) {
		struct span s = { bytes, log_tree_put(&t, bytes) };
		uint8_t a[LOG_HASH];
		uint8_t b[LOG_HASH];
		struct span leaf = { bytes, n % 9 };

		ck_assert_uint_eq(
			s.len, 8 + LOG_HASH * (size_t)__builtin_popcountll(n));
		unit_ok(log_tree_get(&back, s, &err), &err);
		unit_ok(log_tree_root(&t, &hasher, a, &err), &err);
		unit_ok(log_tree_root(&back, &hasher, b, &err), &err);
		ck_assert_mem_eq(a, b, LOG_HASH);
		append(&back, leaf, NULL);
		append(&t, leaf, NULL);
		unit_ok(log_tree_root(&t, &hasher, a, &err), &err);
		unit_ok(log_tree_root(&back, &hasher, b, &err), &err);
		ck_assert_mem_eq(a, b, LOG_HASH);
	}
}
END_TEST

START_TEST(test_frontier_refuses)
{
	struct log_tree t = { .size = 3 };
	uint8_t bytes[LOG_FRONTIER_MAX];
	size_t len = log_tree_put(&t, bytes);

	for (size_t n = 0; n <= len + 1; n++) {
		struct span s = { bytes, n };
		struct log_tree back;
		struct err err;

		err_init(&err);
		if (n == len)
			unit_ok(log_tree_get(&back, s, &err), &err);
		else
			unit_refused(log_tree_get(&back, s, &err), PV_INTEGRITY,
				     "log.frontier", &err);
	}
}
END_TEST

static enum pv_code fail_second(void *ctx, unsigned level, uint64_t index,
				const uint8_t hash[static LOG_HASH],
				struct err *err)
{
	(void)ctx;
	(void)index;
	(void)hash;
	if (level == 0)
		return PV_OK;
	return err_fail(err, PV_STORAGE, "sink", NULL, "no");
}

START_TEST(test_sink_fails)
{
	const struct log_tree_sink sink = { fail_second, NULL };
	struct span s = { (const uint8_t *)"x", 1 };
	uint8_t leaf[LOG_HASH];
	struct log_tree t = { .size = 0 };
	struct log_tree before;
	struct err err;

	err_init(&err);
	append(&t, s, NULL);
	before = t;
	unit_ok(log_hash_leaf(&hasher, s, leaf, &err), &err);
	unit_refused(log_tree_append(&t, &hasher, leaf, &sink, &err),
		     PV_STORAGE, "sink", &err);
	ck_assert(t.size == 1);
	ck_assert_mem_eq(&t, &before, sizeof(t));
	t.size = UINT64_MAX;
	err_init(&err);
	unit_refused(log_tree_append(&t, &hasher, leaf, NULL, &err),
		     PV_INTERNAL, "log.full", &err);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("log_tree");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_leaf_lengths);
	tcase_add_test(t, test_known_roots);
	tcase_add_test(t, test_every_size);
	tcase_add_test(t, test_frontier);
	tcase_add_test(t, test_frontier_refuses);
	tcase_add_test(t, test_sink_fails);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
