/* The token: recorded keys are there, and nothing else of ours is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/reconcile_impl.h"
#include "lib/flow/tokenkeys.h"

struct row {
	char label[STORE_LABEL_MAX + 1];
	bool pair, found;
	bool destroyed; /* only a certificate may be left of it */
};

struct token {
	struct reconcile *r;
	struct hsm *hsm;
	struct row *rows;
	struct tokenkeys_row *keys; /* of the same */
	size_t n, at; /* rows; the next one, on the tokens after the first */
	bool first, away;
	size_t number;			/* of the one that is open */
	uint32_t asked;			/* 1 << number */
	struct hsm_token names[AUTHORITY_TOKENS_MAX];
};

/* What ownkey_find() refuses as a finding; false: the token could not say. */
static bool judge(const struct err *why, enum reconcile_kind *kind)
{
	bool about_key = strncmp(why->rule, "hsm.key", strlen("hsm.key")) == 0;

	*kind = RECONCILE_DIFFERENT;
	if (strcmp(why->rule, "hsm.key-missing") == 0 ||
	    strcmp(why->rule, "hsm.key-half") == 0)
		*kind = RECONCILE_MISSING;
	else if (strcmp(why->rule, "hsm.key-double") == 0)
		*kind = RECONCILE_DOUBLED;
	return why->code == PV_HSM_FATAL && about_key;
}

/* Whatever else it is. */
static void has(struct token *t, struct row *row)
{
	row->found = true;
	t->keys[row - t->rows].on |= (uint32_t)1 << t->number;
}

/* What is missing is told once all tokens were asked. */
static enum pv_code check_key(struct token *t, struct row *row,
			      const struct issue_key *want, struct err *err)
{
	struct hsm_key *key = NULL;
	enum reconcile_kind kind;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = ownkey_find(t->hsm, want, &key, &why);
	if (rc == PV_OK)
		has(t, row);
	if (rc == PV_OK)
		return PV_OK;
	if (!judge(&why, &kind)) {
		*err = why;
		return rc;
	}
	if (strcmp(why.rule, "hsm.key-missing") == 0)
		return PV_OK;
	has(t, row);
	return reconcile_found(t->r, kind, kind == RECONCILE_DIFFERENT,
			       RECONCILE_STORE, RECONCILE_TOKEN, "key",
			       want->label, err, "%s", why.message);
}

/* Of one that was destroyed. */
static enum pv_code named_and_gone(struct reconcile *r, const char *label,
				   struct err *err)
{
	if (!authority_names(r->a, label))
		return PV_OK;
	return reconcile_found(r, RECONCILE_MISSING, false, RECONCILE_STORE,
			       RECONCILE_TOKEN, "key", label, err,
			       "key %s: provctl.json names it, and it was "
			       "destroyed",
			       label);
}

static enum pv_code take_key(void *ctx, const struct store_key *row,
			     struct err *err)
{
	struct token *t = ctx;
	struct issue_key want;
	enum pv_code rc = ownkey_from_row(row, &want, err);

	if (rc != PV_OK)
		return rc;
	if (!t->first) {
		struct row *known = &t->rows[t->at++];

		return known->destroyed ? PV_OK
					: check_key(t, known, &want, err);
	}
	if (t->n == RECONCILE_LIST_MAX)
		return err_fail(err, PV_INTERNAL, "reconcile.size", NULL,
				"more than %d keys", RECONCILE_LIST_MAX);
	snprintf(t->rows[t->n].label, sizeof(t->rows[t->n].label), "%s",
		 row->label);
	tokenkeys_take(&t->keys[t->n], row);
	t->rows[t->n++].pair = want.spki_len > 0;
	if (row->destroy_index != STORE_NO_INDEX) {
		t->rows[t->n - 1].destroyed = true;
		t->rows[t->n - 1].found = true;
		return named_and_gone(t->r, row->label, err);
	}
	t->r->counts.keys++;
	return check_key(t, &t->rows[t->n - 1], &want, err);
}

static enum pv_code missing(const struct token *t, const struct row *row,
			    struct err *err)
{
	return reconcile_found(
		t->r, RECONCILE_MISSING, false, RECONCILE_STORE,
		RECONCILE_TOKEN, "key", row->label, err, "key %s: not on %s%s",
		row->label, t->r->a->tokens_n > 1 ? "any token" : "the token",
		t->away ? " that answers" : "");
}

