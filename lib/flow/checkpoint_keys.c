/* The keys that verify checkpoints: rows of the store, held against the log. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/checkpoint_keys.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/store/store_log.h"

/* One for public verifiers, who ask for Ed25519, and one for the others. */
static const char *const purposes[] = { "log", "log-ecdsa" };
#define PURPOSES_N (sizeof(purposes) / sizeof(purposes[0]))

/* PURPOSES_N: none of them. */
static size_t purpose_of(const char *purpose)
{
	size_t i = 0;

	while (i < PURPOSES_N && strcmp(purpose, purposes[i]) != 0)
		i++;
	return i;
}

static bool is_log_key(const char *purpose)
{
	return purpose_of(purpose) < PURPOSES_N;
}

/* ---- loading ---- */

struct loading {
	const struct authority *a;
	const struct keystand *stand;
	struct checkpoint_base *base;
};

/* "log-old": until its rotation ends, the former one signs, too. */
static bool is_old_of(const char *old, const char *purpose)
{
	size_t n = strlen(purpose);

	return strncmp(old, purpose, n) == 0 && strcmp(old + n, "-old") == 0;
}

/* The purpose under which provctl.json names it; NULL: it signs no more. */
static const struct authority_key *signs_as(const struct authority *a,
					    const struct store_key *key)
{
	for (size_t i = 0; i < a->keys_n; i++)
		if (strcmp(a->keys[i].label, key->label) == 0 &&
		    (strcmp(a->keys[i].purpose, key->purpose) == 0 ||
		     is_old_of(a->keys[i].purpose, key->purpose)))
			return &a->keys[i];
	return NULL;
}

/* From which size on its line is asked for: while its rotation goes on, only
 * the former key's is. */
static uint64_t asked_from(const struct authority *a,
			   const struct authority_key *named)
{
	for (size_t i = 0; i < a->keys_n; i++)
		if (is_old_of(a->keys[i].purpose, named->purpose))
			return UINT64_MAX;
	return named->from;
}

static bool counts(const struct keystand *ks, const struct store_key *key)
{
	for (size_t i = 0; i < ks->n; i++)
		if (strcmp(ks->log[i].purpose, key->purpose) == 0 &&
		    ks->log[i].generation == key->generation)
			return true;
	return false;
}

static enum pv_code take_key(void *ctx, const struct store_key *key,
			     struct err *err)
{
	struct loading *l = ctx;
	const struct authority_key *named = signs_as(l->a, key);
	struct checkpoint_base *b = l->base;
	enum pv_code rc;

	if (!counts(l->stand, key))
		return PV_OK;
	if (b->keys_n == CHECKPOINT_KEYS_MAX)
		return err_fail(err, PV_INTEGRITY, "log.checkpoint", NULL,
				"more than %u log keys", CHECKPOINT_KEYS_MAX);
	rc = note_key_from_spki(&b->keys[b->keys_n], b->origin, key->spki, err);
	if (rc == PV_OK)
		b->keys_n++;
	if (rc != PV_OK || !named)
		return rc;
	b->own_from[b->own_n] = asked_from(l->a, named);
	return ownkey_from_row(key, &b->own[b->own_n++], err);
}

enum pv_code checkpoint_keys(const struct authority *a, struct store *store,
			     const struct keystand *stand,
			     struct checkpoint_base *base, struct err *err)
{
	struct loading l = { a, stand, base };
	const struct store_visit v = { .ctx = &l, .fn.key = take_key };

	memset(base, 0, sizeof(*base));
	base->file = base->seen = (struct governance)GOVERNANCE_INIT;
	snprintf(base->origin, sizeof(base->origin), "%s", a->origin);
	return store_key_each(store, &v, err);
}

/* ---- held against the configuration ---- */

struct naming {
	const struct authority *a;
	bool made[PURPOSES_N]; /* the store has a key of that purpose */
	bool now[PURPOSES_N];  /* and the configuration names one of them */
};

static enum pv_code look_at_key(void *ctx, const struct store_key *key,
				struct err *err)
{
	struct naming *n = ctx;
	size_t purpose = purpose_of(key->purpose);

