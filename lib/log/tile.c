#include "lib/log/tile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/log/lines.h"

#define GROUP 1000u /* three digits are one element of a path */
#define GROUPS_MAX 6u

/* Complete subtrees of that level in the largest tree there is. */
static uint64_t nodes_max(unsigned level)
{
	return (LOG_SIZE_MAX - 1) >> (LOG_TILE_HEIGHT * level);
}

bool log_tile_ok(const struct log_tile *t)
{
	uint64_t max;

	if (t->level >= LOG_TILE_LEVELS || t->width == 0 ||
	    t->width > LOG_TILE_WIDTH || (t->entries && t->level != 0))
		return false;
	max = nodes_max(t->level);
	return t->index <= max / LOG_TILE_WIDTH &&
	       t->width <= max - t->index * LOG_TILE_WIDTH;
}

/* "x001/x234/067" at out; behind it. */
static char *put_index(uint64_t index, char *out)
{
	unsigned group[GROUPS_MAX] = { 0 };
	size_t n = 0;

	do
		group[n++] = (unsigned)(index % GROUP);
	while ((index /= GROUP) != 0 && n < GROUPS_MAX);
	while (n-- > 0) {
		if (n > 0)
			*out++ = 'x';
		*out++ = (char)('0' + group[n] / 100);
		*out++ = (char)('0' + group[n] / 10 % 10);
		*out++ = (char)('0' + group[n] % 10);
		if (n > 0)
			*out++ = '/';
	}
	return out;
}

void log_tile_path(const struct log_tile *t, char out[static LOG_TILE_PATH_MAX])
{
	const char *end = out + LOG_TILE_PATH_MAX;
	int n = t->entries ? snprintf(out, LOG_TILE_PATH_MAX, "tile/entries/")
			   : snprintf(out, LOG_TILE_PATH_MAX, "tile/%u/",
				      t->level);

	out = put_index(t->index, out + n);
	*out = '\0';
	if (t->width < LOG_TILE_WIDTH)
		snprintf(out, (size_t)(end - out), ".p/%u", t->width);
}

/* Up to the next slash or, without one, the end. */
static struct span element(struct span *rest)
{
	const uint8_t *slash =
		rest->len ? memchr(rest->p, '/', rest->len) : NULL;
	struct span out = *rest;

	if (slash)
		out.len = (size_t)(slash - rest->p);
	rest->p += slash ? out.len + 1 : out.len;
	rest->len -= slash ? out.len + 1 : out.len;
	return out;
}

static bool three_digits(struct span s, uint64_t *index)
{
	uint64_t v = 0;

	if (s.len != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = 10 * v + (uint64_t)(s.p[i] - '0');
	}
	*index = *index * GROUP + v;
	return true;
}

static bool parse_index(struct span *rest, uint64_t *index, bool *partial)
{
	struct span one = element(rest);
	size_t n = 1;

	*index = 0;
	for (; one.len == 4 && one.p[0] == 'x'; one = element(rest)) {
		one.p++;
		one.len = 3;
		if (++n > GROUPS_MAX || !three_digits(one, index))
			return false;
	}
	*partial = one.len == 5 && memcmp(one.p + 3, ".p", 2) == 0;
	if (*partial)
		one.len = 3;
	return three_digits(one, index);
}

/* What the words mean; whether they are the words is asked by the caller. */
static bool parse_words(struct log_tile *t, struct span path)
{
	uint64_t level = 0;
	uint64_t width = LOG_TILE_WIDTH;
	struct span rest, word;
	bool partial;

	if (!lines_after(path, "tile/", &rest))
		return false;
	word = element(&rest);
	t->entries = span_is(word, "entries");
	if (!t->entries && !lines_number(word, &level))
		return false;
	if (!parse_index(&rest, &t->index, &partial) ||
	    (partial && !lines_number(rest, &width)) ||
	    level >= LOG_TILE_LEVELS || width > LOG_TILE_WIDTH)
		return false;
	t->level = (unsigned)level;
	t->width = (unsigned)width;
	return log_tile_ok(t);
}

enum pv_code log_tile_parse(struct log_tile *t, struct span path,
			    struct err *err)
{
	char text[LOG_TILE_PATH_MAX];

	memset(t, 0, sizeof(*t));
	if (parse_words(t, path)) {
		/* One tile has one path: no idle zeros, nothing behind it. */
		log_tile_path(t, text);
		if (span_is(path, text))
			return PV_OK;
	}
	memset(t, 0, sizeof(*t));
	return err_fail(err, PV_INPUT, "log.tile",
			"paths are those of c2sp.org/tlog-tiles",
			"not the path of a tile");
}

