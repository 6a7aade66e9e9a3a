/* The store's side of checkpoints; the token's is in checkpoint_sign.c. */
#include "lib/flow/checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/ownkey.h"
#include "lib/store/store_checkpoint.h"
#include "lib/store/store_log.h"

#define PURPOSE "log"

static void cleanup_log_checkpoint(struct log_checkpoint *c)
{
	log_checkpoint_release(c);
}

#define CHECKPOINT CLEANUP(cleanup_log_checkpoint) struct log_checkpoint

/* ---- keys ---- */

struct loading {
	const struct authority *a;
	struct checkpoint_base *base;
};

static bool signs_now(const struct authority *a, const struct store_key *key)
{
	for (size_t i = 0; i < a->keys_n; i++)
		if (strcmp(a->keys[i].purpose, PURPOSE) == 0 &&
		    strcmp(a->keys[i].label, key->label) == 0)
			return true;
	return false;
}

static enum pv_code take_key(void *ctx, const struct store_key *key,
			     struct err *err)
{
	struct loading *l = ctx;
	struct checkpoint_base *b = l->base;
	enum pv_code rc;

	if (strcmp(key->purpose, PURPOSE) != 0)
		return PV_OK;
	if (b->keys_n == CHECKPOINT_KEYS_MAX)
		return err_fail(err, PV_INTEGRITY, "log.checkpoint", NULL,
				"more than %u log keys", CHECKPOINT_KEYS_MAX);
	rc = note_key_from_spki(&b->keys[b->keys_n], b->origin, key->spki, err);
	if (rc == PV_OK)
		b->keys_n++;
	if (rc == PV_OK && signs_now(l->a, key))
		rc = ownkey_from_row(key, &b->own[b->own_n++], err);
	return rc;
}

static enum pv_code load_keys(const struct authority *a, struct store *store,
			      struct checkpoint_base *base, struct err *err)
{
	struct loading l = { a, base };
	const struct store_visit v = { .ctx = &l, .fn.key = take_key };

	memset(base, 0, sizeof(*base));
	snprintf(base->origin, sizeof(base->origin), "%s", a->origin);
	return store_key_each(store, &v, err);
}

/* ---- HOME/checkpoint and HOME/cosigned against the store ---- */

/* note is empty. */
static enum pv_code read_file(const struct authority *a, const char *name,
			      const struct checkpoint_base *base,
			      struct buf *note, struct log_point *at,
			      struct err *err)
{
	CHECKPOINT c = { .at.size = 0 };
	enum pv_code rc;

	memset(at, 0, sizeof(*at));
	rc = file_read(a->home_fd, name,
		       FILEIO_NOFOLLOW | FILEIO_NOT_WRITABLE_BY_OTHERS, note,
		       err);
	if (rc == PV_OK)
		rc = log_checkpoint_parse(&c, buf_span(note), err);
	if (rc == PV_OK)
		rc = log_checkpoint_verify(&c, base->keys, base->keys_n, err);
	if (rc == PV_OK)
		*at = c.at;
	return rc;
}

static enum pv_code hash_of(void *ctx, unsigned level, uint64_t index,
			    uint8_t out[static LOG_HASH], struct err *err)
{
	return store_log_hash(ctx, level, index, out, err);
}

static enum pv_code older(const struct log_point *last, uint64_t size,
			  struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "store.older",
			"put back the store that belongs to the checkpoint",
			"the store's log of %llu entries does not go on from "
			"the checkpoint of %llu",
			(unsigned long long)size,
			(unsigned long long)last->size);
}

enum pv_code checkpoint_goes_on(struct store *store,
				const struct log_point *last, struct err *err)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	const struct log_reader r = { hash_of, store };
	uint8_t root[LOG_HASH];
	uint64_t size = 0;
	enum pv_code rc = store_log_size(store, &size, err);

	if (rc == PV_OK && size < last->size)
		return older(last, size, err);
	if (rc == PV_OK)
		rc = log_hasher_init(&h, err);
	if (rc == PV_OK)
		rc = log_root_at(&h, &r, last->size, root, err);
	if (rc == PV_OK && memcmp(root, last->root, LOG_HASH) != 0)
		return older(last, size, err);
	return rc;
}

