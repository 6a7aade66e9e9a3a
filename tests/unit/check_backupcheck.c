#include "lib/ceremony/backupcheck.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct err err;
static struct backupcheck b;
static const struct plan_step *planned; /* NULL: not known */
static const char *keeper;		/* NULL: the line names none */

static void setup(void)
{
	err_init(&err);
	memset(&b, 0, sizeof(b));
	planned = NULL;
	keeper = NULL;
}

#define SPLIT_A "0011223344556677"
#define SPLIT_B "8899aabbccddeeff"
#define KEY(byte)                                                              \
	"sha256:" byte "0000000000000000000000000000000"                       \
	"0000000000000000000000000000000"

static enum pv_code share_to(const char *split, const char *number,
			     const char *label, const char *to, const char *key)
{
	json_t *facts = json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*}", "split",
				  split, "number", number, "label", label, "to",
				  to, "to_key", key, "keeper", keeper);
	const struct transcript_line line = { .event = "share",
					      .facts = facts };
	enum pv_code rc;

	ck_assert_ptr_nonnull(facts);
	err_init(&err);
	rc = backupcheck_share(&b, &line, planned, &err);
	json_decref(facts);
	return rc;
}

static enum pv_code share(const char *split, const char *number)
{
	return share_to(split, number, "a/root/1", "paper", NULL);
}

#define HASH "0000000000000000000000000000000000000000000000000000000000000000"

static enum pv_code backup_of(const char *spki, const char *split,
			      const char *n, const char *m,
			      const struct plan_step *step)
{
	json_t *facts = json_pack("{s:s, s:s, s:s, s:s, s:s}", "split", split,
				  "shares", n, "threshold", m, "label",
				  "a/root/1", "spki_sha256", spki);
	const struct transcript_line line = { .event = "backup",
					      .facts = facts };
	enum pv_code rc;

	ck_assert_ptr_nonnull(facts);
	err_init(&err);
	rc = backupcheck_backup(&b, &line, step, &err);
	json_decref(facts);
	return rc;
}

static enum pv_code backup(const char *split, const char *n, const char *m,
			   const struct plan_step *step)
{
	return backup_of(HASH, split, n, m, step);
}

START_TEST(all_were_given)
{
	const struct plan_step step = { .shares = 3, .threshold = 2 };

	unit_ok(share(SPLIT_A, "1"), &err);
	unit_ok(share(SPLIT_A, "3"), &err);
	unit_refused(backup(SPLIT_A, "3", "2", &step), PV_INTEGRITY,
		     "ceremony.order", &err);
	unit_refused(backup(SPLIT_A, "2", "2", NULL), PV_INTEGRITY,
		     "ceremony.order", &err);
	unit_ok(share(SPLIT_A, "2"), &err);
	unit_ok(backup(SPLIT_A, "3", "2", &step), &err);
	unit_ok(backup(SPLIT_A, "3", "2", NULL), &err);
	/* The plan said otherwise. */
	unit_refused(backup(SPLIT_A, "3", "3", &step), PV_INTEGRITY,
		     "ceremony.order", &err);
	unit_refused(backup(SPLIT_B, "3", "2", &step), PV_INTEGRITY,
		     "ceremony.order", &err);
}
END_TEST

/* What an interrupted run gave does not count for the next split. */
START_TEST(another_split_begins_anew)
{
	unit_ok(share(SPLIT_A, "1"), &err);
	unit_ok(share(SPLIT_B, "2"), &err);
	unit_refused(backup(SPLIT_B, "2", "2", NULL), PV_INTEGRITY,
		     "ceremony.order", &err);
	unit_ok(share(SPLIT_B, "1"), &err);
	unit_ok(backup(SPLIT_B, "2", "2", NULL), &err);
}
END_TEST

/* To whom the plan has it, one each, and all of one key. */
START_TEST(goes_to_whom_it_should)
{
	static const struct plan_step paper = { .shares = 2, .print = true };
	static const struct plan_step people = {
		.shares = 3,
		.officers = { "alice", "bob", "carol" },
		.officer_keys = { { 1 }, { 2 }, { 3 } }
	};

	planned = &paper;
	unit_ok(share(SPLIT_A, "1"), &err);
	unit_refused(share(SPLIT_A, "3"), PV_INTEGRITY, "ceremony.order", &err);
	unit_refused(share_to(SPLIT_A, "2", "a/root/1", "alice", "k1"),
		     PV_INTEGRITY, "ceremony.order", &err);
	unit_refused(share(SPLIT_A, "1"), PV_INTEGRITY, "ceremony.order", &err);
	unit_refused(share_to(SPLIT_A, "2", "a/log/1", "paper", NULL),
		     PV_INTEGRITY, "ceremony.order", &err);
	planned = &people;
	unit_ok(share_to(SPLIT_B, "1", "a/root/1", "alice", KEY("01")), &err);
	unit_refused(share(SPLIT_B, "2"), PV_INTEGRITY, "ceremony.order", &err);
	unit_refused(share_to(SPLIT_B, "2", "a/root/1", "carol", KEY("02")),
		     PV_INTEGRITY, "ceremony.order", &err);
	unit_refused(share_to(SPLIT_B, "2", "a/root/1", "bob", NULL),
		     PV_INTEGRITY, "ceremony.order", &err);
	unit_refused(share_to(SPLIT_B, "2", "a/root/1", "bob", KEY("01")),
		     PV_INTEGRITY, "ceremony.order", &err);
	unit_refused(share_to(SPLIT_B, "2", "a/root/1", "bob", KEY("03")),
		     PV_INTEGRITY, "ceremony.order", &err);
	unit_ok(share_to(SPLIT_B, "2", "a/root/1", "bob", KEY("02")), &err);
	/* Also where the plan is not known. */
	planned = NULL;
	unit_refused(share_to(SPLIT_B, "3", "a/root/1", "eve", KEY("01")),
		     PV_INTEGRITY, "ceremony.order", &err);
	unit_refused(share_to(SPLIT_B, "3", "", "eve", "k3"), PV_INTEGRITY,
		     "ceremony.order", &err);
}
END_TEST

