/* What a transcript says of keys that are made in it. */
#include "lib/ceremony/ceremonycheck.h"

#include <string.h>

#include "tests/unit/ceremony_lines.h"

/* A key that a step generates, with one fact that is another. */
START_TEST(test_key)
{
	static const struct {
		const char *key, *value;
	} other[] = {
		{ "label", "acme/log/1" },
		{ "label", "evil/root/1" },
		{ "label", "acme/root/x" },
		{ "label", "acme/root/" },
		{ "label", "acme/root/0" },
		{ "kind", "ed25519" },
		{ "kind", "p256-backup" },
		{ "spki", "01" },
		{ "spki", "0" },
		{ "spki", NULL },
		{ "spki_sha256", HASH },
		{ "attributes", "CKA_LOCAL=1" },
		{ "attributes_sha256", HASH },
		{ "origin", "brought" },
	};
	struct line lines[] = {
		BEGIN,
		STEP(1, "init-token", "acme"),
		TOKEN(1, "1a"),
		WORD(1, "done"),
		STEP(2, "generate-key", "root"),
		KEY(2, "root"),
	};
	struct ceremonycheck_report r;
	struct err err;

	for (size_t i = 0; i < FACTS; i++)
		if (strcmp(lines[5].key[i], other[_i].key) == 0)
			lines[5].value[i] = other[_i].value;
	unit_refused(check(lines, 6, true, &r, &err), PV_INTEGRITY,
		     "ceremony.order", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "line 6"));
}
END_TEST

/* A label is one key all through. */
START_TEST(test_key_again)
{
	struct line lines[] = {
		BEGIN,
		STEP(1, "generate-key", "root"),
		KEY(1, "root"),
		WORD(1, "done"),
		STEP(2, "check-key", "root"),
		KEY(2, "root"),
	};
	struct ceremonycheck_report r;
	struct err err;

	lines[5].value[3] = "01";
	lines[5].value[4] = "4bf5122f344554c53bde2ebb8cd2b7e3"
			    "d1600ad631c385a5d7cce23c7785459a";
	unit_refused(check(lines, 6, false, &r, &err), PV_INTEGRITY,
		     "ceremony.order", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "two keys of one label"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ceremonycheck_keys");
	TCase *t = tcase_create("ceremonycheck_keys");

	tcase_add_loop_test(t, test_key, 0, 14);
	tcase_add_test(t, test_key_again);
	suite_add_tcase(s, t);
	return unit_run(s);
}
