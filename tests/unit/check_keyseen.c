#include "lib/ceremony/keyseen.h"

#include <string.h>

#include "tests/unit/unit.h"

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
/* SHA-256 of the bytes 00 and 01. */
#define HASH_00                                                                \
	"6e340b9cffb37a989ca544e6bb780a2c"                                     \
	"78901d3fb33738768511a30617afa01d"
#define HASH_01                                                                \
	"4bf5122f344554c53bde2ebb8cd2b7e3"                                     \
	"d1600ad631c385a5d7cce23c7785459a"

static struct keyseen k;
static struct err err;

static void setup(void)
{
	memset(&k, 0, sizeof(k));
}

struct said { /* NULL: not there */
	const char *label, *purpose, *kind, *spki_sha256, *spki;
};

static enum pv_code take(const struct said *s, bool made)
{
	json_t *facts = json_pack("{s:s*, s:s*, s:s*, s:s*}", "label", s->label,
				  "kind", s->kind, "spki_sha256",
				  s->spki_sha256, "spki", s->spki);
	const struct transcript_line line = { .event = "key", .facts = facts };
	enum pv_code rc;

	ck_assert_ptr_nonnull(facts);
	err_init(&err);
	rc = keyseen_take(&k, &line, s->purpose, made, &err);
	json_decref(facts);
	return rc;
}

static const struct said made = { "a/root/1", "root", "p256", HASH_00, "00" };
/* A backup's line has no key, a log's no hash, a secret key neither. */
static const struct said same[] = {
	{ "a/root/1", "root", "p256", HASH_00, "00" },
	{ "a/root/1", "root", NULL, HASH_00, NULL },
	{ "a/root/1", "", NULL, NULL, "00" },
	{ "a/kdf/1", "kdf", "kdf", NULL, NULL },
	{ NULL, "root", NULL, HASH_01, "01" },
	{ NULL, "root", NULL, HASH_00, "00" },
};
static const struct said other[] = {
	{ "a/root/1", "root", "p256", HASH_01, "01" },
	{ "a/root/1", "root", "p256", HASH_01, "00" },
	{ "a/root/1", "root", "p256", HASH_01, NULL },
	{ "a/root/1", "root", "p256", NULL, NULL },
	{ "a/root/1", "root", "p256-backup", HASH_00, "00" },
	{ "a/root/1", "issuing", "p256", HASH_00, "00" },
	{ "a/root/2", "root", "p256", HASH_00, "" },
	{ "a/root/2", "root", "p256", HASH_00, "0" },
	{ "a/root/2", "root", "p256", HASH_00, "xx" },
	{ "a/root/2", "root", "p256", HASH_00 "0", "00" },
};

START_TEST(test_same)
{
	unit_ok(take(&made, true), &err);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		unit_ok(take(&same[i], false), &err);
	ck_assert_uint_eq(k.n, 4);
}
END_TEST

START_TEST(test_other)
{
	unit_ok(take(&made, true), &err);
	unit_refused(take(&other[_i], false), PV_INTEGRITY, "ceremony.order",
		     &err);
	ck_assert_uint_eq(k.n, 1);
}
END_TEST

START_TEST(test_find)
{
	const struct said hash = { "a/root/1", "root", NULL, HASH_00, NULL };
	const struct said next = { "a/root/2", "root", "p256", HASH_01, "01" };

	unit_ok(take(&hash, false), &err);
	ck_assert_ptr_null(keyseen_by_hash(&k, HASH_00, NULL));
	ck_assert_ptr_null(keyseen_made(&k, "root"));
	unit_ok(take(&made, true), &err);
	ck_assert_ptr_nonnull(keyseen_by_hash(&k, HASH_00, NULL));
	ck_assert_ptr_nonnull(keyseen_by_hash(&k, HASH_00, "root"));
	ck_assert_ptr_null(keyseen_by_hash(&k, HASH_00, "issuing"));
	ck_assert_ptr_null(keyseen_by_hash(&k, ZERO, NULL));
	unit_ok(take(&next, true), &err);
	ck_assert_str_eq(keyseen_made(&k, "root")->label, "a/root/2");
}
END_TEST

START_TEST(test_lists)
{
	unit_ok(take(&made, true), &err);
	ck_assert(!keyseen_owes(&k));
	keyseen_made(&k, "root")->owes = true;
	keyseen_paid(&k, "issuing");
	ck_assert(keyseen_owes(&k));
	keyseen_paid(&k, "root");
	ck_assert(!keyseen_owes(&k));
}
END_TEST

START_TEST(test_many)
{
	char label[16];
	struct said s = { label, "root", "p256", HASH_00, "00" };

	for (size_t i = 0; i < KEYSEEN_MAX; i++) {
		snprintf(label, sizeof(label), "a/root/%zu", i + 1);
		unit_ok(take(&s, true), &err);
	}
	snprintf(label, sizeof(label), "a/root/0");
	unit_refused(take(&s, true), PV_INTEGRITY, "ceremony.order", &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keyseen");
	TCase *t = tcase_create("keyseen");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, test_same);
	tcase_add_loop_test(t, test_other, 0,
			    (int)(sizeof(other) / sizeof(*other)));
	tcase_add_test(t, test_find);
	tcase_add_test(t, test_lists);
	tcase_add_test(t, test_many);
	suite_add_tcase(s, t);
	return unit_run(s);
}
