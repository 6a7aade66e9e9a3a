/*
 * The store's side of checkpoints: loading; keys are in checkpoint_keys.c,
 * keeping in checkpoint_keep.c, the token's side in checkpoint_sign.c.
 */
#include "lib/flow/checkpoint_keys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/governance.h"
#include "lib/flow/logged.h"
#include "lib/flow/witnesses.h"
#include "lib/store/store_checkpoint.h"
#include "lib/store/store_log.h"

#define PUT_BACK "put the file back, from a backup or from the exported log"
#define STORE_BACK "put back the store that belongs to the checkpoint"

/* ---- signatures ---- */

static enum pv_code own_signed(const struct checkpoint_base *base,
			       const struct note *note, size_t i,
			       struct err *err)
{
	const struct issue_key *own = &base->own[i];
	struct note_key key;
	enum pv_code rc = note_key_from_spki(
		&key, base->origin, (struct span){ own->spki, own->spki_len },
		err);

	return rc == PV_OK ? note_verify(note, &key, err) : rc;
}

/* While a rotation goes on its new key signs beside the old one, and alone once
 * it was ended: provctl.json says so last. */
static bool successor_signed(const struct checkpoint_base *base,
			     const struct note *note, size_t old)
{
	for (size_t i = 0; i < base->own_n; i++)
		if (base->own_from[i] == UINT64_MAX &&
		    strcmp(base->own[i].purpose, base->own[old].purpose) == 0 &&
		    own_signed(base, note, i, NULL) == PV_OK)
			return true;
	return false;
}

/* Those that init made are as old as the log, others came later. */
static enum pv_code each_own_signed(const struct checkpoint_base *base,
				    const struct note *note, uint64_t size,
				    struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < base->own_n; i++) {
		struct err why;

		if (size < base->own_from[i])
			continue;
		err_init(&why);
		rc = own_signed(base, note, i, &why);
		if (rc == PV_NOT_FOUND && successor_signed(base, note, i))
			rc = PV_OK;
		if (rc != PV_OK)
			*err = why;
	}
	return rc;
}

/* *one: some key of the log did; a wrong line of any is refused. */
static enum pv_code any_signed(const struct checkpoint_base *base,
			       const struct note *note, bool *one,
			       struct err *err)
{
	*one = false;
	for (size_t i = 0; i < base->keys_n; i++) {
		struct err why;
		enum pv_code rc;

		err_init(&why);
		rc = note_verify(note, &base->keys[i], &why);
		*one = *one || rc == PV_OK;
		if (rc == PV_OK || rc == PV_NOT_FOUND)
			continue;
		*err = why;
		return rc;
	}
	return PV_OK;
}

enum pv_code checkpoint_signed(const struct checkpoint_base *base,
			       const struct note *note, uint64_t size,
			       struct err *err)
{
	bool one;
	enum pv_code rc = any_signed(base, note, &one, err);

	if (rc == PV_OK)
		rc = each_own_signed(base, note, size, err);
	if (rc == PV_OK && one)
		return PV_OK;
	if (rc == PV_OK || rc == PV_NOT_FOUND) {
		err_init(err);
		rc = err_fail(err, PV_INTEGRITY, "log.checkpoint", NULL,
			      "not each key of the log signed it");
	}
	return rc;
}

/* ---- HOME/checkpoint and HOME/cosigned against the store ---- */

enum pv_code checkpoint_read(const struct authority *a, const char *name,
			     const struct checkpoint_base *base,
			     struct buf *note, struct log_point *at,
			     struct err *err)
{
	LOG_CHECKPOINT c = { .at.size = 0 };
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
		rc = checkpoint_signed(base, &c.note, c.at.size, err);
	if (rc == PV_OK)
		*at = c.at;
	return rc;
}

static enum pv_code older(const struct log_point *last, uint64_t size,
			  struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "store.older", STORE_BACK,
			"the store's log of %llu entries does not go on from "
			"the checkpoint of %llu",
			(unsigned long long)size,
			(unsigned long long)last->size);
}

enum pv_code checkpoint_goes_on(struct store *store,
				const struct log_point *last, struct err *err)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	const struct log_reader r = logged_reader(store);
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

/* No file: right only as long as init goes on, and without a log key. */
static enum pv_code without_file(const struct authority *a, struct store *store,
				 const struct checkpoint_base *base,
				 struct err *err)
{
	CLEANUP(buf_release) struct buf note;
	uint64_t size;
	bool found;
	enum pv_code rc;

	buf_init(&note, CHECKPOINT_MAX);
	rc = store_checkpoint_last(store, &size, &note, &found, err);
	if (rc == PV_OK && found)
		return err_fail(err, PV_INTEGRITY, "log.checkpoint", PUT_BACK,
				"%s is gone: the last had %llu entries",
				CHECKPOINT_FILE, (unsigned long long)size);
	if (rc == PV_OK && base->keys_n > 0 && !a->making)
		return err_fail(err, PV_INTEGRITY, "log.checkpoint", PUT_BACK,
				"%s is gone, and the store has none either",
				CHECKPOINT_FILE);
	return rc;
}

