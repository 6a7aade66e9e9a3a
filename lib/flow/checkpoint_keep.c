/* Keeping a checkpoint that was signed, in the store and beside it. */
#include "lib/flow/checkpoint_sign.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/governance.h"
#include "lib/flow/keystand.h"
#include "lib/store/store_checkpoint.h"

/* Signed by a log key; *yes: it says what was asked. */
static enum pv_code says(const struct checkpoint_base *base,
			 const struct checkpoint_ask *ask, struct span note,
			 bool *yes, struct err *err)
{
	LOG_CHECKPOINT c = { .at.size = 0 };
	enum pv_code rc = log_checkpoint_parse(&c, note, err);

	if (rc == PV_OK)
		rc = log_checkpoint_verify(&c, base->keys, base->keys_n, err);
	*yes = rc == PV_OK && c.at.size == ask->next.size &&
	       memcmp(c.at.root, ask->next.root, LOG_HASH) == 0;
	return rc;
}

static enum pv_code check_note(const struct checkpoint_base *base,
			       const struct checkpoint_ask *ask,
			       struct span note, struct err *err)
{
	bool yes;
	enum pv_code rc = says(base, ask, note, &yes, err);

	if (rc == PV_OK && !yes)
		rc = err_fail(err, PV_INTERNAL, "log.checkpoint", NULL,
			      "a signer signed another checkpoint");
	return rc;
}

/*
 * Under the store's write lock, so that no smaller one comes after. One of the
 * same size stays: it may be cosigned by now.
 */
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
	rc = checkpoint_read(a, CHECKPOINT_FILE, base, &known, &there, &why);
	if (rc != PV_OK && rc != PV_NOT_FOUND) {
		*err = why;
		return rc;
	}
	if (rc == PV_OK && there.size >= ask->next.size)
		return PV_OK;
	return file_write(a->home_fd, CHECKPOINT_FILE, 0644, note.p, note.len,
			  err);
}

struct row_at {
	uint64_t size;
	struct buf note; /* empty: there is none */
};

static enum pv_code look_at_row(void *ctx, uint64_t size, struct span note,
				struct err *err)
{
	struct row_at *r = ctx;

	if (size == r->size)
		buf_put(&r->note, note.p, note.len);
	return buf_check(&r->note, err);
}

/*
 * Another process was faster, or an old file was put back: the row stays, and
 * the file gets what it says where that is behind.
 */
static enum pv_code keep_row(const struct authority *a,
			     const struct checkpoint_base *base,
			     const struct checkpoint_ask *ask, struct span row,
			     struct err *err)
{
	bool yes;
	enum pv_code rc = says(base, ask, row, &yes, err);

	if (rc == PV_OK && !yes)
		rc = err_fail(err, PV_INTEGRITY, "log.checkpoint",
			      "run provctl audit verify",
			      "the store has another checkpoint of that size");
	return rc == PV_OK ? write_file(a, base, ask, row, err) : rc;
}

static enum pv_code keep_new(const struct authority *a, struct store *store,
			     const struct checkpoint_base *base,
			     const struct checkpoint_ask *ask, struct span note,
			     struct err *err)
{
	enum pv_code rc =
		store_checkpoint_put(store, ask->next.size, note, err);

	return rc == PV_OK ? write_file(a, base, ask, note, err) : rc;
}

static enum pv_code keep(const struct authority *a, struct store *store,
			 const struct checkpoint_base *base,
			 const struct checkpoint_ask *ask, struct span note,
			 struct err *err)
{
	struct row_at row = { .size = ask->next.size };
	const struct store_visit v = { .ctx = &row,
				       .fn.checkpoint = look_at_row };
	enum pv_code rc;

	buf_init(&row.note, CHECKPOINT_MAX);
	rc = store_checkpoint_each(store, row.size, &v, err);
	if (rc == PV_OK)
		rc = row.note.len > 0
			     ? keep_row(a, base, ask, buf_span(&row.note), err)
			     : keep_new(a, store, base, ask, note, err);
	buf_release(&row.note);
	return rc;
}