/* Printed ones are in the hands that the plan names. */
START_TEST(keepers_as_planned)
{
	static const struct plan_step kept = { .shares = 2,
					       .print = true,
					       .officers = { "ann", "ben" } };
	static const struct plan_step nobodys = { .shares = 2, .print = true };

	planned = &kept;
	unit_refused(share(SPLIT_A, "1"), PV_INTEGRITY, "ceremony.order", &err);
	keeper = "ben";
	unit_refused(share(SPLIT_A, "1"), PV_INTEGRITY, "ceremony.order", &err);
	unit_ok(share(SPLIT_A, "2"), &err);
	keeper = "ann";
	unit_ok(share(SPLIT_A, "1"), &err);
	planned = &nobodys;
	unit_refused(share(SPLIT_B, "1"), PV_INTEGRITY, "ceremony.order", &err);
	keeper = NULL;
	unit_ok(share(SPLIT_B, "1"), &err);
}
END_TEST

/* The shares are of the key that is backed up. */
START_TEST(of_another_key)
{
	unit_ok(share_to(SPLIT_A, "1", "a/log/1", "paper", NULL), &err);
	unit_ok(share_to(SPLIT_A, "2", "a/log/1", "paper", NULL), &err);
	unit_refused(backup(SPLIT_A, "2", "2", NULL), PV_INTEGRITY,
		     "ceremony.order", &err);
}
END_TEST

START_TEST(numbers_that_are_none)
{
	static const char *const bad[] = { "0", "17", "x", "", "-1" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unit_refused(share(SPLIT_A, bad[i]), PV_INTEGRITY,
			     "ceremony.order", &err);
		unit_refused(backup(SPLIT_A, bad[i], "2", NULL), PV_INTEGRITY,
			     "ceremony.order", &err);
	}
	unit_refused(share("00", "1"), PV_INTEGRITY, "ceremony.order", &err);
}
END_TEST

START_TEST(proof_that_is_none)
{
	const uint8_t head[32] = { 1 };
	char hex[65], sig[129];
	json_t *facts;
	struct transcript_line line = { .event = "restored" };

	memset(sig, '1', 128);
	sig[128] = '\0';
	hex_encode(head, 32, hex);
	facts = json_pack("{s:s, s:s, s:s, s:s}", "label", "a/root/1", "head",
			  hex, "spki", "3059", "signature", sig);
	line.facts = facts;
	ck_assert_int_ne(backupcheck_restored(&line, head, &err), PV_OK);
	json_object_set_new(facts, "head", json_string("00"));
	err_init(&err);
	unit_refused(backupcheck_restored(&line, head, &err), PV_INTEGRITY,
		     "ceremony.order", &err);
	json_object_set_new(facts, "head", json_string(hex));
	json_object_set_new(facts, "signature", json_string("11"));
	err_init(&err);
	unit_refused(backupcheck_restored(&line, head, &err), PV_INTEGRITY,
		     "ceremony.order", &err);
	json_decref(facts);
}
END_TEST

START_TEST(says_of_which_key)
{
	unit_ok(share(SPLIT_A, "1"), &err);
	unit_ok(share(SPLIT_A, "2"), &err);
	unit_ok(backup(SPLIT_A, "2", "2", NULL), &err);
	unit_refused(backup_of("", SPLIT_A, "2", "2", NULL), PV_INTEGRITY,
		     "ceremony.order", &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("backupcheck");
	TCase *t = tcase_create("backupcheck");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, all_were_given);
	tcase_add_test(t, another_split_begins_anew);
	tcase_add_test(t, goes_to_whom_it_should);
	tcase_add_test(t, keepers_as_planned);
	tcase_add_test(t, of_another_key);
	tcase_add_test(t, numbers_that_are_none);
	tcase_add_test(t, proof_that_is_none);
	tcase_add_test(t, says_of_which_key);
	suite_add_tcase(s, t);
	return unit_run(s);
}
