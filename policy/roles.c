#include "policy/roles.h"

#include <stdio.h>
#include <string.h>

#define SO ROLE_SECURITY_OFFICER
#define OPR ROLE_OPERATOR
#define AUD ROLE_AUDITOR
#define TEC ROLE_TECHNICIAN

static const struct {
	const char *name, *said; /* for machines, for people */
	bool anybody;		 /* also who did not sign */
	unsigned roles;
} table[ROLE_OPS] = {
	[ROLE_OP_READ] = { "read", "reading", true, 0 },
	[ROLE_OP_AUDIT] = { "audit", "auditing", true, 0 },
	[ROLE_OP_EXPORT_PUBLIC] = { "export_public", "exporting what is public",
				    true, 0 },
	[ROLE_OP_ISSUE] = { "issue", "issuing under an order", true, 0 },
	[ROLE_OP_EXPORT_BUNDLE] = { "export_bundle",
				    "exporting bundles of an open order", true,
				    0 },
	[ROLE_OP_ISSUE_FREE] = { "issue_free", "issuing without an order",
				 false, OPR },
	[ROLE_OP_EXPORT_BUNDLE_FREE] = { "export_bundle_free",
					 "exporting any bundle", false,
					 OPR | TEC },
	[ROLE_OP_WITNESS] = { "witness", "taking in cosignatures", false,
			      SO | AUD },
	[ROLE_OP_ADOPT] = { "adopt", "adopting a template", false, SO },
	[ROLE_OP_ORDER_OPEN] = { "order_open", "opening an order", false,
				 SO | OPR },
	[ROLE_OP_ORDER_CLOSE] = { "order_close", "closing an order", false,
				  SO | OPR },
	[ROLE_OP_REVOKE] = { "revoke", "revoking", false, SO | OPR },
	[ROLE_OP_ROTATE] = { "rotate", "rotating devices and lists", false,
			     SO | OPR | TEC },
	[ROLE_OP_ATTEST] = { "attest", "taking in evidence", false, OPR | TEC },
	[ROLE_OP_ATTEST_ENROL] = { "attest_enrol", "enrolling attestation keys",
				   false, SO },
	[ROLE_OP_RECEIPT] = { "receipt", "taking in receipts", false,
			      OPR | TEC },
	[ROLE_OP_QUARANTINE_DECIDE] = { "quarantine_decide",
					"deciding on what is held", false, SO },
	[ROLE_OP_ROSTER_CHANGE] = { "roster_change", "changing the roster",
				    false, SO },
	[ROLE_OP_SECRET_CHANGE] = { "secret_change", "changing stored secrets",
				    false, SO },
	[ROLE_OP_CLOCK_ACCEPT] = { "clock_accept", "accepting the clock", false,
				   SO },
	[ROLE_OP_EXPORT_SECRET] = { "export_secret",
				    "exporting KEKs and escrow", false, SO },
	[ROLE_OP_ROTATE_KEY] = { "rotate_key", "rotating our own keys", false,
				 SO },
	[ROLE_OP_ROTATE_PIN] = { "rotate_pin", "changing the tokens' PIN",
				 false, SO },
};

const char *role_op_name(enum role_op op)
{
	return table[op].name;
}

const char *role_op_said(enum role_op op)
{
	return table[op].said;
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
			"%s takes the role %s", table[op].said, may);
}
