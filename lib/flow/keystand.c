#include "lib/flow/keystand.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/keystand_rows.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/log/ceremony.h"
#include "lib/store/store_checkpoint.h"
#include "lib/store/store_log.h"

/* ---- the checkpoint that covers an entry first ---- */

struct cover {
	uint64_t size;
	struct buf note;
};

static void cover_release(struct cover *c)
{
	buf_release(&c->note);
}

/* The first one is enough: PV_WAITING. */
static enum pv_code take_cover(void *ctx, uint64_t size, struct span note,
			       struct err *err)
{
	struct cover *c = ctx;
	enum pv_code rc;

	c->size = size;
	buf_put(&c->note, note.p, note.len);
	rc = buf_check(&c->note, err);
	return rc == PV_OK ? PV_WAITING : rc;
}

/* c->size is 0 when there is none. */
static enum pv_code find_cover(struct store *store, uint64_t from,
			       struct cover *c, struct err *err)
{
	const struct store_visit v = { .ctx = c, .fn.checkpoint = take_cover };
	enum pv_code rc;

	buf_init(&c->note, CHECKPOINT_MAX);
	c->size = 0;
	rc = store_checkpoint_each(store, from, &v, err);
	return rc == PV_WAITING ? PV_OK : rc;
}

static enum pv_code uncovered(const struct store_key *key, struct err *err)
{
	err_object(err, key->label);
	return err_fail(err, PV_INTEGRITY, "log.key",
			"where a rotation was cut off, run it again; else find "
			"out who wrote the store",
			"no checkpoint of a log key that was in force before "
			"says that this key is the authority's");
}

/* By a key that was in force before the entry at index; former: of that purpose
 * and generation only. */
static size_t signers_of(const struct keystand *ks, uint64_t index,
			 const struct store_key *former, struct note_key *keys)
{
	size_t n = 0;

	for (size_t i = 0; i < ks->n; i++) {
		const struct keystand_log *k = &ks->log[i];

		if (former ? strcmp(k->purpose, former->purpose) == 0 &&
				     k->generation + 1 == former->generation
			   : k->since < index)
			keys[n++] = k->key;
	}
	return n;
}

static enum pv_code in_tree(const struct keystand *ks, struct span entry,
			    uint64_t index, const struct log_point *at,
			    struct err *err)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	const struct log_reader r = logged_reader(ks->store);
	struct log_proof proof;
	uint8_t leaf[LOG_HASH];
	enum pv_code rc = log_hasher_init(&h, err);

	if (rc == PV_OK)
		rc = log_hash_leaf(&h, entry, leaf, err);
	if (rc == PV_OK)
		rc = log_prove_inclusion(&h, &r, index, at->size, &proof, err);
	return rc == PV_OK ? log_check_inclusion(&h, leaf, index, at->size,
						 &proof, at->root, err)
			   : rc;
}

/* An entry of ours, and where it is. */
struct place {
	struct buf bytes;
	uint64_t index;
};

static void place_release(struct place *p)
{
	buf_release(&p->bytes);
}

