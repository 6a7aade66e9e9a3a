/* Rows of our own keys: which count, and which the token has to show. */
#include "lib/flow/keystand_rows.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/canewest.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/log/lifecycle.h"
#include "lib/x509/cert.h"

/* ---- rows ---- */

struct loading {
	bool (*take)(const char *purpose);
	struct keystand_rows *rows;
};

static enum pv_code take_row(void *ctx, const struct store_key *key,
			     struct err *err)
{
	struct loading *l = ctx;
	struct keystand_rows *rows = l->rows;

	if (l->take && !l->take(key->purpose))
		return PV_OK;
	if (rows->n == CONTEXT_OWN_KEYS_MAX || key->spki.len > HSM_SPKI_MAX) {
		err_object(err, key->label);
		return err_fail(err, PV_INTEGRITY, "store.corrupt", NULL,
				"a key's row cannot be read");
	}
	rows->row[rows->n] = *key;
	if (key->spki.len > 0)
		memcpy(rows->spki[rows->n], key->spki.p, key->spki.len);
	rows->row[rows->n].spki.p = rows->spki[rows->n];
	rows->n++;
	return PV_OK;
}

enum pv_code keystand_rows_load(struct store *store,
				bool (*take)(const char *purpose),
				struct keystand_rows *rows, struct err *err)
{
	struct loading l = { take, rows };
	const struct store_visit v = { .ctx = &l, .fn.key = take_row };

	rows->n = 0;
	return store_key_each(store, &v, err);
}

const struct store_key *keystand_rows_find(const struct keystand_rows *rows,
					   const char *label)
{
	for (size_t i = 0; i < rows->n; i++)
		if (strcmp(rows->row[i].label, label) == 0)
			return &rows->row[i];
	return NULL;
}

/* ---- which count ---- */

static enum pv_code is_key_of(const struct store_key *key,
			      const struct store_ca *ca, struct err *err)
{
	bool named = strcmp(key->purpose, ca->name) == 0 &&
		     key->generation == ca->generation;
	uint8_t spki[STORE_HASH];
	enum pv_code rc = x509_spki_sha256(key->spki, spki, err);

	if (rc != PV_OK ||
	    (named && memcmp(spki, ca->spki_sha256, STORE_HASH) == 0))
		return rc;
	err_object(err, ca->name);
	return err_fail(err, PV_INTEGRITY, named ? "context.key" : "log.key",
			"find out who wrote the store",
			"the row of the CA's generation %u names another key",
			(unsigned)ca->generation);
}

/* ca: whose key it has to be; NULL: anybody's. */
static enum pv_code label_stands(struct store *store, const char *label,
				 const struct store_ca *ca, struct err *err)
{
	CLEANUP(mem_cleanup)
	struct keystand_rows *rows = mem_new(sizeof(*rows), err);
	const struct store_key *key;
	struct keystand ks;
	enum pv_code rc =
		rows ? keystand_rows_load(store, NULL, rows, err) : PV_INTERNAL;

	if (rc == PV_OK)
		rc = keystand_load(store, &ks, err);
	if (rc != PV_OK)
		return rc;
	key = keystand_rows_find(rows, label);
	if (!key) {
		err_object(err, label);
		return err_fail(err, PV_NOT_FOUND, "context.key", NULL,
				"the store knows no key of that label");
	}
	rc = ca ? is_key_of(key, ca, err) : PV_OK;
	return rc == PV_OK ? keystand_used(&ks, key, err) : rc;
}

enum pv_code keystand_label(struct store *store, const char *label,
			    struct err *err)
{
	return label_stands(store, label, NULL, err);
}

enum pv_code keystand_ca(struct store *store, const struct store_ca *ca,
			 struct err *err)
{
	return label_stands(store, ca->label, ca, err);
}

