/* The steps that bring a CA's key from one authority's token to another's. */
#include <stdio.h>
#include <string.h>

#include "policy/plan_impl.h"

bool plan_has_step(const struct plan *p, enum plan_kind kind,
		   const char *purpose)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == kind &&
		    strcmp(p->steps[i].purpose, purpose) == 0)
			return true;
	return false;
}

static bool has_kind(const struct plan *p, enum plan_kind kind)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == kind)
			return true;
	return false;
}

/* The log's key signs what is given. */
static enum pv_code need_log(const struct plan *p, const struct node *n)
{
	return plan_has_key(p, "log") || !plan_is_first(p)
		       ? PV_OK
		       : node_fail(n, "key_missing", "generate it before",
				   "what is given is signed, and there is no "
				   "key \"log\" at this step");
}

static enum pv_code take_hash(const struct node *n, const char *key,
			      struct plan_step *s)
{
	struct node hash = node_get(n, key);

	NODE_TRY(node_digest(&hash, s->other_spki));
	s->has_other = hash.v != NULL;
	return PV_OK;
}

enum pv_code plan_parse_make_transport(const struct plan *p,
				       const struct node *n,
				       struct plan_step *s)
{
	static const char *const keys[] = { "step", NULL };

	NODE_TRY(node_object(n, keys));
	snprintf(s->purpose, sizeof(s->purpose), "%s", PLAN_PURPOSE_TRANSPORT);
	if (has_kind(p, PLAN_TRANSPORT))
		return node_fail(n, "duplicate", "make it once",
				 "a transport key is for one key");
	return need_log(p, n);
}

enum pv_code plan_parse_send_key(const struct plan *p, const struct node *n,
				 struct plan_step *s)
{
	static const char *const keys[] = { "step", "purpose", "to",
					    "to_sha256", NULL };

	NODE_TRY(node_object(n, keys));
	NODE_TRY(plan_take_name(n, "purpose", s->purpose));
	NODE_TRY(plan_take_party(n, "to", s->to));
	NODE_TRY(take_hash(n, "to_sha256", s));
	NODE_TRY(plan_check_ca(n, s->purpose));
	NODE_TRY(plan_check_maker(p, n, s));
	return need_log(p, n);
}

enum pv_code plan_parse_take_key(const struct plan *p, const struct node *n,
				 struct plan_step *s)
{
	static const char *const keys[] = { "step", "purpose", "from",
					    "spki_sha256", NULL };

	NODE_TRY(node_object(n, keys));
	NODE_TRY(plan_take_name(n, "purpose", s->purpose));
	NODE_TRY(plan_take_party(n, "from", s->from));
	NODE_TRY(take_hash(n, "spki_sha256", s));
	NODE_TRY(plan_check_ca(n, s->purpose));
	if (has_kind(p, PLAN_TAKE_KEY))
		return node_fail(n, "duplicate", "take it once",
				 "a transport key is for one key");
	if (!has_kind(p, PLAN_TRANSPORT))
		return node_fail(n, "key_missing",
				 "make it with make-transport-key",
				 "no transport key at this step");
	return plan_has_key(p, s->purpose)
		       ? node_fail(n, "duplicate", "generate it or take it",
				   "key \"%s\" is there already", s->purpose)
		       : PV_OK;
}

enum pv_code plan_check_transport(const struct plan *p, const struct node *n)
{
	return has_kind(p, PLAN_TRANSPORT) && !has_kind(p, PLAN_TAKE_KEY)
		       ? node_fail(n, "transport",
				   "take a key, which ends it: take-key",
				   "the transport key would stay")
		       : PV_OK;
}
