/* The steps that back a key up and restore it. */
#include <stdio.h>
#include <string.h>

#include "policy/plan_impl.h"

/* The step before that makes the key; NULL: none does. */
static const struct plan_step *maker(const struct plan *p, const char *purpose)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == PLAN_GENERATE_KEY &&
		    strcmp(p->steps[i].purpose, purpose) == 0)
			return &p->steps[i];
	return NULL;
}

enum pv_code plan_check_maker(const struct plan *p, const struct node *n,
			      const struct plan_step *s)
{
	const struct plan_step *made = maker(p, s->purpose);

	if (plan_has_step(p, s->kind, s->purpose))
		return node_fail(n, "duplicate", "do it once",
				 "%s of key \"%s\" is there twice",
				 plan_kind_name(s->kind), s->purpose);
	if (!made && plan_is_first(p))
		return node_fail(n, "key_missing", "generate it before",
				 "no key \"%s\" at this step", s->purpose);
	if (made && !made->backup)
		return node_fail(
			n, "backup", "generate it with \"backup\": true",
			"key \"%s\" may not leave its token", s->purpose);
	return PV_OK;
}

/* By name and key: who brings a certificate of that name is nobody yet. */
static enum pv_code take_officer(const struct node *n, uint32_t i,
				 struct plan_step *s)
{
	static const char *const keys[] = { "name", "spki_sha256", NULL };
	struct node spki = node_get(n, "spki_sha256");
	char *name = s->officers[i];

	NODE_TRY(node_object(n, keys));
	NODE_TRY(plan_take_party(n, "name", name));
	NODE_TRY(node_need(&spki));
	NODE_TRY(node_digest(&spki, s->officer_keys[i]));
	for (uint32_t j = 0; j < i; j++)
		if (strcmp(s->officers[j], name) == 0 ||
		    memcmp(s->officer_keys[j], s->officer_keys[i], 32) == 0)
			return node_fail(n, "duplicate",
					 "name each officer once",
					 "\"%s\" would hold two shares", name);
	return PV_OK;
}

static enum pv_code take_officers(const struct node *n, struct plan_step *s)
{
	struct node list = node_get(n, "officers");

	NODE_TRY(node_array(&list, s->shares, s->shares));
	for (uint32_t i = 0; i < s->shares; i++) {
		struct node one = node_at(&list, i);

		NODE_TRY(take_officer(&one, i, s));
	}
	return PV_OK;
}

/* Into whose hands printed shares go, by their numbers. */
static enum pv_code take_keepers(const struct node *list, struct plan_step *s)
{
	NODE_TRY(node_array(list, s->shares, s->shares));
	for (uint32_t i = 0; list->v && i < s->shares; i++) {
		struct node one = node_at(list, i);
		const char *name = "";

		NODE_TRY(node_need(&one));
		NODE_TRY(node_name(&one, &name));
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(s->officers[j], name) == 0)
				return node_fail(&one, "duplicate",
						 "name each keeper once",
						 "\"%s\" would hold two shares",
						 name);
		snprintf(s->officers[i], sizeof(s->officers[i]), "%s", name);
	}
	return PV_OK;
}

enum pv_code plan_parse_back_up(const struct plan *p, const struct node *n,
				struct plan_step *s)
{
	static const char *const keys[] = { "step",	 "purpose",  "shares",
					    "threshold", "officers", "print",
					    "keepers",	 NULL };
	struct node shares = node_get(n, "shares");
	struct node threshold = node_get(n, "threshold");
	struct node officers = node_get(n, "officers");
	struct node print = node_get(n, "print");
	struct node keepers = node_get(n, "keepers");

	NODE_TRY(node_object(n, keys));
	NODE_TRY(plan_take_name(n, "purpose", s->purpose));
	NODE_TRY(node_need(&shares));
	NODE_TRY(node_u32(&shares, 2, PLAN_SHARES_MAX, &s->shares));
	NODE_TRY(node_need(&threshold));
	NODE_TRY(node_u32(&threshold, 2, s->shares, &s->threshold));
	NODE_TRY(node_bool(&print, &s->print));
	if (s->print == (officers.v != NULL))
		return node_fail(n, "shares",
				 "name as many \"officers\" as there are "
				 "shares, or say \"print\": true",
				 "shares are sealed to officers or printed");
	if (!s->print && keepers.v)
		return node_fail(&keepers, "shares",
				 "leave \"keepers\" out: the officers are",
				 "keepers are named of printed shares");
	NODE_TRY(s->print ? take_keepers(&keepers, s) : take_officers(n, s));
	return plan_check_maker(p, n, s);
}

enum pv_code plan_parse_restore(const struct plan *p, const struct node *n,
				struct plan_step *s)
{
	static const char *const keys[] = { "step", "purpose", "from", NULL };
	struct node from = node_get(n, "from");

	NODE_TRY(node_object(n, keys));
	NODE_TRY(plan_take_name(n, "purpose", s->purpose));
	if (from.v)
		NODE_TRY(plan_take_party(n, "from", s->from));
	return plan_check_maker(p, n, s);
}
