/* Taking in what witnesses answered. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/cosigned.h"
#include "lib/log/lines.h"
#include "lib/store/store_checkpoint.h"

struct taking {
	const struct cosigned *c;
	struct span lines;
	struct buf note; /* the checkpoint with them, once it is found */
	uint64_t size;	 /* 0: not yet */
	uint64_t end;	 /* only checkpoints smaller than this are tried */
	bool news;
	struct err why; /* of the newest that they are not true of */
};

/* Among the signatures, which come after the only empty line. */
static bool has_line(const struct buf *note, struct span line)
{
	const uint8_t *at = memmem(note->data, note->len, "\n\n", 2);
	struct span rest, one;

	if (!at)
		return false;
	rest.p = at + 2;
	rest.len = (size_t)(note->data + note->len - rest.p);
	while (lines_next(&rest, &one))
		if (span_equal(one, line))
			return true;
	return false;
}

static enum pv_code renew_line(const struct cosigned *c, struct buf *note,
			       struct span line, bool *news, struct err *err)
{
	bool later;
	enum pv_code rc =
		log_cosign_renew(note, line, c->known, c->known_n, &later, err);

	*news |= rc == PV_OK && later;
	return rc;
}

/* line has its LF. One of a witness that has one is news when it is later: it
 * takes that one's place. */
static enum pv_code add_line(const struct cosigned *c, struct buf *note,
			     struct span line, bool *news, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = log_cosign_take(note, line, c->known, c->known_n, &why);
	if (rc == PV_CONFLICT)
		return renew_line(c, note, line, news, err);
	if (rc != PV_OK)
		*err = why;
	*news |= rc == PV_OK;
	return rc;
}

/* Each line to note; what stands there already is no news. */
static enum pv_code add_lines(const struct taking *t, struct buf *note,
			      bool *news, struct err *err)
{
	struct span rest = t->lines, line;
	enum pv_code rc = PV_OK;

	*news = false;
	while (rc == PV_OK && lines_next(&rest, &line)) {
		if (has_line(note, line))
			continue;
		line.len++; /* and its LF */
		rc = add_line(t->c, note, line, news, err);
	}
	if (rc == PV_OK && rest.len != 0)
		rc = err_fail(err, PV_INPUT, "log.cosignature", NULL,
			      "the last line does not end");
	return rc;
}

static enum pv_code try_one(void *ctx, uint64_t size, struct span bytes,
			    struct err *err)
{
	CLEANUP(buf_release) struct buf note;
	struct taking *t = ctx;
	bool news;
	enum pv_code rc;

	if (t->size != 0 || size >= t->end)
		return PV_OK;
	buf_init(&note, CHECKPOINT_MAX);
	buf_put(&note, bytes.p, bytes.len);
	rc = buf_check(&note, err);
	if (rc != PV_OK)
		return rc;
	err_init(&t->why);
	rc = add_lines(t, &note, &news, &t->why);
	if (rc == PV_INTEGRITY || rc == PV_INPUT)
		return PV_OK;
	if (rc != PV_OK) {
		*err = t->why;
		return rc;
	}
	t->size = size;
	t->news = news;
	buf_put(&t->note, note.data, note.len);
	return buf_check(&t->note, err);
}

/* Begins a line like a known witness's? */
static bool is_of_known(const struct cosigned *c, struct span line)
{
	char head[NOTE_NAME_MAX + 8];

	for (size_t i = 0; i < c->known_n; i++) {
		int n = snprintf(head, sizeof(head), "\xE2\x80\x94 %s ",
				 c->known[i].name);

		if (n > 0 && (size_t)n <= line.len &&
		    memcmp(line.p, head, (size_t)n) == 0)
			return true;
	}
	return false;
}

/* Whoever saw another log than this is what witnesses are for. */
static enum pv_code of_no_checkpoint(const struct taking *t, struct err *err)
{
	struct span rest = t->lines, line;
	bool known = true;

	*err = t->why;
	while (known && lines_next(&rest, &line))
		known = is_of_known(t->c, line);
	if (known && err->code == PV_INTEGRITY) {
		err_prefix(err, "of no checkpoint of this log");
		snprintf(err->hint, sizeof(err->hint),
			 "the line is damaged, or its witness saw another "
			 "state of the log (set back, or two faces): keep the "
			 "line, and compare the witness's state with the "
			 "home's checkpoint before you issue more");
	}
	return err->code;
}

