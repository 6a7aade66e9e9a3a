/* Who has to be in the room: what every kind of step may say. */
#include <stdio.h>
#include <string.h>

#include "policy/plan_impl.h"

#define PRESENT "present"
#define PRESENT_MAX 16 /* roles or names of one step */

static enum pv_code take_present(const struct node *n, struct plan_step *s)
{
	struct node list = node_get(n, PRESENT);
	size_t len = 0;

	if (!list.v)
		return PV_OK;
	NODE_TRY(node_array(&list, 1, PRESENT_MAX));
	for (size_t i = 0; i < json_array_size(list.v); i++) {
		struct node one = node_at(&list, i);
		const char *name = "";

		NODE_TRY(node_need(&one));
		NODE_TRY(node_name(&one, &name));
		if (len + strlen(name) + 3 > sizeof(s->present))
			return node_fail(&one, "present", "name roles",
					 "more than %zu bytes of who has to be "
					 "present",
					 sizeof(s->present) - 1);
		len += (size_t)snprintf(s->present + len,
					sizeof(s->present) - len, "%s%s",
					len ? ", " : "", name);
	}
	return PV_OK;
}

/* The rest is a kind's own, which refuses what it does not know. */
enum pv_code plan_take_present(const struct node *n, struct node *rest,
			       struct plan_step *s)
{
	NODE_TRY(take_present(n, s));
	*rest = *n;
	rest->v = json_copy(n->v);
	if (!rest->v)
		return err_fail(n->r->err, PV_INTERNAL, NULL, NULL,
				"out of memory");
	json_object_del(rest->v, PRESENT);
	return PV_OK;
}
