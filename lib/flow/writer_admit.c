/* The writer: who was let in once may have lost a role since. */
#include <string.h>

#include "lib/flow/writer_impl.h"
#include "lib/store/store_people.h"

/* As issue_load_contexts() does it: anybody issues within an order. */
static enum pv_code judge(struct writer *w, struct err *why)
{
	const struct writer_opts *o = w->opts;
	struct actor who;
	enum pv_code rc = actor_enter(w->store, o->claim, &who, why);

	if (rc == PV_OK)
		rc = actor_allow(&who, ROLE_OP_ISSUE_FREE, why);
	w->bound = rc != PV_OK;
	if (rc != PV_DENIED || !o->order || strcmp(who.name, o->actor) != 0)
		return rc;
	err_init(why);
	return actor_allow(&who, ROLE_OP_ISSUE, why);
}

enum pv_code writer_admit(struct writer *w, struct err *err)
{
	uint64_t head = w->judged;
	struct err why;
	enum pv_code rc = store_governance_head(w->store, &head, err);

	if (rc != PV_OK || head == w->judged)
		return rc;
	err_init(&why);
	rc = judge(w, &why);
	if (rc != PV_OK && rc != PV_DENIED) {
		*err = why;
		return rc;
	}
	w->may = why;
	w->judged = head;
	return PV_OK;
}
