/* When approvals were asked for, by the log. */
#include "lib/flow/approvals_impl.h"
#include "lib/flow/event.h"
#include "tests/unit/approval_want.h"
#include "tests/unit/store_rig.h"

#define ENTRIES 1000u
#define ASKED_AT 500u

/* One entry a second; at ASKED_AT is the one that is looked for. */
static void fill(const struct approval *a)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct log_entry e;

	begin(&t);
	for (uint64_t i = 0; i < ENTRIES; i++) {
		const struct log_who who = { FIX_TIME + i * 1000, "os:1000" };

		if (i == ASKED_AT)
			log_approval_ask(&e, &who, quorum_op_name(a->operation),
					 a->subject, a->nonce);
		else
			log_export(&e, &who, "all", "inventory", "-");
		unit_ok(event_append(s, &e, &err), &err);
	}
	commit(&t);
}

/* so many seconds after the first entry */
static bool fresh(const struct approval *a, uint64_t after_s, uint32_t age_s)
{
	bool is = true;

	unit_ok(approvals_fresh(s, a, FIX_TIME / 1000 + after_s, age_s,
				STORE_NO_INDEX, &is, &err),
		&err);
	return is;
}

START_TEST(age)
{
	struct approval a;

	want_init(&a);
	ck_assert(!fresh(&a, 0, UINT32_MAX));
	fill(&a);
	for (uint32_t late = 0; late < 2 * ENTRIES; late += 37) {
		ck_assert(fresh(&a, ASKED_AT + late, late));
		ck_assert(late == 0 || !fresh(&a, ASKED_AT + late, late - 1));
	}
	ck_assert(fresh(&a, ASKED_AT, 0));
	ck_assert(!fresh(&a, ASKED_AT + 1, 0));
	ck_assert(fresh(&a, ENTRIES, UINT32_MAX)); /* since 1970 */
	ck_assert(!fresh(&a, UINT32_MAX, 1));
}
END_TEST

/* Whoever, whatever, and each bit of the nonce. */
START_TEST(another)
{
	struct approval a, b;

	want_init(&a);
	fill(&a);
	ck_assert(fresh(&a, ENTRIES, ENTRIES));
	b = a;
	b.operation = QUORUM_ORDER;
	ck_assert(!fresh(&b, ENTRIES, ENTRIES));
	b = a;
	b.subject[0] ^= 1;
	ck_assert(!fresh(&b, ENTRIES, ENTRIES));
	b = a;
	b.requester[3] = '2';
	ck_assert(!fresh(&b, ENTRIES, ENTRIES));
	for (size_t bit = 0; bit < 8 * sizeof(a.nonce); bit++) {
		b = a;
		b.nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert(!fresh(&b, ENTRIES, ENTRIES));
	}
	b = a;
	b.expires_s += 86400; /* whatever was signed */
	ck_assert(fresh(&b, ENTRIES, ENTRIES));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("approvals_fresh");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, age);
	tcase_add_test(t, another);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
