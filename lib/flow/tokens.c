#include "lib/flow/tokens.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/ownkey.h"

enum pv_code tokens_open(struct tokens *t, size_t token, struct err *err)
{
	if (*t->hsm && t->login->token == token)
		return PV_OK;
	/* The module cannot be entered twice. */
	hsm_close(TAKE(*t->hsm));
	t->login->token = token;
	t->turns++;
	return t->backends->hsm_open(t->a, t->login, t->hsm, err);
}

static bool is_lacking(const struct err *err)
{
	return strcmp(err->rule, "hsm.key-missing") == 0;
}

struct search {
	const struct issue_key *want;
	bool found;
	struct err away, lacks; /* the first token that is, that does */
};

static void keep_first(struct err *to, const struct err *why)
{
	if (to->code == PV_OK)
		*to = *why;
}

/* Is the key on that token? */
static enum pv_code look(struct tokens *t, size_t token, struct search *s,
			 struct err *err)
{
	struct hsm_key *key;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = tokens_open(t, token, &why);
	if (rc == PV_HSM_TEMP) {
		keep_first(&s->away, &why);
		return PV_OK;
	}
	if (rc == PV_OK)
		rc = ownkey_find(*t->hsm, s->want, &key, &why);
	if (rc != PV_OK && is_lacking(&why)) {
		keep_first(&s->lacks, &why);
		return PV_OK;
	}
	s->found = rc == PV_OK;
	if (rc != PV_OK)
		*err = why;
	return rc;
}

enum pv_code tokens_find(struct tokens *t, const struct issue_key *want,
			 struct err *err)
{
	size_t first = t->login->token;
	struct search s = { .want = want };
	enum pv_code rc;

	err_init(&s.away);
	err_init(&s.lacks);
	rc = look(t, first, &s, err);
	for (size_t i = 0; rc == PV_OK && !s.found && i < t->a->tokens_n; i++)
		if (i != first)
			rc = look(t, i, &s, err);
	if (rc != PV_OK || s.found)
		return rc;
	/* It may be on the one that is away. */
	*err = s.away.code != PV_OK ? s.away : s.lacks;
	if (s.away.code != PV_OK && s.lacks.code != PV_OK)
		err_prefix(err, "the key %s is on no other token", want->label);
	return err->code;
}
