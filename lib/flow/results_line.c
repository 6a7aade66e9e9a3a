#include "lib/flow/results_line.h"

#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/notechars.h"

static const char *status_name(enum issue_status s)
{
	switch (s) {
	case ISSUE_ISSUED:
		return "issued";
	case ISSUE_EXISTING:
		return "existing";
	case ISSUE_DENIED:
		return "denied";
	case ISSUE_QUARANTINED:
		return "quarantined";
	case ISSUE_FAILED:
		return "failed";
	}
	return "failed";
}

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* Characters outside printable ASCII: refused ones are escaped. */
static void put_other(struct buf *b, const char *s, size_t len)
{
	size_t at, n;
	uint32_t cp;

	for (; len > 0; s += n, len -= n) {
		struct span rest = { (const uint8_t *)s, len };
		bool plain = notechars_ok(rest, &at, &cp);

		buf_put(b, s, at);
		n = at;
		if (plain)
			continue;
		if (cp == NOTECHARS_INVALID) {
			buf_put_str(b, "\xef\xbf\xbd");
			n += 1;
		} else {
			/* All refused characters are below U+10000. */
			buf_printf(b, "\\u%04x", (unsigned)cp);
			n += cp < 0x80 ? 1 : cp < 0x800 ? 2 : 3;
		}
	}
}

/* Nearly all is printable ASCII: a run of it is copied as it is. */
static void put_string(struct buf *b, const char *s, size_t len)
{
	size_t n;

	buf_put_u8(b, '"');
	for (; len > 0; s += n, len -= n) {
		n = 0;
		while (n < len && is_printable(s[n]) && s[n] != '"' &&
		       s[n] != '\\')
			n++;
		buf_put(b, s, n);
		if (n > 0)
			continue;
		if (s[0] == '\n' || is_printable(s[0])) {
			const char escape[] = { '\\',
						s[0] == '\n' ? 'n' : s[0] };

			buf_put(b, escape, sizeof(escape));
			n = 1;
			continue;
		}
		while (n < len && !is_printable(s[n]) && s[n] != '\n')
			n++;
		put_other(b, s, n);
	}
	buf_put_u8(b, '"');
}

static void put_text(struct buf *b, const char *key, const char *value)
{
	buf_put_u8(b, '"');
	buf_put_str(b, key);
	buf_put_str(b, "\":");
	if (value && value[0])
		put_string(b, value, strlen(value));
	else
		buf_put_str(b, "null");
}

static void put_error(struct buf *b, const struct err *e)
{
	buf_put_str(b, ",\"error\":");
	if (e->code == PV_OK) {
		buf_put_str(b, "null");
		return;
	}
	buf_printf(b, "{\"code\":%d,\"name\":\"%s\",", (int)e->code,
		   pv_code_name(e->code));
	put_text(b, "object", e->object);
	buf_put_u8(b, ',');
	put_text(b, "rule", e->rule);
	buf_put_u8(b, ',');
	put_text(b, "message", e->message);
	buf_put_u8(b, ',');
	put_text(b, "hint", e->hint);
	buf_put_u8(b, '}');
}

static void put_base64(struct buf *b, struct span s)
{
	size_t len = BASE64_LEN(s.len);
	uint8_t *room;

	buf_put_u8(b, '"');
	room = buf_room(b, len + 1);
	if (room) {
		base64_encode(s.p, s.len, (char *)room);
		buf_commit(b, len);
	}
	buf_put_u8(b, '"');
}

static void put_bundle(struct buf *b, const struct results_line *l, size_t n)
{
	const char *path = l->paths[n];

	if (path)
		put_string(b, path, strlen(path));
	else
		put_base64(b, l->out->bundles[n].container);
}

/* One bundle is a string, several are an object by stage. */
static void put_bundles(struct buf *b, const struct results_line *l)
{
	const struct record_out *o = l->out;

	buf_put_str(b, ",\"bundle\":");
	if (o->bundles_n == 0)
		buf_put_str(b, "null");
	else if (o->bundles_n == 1)
		put_bundle(b, l, 0);
	for (size_t n = 0; o->bundles_n > 1 && n < o->bundles_n; n++) {
		buf_put_u8(b, n ? ',' : '{');
		put_string(b, o->bundles[n].stage, strlen(o->bundles[n].stage));
		buf_put_u8(b, ':');
		put_bundle(b, l, n);
	}
	if (o->bundles_n > 1)
		buf_put_u8(b, '}');
}

void results_line_put(struct buf *b, const struct results_line *l)
{
	const struct record_out *o = l->out;
	char serial[64] = "";

	if (o->serial.len > 0 && o->serial.len < sizeof(serial) / 2)
		hex_encode(o->serial.p, o->serial.len, serial);
	buf_put_u8(b, '{');
	put_text(b, "request", o->id);
	buf_put_u8(b, ',');
	put_text(b, "device", o->device);
	buf_printf(b, ",\"status\":\"%s\",", status_name(o->status));
	put_text(b, "serial", serial);
	buf_put_str(b, ",\"certificate\":");
	if (l->pem.len > 0)
		put_string(b, (const char *)l->pem.p, l->pem.len);
	else
		buf_put_str(b, "null");
	put_bundles(b, l);
	put_error(b, l->why);
	buf_put_str(b, "}\n");
}