bool log_tile_at(struct log_tile *t, unsigned level, uint64_t index,
		 uint64_t size)
{
	uint64_t nodes;

	if (level >= LOG_TILE_LEVELS || size >= LOG_SIZE_MAX)
		return false;
	nodes = size >> (LOG_TILE_HEIGHT * level);
	if (index > nodes / LOG_TILE_WIDTH)
		return false;
	nodes -= index * LOG_TILE_WIDTH;
	t->entries = false;
	t->level = level;
	t->index = index;
	t->width = nodes < LOG_TILE_WIDTH ? (unsigned)nodes : LOG_TILE_WIDTH;
	return nodes > 0;
}

/* The first tile of a level that the shorter tree has not as wide. */
static uint64_t first_new(const struct log_tile_walk *w, unsigned level)
{
	return (w->from >> (LOG_TILE_HEIGHT * level)) / LOG_TILE_WIDTH;
}

enum pv_code log_tile_walk(struct log_tile_walk *w, uint64_t from, uint64_t to,
			   struct err *err)
{
	memset(w, 0, sizeof(*w));
	if (from > to || to >= LOG_SIZE_MAX)
		return err_fail(err, PV_INPUT, "log.range", NULL,
				"no log grows between those sizes");
	w->from = from;
	w->to = to;
	w->next.entries = true;
	w->next.index = first_new(w, 0);
	return PV_OK;
}

/* The next level, or from the entries to the hashes of the leaves. */
static void next_level(struct log_tile_walk *w)
{
	if (w->next.entries)
		w->next.entries = false;
	else
		w->next.level++;
	if (w->next.level < LOG_TILE_LEVELS)
		w->next.index = first_new(w, w->next.level);
}

bool log_tile_next(struct log_tile_walk *w, struct log_tile *t)
{
	while (w->next.level < LOG_TILE_LEVELS) {
		unsigned level = w->next.level;
		unsigned shift = LOG_TILE_HEIGHT * level;

		if (w->from >> shift == w->to >> shift ||
		    !log_tile_at(t, level, w->next.index, w->to)) {
			next_level(w);
			continue;
		}
		t->entries = w->next.entries;
		w->next.index++;
		return true;
	}
	return false;
}

enum pv_code log_tile_put(const struct log_tile *t, const struct log_reader *r,
			  struct buf *out, struct err *err)
{
	uint64_t first = t->index * LOG_TILE_WIDTH;

	if (t->entries || !log_tile_ok(t))
		return err_fail(err, PV_INTERNAL, "log.tile", NULL,
				"there is no such tile");
	for (unsigned i = 0; i < t->width; i++) {
		uint8_t hash[LOG_HASH];
		enum pv_code rc = r->hash(r->ctx, LOG_TILE_HEIGHT * t->level,
					  first + i, hash, err);

		if (rc != PV_OK)
			return rc;
		buf_put(out, hash, LOG_HASH);
	}
	return buf_check(out, err);
}

enum pv_code log_entries_add(struct buf *out, struct span entry,
			     struct err *err)
{
	if (entry.len == 0 || entry.len > LOG_ENTRY_MAX)
		return err_fail(err, PV_INPUT, "log.size", NULL,
				"an entry of %zu bytes", entry.len);
	buf_put_be16(out, (uint16_t)entry.len);
	buf_put(out, entry.p, entry.len);
	return buf_check(out, err);
}

/* Takes one entry off rest; false when there is none. */
static bool take_entry(struct span *rest, struct span *entry)
{
	size_t len;

	if (rest->len < 2)
		return false;
	len = (size_t)rest->p[0] << 8 | rest->p[1];
	if (len == 0 || len > rest->len - 2)
		return false;
	entry->p = rest->p + 2;
	entry->len = len;
	rest->p += 2 + len;
	rest->len -= 2 + len;
	return true;
}

enum pv_code log_entries_open(struct log_entries *e, struct span bytes,
			      unsigned width, struct err *err)
{
	struct span rest = bytes;
	struct span entry;
	unsigned n = 0;

	memset(e, 0, sizeof(*e));
	while (n < width && take_entry(&rest, &entry))
		n++;
	if (width == 0 || width > LOG_TILE_WIDTH || n != width || rest.len != 0)
		return err_fail(err, PV_INTEGRITY, "log.tile",
				"get the entries anew from the authority",
				"not a bundle of %u entries", width);
	e->rest = bytes;
	e->left = width;
	return PV_OK;
}

bool log_entries_next(struct log_entries *e, struct span *entry)
{
	if (e->left == 0)
		return false;
	e->left--;
	return take_entry(&e->rest, entry);
}
