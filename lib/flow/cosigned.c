/* Who the witnesses are, what they cosigned, what waits for them. */
#include "lib/flow/cosigned.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/log/entry.h"
#include "lib/store/store_log.h"

#define READ_FLAGS (FILEIO_NOFOLLOW | FILEIO_NOT_WRITABLE_BY_OTHERS)

/* A file of the home; a missing one has nothing in it. */
static enum pv_code read_home(const struct authority *a, const char *name,
			      struct buf *out, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = file_read(a->home_fd, name, READ_FLAGS, out, &why);
	if (rc == PV_OK || rc == PV_NOT_FOUND)
		return PV_OK;
	*err = why;
	return rc;
}

/* ---- HOME/cosigned and HOME/checkpoint ---- */

/*
 * *count: how many witnesses cosigned it; at.size 0: the file is not there.
 * bytes is empty.
 */
static enum pv_code read_note(const struct authority *a, const char *name,
			      const struct checkpoint_base *base,
			      const struct cosigned *c, struct buf *bytes,
			      struct log_checkpoint *note, size_t *count,
			      struct err *err)
{
	enum pv_code rc;

	*count = 0;
	rc = read_home(a, name, bytes, err);
	if (rc == PV_OK && bytes->len == 0)
		return PV_OK;
	if (rc == PV_OK)
		rc = log_checkpoint_parse(note, buf_span(bytes), err);
	if (rc == PV_OK)
		rc = log_checkpoint_verify(note, base->keys, base->keys_n, err);
	if (rc == PV_OK)
		rc = log_cosign_count(note, c->known, c->known_n, count, err);
	if (rc != PV_OK)
		err_object(err, name);
	return rc;
}

/* Those of the list that are no longer, or not yet enough, do not count. */
static enum pv_code load_cosigned(const struct authority *a,
				  struct store *store,
				  const struct checkpoint_base *base,
				  struct cosigned *c, struct buf *bytes,
				  struct err *err)
{
	LOG_CHECKPOINT note = { .at.size = 0 };
	size_t count;
	enum pv_code rc =
		read_note(a, COSIGNED_FILE, base, c, bytes, &note, &count, err);

	if (rc != PV_OK || note.at.size == 0)
		return rc;
	rc = checkpoint_goes_on(store, &note.at, err);
	if (rc == PV_OK && count > 0 && count >= c->required)
		c->at = note.at;
	return rc;
}

static enum pv_code name_missing(struct cosigned *c,
				 const struct log_checkpoint *note,
				 struct err *err)
{
	size_t used = 0;

	for (size_t i = 0; i < c->known_n; i++) {
		size_t one = 0;
		int n = 0;
		enum pv_code rc =
			log_cosign_count(note, &c->known[i], 1, &one, err);

		if (rc != PV_OK)
			return rc;
		if (one == 0 && used < sizeof(c->missing))
			n = snprintf(c->missing + used,
				     sizeof(c->missing) - used, "%s%s",
				     used ? ", " : "", c->known[i].name);
		used += n > 0 ? (size_t)n : 0;
	}
	return PV_OK;
}

enum pv_code cosigned_load(const struct authority *a, struct store *store,
			   const struct checkpoint_base *base,
			   struct cosigned *c, struct err *err)
{
	CLEANUP(buf_release) struct buf cosigned, note;
	LOG_CHECKPOINT last = { .at.size = 0 };
	enum pv_code rc;

	buf_init(&cosigned, CHECKPOINT_MAX);
	buf_init(&note, CHECKPOINT_MAX);
	memset(c, 0, sizeof(*c));
	c->required = a->witnesses_required;
	rc = witnesses_load(a, c->known, &c->known_n, err);
	if (rc == PV_OK)
		rc = load_cosigned(a, store, base, c, &cosigned, err);
	if (rc == PV_OK)
		rc = read_note(a, CHECKPOINT_FILE, base, c, &note, &last,
			       &c->last_n, err);
	if (rc == PV_OK && c->last_n > 0 && c->last_n >= c->required)
		c->at = last.at;
	if (rc == PV_OK)
		rc = name_missing(c, &last, err);
	return rc;
}

