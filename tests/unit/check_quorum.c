#include "policy/quorum.h"

#include <string.h>

#include "policy/roster.h"
#include "tests/unit/unit.h"

START_TEST(names)
{
	for (size_t i = 0; i < QUORUM_OPS; i++) {
		const char *name = quorum_op_name((enum quorum_op)i);
		struct span s = { (const uint8_t *)name, strlen(name) };
		enum quorum_op op = QUORUM_OPS;

		ck_assert(quorum_op_find(s, &op));
		ck_assert_uint_eq(op, i);
		s.len--;
		op = QUORUM_OPS;
		ck_assert(!quorum_op_find(s, &op));
		ck_assert_uint_eq(op, QUORUM_OPS);
	}
}
END_TEST

static const struct {
	enum quorum_op op;
	uint32_t own, asked, want; /* asked: of the template, each field */
} rows[] = {
	{ QUORUM_ROSTER, 2, 9, 2 },
	{ QUORUM_ADOPT, 2, 0, 2 },
	{ QUORUM_ADOPT, 2, 1, 2 }, /* never fewer */
	{ QUORUM_ADOPT, 2, 2, 2 },
	{ QUORUM_ADOPT, 2, 3, 3 },
	{ QUORUM_ORDER, 1, 3, 3 },
	{ QUORUM_REVOKE, 1, 3, 3 },
	{ QUORUM_ROTATE_CA, 1, 3, 3 },
	{ QUORUM_EXPORT_OFFLINE, 1, 3, 3 },
	{ QUORUM_EXPORT_KEK, 1, 3, 1 },
	{ QUORUM_RELEASE_QUARANTINE, 1, 3, 3 },
	{ QUORUM_CLOCK_ACCEPT, 1, 3, 1 },
	{ QUORUM_SECRET, 1, 3, 1 },
	{ QUORUM_CONFIG_ACCEPT, 1, 3, 1 },
	{ QUORUM_CEREMONY, 1, 3, 1 },
	{ QUORUM_ATTEST_ENROL, 1, 3, 3 },
};

START_TEST(larger_one)
{
	struct roster r = { .version = 1 };
	struct tpl_approvals a = { .adopt.persons = 0 };

	a.adopt.persons = rows[_i].asked;
	a.order = a.revoke = a.rotate_ca = a.export_offline =
		a.release_quarantine = a.attest_enrol = a.adopt;
	r.quorum.persons[rows[_i].op] = rows[_i].own;
	ck_assert_uint_eq(quorum_ask(&r, rows[_i].op, &a).persons,
			  rows[_i].want);
	ck_assert_uint_eq(quorum_ask(&r, rows[_i].op, NULL).persons,
			  rows[_i].own);
	ck_assert_uint_eq(quorum_ask(NULL, rows[_i].op, &a).persons, 0);
}
END_TEST

/* Each field of the template's section raises its own operation only. */
START_TEST(own_field)
{
	static const enum quorum_op ops[] = {
		QUORUM_ADOPT,	       QUORUM_ORDER,
		QUORUM_REVOKE,	       QUORUM_ROTATE_CA,
		QUORUM_EXPORT_OFFLINE, QUORUM_RELEASE_QUARANTINE,
		QUORUM_ATTEST_ENROL
	};
	struct roster r = { .version = 1 };

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		struct tpl_approvals a = { .adopt.persons = 0 };
		struct tpl_approval *const fields[] = {
			&a.adopt,	   &a.order,
			&a.revoke,	   &a.rotate_ca,
			&a.export_offline, &a.release_quarantine,
			&a.attest_enrol
		};

		fields[i]->persons = 5;
		for (size_t k = 0; k < QUORUM_OPS; k++)
			ck_assert_uint_eq(
				quorum_ask(&r, (enum quorum_op)k, &a).persons,
				k == ops[i] ? 5 : 0);
	}
}
END_TEST

START_TEST(how)
{
	const struct tpl_approvals a = {
		.order = { .persons = 2, .token = true, .max_age_s = 900 }
	};
	struct roster r = { .version = 1 };
	struct quorum_ask ask = quorum_ask(&r, QUORUM_ORDER, &a);

	ck_assert_uint_eq(ask.persons, 2);
	ck_assert(ask.token);
	ck_assert_uint_eq(ask.max_age_s, 900);
	ask = quorum_ask(&r, QUORUM_REVOKE, &a);
	ck_assert(!ask.token && ask.max_age_s == 0);
	ask = quorum_ask(NULL, QUORUM_ORDER, &a);
	ck_assert(ask.persons == 0 && !ask.token && ask.max_age_s == 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("quorum");
	TCase *t = tcase_create("quorum");

	tcase_add_test(t, names);
	tcase_add_test(t, how);
	tcase_add_loop_test(t, larger_one, 0,
			    (int)(sizeof(rows) / sizeof(*rows)));
	tcase_add_test(t, own_field);
	suite_add_tcase(s, t);
	return unit_run(s);
}