/* No file: right only as long as nothing was ever signed. */
static enum pv_code without_file(struct store *store, struct err *err)
{
	CLEANUP(buf_release) struct buf note;
	uint64_t size;
	bool found;
	enum pv_code rc;

	buf_init(&note, CHECKPOINT_MAX);
	rc = store_checkpoint_last(store, &size, &note, &found, err);
	if (rc == PV_OK && found)
		return err_fail(err, PV_INTEGRITY, "log.checkpoint",
				"put the file back, from a backup or from the "
				"exported log",
				"%s is gone: the last had %llu entries",
				CHECKPOINT_FILE, (unsigned long long)size);
	return rc;
}

/* at->size is 0 when there is no such file. */
static enum pv_code held_against(const struct authority *a, struct store *store,
				 const char *name,
				 const struct checkpoint_base *base,
				 struct buf *note, struct log_point *at,
				 struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = read_file(a, name, base, note, at, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc == PV_OK)
		rc = checkpoint_goes_on(store, at, err);
	else
		*err = why;
	if (rc != PV_OK)
		err_object(err, name);
	return rc;
}

/*
 * Set back with the store, HOME/checkpoint finds nothing: a second root would
 * be signed at a size of which witnesses have seen the first.
 */
static enum pv_code seen_by_witnesses(const struct authority *a,
				      struct store *store,
				      const struct checkpoint_base *base,
				      struct err *err)
{
	CLEANUP(buf_release) struct buf note;
	struct log_point at;

	buf_init(&note, CHECKPOINT_MAX);
	return held_against(a, store, COSIGNED_FILE, base, &note, &at, err);
}

static enum pv_code load(const struct authority *a, struct store *store,
			 struct checkpoint_base *base, struct buf *note,
			 struct err *err)
{
	enum pv_code rc = load_keys(a, store, base, err);

	if (rc == PV_OK)
		rc = held_against(a, store, CHECKPOINT_FILE, base, note,
				  &base->last, err);
	if (rc == PV_OK && base->last.size == 0)
		rc = without_file(store, err);
	return rc == PV_OK ? seen_by_witnesses(a, store, base, err) : rc;
}

enum pv_code checkpoint_load(const struct authority *a, struct store *store,
			     struct checkpoint_base *base, struct err *err)
{
	CLEANUP(buf_release) struct buf note;

	buf_init(&note, CHECKPOINT_MAX);
	return load(a, store, base, &note, err);
}

enum pv_code checkpoint_last(const struct authority *a, struct store *store,
			     struct checkpoint_base *base, struct buf *note,
			     struct err *err)
{
	enum pv_code rc = load(a, store, base, note, err);

	if (rc == PV_OK && base->last.size == 0)
		rc = err_fail(err, PV_NOT_FOUND, "log.checkpoint",
			      "give the authority a key of purpose log",
			      "no checkpoint of the log was signed yet");
	return rc;
}

/* ---- what is to be signed, and keeping it ---- */

enum pv_code checkpoint_ask(struct store *store, const struct log_point *last,
			    struct checkpoint_ask *ask, bool *due,
			    struct err *err)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	const struct log_reader r = { hash_of, store };
	enum pv_code rc =
		store_log_root(store, &ask->next.size, ask->next.root, err);

	ask->proof.n = 0;
	*due = rc == PV_OK && ask->next.size > last->size;
	if (!*due || last->size == 0)
		return rc;
	rc = log_hasher_init(&h, err);
	if (rc == PV_OK)
		rc = log_prove_consistency(&h, &r, last->size, ask->next.size,
					   &ask->proof, err);
	return rc;
}

