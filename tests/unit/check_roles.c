#include "policy/roles.h"

#include <string.h>

#include "tests/unit/unit.h"

/*
 * The whole table, written out a second time: n who did not sign, s security
 * officer, o operator, a auditor, t technician.
 */
static const struct {
	enum role_op op;
	const char *name, *who;
} rows[] = {
	{ ROLE_OP_READ, "read", "nsoat" },
	{ ROLE_OP_AUDIT, "audit", "nsoat" },
	{ ROLE_OP_EXPORT_PUBLIC, "export_public", "nsoat" },
	{ ROLE_OP_ISSUE, "issue", "nsoat" },
	{ ROLE_OP_EXPORT_BUNDLE, "export_bundle", "nsoat" },
	{ ROLE_OP_ISSUE_FREE, "issue_free", "o" },
	{ ROLE_OP_EXPORT_BUNDLE_FREE, "export_bundle_free", "ot" },
	{ ROLE_OP_WITNESS, "witness", "sa" },
	{ ROLE_OP_ADOPT, "adopt", "s" },
	{ ROLE_OP_ORDER_OPEN, "order_open", "so" },
	{ ROLE_OP_ORDER_CLOSE, "order_close", "so" },
	{ ROLE_OP_REVOKE, "revoke", "so" },
	{ ROLE_OP_ROTATE, "rotate", "sot" },
	{ ROLE_OP_ATTEST, "attest", "ot" },
	{ ROLE_OP_ATTEST_ENROL, "attest_enrol", "s" },
	{ ROLE_OP_RECEIPT, "receipt", "ot" },
	{ ROLE_OP_QUARANTINE_DECIDE, "quarantine_decide", "s" },
	{ ROLE_OP_ROSTER_CHANGE, "roster_change", "s" },
	{ ROLE_OP_SECRET_CHANGE, "secret_change", "s" },
	{ ROLE_OP_CLOCK_ACCEPT, "clock_accept", "s" },
	{ ROLE_OP_EXPORT_SECRET, "export_secret", "s" },
	{ ROLE_OP_ROTATE_KEY, "rotate_key", "s" },
	{ ROLE_OP_ROTATE_PIN, "rotate_pin", "s" },
};

static const struct {
	char letter;
	unsigned role;
} roles[] = {
	{ 'n', ROLE_NONE },	  { 's', ROLE_SECURITY_OFFICER },
	{ 'o', ROLE_OPERATOR },	  { 'a', ROLE_AUDITOR },
	{ 't', ROLE_TECHNICIAN },
};

/* Every set of roles: allowed when one of them is, or when anybody is. */
START_TEST(every_set)
{
	for (unsigned set = 0; set < 1u << ROLES_N; set++) {
		bool want = strchr(rows[_i].who, 'n') != NULL;
		struct err err;

		for (size_t i = 1; i < sizeof(roles) / sizeof(*roles); i++)
			want = want || ((set & roles[i].role) &&
					strchr(rows[_i].who, roles[i].letter));
		err_init(&err);
		if (want) {
			unit_ok(roles_allow(rows[_i].op, set, &err), &err);
			continue;
		}
		unit_refused(roles_allow(rows[_i].op, set, &err), PV_DENIED,
			     "actor.role", &err);
		/* who may is named, and nobody else */
		for (size_t i = 1; i < sizeof(roles) / sizeof(*roles); i++)
			ck_assert((strstr(err.message,
					  role_name(roles[i].role)) != NULL) ==
				  (strchr(rows[_i].who, roles[i].letter) !=
				   NULL));
	}
}
END_TEST

START_TEST(whole_table)
{
	bool seen[ROLE_OPS] = { false };

	ck_assert_uint_eq(sizeof(rows) / sizeof(*rows), ROLE_OPS);
	for (size_t i = 0; i < ROLE_OPS; i++) {
		ck_assert(!seen[rows[i].op]);
		seen[rows[i].op] = true;
		ck_assert_str_eq(role_op_name(rows[i].op), rows[i].name);
		ck_assert_ptr_null(strchr(role_op_said(rows[i].op), '_'));
		/* who signs never loses by it */
		ck_assert(!strchr(rows[i].who, 'n') ||
			  strcmp(rows[i].who, "nsoat") == 0);
	}
}
END_TEST

START_TEST(odd)
{
	struct err err;

	err_init(&err);
	unit_refused(roles_allow(ROLE_OPS, ~0u, &err), PV_DENIED, "actor.role",
		     &err);
	err_init(&err);
	unit_refused(roles_allow((enum role_op)77, ~0u, &err), PV_DENIED,
		     "actor.role", &err);
	err_init(&err);
	/* a bit that is no role gives nothing */
	unit_refused(roles_allow(ROLE_OP_ROTATE_PIN, 1u << ROLES_N, &err),
		     PV_DENIED, "actor.role", &err);
	ck_assert_str_eq(err.message, "changing the tokens' PIN takes the role "
				      "security-officer");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("roles");
	TCase *t = tcase_create("roles");

	tcase_add_loop_test(t, every_set, 0,
			    (int)(sizeof(rows) / sizeof(*rows)));
	tcase_add_test(t, whole_table);
	tcase_add_test(t, odd);
	suite_add_tcase(s, t);
	return unit_run(s);
}
