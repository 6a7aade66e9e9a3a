/* Governance: the chain in the log, and how far it came. */
#include "lib/flow/governance.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/log/events.h"
#include "lib/store/store_log.h"

#define FILE_MAX 256u /* bytes: two numbers and a hash */

/* ---- the chain ---- */

enum pv_code governance_take(struct governance *g, struct log_hasher *h,
			     struct span bytes, const struct log_entry *e,
			     uint64_t index, bool roster, bool *counts,
			     struct err *err)
{
	const struct span before = { g->chain, LOG_HASH };
	uint8_t leaf[LOG_HASH];
	enum pv_code rc;

	g->size = index + 1;
	*counts =
		log_governs(e->type) && (roster || log_prev(e) != LOG_NO_PREV ||
					 !span_is(e->type, LOG_TEMPLATE_ADOPT));
	if (!*counts)
		return PV_OK;
	if (log_prev(e) != g->head)
		return governance_wrong_entry(
			index, "it does not name the decision before it", err);
	rc = log_hash_leaf(h, bytes, leaf, err);
	if (rc == PV_OK)
		rc = log_hash_raw(h, before, (struct span){ leaf, LOG_HASH },
				  g->chain, err);
	g->head = index;
	return rc;
}

/* ---- HOME/governance ---- */

static bool parse_number(const char **at, uint64_t *v)
{
	const char *from = *at;

	for (*v = 0; **at >= '0' && **at <= '9'; ++*at) {
		if (*at - from == 19)
			return false;
		*v = *v * 10 + (uint64_t)(**at - '0');
	}
	return *at > from;
}

static bool parse(const char *text, struct governance *g)
{
	char hex[2 * LOG_HASH + 1];

	g->head = LOG_NO_PREV;
	if (*text == '-')
		text++;
	else if (!parse_number(&text, &g->head))
		return false;
	if (*text++ != ' ' || strlen(text) < 2 * LOG_HASH)
		return false;
	memcpy(hex, text, 2 * LOG_HASH);
	hex[2 * LOG_HASH] = '\0';
	text += 2 * LOG_HASH;
	return hex_decode(hex, g->chain, LOG_HASH) && *text++ == ' ' &&
	       parse_number(&text, &g->size) && strcmp(text, "\n") == 0 &&
	       (g->head == LOG_NO_PREV || g->head < g->size);
}

/* *found is false when there is none. */
static enum pv_code read_file(const struct authority *a, struct governance *g,
			      bool *found, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct err why;
	const char *line;
	enum pv_code rc;

	buf_init(&text, FILE_MAX);
	err_init(&why);
	rc = file_read(a->home_fd, GOVERNANCE_FILE,
		       FILEIO_NOFOLLOW | FILEIO_NOT_WRITABLE_BY_OTHERS, &text,
		       &why);
	*found = rc == PV_OK;
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	line = rc == PV_OK ? buf_cstr(&text) : NULL;
	if (line && parse(line, g))
		return PV_OK;
	err_object(err, GOVERNANCE_FILE);
	if (rc == PV_OK || rc == PV_INPUT)
		return err_fail(err, PV_INTEGRITY, "store.governance",
				"put it back from a backup, or remove it: the "
				"next command reads the whole log",
				"the file does not say how far the list of "
				"decisions came");
	*err = why;
	return rc;
}

static enum pv_code write_file(const struct authority *a,
			       const struct governance *g, struct err *err)
{
	char text[FILE_MAX], hex[2 * LOG_HASH + 1], index[32] = "-";
	int len;

	hex_encode(g->chain, LOG_HASH, hex);
	if (g->head != LOG_NO_PREV)
		snprintf(index, sizeof(index), "%llu",
			 (unsigned long long)g->head);
	len = snprintf(text, sizeof(text), "%s %s %llu\n", index, hex,
		       (unsigned long long)g->size);
	return file_write(a->home_fd, GOVERNANCE_FILE, 0644, text, (size_t)len,
			  err);
}

/* ---- the log's entries behind what the file says ---- */

struct scan {
	struct governance g;
	struct log_hasher *h;
	uint64_t roster; /* index of the first roster.change */
	/* Where the whole log is read: its tree, up to the checkpoint. */
	struct log_tree tree;
	const struct log_point *upto; /* NULL: no tree */
};

