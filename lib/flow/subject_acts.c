#include "lib/flow/subject_acts.h"

#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/store/store_types.h"

static void put_line(struct buf *out, const char *key, struct span value)
{
	buf_printf(out, "%s ", key);
	buf_put(out, value.p, value.len);
	buf_put_u8(out, '\n');
}

static void put_number(struct buf *out, const char *key, uint64_t v)
{
	buf_printf(out, "%s %llu\n", key, (unsigned long long)v);
}

static void put_hash(struct buf *out, const char *key, const uint8_t *hash)
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(hash, SHA256_LEN, hex);
	buf_printf(out, "%s%s\n", key, hex);
}

void subject_revoke(struct buf *out, const struct subject_revoke *s)
{
	char text[PVTIME_RFC3339_LEN + 1];

	put_line(out, "revoke", s->reason);
	buf_put(out, s->selector.p, s->selector.len);
	buf_put_u8(out, '\n');
	if (s->invalidity_s >= 0 && pvtime_format(s->invalidity_s, text))
		buf_printf(out, "invalidity %s\n", text);
	if (s->retired > 0) {
		put_number(out, "retire", s->retired);
		put_hash(out, "devices sha256:", s->devices);
	}
	put_number(out, "count", s->count);
	put_hash(out, "serials sha256:", s->serials);
	buf_put(out, s->named.p, s->named.len);
	if (s->named.len == 0 && s->first.len > 0) {
		put_line(out, "first", s->first);
		put_line(out, "last", s->last);
	}
}

enum pv_code subject_rotate_ca(struct buf *out,
			       const struct subject_rotate_ca *s,
			       struct err *err)
{
	char when[PVTIME_RFC3339_LEN + 1] = "at once";
	bool never = s->active_ms == STORE_CA_NEVER;

	if (s->active_ms && !never &&
	    !pvtime_format((int64_t)(s->active_ms / 1000), when))
		return err_fail(err, PV_INPUT, "rotate.time", NULL,
				"not a time from 1970 to 9999");
	buf_put_str(out, "rotate ca\n");
	put_line(out, "name", s->name);
	put_line(out, "from", s->from);
	put_number(out, "to", s->to);
	buf_printf(out, "takes_over %s\n",
		   never ? "never, it is withdrawn" : when);
	put_line(out, "template", s->template);
	put_hash(out, "template_sha256 ", s->template_sha256);
	return buf_check(out, err);
}

void subject_rotate_key(struct buf *out, const struct subject_rotate_key *s)
{
	buf_put_str(out, "rotate key\n");
	put_line(out, "purpose", s->purpose);
	if (s->from.len > 0)
		put_line(out, "from", s->from);
	put_line(out, "to", s->to);
	if (s->ends)
		buf_put_str(out, "ends yes\n");
}

void subject_kek(struct buf *out, const struct subject_kek *s)
{
	buf_put_str(out, "export kek\nto sha256:");
	buf_put(out, s->to.p, s->to.len);
	buf_put_u8(out, '\n');
	buf_put(out, s->whom.p, s->whom.len);
	put_number(out, "count", s->n);
	put_line(out, "first", s->first);
	put_line(out, "last", s->last);
	if (s->named.len > 0)
		buf_put(out, s->named.p, s->named.len);
	else
		put_hash(out, "list sha256:", s->list);
}