/* Nothing beside the database: opening it has made an empty one. */
static bool is_without_wal(const struct authority *a)
{
	char name[sizeof(a->store) + 4];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", a->store + strlen("sqlite:"));
	return fstatat(a->home_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	       st.st_size == 0;
}

/* No attack yet: a database's newest transactions may lie in its -wal. */
static void hint_at_wal(const struct authority *a, struct store *store,
			const struct log_point *last, struct err *err)
{
	uint64_t size;

	if (strcmp(err->rule, "store.older") == 0 && is_without_wal(a) &&
	    store_log_size(store, &size, NULL) == PV_OK && size < last->size)
		snprintf(err->hint, sizeof(err->hint),
			 "%s; a copy that was made without %.80s-wal looks "
			 "like this, too: copy both again",
			 STORE_BACK, a->store + strlen("sqlite:"));
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
	rc = checkpoint_read(a, name, base, note, at, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc == PV_OK) {
		rc = checkpoint_goes_on(store, at, err);
		if (rc != PV_OK)
			hint_at_wal(a, store, at, err);
	} else {
		*err = why;
	}
	if (why.code == PV_INTEGRITY)
		snprintf(err->hint, sizeof(err->hint), "%s", PUT_BACK);
	if (rc != PV_OK)
		err_object(err, name);
	return rc;
}

/*
 * Set back with the store, HOME/checkpoint finds nothing: a second root would
 * be signed at a size of which witnesses have seen the first. And a clock that
 * stands before the time at which they saw it is wrong.
 */
static enum pv_code seen_by_witnesses(const struct authority *a,
				      struct store *store,
				      struct checkpoint_base *base,
				      struct err *err)
{
	CLEANUP(buf_release) struct buf note;
	struct log_point at;
	enum pv_code rc;

	buf_init(&note, CHECKPOINT_MAX);
	rc = held_against(a, store, COSIGNED_FILE, base, &note, &at, err);
	if (rc == PV_OK && at.size > 0) {
		rc = witnesses_time(a, buf_span(&note), &base->witnessed_s,
				    err);
		if (rc != PV_OK)
			err_object(err, COSIGNED_FILE);
	}
	store->witness_ms = base->witnessed_s * 1000;
	return rc;
}

/* The name stands in certificates and URLs, and it is the store's: nobody can
 * change it. */
static enum pv_code same_name(const struct authority *a, struct store *store,
			      struct err *err)
{
	struct store_meta meta;
	enum pv_code rc = store_meta(store, &meta, err);

	if (rc != PV_OK || (strcmp(meta.name, a->name) == 0 &&
			    strcmp(meta.origin, a->origin) == 0))
		return rc;
	err_object(err, "provctl.json");
	return err_fail(err, PV_INTEGRITY, "config.name",
			"put name and log.origin back as they were",
			"it names another authority or log; the store is that "
			"of %.64s, log %.200s",
			meta.name, meta.origin);
}

static enum pv_code load(const struct authority *a, struct store *store,
			 struct checkpoint_base *base, struct buf *note,
			 struct err *err)
{
	struct keystand stand;
	enum pv_code rc = same_name(a, store, err);

	if (rc == PV_OK)
		rc = keystand_load(store, &stand, err);

	if (rc == PV_OK)
		rc = checkpoint_keys(a, store, &stand, base, err);
	if (rc == PV_OK)
		rc = held_against(a, store, CHECKPOINT_FILE, base, note,
				  &base->last, err);
	if (rc == PV_OK && base->last.size == 0)
		rc = without_file(a, store, base, err);
	if (rc == PV_OK)
		rc = checkpoint_keys_logged(store, base, err);
	if (rc == PV_OK)
		rc = checkpoint_keys_named(a, store, err);
	if (rc == PV_OK)
		rc = keystand_named(&stand, a, err);
	return rc == PV_OK ? seen_by_witnesses(a, store, base, err) : rc;
}

enum pv_code checkpoint_load(const struct authority *a, struct store *store,
			     struct checkpoint_base *base, struct err *err)
{
	CLEANUP(buf_release) struct buf note;

	enum pv_code rc;

	buf_init(&note, CHECKPOINT_MAX);
	rc = load(a, store, base, &note, err);
	return rc == PV_OK ? governance_check(a, store, base, err) : rc;
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

/* ---- what is to be signed ---- */

enum pv_code checkpoint_ask(struct store *store, const struct log_point *last,
			    struct checkpoint_ask *ask, bool *due,
			    struct err *err)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	const struct log_reader r = logged_reader(store);
	enum pv_code rc =
		store_log_root(store, &ask->next.size, ask->next.root, err);

	ask->proof.n = 0;
	ask->governs = false;
	*due = rc == PV_OK && ask->next.size > last->size;
	if (!*due || last->size == 0)
		return rc;
	rc = log_hasher_init(&h, err);
	if (rc == PV_OK)
		rc = log_prove_consistency(&h, &r, last->size, ask->next.size,
					   &ask->proof, err);
	return rc;
}