/* A pair has its halves and a certificate, a secret key is one object. */
static bool belongs(const struct hsm_object *o, const struct row *row)
{
	bool secret = o->klass == HSM_OBJECT_SECRET;

	return o->klass != HSM_OBJECT_OTHER && secret != row->pair &&
	       (!row->destroyed || o->klass == HSM_OBJECT_CERTIFICATE) &&
	       o->label_len == strlen(row->label) &&
	       memcmp(o->label, row->label, o->label_len) == 0;
}

/* Secrets of anybody, and whatever bears a label as we give them. */
static bool is_ours_to_know(const struct token *t, const struct hsm_object *o)
{
	const char *name = t->r->a->name;
	size_t len = strlen(name);

	return o->klass == HSM_OBJECT_PRIVATE ||
	       o->klass == HSM_OBJECT_SECRET ||
	       (o->label_len > len && memcmp(o->label, name, len) == 0 &&
		o->label[len] == '/');
}

static enum pv_code check_object(struct token *t, const struct hsm_object *o,
				 struct err *err)
{
	char id[2 * HSM_ID_LEN + 1];
	bool known = false;

	for (size_t i = 0; !known && i < t->n; i++)
		known = belongs(o, &t->rows[i]);
	if (known || !is_ours_to_know(t, o))
		return PV_OK;
	hex_encode(o->id, o->id_len, id);
	return reconcile_found(t->r, RECONCILE_ORPHAN_OBJECT, false,
			       RECONCILE_TOKEN, RECONCILE_STORE,
			       ownkey_class_name(o->klass),
			       o->label[0] ? o->label : "(no label)", err,
			       "CKA_ID %s", id[0] ? id : "none");
}

/* The token that is open. */
static enum pv_code check_token(struct token *t, struct hsm *hsm, size_t number,
				struct err *err)
{
	CLEANUP(mem_cleanup) struct hsm_object *list = NULL;
	const struct store_visit v = { .ctx = t, .fn.key = take_key };
	size_t n = 0;
	enum pv_code rc;

	t->hsm = hsm;
	t->at = 0;
	t->number = number;
	t->asked |= (uint32_t)1 << number;
	hsm_token(hsm, &t->names[number]);
	rc = store_key_each(t->r->store, &v, err);
	t->first = false;
	if (rc == PV_OK)
		rc = hsm_objects(hsm, &list, &n, err);
	for (size_t i = 0; rc == PV_OK && i < n; i++) {
		t->r->counts.objects++;
		rc = check_object(t, &list[i], err);
	}
	return rc;
}

static enum pv_code check_other(struct token *t, struct tokens *tokens,
				size_t token, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = tokens_open(tokens, token, &why);
	if (rc == PV_HSM_TEMP) {
		t->away = true;
		return PV_OK;
	}
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	return check_token(t, *tokens->hsm, token, err);
}

static enum pv_code lacking(const struct token *t, size_t i, size_t number,
			    struct err *err)
{
	const struct hsm_token *name = &t->names[number];
	uint32_t had;

	if (!(t->asked >> number & 1) ||
	    !tokenkeys_lacks(t->keys, t->n, i, number, &had))
		return PV_OK;
	return reconcile_found(t->r, RECONCILE_NOT_ON_TOKEN, false,
			       RECONCILE_STORE, RECONCILE_TOKEN, "key",
			       t->rows[i].label, err,
			       "token %s (serial %s) has generation %u and not "
			       "this one: " TOKENKEYS_NEXT,
			       name->label, name->serial, had);
}

/* What is on none of them, and on which of them not. */
static enum pv_code tell_row(const struct token *t, size_t i, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!t->rows[i].found)
		return missing(t, &t->rows[i], err);
	for (size_t k = 0; rc == PV_OK && k < t->r->a->tokens_n; k++)
		rc = lacking(t, i, k, err);
	return rc;
}

enum pv_code reconcile_token(struct reconcile *r, struct tokens *tokens,
			     struct err *err)
{
	CLEANUP(mem_cleanup)
	struct row *rows = mem_array(RECONCILE_LIST_MAX, sizeof(*rows), err);
	CLEANUP(mem_cleanup)
	struct tokenkeys_row *keys =
		mem_array(RECONCILE_LIST_MAX, sizeof(*keys), err);
	struct token t = {
		.r = r, .rows = rows, .keys = keys, .first = true
	};
	size_t first = tokens->login->token;
	enum pv_code rc = rows && keys
				  ? check_token(&t, *tokens->hsm, first, err)
				  : PV_INTERNAL;

	for (size_t i = 0; rc == PV_OK && i < r->a->tokens_n; i++)
		if (i != first)
			rc = check_other(&t, tokens, i, err);
	for (size_t i = 0; rc == PV_OK && i < t.n; i++)
		rc = tell_row(&t, i, err);
	return rc;
}
