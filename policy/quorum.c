#include "policy/quorum.h"

#include "policy/roster.h"

static const char *const names[QUORUM_OPS] = {
	[QUORUM_ROSTER] = "roster",
	[QUORUM_ADOPT] = "adopt",
	[QUORUM_ORDER] = "order",
	[QUORUM_REVOKE] = "revoke",
	[QUORUM_ROTATE_CA] = "rotate_ca",
	[QUORUM_EXPORT_OFFLINE] = "export_offline",
	[QUORUM_EXPORT_KEK] = "export_kek",
	[QUORUM_RELEASE_QUARANTINE] = "release_quarantine",
	[QUORUM_CLOCK_ACCEPT] = "clock_accept",
	[QUORUM_SECRET] = "secret",
	[QUORUM_CONFIG_ACCEPT] = "config_accept",
	[QUORUM_CEREMONY] = "ceremony",
	[QUORUM_ATTEST_ENROL] = "attest_enrol",
};

const char *quorum_op_name(enum quorum_op op)
{
	return names[op];
}

bool quorum_op_find(struct span name, enum quorum_op *op)
{
	for (size_t i = 0; i < QUORUM_OPS; i++) {
		if (span_is(name, names[i])) {
			*op = (enum quorum_op)i;
			return true;
		}
	}
	return false;
}

/* What a template may raise; NULL for the rest. */
static const struct tpl_approval *of_template(const struct tpl_approvals *a,
					      enum quorum_op op)
{
	switch (op) {
	case QUORUM_ADOPT:
		return &a->adopt;
	case QUORUM_ORDER:
		return &a->order;
	case QUORUM_REVOKE:
		return &a->revoke;
	case QUORUM_ROTATE_CA:
		return &a->rotate_ca;
	case QUORUM_EXPORT_OFFLINE:
		return &a->export_offline;
	case QUORUM_RELEASE_QUARANTINE:
		return &a->release_quarantine;
	case QUORUM_ATTEST_ENROL:
		return &a->attest_enrol;
	case QUORUM_ROSTER:
	case QUORUM_EXPORT_KEK:
	case QUORUM_CLOCK_ACCEPT:
	case QUORUM_SECRET:
	case QUORUM_CONFIG_ACCEPT:
	case QUORUM_CEREMONY:
	case QUORUM_OPS:
		break;
	}
	return NULL;
}

struct quorum_ask quorum_ask(const struct roster *roster, enum quorum_op op,
			     const struct tpl_approvals *more)
{
	struct quorum_ask ask = { .persons = 0 };
	const struct tpl_approval *t = more ? of_template(more, op) : NULL;

	if (!roster)
		return ask;
	ask.persons = roster->quorum.persons[op];
	if (t && t->persons > ask.persons)
		ask.persons = t->persons;
	if (t) {
		ask.token = t->token;
		ask.max_age_s = t->max_age_s;
	}
	return ask;
}
