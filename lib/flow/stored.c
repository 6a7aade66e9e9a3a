#include "lib/flow/stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/secrets.h"

CLEANUP_PTR(struct atrest, atrest_free);

/* ---- rows, in the parent ---- */

struct loading {
	struct store *store;
	struct stored_rows *rows;
	size_t room; /* of rows->list */
};

static enum pv_code need_room(struct loading *l, struct err *err)
{
	size_t room = l->room ? 2 * l->room : 8;
	struct stored_row *list;

	if (l->rows->n < l->room)
		return PV_OK;
	if (l->rows->n >= STORED_ROWS_MAX)
		return err_fail(err, PV_DENIED, "secret.versions",
				"destroy old versions: provctl secret destroy",
				"the template's stored secrets have more than "
				"%d versions",
				STORED_ROWS_MAX);
	list = mem_array(room, sizeof(*list), err);
	if (!list)
		return PV_INTERNAL;
	if (l->rows->n > 0)
		memcpy(list, l->rows->list, l->rows->n * sizeof(*list));
	free(l->rows->list);
	l->rows->list = list;
	l->room = room;
	return PV_OK;
}

/* One version; what was destroyed is read and not kept. */
static enum pv_code load_version(struct loading *l, const char *name,
				 uint64_t version, struct store_secret *row,
				 bool *found, struct err *err)
{
	CLEANUP(buf_release) struct buf sealed;
	struct stored_row *to;
	enum pv_code rc;

	buf_init(&sealed, SECRETS_ROW_MAX);
	rc = secrets_get(l->store, name, version, row, &sealed, found, err);
	if (rc == PV_OK && *found && sealed.len > 0)
		rc = need_room(l, err);
	if (rc != PV_OK || sealed.len == 0)
		return rc;
	to = &l->rows->list[l->rows->n++];
	memset(to, 0, sizeof(*to));
	snprintf(to->name, sizeof(to->name), "%s", name);
	to->version = row->version;
	to->current = version == 0;
	to->sealed = sealed;
	buf_init(&sealed, 0);
	return PV_OK;
}

static enum pv_code destroyed(const char *name, uint64_t version,
			      struct err *err)
{
	return err_fail(err, PV_NOT_FOUND, "secret.destroyed",
			"give it a new value: provctl secret rotate",
			"version %llu of stored secret \"%s\" was destroyed",
			(unsigned long long)version, name);
}

/* The versions of one secret, the newest first. */
static enum pv_code load_name(struct loading *l, const struct tpl_secret *s,
			      struct err *err)
{
	struct store_secret row, older;
	bool found;
	enum pv_code rc = load_version(l, s->source, 0, &row, &found, err);

	if (rc != PV_OK)
		return rc;
	if (!found) {
		err_fail(&l->rows->lacks, PV_NOT_FOUND, "secret.missing",
			 "store it (provctl secret add), or use random or "
			 "derive",
			 "the authority has no stored secret \"%s\", which "
			 "secret \"%s\" asks for",
			 s->source, s->name);
		return PV_OK;
	}
	if (row.destroyed_index != STORE_NO_INDEX)
		destroyed(s->source, row.version, &l->rows->lacks);
	for (uint64_t i = 1; rc == PV_OK && i < row.version; i++) {
		rc = load_version(l, s->source, i, &older, &found, err);
		if (rc == PV_OK && !found)
			rc = logged_edited("a stored secret's list of versions",
					   err);
	}
	return rc;
}

/* Another secret before that one has the same source. */
static bool was_named(const struct template *t, size_t component, size_t secret)
{
	const char *name = t->components[component].secrets[secret].source;

	for (size_t i = 0; i <= component; i++)
		for (size_t j = 0; j < t->components[i].secrets_n; j++) {
			const struct tpl_secret *s =
				&t->components[i].secrets[j];

			if (i == component && j == secret)
				return false;
			if (s->kind == TPL_SECRET_STORED &&
			    strcmp(s->source, name) == 0)
				return true;
		}
	return false;
}

enum pv_code stored_rows_load(const struct template *t, struct store *store,
			      struct stored_rows *rows, struct err *err)
{
	struct loading l = { .store = store, .rows = rows };
	enum pv_code rc = PV_OK;

	err_init(&rows->lacks);
	for (size_t i = 0; i < t->components_n; i++)
		for (size_t j = 0;
		     rc == PV_OK && j < t->components[i].secrets_n; j++) {
			const struct tpl_secret *s =
				&t->components[i].secrets[j];

			if (s->kind == TPL_SECRET_STORED && !was_named(t, i, j))
				rc = load_name(&l, s, err);
		}
	return rc;
}

void stored_rows_release(struct stored_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		buf_release(&rows->list[i].sealed);
	free(rows->list);
	rows->list = NULL;
	rows->n = 0;
}

enum pv_code stored_rows_complete(const struct stored_rows *rows,
				  struct err *err)
{
	if (rows->lacks.code != PV_OK)
		*err = rows->lacks;
	return rows->lacks.code;
}

size_t stored_rows_bytes(const struct stored_rows *rows)
{
	size_t sum = 0;

	for (size_t i = 0; i < rows->n; i++)
		sum += rows->list[i].sealed.len;
	return sum;
}