/* ---- what waits ---- */

struct gate {
	const struct cosigned *c;
	const char *bundle;
};

static enum pv_code waits(const struct cosigned *c, struct err *err)
{
	if (c->known_n < c->required)
		return err_fail(err, PV_WAITING, "log.witnesses",
				"write the key of each into " WITNESSES_FILE,
				"%zu witnesses must cosign the log, and %zu "
				"are known",
				c->required, c->known_n);
	if (c->last_n >= c->required)
		return err_fail(err, PV_WAITING, "log.witnesses", COSIGNED_HINT,
				"the log has grown since witnesses cosigned it "
				"at %llu entries",
				(unsigned long long)c->at.size);
	return err_fail(err, PV_WAITING, "log.witnesses", COSIGNED_HINT,
			"witnesses cosigned the log up to %llu entries; of its "
			"last checkpoint %zu of %zu cosignatures are there, "
			"not yet from: %s",
			(unsigned long long)c->at.size, c->last_n, c->required,
			c->missing);
}

static enum pv_code look(void *ctx, uint64_t index, struct span bytes,
			 struct err *err)
{
	const struct gate *g = ctx;
	struct log_entry e;
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	(void)index;
	if (rc != PV_OK)
		return rc;
	if (g->bundle ? span_is(e.type, "bundle.seal") &&
				span_is(e.object, g->bundle)
		      : !span_is(e.type, "export"))
		return waits(g->c, err);
	return PV_OK;
}

enum pv_code cosigned_gate(const struct authority *a, struct store *store,
			   const struct checkpoint_base *base,
			   const char *bundle, struct err *err)
{
	struct cosigned c;
	struct gate g = { &c, bundle };
	const struct store_visit v = { .ctx = &g, .fn.entry = look };
	enum pv_code rc;

	if (a->witnesses_required == 0)
		return PV_OK;
	rc = cosigned_load(a, store, base, &c, err);
	if (rc != PV_OK)
		return rc;
	if (c.at.size == 0)
		return waits(&c, err);
	return store_log_each(store, c.at.size, UINT64_MAX, &v, err);
}

enum pv_code cosigned_recent(const struct authority *a,
			     const struct checkpoint_base *base,
			     uint64_t asked_s, uint64_t now_s, struct err *err)
{
	uint64_t seen_s = base->witnessed_s;
	char seen[PVTIME_RFC3339_LEN + 1] = "never";

	if (a->witnesses_required == 0)
		return PV_OK;
	if (seen_s > 0 && !pvtime_format((int64_t)seen_s, seen))
		seen_s = 0;
	if (seen_s <= asked_s)
		return err_fail(err, PV_WAITING, "log.witnesses", COSIGNED_HINT,
				"the witnesses have not seen the log since the "
				"approvals were asked for (%s)",
				seen);
	if (now_s > seen_s && now_s - seen_s > a->witness_max_age_s)
		return err_fail(err, PV_WAITING, "log.witnesses", COSIGNED_HINT,
				"the witnesses saw the log last at %s, more "
				"than %u s ago",
				seen, a->witness_max_age_s);
	return PV_OK;
}

enum pv_code cosigned_note(const struct authority *a, struct store *store,
			   const struct checkpoint_base *base, struct buf *note,
			   struct log_point *at, struct err *err)
{
	struct cosigned c = { .required = a->witnesses_required };
	enum pv_code rc = witnesses_load(a, c.known, &c.known_n, err);

	if (rc == PV_OK)
		rc = load_cosigned(a, store, base, &c, note, err);
	if (rc == PV_OK && c.at.size == 0)
		return waits(&c, err);
	*at = c.at;
	return rc;
}