	(void)err;
	if (purpose == PURPOSES_N)
		return PV_OK;
	n->made[purpose] = true;
	for (size_t i = 0; i < n->a->keys_n; i++)
		n->now[purpose] |=
			strcmp(n->a->keys[i].purpose, key->purpose) == 0 &&
			strcmp(n->a->keys[i].label, key->label) == 0;
	return PV_OK;
}

static bool is_named(const struct authority *a, const char *purpose)
{
	for (size_t i = 0; i < a->keys_n; i++)
		if (strcmp(a->keys[i].purpose, purpose) == 0)
			return true;
	return false;
}

/* A configuration that names no key of the log, or another, would leave it
 * without checkpoints: then nothing finds an older store. */
enum pv_code checkpoint_keys_named(const struct authority *a,
				   struct store *store, struct err *err)
{
	struct naming n = { .a = a };
	const struct store_visit v = { .ctx = &n, .fn.key = look_at_key };
	enum pv_code rc = store_key_each(store, &v, err);

	for (size_t i = 0; rc == PV_OK && i < PURPOSES_N; i++) {
		if (n.made[i] ? n.now[i] : !is_named(a, purposes[i]))
			continue;
		err_object(err, "provctl.json");
		rc = err_fail(err, PV_INTEGRITY, "config.keys",
			      "put back what \"keys\" of provctl.json said; "
			      "`provctl audit show --type key.generate' names "
			      "the keys",
			      "the configuration does not name the key of "
			      "purpose %s that the log says was made",
			      purposes[i]);
	}
	return rc;
}

/* ---- held against the log ---- */

struct holding {
	struct store *store;
	const struct log_point *last; /* of the tree that an entry must be in */
	struct log_hasher hasher;
};

/* Under the root that was signed, whatever a row of entries says by now. */
static enum pv_code check_place(struct holding *h, struct span entry,
				uint64_t index, struct err *err)
{
	const struct log_reader r = logged_reader(h->store);
	struct log_proof proof;
	uint8_t leaf[LOG_HASH];
	enum pv_code rc;

	if (index >= h->last->size)
		return PV_OK;
	rc = log_hash_leaf(&h->hasher, entry, leaf, err);
	if (rc == PV_OK)
		rc = log_prove_inclusion(&h->hasher, &r, index, h->last->size,
					 &proof, err);
	if (rc == PV_OK)
		rc = log_check_inclusion(&h->hasher, leaf, index, h->last->size,
					 &proof, h->last->root, err);
	/* No proof of a stranger's failed: it is our own tree. */
	if (rc == PV_INTEGRITY && strcmp(err->rule, "log.proof") == 0) {
		err_init(err);
		rc = logged_edited("the entry of a key of the log", err);
	}
	return rc;
}

static enum pv_code check_key(struct holding *h, const struct store_key *key,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	bool fits = false;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(h->store, key->log_index, LOG_KEY_GENERATE,
			  key->label, &room, &e, err);
	if (rc == PV_OK)
		rc = logged_key_fits(&e, key, &fits, err);
	if (rc == PV_OK && !fits)
		rc = logged_edited("the row of a key of the log", err);
	return rc == PV_OK
		       ? check_place(h, buf_span(&room), key->log_index, err)
		       : rc;
}

static enum pv_code hold_key(void *ctx, const struct store_key *key,
			     struct err *err)
{
	enum pv_code rc;

	if (!is_log_key(key->purpose))
		return PV_OK;
	rc = check_key(ctx, key, err);
	if (rc == PV_INTEGRITY)
		err_object(err, key->label);
	return rc;
}

static enum pv_code hold(struct holding *h, struct err *err)
{
	const struct store_visit keys = { .ctx = h, .fn.key = hold_key };
	enum pv_code rc = log_hasher_init(&h->hasher, err);

	return rc == PV_OK ? store_key_each(h->store, &keys, err) : rc;
}

enum pv_code checkpoint_keys_logged(struct store *store,
				    const struct checkpoint_base *base,
				    struct err *err)
{
	struct holding h = { .store = store,
			     .last = &base->last,
			     .hasher = LOG_HASHER_INIT };
	enum pv_code rc = base->keys_n > 0 ? hold(&h, err) : PV_OK;

	log_hasher_release(&h.hasher);
	return rc;
}