/* Both entries are under the first checkpoint behind the second. */
static enum pv_code covered(const struct keystand *ks,
			    const struct store_key *key,
			    const struct place *entries, size_t n,
			    bool by_former, struct err *err)
{
	CLEANUP(cover_release) struct cover c = { .size = 0 };
	struct note_key keys[KEYSTAND_LOGS_MAX];
	LOG_CHECKPOINT point = { .at.size = 0 };
	const uint64_t last = entries[n - 1].index;
	struct err why;
	size_t keys_n;
	enum pv_code rc = find_cover(ks->store, last + 1, &c, err);

	if (rc != PV_OK)
		return rc;
	keys_n = signers_of(ks, last, by_former ? key : NULL, keys);
	if (c.size == 0 || keys_n == 0)
		return uncovered(key, err);
	err_init(&why);
	rc = log_checkpoint_parse(&point, buf_span(&c.note), &why);
	if (rc == PV_OK)
		rc = log_checkpoint_verify(&point, keys, keys_n, &why);
	if (rc == PV_OK && point.at.size != c.size)
		rc = PV_INTEGRITY;
	for (size_t i = 0; rc == PV_OK && i < n; i++)
		rc = in_tree(ks, buf_span(&entries[i].bytes), entries[i].index,
			     &point.at, &why);
	if (rc == PV_INTEGRITY || rc == PV_INPUT || rc == PV_NOT_FOUND)
		return uncovered(key, err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* ---- the entries of a key ---- */

static enum pv_code read_made(const struct keystand *ks,
			      const struct store_key *key, struct place *p,
			      struct err *err)
{
	struct log_entry e;
	bool fits = false;
	enum pv_code rc;

	buf_init(&p->bytes, LOG_ENTRY_MAX);
	p->index = key->log_index;
	/* One that was made elsewhere was taken. */
	rc = logged_entry(ks->store, p->index,
			  key->generated ? LOG_KEY_GENERATE : LOG_KEY_TAKE,
			  key->label, &p->bytes, &e, err);
	if (rc == PV_OK)
		rc = logged_key_fits(&e, key, &fits, err);
	if (rc == PV_OK && !fits)
		rc = logged_edited("the row of a key", err);
	return rc;
}

static enum pv_code read_used(const struct keystand *ks,
			      const struct store_key *key, struct place *p,
			      struct err *err)
{
	struct log_entry e;
	bool fits = false;
	enum pv_code rc;

	buf_init(&p->bytes, LOG_ENTRY_MAX);
	p->index = key->rotate_index;
	if (p->index == STORE_NO_INDEX || p->index <= key->log_index) {
		err_object(err, key->label);
		return err_fail(err, PV_INTEGRITY, "log.key",
				"put it to use: `provctl rotate'; else find "
				"out who wrote the store",
				"no rotation put this key to use");
	}
	rc = logged_entry(ks->store, p->index, LOG_KEY_ROTATE, key->label,
			  &p->bytes, &e, err);
	if (rc == PV_OK)
		rc = logged_key_fits(&e, key, &fits, err);
	if (rc == PV_OK && (!fits || log_fact_find(&e, LOG_ENDS, LOG_UINT)))
		rc = logged_edited("the row of a key", err);
	return rc;
}

/* That a copy of it is ours, too, its row alone does not say. */
static enum pv_code check_restored(const struct keystand *ks,
				   const struct store_key *key, struct err *err)
{
	CLEANUP(place_release) struct place p = { .index = 0 };
	struct log_entry e;
	enum pv_code rc;

	if (key->restore_index == STORE_NO_INDEX)
		return PV_OK;
	buf_init(&p.bytes, LOG_ENTRY_MAX);
	rc = logged_entry(ks->store, key->restore_index, LOG_KEY_RESTORE,
			  key->label, &p.bytes, &e, err);
	if (rc == PV_OK && !(log_fact_is(&e, "key id", key->id, STORE_UUID) &&
			     logged_uint_is(&e, "generated", 0)))
		rc = logged_edited("the row of a key", err);
	return rc;
}

static bool is_first(const struct keystand *ks, const struct store_key *key)
{
	return key->generation == 1 && key->log_index < ks->first;
}

static enum pv_code stands(const struct keystand *ks,
			   const struct store_key *key, bool prepared,
			   struct err *err)
{
	CLEANUP(place_release) struct place made = { .index = 0 };
	CLEANUP(place_release) struct place used = { .index = 0 };
	struct place both[2];
	bool use = !prepared || key->rotate_index != STORE_NO_INDEX;
	enum pv_code rc;

	rc = check_restored(ks, key, err);
	if (rc != PV_OK || is_first(ks, key))
		return rc;
	rc = read_made(ks, key, &made, err);
	if (rc == PV_OK && use)
		rc = read_used(ks, key, &used, err);
	both[0] = made;
	both[1] = used;
	if (rc == PV_OK && (ks->n > 0 || ownkey_is_log(key->purpose)))
		rc = covered(ks, key, both, use ? 2 : 1,
			     use && ownkey_is_log(key->purpose), err);
	if (rc == PV_INTEGRITY)
		err_object(err, key->label);
	return rc;
}

enum pv_code keystand_used(const struct keystand *ks,
			   const struct store_key *key, struct err *err)
{
	return stands(ks, key, false, err);
}

enum pv_code keystand_made(const struct keystand *ks,
			   const struct store_key *key, struct err *err)
{
	return stands(ks, key, true, err);
}

/* ---- the log's keys ---- */

/* One that does not count is left out: it has signed nothing of ours. */
static enum pv_code add_log(struct keystand *ks, const struct store_key *row,
			    struct err *err)
{
	struct keystand_log *k = &ks->log[ks->n];
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = keystand_used(ks, row, &why);
	if (rc == PV_INTEGRITY)
		return PV_OK;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	snprintf(k->purpose, sizeof(k->purpose), "%s", row->purpose);
	k->generation = row->generation;
	k->since = is_first(ks, row) ? 0 : row->rotate_index;
	rc = note_key_from_spki(&k->key, ks->origin, row->spki, err);
	ks->n += rc == PV_OK;
	return rc;
}

enum pv_code keystand_first(struct store *store, uint64_t *size,
			    struct err *err)
{
	CLEANUP(cover_release) struct cover first = { .size = 0 };
	enum pv_code rc = find_cover(store, 0, &first, err);

	*size = first.size ? first.size : UINT64_MAX;
	return rc;
}

enum pv_code keystand_load(struct store *store, struct keystand *ks,
			   struct err *err)
{
	CLEANUP(mem_cleanup)
	struct keystand_rows *rows = mem_new(sizeof(*rows), err);
	struct store_meta meta;
	enum pv_code rc = rows ? store_meta(store, &meta, err) : PV_INTERNAL;

	memset(ks, 0, sizeof(*ks));
	ks->store = store;
	if (rc == PV_OK)
		rc = keystand_first(store, &ks->first, err);
	if (rc == PV_OK)
		rc = keystand_rows_load(store, ownkey_is_log, rows, err);
	if (rc != PV_OK)
		return rc;
	snprintf(ks->origin, sizeof(ks->origin), "%s", meta.origin);
	if (rows->n > KEYSTAND_LOGS_MAX)
		return err_fail(err, PV_INTEGRITY, "log.checkpoint", NULL,
				"more than %u log keys", KEYSTAND_LOGS_MAX);
	/* In order of creation: a generation comes behind the one before. */
	for (size_t i = 0; rc == PV_OK && i < rows->n; i++)
		rc = add_log(ks, &rows->row[i], err);
	return rc;
}