/* One of the components in bits names it. */
static bool is_given(const struct template *t, uint32_t components,
		     const char *name)
{
	for (size_t i = 0; i < t->components_n; i++)
		for (size_t j = 0; j < t->components[i].secrets_n; j++) {
			const struct tpl_secret *s =
				&t->components[i].secrets[j];

			if ((components >> i & 1) &&
			    s->kind == TPL_SECRET_STORED &&
			    strcmp(s->source, name) == 0)
				return true;
		}
	return false;
}

void stored_rows_put(const struct stored_rows *rows, const struct template *t,
		     uint32_t components, struct buf *out)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct stored_row *r = &rows->list[i];
		char text[STORE_ID_MAX + 32];
		int len;

		if (!r->current || !is_given(t, components, r->name))
			continue;
		len = snprintf(text, sizeof(text), "%s%s/%llu",
			       out->len > 0 ? " " : "", r->name,
			       (unsigned long long)r->version);
		buf_put(out, text, (size_t)len);
	}
}

static enum pv_code still_there(const struct stored_row *r, struct store *store,
				struct err *err)
{
	CLEANUP(buf_release) struct buf sealed;
	struct store_secret row;
	bool found = false;
	enum pv_code rc;

	buf_init(&sealed, SECRETS_ROW_MAX);
	rc = store_secret_get(store, r->name, r->version, &row, &sealed, &found,
			      err);
	if (rc != PV_OK || (found && row.destroyed_index == STORE_NO_INDEX))
		return rc;
	return destroyed(r->name, r->version, err);
}

enum pv_code stored_rows_stand(const struct stored_rows *rows,
			       struct store *store, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < rows->n; i++)
		if (rows->list[i].current)
			rc = still_there(&rows->list[i], store, err);
	return rc;
}

/* ---- values, in a signer ---- */

struct stored_values { /* one of a list */
	struct stored_values *next;
	char name[STORE_ID_MAX + 1];
	uint64_t version;
	struct secret value;
};

void stored_values_free(struct stored_values *v)
{
	while (v) {
		struct stored_values *next = v->next;

		secret_release(&v->value);
		free(v);
		v = next;
	}
}

static const struct stored_row *find_row(const struct stored_rows *rows,
					 const char *name, uint64_t version)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct stored_row *r = &rows->list[i];

		if (strcmp(r->name, name) == 0 &&
		    (version ? r->version == version : r->current))
			return r;
	}
	return NULL;
}

static enum pv_code open_row(struct hsm *hsm, const char *authority,
			     const struct issue_context *ctx,
			     const struct stored_row *row, struct secret *value,
			     struct err *err)
{
	CLEANUP(cleanup_atrest_free) struct atrest *by = NULL;
	char object[SECRETS_OBJECT_MAX];
	const struct atrest_name bound = secrets_bound_to(
		authority, row->name, (uint32_t)row->version, object);
	const struct issue_key *recorded;
	uint8_t id[ATREST_ID_LEN];
	struct hsm_key *key;
	enum pv_code rc = atrest_row_id(buf_span(&row->sealed), id, err);

	if (rc != PV_OK)
		return rc;
	recorded = issue_context_key(ctx, HSM_KEY_STORE, id);
	if (!recorded)
		return err_fail(err, PV_INTEGRITY, "atrest.key",
				"run `provctl audit verify'",
				"stored secret \"%s\" names a store key that "
				"is not ours",
				row->name);
	rc = ownkey_find(hsm, recorded, &key, err);
	if (rc == PV_OK)
		rc = atrest_new_hsm(hsm, key, 0, &by, err);
	if (rc == PV_OK)
		rc = atrest_open(by, &bound, buf_span(&row->sealed), value,
				 err);
	if (rc != PV_OK)
		err_prefix(err, "stored secret \"%s\"", row->name);
	return rc;
}

static enum pv_code add_value(struct stored_values **v, struct hsm *hsm,
			      const char *authority,
			      const struct issue_context *ctx,
			      const struct stored_row *row, struct err *err)
{
	struct stored_values *n = mem_new(sizeof(*n), err);
	enum pv_code rc;

	if (!n)
		return PV_INTERNAL;
	snprintf(n->name, sizeof(n->name), "%s", row->name);
	n->version = row->version;
	rc = open_row(hsm, authority, ctx, row, &n->value, err);
	if (rc != PV_OK) {
		stored_values_free(n);
		return rc;
	}
	n->next = *v;
	*v = n;
	return PV_OK;
}

static const struct stored_values *
find_value(const struct stored_values *v, const char *name, uint64_t version)
{
	while (v && (v->version != version || strcmp(v->name, name) != 0))
		v = v->next;
	return v;
}

enum pv_code stored_value(struct stored_values **v, struct hsm *hsm,
			  const char *authority,
			  const struct issue_context *ctx, const char *name,
			  uint64_t *version, const struct secret **value,
			  struct err *err)
{
	const struct stored_row *row = find_row(&ctx->stored, name, *version);
	const struct stored_values *opened;
	enum pv_code rc = PV_OK;

	if (!row)
		return err_fail(
			err, PV_NOT_FOUND, "secret.destroyed",
			"run it again; when it was destroyed, issue "
			"under another device id",
			"version %llu of stored secret \"%s\", which an "
			"open intent names, is not there",
			(unsigned long long)*version, name);
	*version = row->version;
	opened = find_value(*v, name, row->version);
	if (!opened) {
		rc = add_value(v, hsm, authority, ctx, row, err);
		opened = *v;
	}
	if (rc == PV_OK)
		*value = &opened->value;
	return rc;
}
