#include "lib/flow/audit_line.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/notechars.h"
#include "lib/base/pvtime.h"
#include "lib/log/claim.h"

/* Columns: the longest type is quarantine.release, ids are 32 hex digits. */
#define WIDTH_TYPE 18u
#define WIDTH_ACTOR 8u
#define WIDTH_OBJECT 32u

/* Between quotes, as both JSON and the words of a line have it. */
static void put_quoted(struct buf *b, struct span s)
{
	size_t from = 0;

	buf_put_u8(b, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] != '"' && s.p[i] != '\\' && s.p[i] != '\n')
			continue;
		buf_put(b, s.p + from, i - from);
		buf_put_u8(b, '\\');
		from = i;
		if (s.p[i] == '\n') {
			buf_put_u8(b, 'n');
			from++;
		}
	}
	if (from < s.len)
		buf_put(b, s.p + from, s.len - from);
	buf_put_u8(b, '"');
}

static void put_hex(struct buf *b, struct span s)
{
	uint8_t *room = buf_room(b, 2 * s.len + 1);

	if (!room)
		return;
	hex_encode(s.p, s.len, (char *)room);
	buf_commit(b, 2 * s.len);
}

/* 2026-01-31T23:59:59.999Z */
static enum pv_code put_time(struct buf *b, uint64_t time_ms, struct err *err)
{
	char text[PVTIME_RFC3339_LEN + 1];

	if (time_ms / 1000 > PVTIME_MAX ||
	    !pvtime_format((int64_t)(time_ms / 1000), text))
		return err_fail(err, PV_INTEGRITY, "log.entry",
				"run audit verify",
				"log entry: its time is past the year 9999");
	buf_printf(b, "%.*s.%03uZ", (int)(PVTIME_RFC3339_LEN - 1), text,
		   (unsigned)(time_ms % 1000));
	return PV_OK;
}

/*
 * What was put together, to out. The texts of an entry that was decoded are
 * clean already; this line does not depend on it.
 */
static enum pv_code finish(const struct buf *line, struct buf *out,
			   struct err *err)
{
	enum pv_code rc = buf_check(line, err);
	uint8_t *room = rc == PV_OK ? buf_room(out, line->len + 1) : NULL;

	if (room) {
		buf_commit(out, notechars_clean((char *)room, line->len + 1,
						buf_span(line)));
		buf_put_u8(out, '\n');
	}
	return rc == PV_OK ? buf_check(out, err) : rc;
}

/* ---- for people ---- */

static bool is_word(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' ||
		    s.p[i] == '\\')
			return false;
	return s.len > 0;
}

static void put_word(struct buf *b, struct span s, size_t width)
{
	size_t from = b->len;

	if (is_word(s))
		buf_put(b, s.p, s.len);
	else
		put_quoted(b, s);
	while (!b->failed && b->len - from < width)
		buf_put_u8(b, ' ');
}

/* "template hash" is template-hash here. */
static void put_key(struct buf *b, struct span key)
{
	for (size_t i = 0; i < key.len; i++)
		buf_put_u8(b, key.p[i] == ' ' ? '-' : key.p[i]);
	buf_put_u8(b, '=');
}

/* What people approved is shown as they saw it, and a note as it is; LF is
 * escaped. */
static bool is_hex(const struct log_fact *f)
{
	return f->kind == LOG_BSTR && !span_is(f->key, LOG_SUBJECT) &&
	       !span_is(f->key, LOG_NOTE);
}

static void put_fact(struct buf *b, const struct log_fact *f)
{
	put_key(b, f->key);
	if (f->kind == LOG_UINT)
		buf_printf(b, "%llu", (unsigned long long)f->u);
	else if (is_hex(f))
		put_hex(b, f->s);
	else
		put_word(b, f->s, 0);
}

enum pv_code audit_line_text(uint64_t index, const struct log_entry *e,
			     struct buf *out, struct err *err)
{
	CLEANUP(buf_release) struct buf b;
	enum pv_code rc;

	buf_init(&b, AUDIT_LINE_MAX);
	rc = put_time(&b, e->time_ms, err);
	if (rc != PV_OK)
		return rc;
	buf_printf(&b, " %8llu  ", (unsigned long long)index);
	put_word(&b, e->type, WIDTH_TYPE);
	buf_put_u8(&b, ' ');
	put_word(&b, e->actor, WIDTH_ACTOR);
	buf_put_u8(&b, ' ');
	put_word(&b, e->object, e->facts_n ? WIDTH_OBJECT : 0);
	for (size_t i = 0; i < e->facts_n; i++) {
		buf_put_u8(&b, ' ');
		put_fact(&b, &e->facts[i]);
	}
	return finish(&b, out, err);
}

/* ---- for machines ---- */

static void put_member(struct buf *b, const char *name, struct span s)
{
	buf_printf(b, ",\"%s\":", name);
	put_quoted(b, s);
}

static void put_json_fact(struct buf *b, const struct log_fact *f)
{
	put_quoted(b, f->key);
	buf_put_u8(b, ':');
	if (f->kind == LOG_UINT) {
		buf_printf(b, "%llu", (unsigned long long)f->u);
	} else if (is_hex(f)) {
		buf_put_u8(b, '"');
		put_hex(b, f->s);
		buf_put_u8(b, '"');
	} else {
		put_quoted(b, f->s);
	}
}

enum pv_code audit_line_json(uint64_t index, const struct log_entry *e,
			     struct buf *out, struct err *err)
{
	CLEANUP(buf_release) struct buf b;
	enum pv_code rc;

	buf_init(&b, AUDIT_LINE_MAX);
	buf_printf(&b, "{\"index\":%llu,\"time\":\"",
		   (unsigned long long)index);
	rc = put_time(&b, e->time_ms, err);
	if (rc != PV_OK)
		return rc;
	buf_put_u8(&b, '"');
	put_member(&b, "type", e->type);
	put_member(&b, "actor", e->actor);
	put_member(&b, "object", e->object);
	buf_put_str(&b, ",\"facts\":{");
	for (size_t i = 0; i < e->facts_n; i++) {
		if (i > 0)
			buf_put_u8(&b, ',');
		put_json_fact(&b, &e->facts[i]);
	}
	buf_put_str(&b, "}}");
	return finish(&b, out, err);
}