/* Says it what was asked, and is it signed by who signs now? */
static enum pv_code check_note(const struct checkpoint_base *base,
			       const struct checkpoint_ask *ask,
			       struct span note, struct err *err)
{
	CHECKPOINT c = { .at.size = 0 };
	enum pv_code rc = log_checkpoint_parse(&c, note, err);

	if (rc == PV_OK)
		rc = log_checkpoint_verify(&c, base->keys, base->keys_n, err);
	if (rc == PV_OK && (c.at.size != ask->next.size ||
			    memcmp(c.at.root, ask->next.root, LOG_HASH) != 0))
		rc = err_fail(err, PV_INTERNAL, "log.checkpoint", NULL,
			      "a signer signed another checkpoint");
	return rc;
}

/* Under the store's write lock, so that no smaller one comes after. */
static enum pv_code write_file(const struct authority *a,
			       const struct checkpoint_base *base,
			       const struct checkpoint_ask *ask,
			       struct span note, struct err *err)
{
	CLEANUP(buf_release) struct buf known;
	struct log_point there;
	struct err why;
	enum pv_code rc;

	buf_init(&known, CHECKPOINT_MAX);
	err_init(&why);
	rc = read_file(a, CHECKPOINT_FILE, base, &known, &there, &why);
	if (rc != PV_OK && rc != PV_NOT_FOUND) {
		*err = why;
		return rc;
	}
	if (rc == PV_OK && there.size > ask->next.size)
		return PV_OK;
	return file_write(a->home_fd, CHECKPOINT_FILE, 0644, note.p, note.len,
			  err);
}

struct row_at {
	uint64_t size;
	bool there;
};

static enum pv_code look_at_row(void *ctx, uint64_t size, struct span note,
				struct err *err)
{
	struct row_at *r = ctx;

	(void)note;
	(void)err;
	r->there |= size == r->size;
	return PV_OK;
}

/* Another process was faster; its note may be cosigned by now. */
static enum pv_code has_row(struct store *store, uint64_t size, bool *yes,
			    struct err *err)
{
	struct row_at r = { size, false };
	const struct store_visit v = { .ctx = &r,
				       .fn.checkpoint = look_at_row };
	enum pv_code rc = store_checkpoint_each(store, size, &v, err);

	*yes = r.there;
	return rc;
}

enum pv_code checkpoint_keep(const struct authority *a, struct store *store,
			     struct checkpoint_base *base,
			     const struct checkpoint_ask *ask, struct span note,
			     struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	bool there = false;
	enum pv_code rc = check_note(base, ask, note, err);

	if (rc == PV_OK)
		rc = store_begin(store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = has_row(store, ask->next.size, &there, err);
	if (rc == PV_OK && !there)
		rc = store_checkpoint_put(store, ask->next.size, note, err);
	if (rc == PV_OK && !there)
		rc = write_file(a, base, ask, note, err);
	if (rc == PV_OK)
		rc = store_commit(&txn, err);
	if (rc == PV_OK)
		base->last = ask->next;
	return rc;
}

enum pv_code checkpoint_now(const struct authority *a, struct store *store,
			    struct hsm *hsm, struct err *err)
{
	struct checkpoint_signer *signer = NULL;
	CLEANUP(buf_release) struct buf note;
	struct checkpoint_base base;
	struct checkpoint_ask ask;
	struct log_point last;
	bool due = false;
	enum pv_code rc = checkpoint_load(a, store, &base, err);

	buf_init(&note, CHECKPOINT_MAX);
	if (rc == PV_OK)
		rc = checkpoint_ask(store, &base.last, &ask, &due, err);
	if (rc != PV_OK || !due || base.own_n == 0)
		return rc;
	last = base.last;
	rc = checkpoint_signer_new(&base, hsm, &last, &signer, err);
	if (rc == PV_OK)
		rc = checkpoint_sign(signer, &ask, &note, err);
	if (rc == PV_OK)
		rc = checkpoint_keep(a, store, &base, &ask, buf_span(&note),
				     err);
	checkpoint_signer_free(signer);
	return rc;
}
