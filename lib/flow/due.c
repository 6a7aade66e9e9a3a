#include "lib/flow/due.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/logged.h"
#include "lib/flow/logged_authority.h"
#include "lib/store/store_log.h"

void due_release(struct due *u)
{
	for (size_t i = 0; i < DUE_TEMPLATES; i++)
		template_free(TAKE(u->kept[i]));
}

unsigned due_bit(const char *stage)
{
	static const enum tpl_stage_kind kinds[] = { TPL_STAGE_BOOTSTRAP,
						     TPL_STAGE_OPERATIONAL };

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(stage, template_stage_name(kinds[i])) == 0)
			return 1u << i;
	return 0;
}

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	return logged_template_parse(row, ctx, err);
}

enum pv_code due_template(struct due *u, struct store *store,
			  const uint8_t sha256[32], const struct template **out,
			  struct err *err)
{
	struct template *t = NULL;
	struct store_visit v = { .ctx = &t, .fn.template = take_template };
	enum pv_code rc;

	for (size_t i = 0; i < DUE_TEMPLATES; i++) {
		*out = u->kept[i];
		if (*out && memcmp((*out)->sha256, sha256, 32) == 0)
			return PV_OK;
	}
	rc = store_template_digest(store, sha256, &v, err);
	if (rc != PV_OK) {
		template_free(t);
		return rc;
	}
	template_free(u->kept[u->next]);
	u->kept[u->next] = t;
	u->next = (u->next + 1) % DUE_TEMPLATES;
	*out = t;
	return PV_OK;
}

enum pv_code due_stages(struct due *u, struct store *store,
			const struct store_subject *s, unsigned *bits,
			struct err *err)
{
	const struct template *t = NULL;
	size_t list[TPL_COMPONENTS_MAX];
	size_t role;
	enum pv_code rc = due_template(u, store, s->template_sha256, &t, err);

	*bits = 0;
	if (rc != PV_OK)
		return rc;
	if (!template_role(t, s->role, &role))
		return logged_edited("a device's row", err);
	for (size_t k = 0; k < t->stages_n; k++)
		if (!t->stages[k].requires_attestation &&
		    template_select(t, role, k, list) > 0)
			*bits |=
				due_bit(template_stage_name(t->stages[k].kind));
	return PV_OK;
}