enum pv_code checkpoint_keep(const struct authority *a, struct store *store,
			     struct checkpoint_base *base,
			     const struct checkpoint_ask *ask, struct span note,
			     struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc = check_note(base, ask, note, err);

	if (rc == PV_OK)
		rc = store_begin(store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = keep(a, store, base, ask, note, err);
	if (rc == PV_OK)
		rc = store_commit(&txn, err);
	if (rc == PV_OK)
		base->last = ask->next;
	return rc;
}

/*
 * The file gets its name before the store's row is durable: a crash between the
 * two leaves a checkpoint of ours that no row has, and who asks which one
 * covers an entry (keystand.h) looks at rows.
 */
static enum pv_code keep_lost(const struct authority *a, struct store *store,
			      const struct checkpoint_base *base,
			      struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	CLEANUP(buf_release) struct buf note;
	struct row_at row = { .size = base->last.size };
	const struct store_visit v = { .ctx = &row,
				       .fn.checkpoint = look_at_row };
	struct log_point at;
	bool there;
	enum pv_code rc;

	buf_init(&row.note, CHECKPOINT_MAX);
	buf_init(&note, CHECKPOINT_MAX);
	rc = store_checkpoint_each(store, row.size, &v, err);
	there = row.note.len > 0;
	buf_release(&row.note);
	if (rc != PV_OK || there)
		return rc;
	rc = checkpoint_read(a, CHECKPOINT_FILE, base, &note, &at, err);
	/* Another process has signed a newer one meanwhile. */
	if (rc != PV_OK || at.size != base->last.size)
		return rc;
	rc = store_begin(store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = store_checkpoint_put(store, at.size, buf_span(&note), err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

struct signed_notes {
	struct buf log, governance;
};

static void signed_notes_release(struct signed_notes *n)
{
	buf_release(&n->log);
	buf_release(&n->governance);
}

static enum pv_code sign_both(const struct checkpoint_base *base,
			      struct hsm *hsm, const struct checkpoint_ask *ask,
			      struct signed_notes *notes, struct err *err)
{
	struct checkpoint_signer *signer = NULL;
	struct log_point last = base->last;
	enum pv_code rc = checkpoint_signer_new(base, hsm, &last, &signer, err);

	if (rc == PV_OK)
		rc = checkpoint_sign(signer, ask, &notes->log, err);
	if (rc == PV_OK)
		rc = checkpoint_sign_governance(signer, ask, &notes->governance,
						err);
	checkpoint_signer_free(signer);
	return rc;
}

enum pv_code checkpoint_now(const struct authority *a, struct store *store,
			    struct hsm *hsm, struct err *err)
{
	CLEANUP(signed_notes_release) struct signed_notes notes;
	struct checkpoint_base base;
	struct checkpoint_ask ask;
	bool due = false;
	enum pv_code rc = checkpoint_load(a, store, &base, err);

	buf_init(&notes.log, CHECKPOINT_MAX);
	buf_init(&notes.governance, CHECKPOINT_MAX);
	if (rc == PV_OK)
		rc = checkpoint_ask(store, &base.last, &ask, &due, err);
	if (rc == PV_OK && !due && base.last.size > 0)
		return keep_lost(a, store, &base, err);
	if (rc != PV_OK || !due || base.own_n == 0)
		return rc;
	rc = keystand_shown(a, store, base.last.size, hsm, err);
	if (rc == PV_OK)
		rc = governance_ask(store, &base, &ask, err);
	if (rc == PV_OK)
		rc = sign_both(&base, hsm, &ask, &notes, err);
	if (rc == PV_OK)
		rc = checkpoint_keep(a, store, &base, &ask,
				     buf_span(&notes.log), err);
	return rc == PV_OK ? governance_keep(a, store, &base, &ask,
					     buf_span(&notes.governance), err)
			   : rc;
}
