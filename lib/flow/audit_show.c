#include "lib/flow/audit_show.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/store/store_log.h"

#define PIECE 512u /* entries that are read at once */
#define PIECE_BYTES_MAX (PIECE * (2u + LOG_ENTRY_MAX))
#define TIME_MAX_MS ((uint64_t)PVTIME_MAX * 1000 + 999)

struct show {
	struct store *store;
	const struct audit_show_opts *opts;
	struct audit_story story;
	struct buf piece; /* be16 length and bytes of each entry */
	uint64_t total;	  /* entries that are read, twice for "last" */
	uint64_t done;	  /* of them */
	uint64_t found;	  /* that are asked for, of this pass */
	uint64_t skip;	  /* of these, the first so many are not given */
	bool counting;	  /* none is given */
};

static void show_release(struct show *w)
{
	audit_story_release(&w->story);
	buf_release(&w->piece);
}

static enum pv_code place(struct err *err, uint64_t index, enum pv_code rc)
{
	char object[40];

	snprintf(object, sizeof(object), "log entry %llu",
		 (unsigned long long)index);
	err_object(err, object);
	return rc;
}

bool audit_type_known(const char *type, size_t len)
{
	for (const char *t = AUDIT_TYPES; *t;) {
		size_t n = strcspn(t, " ");

		if (n == len && memcmp(t, type, len) == 0)
			return true;
		t += n + (t[n] == ' ');
	}
	return false;
}

/* One of the types between commas. */
static bool has_type(const char *types, struct span type)
{
	while (*types) {
		size_t len = strcspn(types, ",");

		if (type.len == len && memcmp(type.p, types, len) == 0)
			return true;
		types += len + (types[len] == ',');
	}
	return false;
}

static bool asked_for(const struct audit_show_opts *o,
		      const struct log_entry *e)
{
	return e->time_ms >= o->since_ms && e->time_ms < o->until_ms &&
	       (!o->types || has_type(o->types, e->type));
}

static enum pv_code take(struct show *w, uint64_t index, struct span bytes,
			 struct err *err)
{
	const struct audit_show_opts *o = w->opts;
	struct log_entry e;
	bool belongs = false;
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	if (rc == PV_OK && e.time_ms > TIME_MAX_MS)
		rc = err_fail(
			err, PV_INTEGRITY, "log.entry",
			"run provctl audit verify; restore the store from a "
			"backup",
			"log entry: its time is past the year 9999");
	if (rc == PV_OK)
		rc = audit_story_take(&w->story, &e, &belongs, err);
	if (rc != PV_OK)
		return place(err, index, rc);
	if (!belongs || !asked_for(o, &e) || w->found++ < w->skip ||
	    w->counting)
		return PV_OK;
	return o->entry(o->ctx, index, &e, err);
}

static enum pv_code gather(void *ctx, uint64_t index, struct span bytes,
			   struct err *err)
{
	struct show *w = ctx;

	(void)index;
	buf_put_be16(&w->piece, (uint16_t)bytes.len);
	buf_put(&w->piece, bytes.p, bytes.len);
	return buf_check(&w->piece, err);
}

/* Entries first .. first + n - 1, with the store's view closed again. */
static enum pv_code take_piece(struct show *w, uint64_t first, uint64_t n,
			       struct err *err)
{
	const struct store_visit v = { .ctx = w, .fn.entry = gather };
	struct span rest;
	enum pv_code rc;

	buf_reset(&w->piece);
	rc = store_log_each(w->store, first, n, &v, err);
	rest = buf_span(&w->piece);
	for (uint64_t i = first; rc == PV_OK && i < first + n; i++) {
		size_t len = rest.len >= 2
				     ? (size_t)(rest.p[0] << 8 | rest.p[1])
				     : SIZE_MAX;

		if (len == SIZE_MAX)
			return place(err, i,
				     err_fail(err, PV_INTEGRITY, "log.entry",
					      "run provctl audit verify",
					      "the log has become shorter"));
		rc = take(w, i, (struct span){ rest.p + 2, len }, err);
		rest = (struct span){ rest.p + 2 + len, rest.len - 2 - len };
	}
	return rc;
}

static enum pv_code pass(struct show *w, uint64_t from, uint64_t end,
			 struct err *err)
{
	enum pv_code rc = PV_OK;

	audit_story_release(&w->story);
	audit_story_init(&w->story, w->opts->subject, w->opts->name,
			 AUDIT_STORY_MAX);
	w->found = 0;
	for (uint64_t n; rc == PV_OK && from < end; from += n) {
		n = end - from < PIECE ? end - from : PIECE;
		rc = take_piece(w, from, n, err);
		w->done += n;
		if (w->opts->progress)
			w->opts->progress(w->opts->ctx, w->done, w->total);
	}
	return rc;
}

static enum pv_code time_at(struct show *w, uint64_t index, uint64_t *time_ms,
			    struct err *err)
{
	enum pv_code rc;

	buf_reset(&w->piece);
	rc = store_log_read(w->store, index, &w->piece, err);
	if (rc == PV_OK && !log_entry_time(buf_span(&w->piece), time_ms))
		rc = place(err, index,
			   err_fail(err, PV_INTEGRITY, "log.entry",
				    "run provctl audit verify",
				    "log entry: it has no time"));
	return rc;
}

/* *index: the first entry of that time or later; times never go back. */
static enum pv_code first_since(struct show *w, uint64_t since_ms, uint64_t end,
				uint64_t *index, struct err *err)
{
	uint64_t low = 0, time_ms = 0;

	while (low < end) {
		uint64_t middle = low + (end - low) / 2;
		enum pv_code rc = time_at(w, middle, &time_ms, err);

		if (rc != PV_OK)
			return rc;
		if (time_ms < since_ms)
			low = middle + 1;
		else
			end = middle;
	}
	*index = low;
	return PV_OK;
}

/* Which entries must be read: a story needs them from the beginning. */
static enum pv_code bounds(struct show *w, uint64_t *from, uint64_t *end,
			   struct err *err)
{
	const struct audit_show_opts *o = w->opts;
	enum pv_code rc = store_log_size(w->store, end, err);

	*from = 0;
	if (rc == PV_OK && o->until_ms != UINT64_MAX)
		rc = first_since(w, o->until_ms, *end, end, err);
	if (rc == PV_OK && o->subject == AUDIT_ALL && o->since_ms > 0)
		rc = first_since(w, o->since_ms, *end, from, err);
	if (rc == PV_OK && o->last && o->subject == AUDIT_ALL && !o->types &&
	    *end - *from > o->last)
		*from = *end - o->last;
	return rc;
}

enum pv_code audit_show(struct store *store, const struct audit_show_opts *opts,
			uint64_t *shown, struct err *err)
{
	CLEANUP(show_release)
	struct show w = { .store = store, .opts = opts };
	uint64_t from = 0, end = 0;
	enum pv_code rc;

	*shown = 0;
	buf_init(&w.piece, PIECE_BYTES_MAX);
	rc = bounds(&w, &from, &end, err);
	w.total = end - from;
	if (rc == PV_OK && opts->last && w.total > opts->last) {
		w.total *= 2;
		w.counting = true;
		rc = pass(&w, from, end, err);
		w.counting = false;
		if (w.found > opts->last)
			w.skip = w.found - opts->last;
	}
	if (rc == PV_OK)
		rc = pass(&w, from, end, err);
	if (rc == PV_OK)
		*shown = w.found - w.skip;
	return rc;
}