/*
 * Mostly it is the last, and HOME/checkpoint has that though a run may have
 * ended before the store had its row; else any since enough cosigned one, or,
 * come late, one before that.
 */
static enum pv_code find(struct store *store, uint64_t last,
			 const struct buf *note, struct taking *t,
			 struct err *err)
{
	const struct store_visit v = { .ctx = t, .fn.checkpoint = try_one };
	struct err newest;
	enum pv_code rc;

	if (t->lines.len == 0)
		return err_fail(err, PV_INPUT, "log.cosignature",
				"give what audit witness said",
				"there is no line");
	if (memchr(t->lines.p, '\r', t->lines.len))
		return err_fail(err, PV_INPUT, "log.cosignature",
				"give the file as the witness wrote it",
				"its lines end in CR LF, not in LF");
	t->end = UINT64_MAX;
	rc = try_one(t, last, buf_span(note), err);
	if (rc == PV_OK && t->size == 0)
		rc = store_checkpoint_each(store, t->c->at.size, &v, err);
	newest = t->why;
	t->end = t->c->at.size;
	if (rc == PV_OK && t->size == 0)
		rc = store_checkpoint_each(store, 0, &v, err);
	if (rc != PV_OK || t->size != 0)
		return rc;
	t->why = newest;
	return of_no_checkpoint(t, err);
}

/* Enough have cosigned a later one; nothing is kept. */
static bool is_late(const struct taking *t)
{
	return t->size < t->c->at.size;
}

/* To the store and to the files; t->note is a checkpoint that it had. */
static enum pv_code keep(const struct authority *a, struct store *store,
			 const struct checkpoint_base *base,
			 const struct taking *t, size_t count, struct err *err)
{
	const struct buf *n = &t->note;
	enum pv_code rc =
		store_checkpoint_put(store, t->size, buf_span(n), err);

	if (rc == PV_OK && t->size == base->last.size)
		rc = file_write(a->home_fd, CHECKPOINT_FILE, 0644, n->data,
				n->len, err);
	if (rc == PV_OK && count >= t->c->required)
		rc = file_write(a->home_fd, COSIGNED_FILE, 0644, n->data,
				n->len, err);
	return rc;
}

/* The store's row is held against keys and log once more before it is kept. */
static enum pv_code check(struct store *store,
			  const struct checkpoint_base *base,
			  const struct taking *t, size_t *count,
			  struct err *err)
{
	LOG_CHECKPOINT c = { .at.size = 0 };
	enum pv_code rc = log_checkpoint_parse(&c, buf_span(&t->note), err);

	if (rc == PV_OK)
		rc = log_checkpoint_verify(&c, base->keys, base->keys_n, err);
	if (rc == PV_OK && c.at.size != t->size)
		rc = err_fail(err, PV_INTEGRITY, "log.checkpoint", NULL,
			      "a checkpoint's row has another size");
	if (rc == PV_OK)
		rc = checkpoint_goes_on(store, &c.at, err);
	if (rc == PV_OK)
		rc = log_cosign_count(&c, t->c->known, t->c->known_n, count,
				      err);
	return rc;
}

static enum pv_code take(const struct authority *a, struct store *store,
			 struct taking *t, struct cosigned *c,
			 struct cosigned_taken *taken, struct err *err)
{
	CLEANUP(buf_release) struct buf last;
	struct checkpoint_base base;
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	buf_init(&last, CHECKPOINT_MAX);
	/* Under the lock: others sign checkpoints and take lines, too. */
	if (rc == PV_OK)
		rc = checkpoint_last(a, store, &base, &last, err);
	if (rc == PV_OK)
		rc = cosigned_load(a, store, &base, c, err);
	if (rc == PV_OK)
		rc = find(store, base.last.size, &last, t, err);
	if (rc == PV_OK)
		rc = check(store, &base, t, &taken->count, err);
	t->news = t->news && !is_late(t);
	if (rc == PV_OK && !is_late(t))
		rc = keep(a, store, &base, t, taken->count, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

enum pv_code cosigned_take(const struct authority *a, struct store *store,
			   struct span lines, struct cosigned_taken *taken,
			   struct err *err)
{
	struct cosigned c;
	struct taking t = { .c = &c, .lines = lines };
	enum pv_code rc;

	memset(taken, 0, sizeof(*taken));
	err_init(&t.why);
	buf_init(&t.note, CHECKPOINT_MAX);
	rc = take(a, store, &t, &c, taken, err);
	taken->size = t.size;
	taken->news = t.news;
	buf_release(&t.note);
	return rc;
}
