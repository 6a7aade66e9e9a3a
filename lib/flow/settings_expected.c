/* Settings: what was recorded, with what was rotated since. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/settings.h"
#include "lib/log/lifecycle.h"
#include "lib/log/lines.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

#define OLD "-old" /* purpose of a log key that signs beside its successor */
/* people.decide and approval.use come behind a key.rotate. */
#define BEHIND_ROTATE 3u

struct expecting {
	struct store *store;
	struct buf *text;
	uint64_t last; /* rotation, by its people.decide; and how far to go */
	uint64_t until;
};

/* ---- lines of keys ---- */

/* Behind "key PURPOSE ", or empty. */
static struct span find_key(struct span text, const char *purpose)
{
	char start[LOG_TEXT_MAX + 8];
	struct span line, rest;

	snprintf(start, sizeof(start), "key %s ", purpose);
	while (lines_next(&text, &line))
		if (lines_after(line, start, &rest))
			return rest;
	return (struct span){ NULL, 0 };
}

/* That purpose's line says value from now on; NULL: there is none. */
static enum pv_code set_key(struct buf *text, const char *purpose,
			    const char *value, struct err *err)
{
	CLEANUP(buf_release) struct buf from;
	char start[LOG_TEXT_MAX + 8];
	struct span all, line, rest;

	buf_init(&from, SETTINGS_MAX);
	buf_put(&from, text->data, text->len);
	buf_reset(text);
	all = buf_span(&from);
	snprintf(start, sizeof(start), "key %s ", purpose);
	while (lines_next(&all, &line))
		if (!lines_after(line, start, &rest))
			buf_printf(text, "%.*s\n", (int)line.len,
				   (const char *)line.p);
	if (value)
		buf_printf(text, "%s%s\n", start, value);
	return from.failed ? buf_check(&from, err) : buf_check(text, err);
}

/* ---- one rotation ---- */

static void copy(char *out, size_t cap, struct span s)
{
	snprintf(out, cap, "%.*s", (int)s.len, s.len ? (const char *)s.p : "");
}

/* As rotate_key() changes provctl.json, and rotate_ca(). */
static enum pv_code apply(struct buf *text, const struct log_entry *e,
			  uint64_t index, struct err *err)
{
	const struct log_fact *purpose = log_fact_find(e, "purpose", LOG_TSTR);
	const struct log_fact *n = log_fact_find(e, "generation", LOG_UINT);
	const struct log_fact *ends = log_fact_find(e, LOG_ENDS, LOG_UINT);
	bool ca = log_fact_find(e, LOG_CA_TEMPLATE, LOG_BSTR) != NULL;
	char name[LOG_TEXT_MAX + 1], old[LOG_TEXT_MAX + 8];
	char value[SETTINGS_LINE_MAX], was[SETTINGS_LINE_MAX];
	enum pv_code rc = PV_OK;

	if (!purpose || !n || purpose->s.len > LOG_TEXT_MAX)
		return PV_OK;
	copy(name, sizeof(name), purpose->s);
	snprintf(old, sizeof(old), "%s" OLD, name);
	snprintf(value, sizeof(value), "%.*s %llu", (int)e->object.len,
		 (const char *)e->object.p, (unsigned long long)n->u);
	if (ends) {
		size_t len = strlen(value);

		snprintf(value + len, sizeof(value) - len, " from %llu",
			 (unsigned long long)index + BEHIND_ROTATE);
		rc = set_key(text, old, NULL, err);
	} else if (!ca && ownkey_is_log(name)) {
		copy(was, sizeof(was), find_key(buf_span(text), name));
		rc = set_key(text, old, was[0] ? was : NULL, err);
	}
	return rc == PV_OK ? set_key(text, name, value, err) : rc;
}

/* ---- all since the record ---- */

static bool is_rotation(const struct store_governance *g)
{
	return strcmp(g->kind, LOG_PEOPLE_DECIDE) == 0 && g->index > 0 &&
	       strcmp(g->name, quorum_op_name(QUORUM_ROTATE_CA)) == 0;
}

/* The entry that it decided on; a certificate for another authority's key
 * changes no settings. */
static enum pv_code read_rotation(const struct expecting *x, uint64_t index,
				  struct buf *room, struct log_entry *e,
				  bool *rotates, struct err *err)
{
	enum pv_code rc = store_log_read(x->store, index - 1, room, err);

	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(room), e, err);
	*rotates = rc == PV_OK && span_is(e->type, LOG_KEY_ROTATE);
	return rc;
}

static enum pv_code find_last(void *ctx, const struct store_governance *g,
			      struct err *err)
{
	struct expecting *x = ctx;
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	bool rotates = false;
	enum pv_code rc;

	if (!is_rotation(g))
		return PV_OK;
	buf_init(&room, LOG_ENTRY_MAX);
	rc = read_rotation(x, g->index, &room, &e, &rotates, err);
	if (rotates)
		x->last = g->index;
	return rc;
}

static enum pv_code take(void *ctx, const struct store_governance *g,
			 struct err *err)
{
	struct expecting *x = ctx;
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	bool rotates = false;
	enum pv_code rc;

	if (!is_rotation(g) || g->index >= x->until)
		return PV_OK;
	buf_init(&room, LOG_ENTRY_MAX);
	rc = read_rotation(x, g->index, &room, &e, &rotates, err);
	return rc == PV_OK && rotates ? apply(x->text, &e, g->index - 1, err)
				      : rc;
}

enum pv_code settings_expected(struct store *store, bool before_last,
			       struct buf *text, bool *found, struct err *err)
{
	struct expecting x = { store, text, .until = UINT64_MAX };
	const struct store_visit last = { &x, { .governance = find_last } };
	const struct store_visit each = { &x, { .governance = take } };
	uint64_t from = 0;
	enum pv_code rc = settings_recorded(store, text, found, err);

	if (rc != PV_OK || !*found)
		return rc;
	rc = store_governance_last(store, LOG_CONFIG_ACCEPT, &from, err);
	if (rc == PV_OK)
		rc = store_governance_each(store, from, &last, err);
	if (rc == PV_OK && before_last)
		x.until = x.last;
	return rc == PV_OK && x.last > 0
		       ? store_governance_each(store, from, &each, err)
		       : rc;
}