static enum pv_code wrong_name(const struct err *why, struct err *err)
{
	err_object(err, "provctl.json");
	return err_fail(err, PV_INTEGRITY, "config.keys",
			"put back what \"keys\" of provctl.json said; "
			"`provctl audit show --type key.rotate' names the keys",
			"it names %.120s: %.200s", why->object, why->message);
}

enum pv_code keystand_named(const struct keystand *ks,
			    const struct authority *a, struct err *err)
{
	CLEANUP(mem_cleanup)
	struct keystand_rows *rows = mem_new(sizeof(*rows), err);
	enum pv_code rc = rows ? keystand_rows_load(ks->store, NULL, rows, err)
			       : PV_INTERNAL;

	for (size_t i = 0; rc == PV_OK && i < a->keys_n; i++) {
		const struct store_key *key =
			keystand_rows_find(rows, a->keys[i].label);
		struct err why;

		if (!key)
			continue;
		err_init(&why);
		rc = keystand_used(ks, key, &why);
		if (rc == PV_INTEGRITY)
			rc = wrong_name(&why, err);
		else if (rc != PV_OK)
			*err = why;
	}
	return rc;
}

/* ---- which the token has to show ---- */

struct showing {
	const struct authority *a;
	struct store *store;
	struct hsm *hsm; /* NULL: there must be none */
	uint64_t size;
};

/* On another token, maybe: it was found there when it was put to use. */
static enum pv_code may_be_away(const struct showing *s,
				const struct store_key *key, bool *away,
				struct err *err)
{
	struct ca_newest newest;
	enum pv_code rc;

	*away = false;
	if (s->a->tokens_n <= 1)
		return PV_OK;
	rc = ca_newest(s->store, key->purpose, &newest, err);
	*away = rc == PV_OK && newest.generation > 0;
	return rc;
}

static enum pv_code unseen(const struct store_key *key, struct err *err)
{
	err_object(err, key->label);
	return err_fail(err, PV_CONFLICT, "log.key",
			"run the rotation that made it again, or `provctl "
			"rotate crl': the token has to show it; else find out "
			"who wrote the store",
			"a key was made that no checkpoint covers yet");
}

/* A transport key signs nothing, and is gone once it was used: as the log has
 * it. */
static enum pv_code was_transport(const struct showing *s,
				  const struct store_key *row, bool *was,
				  struct err *err)
{
	enum pv_code rc;

	*was = row->kind == HSM_KEY_TRANSPORT &&
	       row->destroy_index != STORE_NO_INDEX;
	if (!*was)
		return PV_OK;
	rc = logged_key(s->store, row, row->log_index, LOG_KEY_GENERATE, err);
	return rc == PV_OK ? logged_key(s->store, row, row->destroy_index,
					LOG_KEY_DESTROY, err)
			   : rc;
}

static enum pv_code show(void *ctx, const struct store_key *row,
			 struct err *err)
{
	const struct showing *s = ctx;
	struct hsm_key *key;
	struct issue_key want;
	bool away = false, was = false;
	enum pv_code rc = PV_OK;

	if (row->log_index >= s->size)
		rc = was_transport(s, row, &was, err);
	if (rc != PV_OK || row->log_index < s->size || was)
		return rc;
	if (!s->hsm)
		return unseen(row, err);
	rc = may_be_away(s, row, &away, err);
	if (rc != PV_OK || away)
		return rc;
	rc = ownkey_from_row(row, &want, err);
	return rc == PV_OK ? ownkey_find(s->hsm, &want, &key, err) : rc;
}

enum pv_code keystand_shown(const struct authority *a, struct store *store,
			    uint64_t size, struct hsm *hsm, struct err *err)
{
	struct showing s = { a, store, hsm, size };
	const struct store_visit v = { .ctx = &s, .fn.key = show };

	return store_key_each(store, &v, err);
}

enum pv_code keystand_none_since(struct store *store, uint64_t size,
				 struct err *err)
{
	struct showing s = { .store = store, .size = size };
	const struct store_visit v = { .ctx = &s, .fn.key = show };

	return store_key_each(store, &v, err);
}
