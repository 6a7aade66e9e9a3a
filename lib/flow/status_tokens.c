#include "lib/flow/status_tokens.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/tokenkeys.h"

#define KEYS_MAX 4096u

struct key {
	char label[STORE_LABEL_MAX + 1];
};

struct look {
	const struct status *st;
	struct tokenkeys_row *rows;
	struct key *keys; /* of the same */
	size_t n;
};

static bool shows(const struct hsm_publics *p, const uint8_t id[HSM_ID_LEN])
{
	for (size_t i = 0; i < p->n; i++)
		if (memcmp(p->id[i], id, HSM_ID_LEN) == 0)
			return true;
	return false;
}

static enum pv_code take_key(void *ctx, const struct store_key *key,
			     struct err *err)
{
	struct look *l = ctx;
	struct tokenkeys_row *row;

	if (key->spki.len == 0)
		return PV_OK;
	if (l->n == KEYS_MAX)
		return err_fail(err, PV_INTERNAL, "status.size", NULL,
				"more than %u keys", KEYS_MAX);
	row = &l->rows[l->n];
	tokenkeys_take(row, key);
	snprintf(l->keys[l->n].label, sizeof(l->keys[l->n].label), "%s",
		 key->label);
	for (size_t k = 0; k < l->st->tokens_n; k++)
		if (shows(&l->st->tokens[k].shown, key->id))
			row->on |= (uint32_t)1 << k;
	l->n++;
	return PV_OK;
}

static void tell(const struct look *l, size_t token, struct status_token *t)
{
	uint32_t had;

	for (size_t i = 0; i < l->n && t->lacks_n < STATUS_LACKS_MAX; i++)
		if (tokenkeys_lacks(l->rows, l->n, i, token, &had))
			snprintf(t->lacks[t->lacks_n++], sizeof(t->lacks[0]),
				 "%s", l->keys[i].label);
}

enum pv_code status_tokens_look(struct store *store, struct status *st,
				struct err *err)
{
	CLEANUP(mem_cleanup) struct tokenkeys_row *rows = NULL;
	CLEANUP(mem_cleanup) struct key *keys = NULL;
	struct look l = { .st = st };
	const struct store_visit v = { .ctx = &l, .fn.key = take_key };
	enum pv_code rc;

	if (st->tokens_n < 2)
		return PV_OK;
	l.rows = rows = mem_array(KEYS_MAX, sizeof(*rows), err);
	l.keys = keys = mem_array(KEYS_MAX, sizeof(*keys), err);
	if (!rows || !keys)
		return PV_INTERNAL;
	rc = store_key_each(store, &v, err);
	for (size_t k = 0; rc == PV_OK && k < st->tokens_n; k++)
		tell(&l, k, &st->tokens[k]);
	return rc;
}
