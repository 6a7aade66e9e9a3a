#include "policy/roles.h"

#include <stdio.h>
#include <string.h>

#define SO ROLE_SECURITY_OFFICER
#define OPR ROLE_OPERATOR
#define AUD ROLE_AUDITOR
#define TEC ROLE_TECHNICIAN

static const struct {
	const char *name;
	bool anybody; /* also who did not sign */
	unsigned roles;
} table[ROLE_OPS] = {
	[ROLE_OP_READ] = { "read", true, 0 },
	[ROLE_OP_AUDIT] = { "audit", true, 0 },
	[ROLE_OP_EXPORT_PUBLIC] = { "export_public", true, 0 },
	[ROLE_OP_ISSUE] = { "issue", true, 0 },
	[ROLE_OP_EXPORT_BUNDLE] = { "export_bundle", true, 0 },
	[ROLE_OP_ISSUE_FREE] = { "issue_free", false, OPR },
	[ROLE_OP_EXPORT_BUNDLE_FREE] = { "export_bundle_free", false,
					 OPR | TEC },
	[ROLE_OP_WITNESS] = { "witness", false, SO | AUD },
	[ROLE_OP_ADOPT] = { "adopt", false, SO },
	[ROLE_OP_ORDER_OPEN] = { "order_open", false, SO | OPR },
	[ROLE_OP_ORDER_CLOSE] = { "order_close", false, SO | OPR },
	[ROLE_OP_REVOKE] = { "revoke", false, SO | OPR },
	[ROLE_OP_ROTATE] = { "rotate", false, SO | OPR | TEC },
	[ROLE_OP_ATTEST] = { "attest", false, OPR | TEC },
	[ROLE_OP_RECEIPT] = { "receipt", false, OPR | TEC },
	[ROLE_OP_QUARANTINE_DECIDE] = { "quarantine_decide", false, SO },
	[ROLE_OP_ROSTER_CHANGE] = { "roster_change", false, SO },
	[ROLE_OP_SECRET_CHANGE] = { "secret_change", false, SO },
	[ROLE_OP_CLOCK_ACCEPT] = { "clock_accept", false, SO },
	[ROLE_OP_EXPORT_SECRET] = { "export_secret", false, SO },
	[ROLE_OP_ROTATE_KEY] = { "rotate_key", false, SO },
	[ROLE_OP_ROTATE_PIN] = { "rotate_pin", false, SO },
};

const char *role_op_name(enum role_op op)
{
	return table[op].name;
}

/* "operator or technician" */
static void put_roles(unsigned roles, char *out, size_t cap)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < ROLES_N; i++)
		if (roles & 1u << i)
			len += (size_t)snprintf(out + len, cap - len, "%s%s",
						len ? " or " : "",
						role_name(1u << i));
}

enum pv_code roles_allow(enum role_op op, unsigned roles, struct err *err)
{
	char may[96];

	if (op >= ROLE_OPS)
		return err_fail(err, PV_DENIED, "actor.role", NULL,
				"an operation of no role");
	if (table[op].anybody || (roles & table[op].roles))
		return PV_OK;
	put_roles(table[op].roles, may, sizeof(may));
	return err_fail(err, PV_DENIED, "actor.role",
			"act with the key of an officer who has the role; see "
			"`provctl officer review`",
			"\"%s\" asks for %s", table[op].name, may);
}
