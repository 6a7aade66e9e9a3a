/* The first pass of an audit: the log in the store. */
#include <stdio.h>
#include <string.h>

#include "lib/flow/audit_impl.h"
#include "lib/flow/audit_points.h"
#include "lib/log/tile.h"
#include "lib/store/store_log.h"

struct pass {
	struct audit *au;
	struct audit_points points;
	uint64_t good;	  /* the entries before it are what they were */
	uint64_t covered; /* entries under the largest checkpoint so far */
};

/* Names entries from to end - 1, whatever was named before. */
static void name_entries(struct err *err, uint64_t from, uint64_t end)
{
	if (end <= from + 1)
		snprintf(err->object, sizeof(err->object), "log entry %llu",
			 (unsigned long long)from);
	else
		snprintf(err->object, sizeof(err->object),
			 "log entries %llu to %llu", (unsigned long long)from,
			 (unsigned long long)(end - 1));
}

static enum pv_code wrong(struct err *err, const char *rule, uint64_t from,
			  uint64_t end, const char *what)
{
	audit_fail(err, "", rule, "%s", what);
	name_entries(err, from, end);
	return PV_INTEGRITY;
}

/* ---- tiles: the store keeps the roots of whole ones ---- */

static enum pv_code check_tile(void *ctx, unsigned level, uint64_t index,
			       const uint8_t hash[static LOG_HASH],
			       struct err *err)
{
	struct pass *p = ctx;
	uint64_t end = (index + 1) << level;
	uint8_t kept[LOG_HASH];
	struct err why;
	enum pv_code rc;

	if (level == 0 || level % LOG_TILE_HEIGHT != 0)
		return PV_OK;
	err_init(&why);
	rc = store_log_hash(p->au->store, level, index, kept, &why);
	if (rc == PV_OK && memcmp(hash, kept, LOG_HASH) != 0)
		return wrong(err, "audit.log", p->good, end,
			     "the entries do not give the kept tile");
	if (rc == PV_OK && end > p->good)
		p->good = end;
	if (rc == PV_OK)
		return PV_OK;
	*err = why;
	name_entries(err, p->good, end);
	return rc;
}

/* ---- checkpoints ---- */

static enum pv_code check_point(struct pass *p, const struct log_point *point,
				const char *rule, struct err *err)
{
	struct audit_entries *log = &p->au->log;
	uint8_t root[LOG_HASH];
	enum pv_code rc = log_tree_root(&log->tree, &log->hasher, root, err);

	if (rc == PV_OK && memcmp(root, point->root, LOG_HASH) != 0)
		return wrong(err, rule, p->good, point->size,
			     "the entries are not those that were signed");
	if (rc == PV_OK)
		p->good = p->covered = point->size;
	return rc;
}

/* Whatever was signed for the size that the tree has now. */
static enum pv_code check_points(struct pass *p, struct err *err)
{
	const struct log_point *last = &p->au->base.last;
	const struct log_point *point;
	uint64_t size = p->au->log.tree.size;
	enum pv_code rc = audit_points_peek(&p->points, &point, err);

	if (rc == PV_OK && point && point->size == size) {
		rc = check_point(p, point, "audit.checkpoint", err);
		audit_points_skip(&p->points);
		p->au->counts->checkpoints++;
	}
	if (rc == PV_OK && size > 0 && last->size == size)
		rc = check_point(p, last, "store.older", err);
	return rc;
}

/* What is signed must be there. */
static enum pv_code check_end(struct pass *p, struct err *err)
{
	struct audit_counts *c = p->au->counts;
	const struct log_point *last = &p->au->base.last;
	const struct log_point *point;
	uint64_t size = p->au->log.tree.size;
	enum pv_code rc = audit_points_peek(&p->points, &point, err);

	if (rc == PV_OK && last->size > size)
		return wrong(err, "store.older", size, last->size,
			     "the checkpoint covers entries that the store has "
			     "not");
	if (rc == PV_OK && point)
		return wrong(err, "audit.checkpoint", size, point->size,
			     "a checkpoint covers entries that the store has "
			     "not");
	if (rc == PV_OK)
		c->uncovered = size - p->covered;
	return rc;
}

/* ---- entries ---- */

static enum pv_code take_entry(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	struct pass *p = ctx;
	struct audit *au = p->au;
	enum pv_code rc = audit_entries_take(&au->log, bytes, err);

	if (rc == PV_OK && au->log.rosters > 0 && acts_alone(&au->log.entry))
		rc = acts_follows(au->store, &au->log.entry, index, err);
	if (rc == PV_OK)
		rc = audit_actors_take(&au->actors, au->store, &au->log.entry,
				       err);
	if (rc == PV_OK)
		rc = audit_stations_take(&au->stations, au->store,
					 au->a->origin, &au->log.entry, err);
	if (rc != PV_OK && err->object[0] == '\0')
		name_entries(err, index, index + 1);
	else if (rc != PV_OK && strncmp(err->object, "log entr", 8) != 0)
		err_prefix(err, "log entry %llu", (unsigned long long)index);
	if (rc != PV_OK)
		return rc;
	audit_progress(au);
	return check_points(p, err);
}

static enum pv_code check_kept(const struct pass *p, uint64_t size,
			       const uint8_t kept[LOG_HASH], struct err *err)
{
	struct audit *au = p->au;
	struct store_counts c;
	enum pv_code rc = store_counts(au->store, &c, err);

	if (rc != PV_OK)
		return rc;
	au->counts->entries = au->log.tree.size;
	if (au->log.tree.size != size)
		return wrong(err, "audit.log", au->log.tree.size, size,
			     "the tree has more entries than the log");
	if (memcmp(kept, au->counts->root, LOG_HASH) != 0)
		return wrong(err, "audit.log", p->good, size,
			     "the entries do not give the kept root");
	if (c.last_event_ms != au->log.last_ms)
		return audit_fail(err, "log", "audit.clock",
				  "the kept time is not that of the newest "
				  "entry");
	return PV_OK;
}

enum pv_code audit_log(struct audit *au, struct err *err)
{
	struct pass p = { .au = au };
	const struct store_visit v = { .ctx = &p, .fn.entry = take_entry };
	uint8_t kept[LOG_HASH];
	uint64_t size = 0;
	enum pv_code rc = store_log_root(au->store, &size, kept, err);

	audit_points_start(&p.points, au->store, &au->base);
	au->log.sink = (struct log_tree_sink){ check_tile, &p };
	if (rc == PV_OK)
		rc = store_log_each(au->store, 0, size, &v, err);
	if (rc == PV_OK)
		rc = log_tree_root(&au->log.tree, &au->log.hasher,
				   au->counts->root, err);
	if (rc == PV_OK)
		rc = check_end(&p, err);
	if (rc == PV_OK)
		rc = check_kept(&p, size, kept, err);
	au->log.sink = (struct log_tree_sink){ NULL, NULL };
	return rc;
}
