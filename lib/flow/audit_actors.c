#include "lib/flow/audit_actors.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/audit_entries.h"
#include "lib/flow/logged.h"
#include "lib/store/store_people.h"
#include "policy/roles.h"

CLEANUP_PTR(struct roster, roster_free);

static enum pv_code take_roster(struct audit_actors *a, struct store *store,
				const struct log_entry *e, struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *next = NULL;
	CLEANUP(buf_release) struct buf text;
	const struct log_fact *version = log_fact_find(e, "version", LOG_UINT);
	struct store_roster row;
	bool found = false;
	enum pv_code rc = PV_OK;

	buf_init(&text, ROSTER_SIZE_MAX);
	if (version && version->u > 0)
		rc = store_roster_get(store, version->u, &row, &text, &found,
				      err);
	if (rc != PV_OK)
		return rc;
	if (!found || roster_parse(buf_span(&text), &next, NULL) != PV_OK ||
	    !logged_hash_is(e, "hash", next->sha256))
		return governance_wrong(LOG_ROSTER_CHANGE, LOG_ROSTER_NAME,
					"the store has not the roster of its "
					"entry",
					err);
	roster_free(a->roster);
	a->roster = TAKE(next);
	return PV_OK;
}

/* What was asked for by a request; a CA's and a responder's were not. */
static bool is_of_device(const struct log_entry *e)
{
	return log_fact_find(e, "body", LOG_BSTR) != NULL;
}

static enum pv_code take_intent(const struct audit_actors *a,
				const struct log_entry *e, struct err *err)
{
	const struct roster_officer *o = roster_find(a->roster, e->actor);
	const unsigned roles = o ? o->roles : ROLE_NONE;
	const bool again = log_fact_find(e, "replaces", LOG_TSTR) != NULL;

	if (log_fact_find(e, "order", LOG_TSTR) ||
	    roles_allow(ROLE_OP_ISSUE_FREE, roles, NULL) == PV_OK ||
	    (again && roles_allow(ROLE_OP_ROTATE, roles, NULL) == PV_OK))
		return PV_OK;
	return audit_fail(err, "", "audit.actor",
			  "%.*s issued without an order, which takes an "
			  "operator of the roster of then",
			  (int)e->actor.len, (const char *)e->actor.p);
}

enum pv_code audit_actors_take(struct audit_actors *a, struct store *store,
			       const struct log_entry *e, struct err *err)
{
	if (span_is(e->type, LOG_ROSTER_CHANGE))
		return take_roster(a, store, e, err);
	if (a->roster && span_is(e->type, LOG_CERT_INTENT) && is_of_device(e))
		return take_intent(a, e, err);
	return PV_OK;
}

void audit_actors_release(struct audit_actors *a)
{
	roster_free(a->roster);
	a->roster = NULL;
}