static enum pv_code grow(struct scan *s, struct span bytes, struct err *err)
{
	uint8_t hash[LOG_HASH];
	enum pv_code rc = log_hash_leaf(s->h, bytes, hash, err);

	if (rc == PV_OK)
		rc = log_tree_append(&s->tree, s->h, hash, NULL, err);
	if (rc != PV_OK || s->tree.size < s->upto->size)
		return rc;
	rc = log_tree_root(&s->tree, s->h, hash, err);
	if (rc == PV_OK && memcmp(hash, s->upto->root, LOG_HASH) != 0)
		return governance_wrong("log", "entries",
					"they are not those that the "
					"checkpoint covers",
					err);
	return rc;
}

static enum pv_code scan_entry(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	struct scan *s = ctx;
	struct log_entry e;
	bool counts;
	enum pv_code rc = PV_OK;

	if (s->upto && index < s->upto->size)
		rc = grow(s, bytes, err);
	if (rc != PV_OK || !log_entry_governs(bytes))
		return rc;
	rc = log_entry_decode(bytes, &e, err);
	return rc == PV_OK ? governance_take(&s->g, s->h, bytes, &e, index,
					     index > s->roster, &counts, err)
			   : rc;
}

static enum pv_code first_roster(struct store *store, uint64_t *index,
				 struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct store_roster r;
	bool found;
	enum pv_code rc;

	buf_init(&bytes, SIZE_MAX / 2);
	rc = store_roster_get(store, 1, &r, &bytes, &found, err);
	*index = rc == PV_OK && found ? r.index : LOG_NO_PREV;
	return rc;
}

/* From where s->g stands to the log's first size entries. */
static enum pv_code scan(struct store *store, struct scan *s, uint64_t size,
			 struct err *err)
{
	const struct store_visit v = { .ctx = s, .fn.entry = scan_entry };
	enum pv_code rc = first_roster(store, &s->roster, err);

	if (rc == PV_OK && s->g.size < size)
		rc = store_log_each(store, s->g.size, size - s->g.size, &v,
				    err);
	s->g.size = size;
	return rc;
}

/* ---- both ---- */

static enum pv_code check_view(struct store *store, const struct governance *at,
			       const struct log_point *checkpoint,
			       struct err *err)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	struct governance none = GOVERNANCE_INIT;
	struct scan s = { .g = at ? *at : none,
			  .h = &h,
			  .upto = !at && checkpoint->size > 0 ? checkpoint
							      : NULL };
	uint64_t size = 0;
	enum pv_code rc = log_hasher_init(&h, err);

	if (rc == PV_OK)
		rc = store_log_size(store, &size, err);
	if (rc == PV_OK && at && at->size > size)
		rc = governance_wrong("store", "log",
				      "HOME/" GOVERNANCE_FILE
				      " saw entries that it has not",
				      err);
	if (rc == PV_OK)
		rc = scan(store, &s, size, err);
	return rc == PV_OK ? governance_walk(store, at, &s.g, err) : rc;
}

enum pv_code governance_check(const struct authority *a, struct store *store,
			      const struct log_point *checkpoint,
			      struct err *err)
{
	STORE_TXN view = STORE_TXN_INIT;
	struct governance at = GOVERNANCE_INIT;
	bool found;
	/* Before the view: never the newer one. */
	enum pv_code rc = read_file(a, &at, &found, err);

	if (rc == PV_OK)
		rc = store_begin(store, STORE_READ, &view, err);
	return rc == PV_OK
		       ? check_view(store, found ? &at : NULL, checkpoint, err)
		       : rc;
}

enum pv_code governance_keep(const struct authority *a, struct store *store,
			     uint64_t size, struct err *err)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	struct scan s = { .g = GOVERNANCE_INIT, .h = &h };
	bool found;
	enum pv_code rc = read_file(a, &s.g, &found, err);

	if (rc != PV_OK || (found && s.g.size >= size))
		return rc;
	rc = log_hasher_init(&h, err);
	if (rc == PV_OK)
		rc = scan(store, &s, size, err);
	return rc == PV_OK ? write_file(a, &s.g, err) : rc;
}
