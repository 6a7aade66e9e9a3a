/* Governance: HOME/governance, which the log's keys sign. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/checkpoint.h"
#include "lib/log/lines.h"

#define KIND "provctl/governance/v1"

/* ---- the text ---- */

void governance_put(const char *origin, const struct governance *g,
		    struct buf *out)
{
	char chain[2 * LOG_HASH + 1], rows[2 * LOG_HASH + 1], head[32] = "-";

	hex_encode(g->chain, LOG_HASH, chain);
	hex_encode(g->rows, LOG_HASH, rows);
	if (g->head != LOG_NO_PREV)
		snprintf(head, sizeof(head), "%llu",
			 (unsigned long long)g->head);
	buf_printf(out,
		   KIND "\nlog %s\nsize %llu\nhead %s\nchain %s\nrows %s\n",
		   origin, (unsigned long long)g->size, head, chain, rows);
}

/* The value of the next line, which starts with that word. */
static bool take_line(struct span *text, const char *word, struct span *value)
{
	struct span line;

	return lines_next(text, &line) && lines_after(line, word, value);
}

static bool take_hash(struct span *text, const char *word,
		      uint8_t out[LOG_HASH])
{
	char hex[2 * LOG_HASH + 1] = "";
	struct span value;

	if (!take_line(text, word, &value) || value.len != 2 * LOG_HASH)
		return false;
	memcpy(hex, value.p, value.len);
	return hex_decode(hex, out, LOG_HASH);
}

static bool parse(struct span text, struct governance *g)
{
	struct span value;

	g->head = LOG_NO_PREV;
	return take_line(&text, KIND, &value) && value.len == 0 &&
	       take_line(&text, "log ", &value) &&
	       take_line(&text, "size ", &value) &&
	       lines_number(value, &g->size) &&
	       take_line(&text, "head ", &value) &&
	       (span_is(value, "-") ||
		(lines_number(value, &g->head) && g->head < g->size)) &&
	       take_hash(&text, "chain ", g->chain) &&
	       take_hash(&text, "rows ", g->rows);
}

/* Written as we write it, for this log, and true. */
static enum pv_code verify(const struct checkpoint_base *base, struct span note,
			   struct governance *g, struct err *err)
{
	CLEANUP(note_release) struct note n = { .sigs_n = 0 };
	CLEANUP(buf_release) struct buf again;
	enum pv_code rc = note_parse(&n, note, err);
	bool same;

	buf_init(&again, GOVERNANCE_TEXT_MAX);
	if (rc != PV_OK)
		return rc;
	same = parse(n.text, g);
	if (same)
		governance_put(base->origin, g, &again);
	if (!same || again.len != n.text.len ||
	    memcmp(again.data, n.text.p, again.len) != 0)
		return err_fail(err, PV_INTEGRITY, "store.governance", NULL,
				"the text does not say how far the decisions "
				"of this log came");
	return checkpoint_signed(base, &n, g->size, err);
}

/* ---- the file ---- */

static enum pv_code not_ours(const struct err *why, struct err *err)
{
	err_object(err, GOVERNANCE_FILE);
	return err_fail(err, PV_INTEGRITY, "store.governance",
			"put it back from a backup, or remove it: the next "
			"command reads the whole log",
			"%s", why->message);
}

enum pv_code governance_read(const struct authority *a,
			     const struct checkpoint_base *base,
			     struct governance *g, bool *found, struct err *err)
{
	const struct governance none = GOVERNANCE_INIT;
	CLEANUP(buf_release) struct buf note;
	struct err why;
	enum pv_code rc;

	*g = none;
	buf_init(&note, CHECKPOINT_MAX);
	err_init(&why);
	rc = file_read(a->home_fd, GOVERNANCE_FILE,
		       FILEIO_NOFOLLOW | FILEIO_NOT_WRITABLE_BY_OTHERS, &note,
		       &why);
	*found = rc == PV_OK;
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc == PV_OK)
		rc = verify(base, buf_span(&note), g, &why);
	if (rc == PV_OK)
		return PV_OK;
	if (rc == PV_INPUT || rc == PV_INTEGRITY || rc == PV_NOT_FOUND)
		return not_ours(&why, err);
	*err = why;
	err_object(err, GOVERNANCE_FILE);
	return rc;
}

static enum pv_code keep(const struct authority *a, struct store *store,
			 struct checkpoint_base *base, struct span note,
			 const struct governance *to, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	bool found;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = governance_read(a, base, &base->file, &found, err);
	if (rc != PV_OK || (found && base->file.size >= to->size))
		return rc;
	rc = file_write(a->home_fd, GOVERNANCE_FILE, 0644, note.p, note.len,
			err);
	if (rc == PV_OK)
		base->file = *to;
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

enum pv_code governance_keep(const struct authority *a, struct store *store,
			     struct checkpoint_base *base,
			     const struct checkpoint_ask *ask, struct span note,
			     struct err *err)
{
	struct governance says;
	enum pv_code rc;

	if (!ask->governs && note.len == 0)
		return PV_OK;
	rc = verify(base, note, &says, err);
	if (rc == PV_OK &&
	    (!ask->governs || says.size != ask->governance.size ||
	     says.head != ask->governance.head ||
	     memcmp(says.chain, ask->governance.chain, LOG_HASH) != 0 ||
	     memcmp(says.rows, ask->governance.rows, LOG_HASH) != 0))
		rc = err_fail(err, PV_INTERNAL, "store.governance", NULL,
			      "a signer signed other decisions");
	return rc == PV_OK ? keep(a, store, base, note, &says, err) : rc;
}
