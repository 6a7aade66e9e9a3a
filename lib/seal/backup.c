#include "lib/seal/backup.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cbor.h"

enum backup_key {
	KEY_FORMAT = 1,
	KEY_AUTHORITY,
	KEY_LABEL,
	KEY_PURPOSE,
	KEY_ID,
	KEY_SPKI,
	KEY_SPLIT,
	KEY_THRESHOLD,
	KEY_SHARES,
	KEY_WRAPPED
};
#define KEYS 10

static void put_bytes(struct cbor_writer *w, enum backup_key key,
		      const uint8_t *p, size_t len)
{
	cbor_put_uint(w, key);
	cbor_put_bstr(w, p, len);
}

static void put_text(struct cbor_writer *w, enum backup_key key, const char *s)
{
	cbor_put_uint(w, key);
	cbor_put_str(w, s);
}

enum pv_code backup_put(const struct backup *b, struct buf *out,
			struct err *err)
{
	uint8_t bytes[BACKUP_MAX];
	struct cbor_writer w;

	cbor_writer_init(&w, bytes, sizeof(bytes));
	cbor_put_map(&w, KEYS);
	put_text(&w, KEY_FORMAT, BACKUP_FORMAT);
	put_text(&w, KEY_AUTHORITY, b->authority);
	put_text(&w, KEY_LABEL, b->label);
	put_text(&w, KEY_PURPOSE, b->purpose);
	put_bytes(&w, KEY_ID, b->id, sizeof(b->id));
	put_bytes(&w, KEY_SPKI, b->spki, b->spki_len);
	put_bytes(&w, KEY_SPLIT, b->split, sizeof(b->split));
	cbor_put_uint(&w, KEY_THRESHOLD);
	cbor_put_uint(&w, b->m);
	cbor_put_uint(&w, KEY_SHARES);
	cbor_put_array(&w, b->n);
	for (unsigned i = 0; i < b->n; i++)
		cbor_put_bstr(&w, b->share[i], sizeof(b->share[i]));
	put_bytes(&w, KEY_WRAPPED, b->wrapped, b->wrapped_len);
	if (!cbor_writer_ok(&w))
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"a backup is longer than its limit");
	buf_put(out, bytes, w.len);
	return buf_check(out, err);
}

/* ---- reading ---- */

/* A NUL in it would end the name before its end. */
static bool get_text(struct cbor_reader *r, enum backup_key key, char *out,
		     size_t cap)
{
	struct cbor_bytes s;

	if (!cbor_expect_uint(r, key) || !cbor_get_tstr(r, &s) || s.len == 0 ||
	    s.len >= cap || memchr(s.p, '\0', s.len))
		return false;
	memcpy(out, s.p, s.len);
	out[s.len] = '\0';
	return true;
}

/* Between min and max bytes. */
static bool get_bytes(struct cbor_reader *r, enum backup_key key, uint8_t *out,
		      size_t min, size_t max, size_t *len)
{
	struct cbor_bytes s;

	if (!cbor_expect_uint(r, key) || !cbor_get_bstr(r, &s) || s.len < min ||
	    s.len > max)
		return false;
	memcpy(out, s.p, s.len);
	*len = s.len;
	return true;
}

static bool get_shares(struct cbor_reader *r, struct backup *b)
{
	uint64_t m, n;

	if (!cbor_expect_uint(r, KEY_THRESHOLD) || !cbor_get_uint(r, &m) ||
	    !cbor_expect_uint(r, KEY_SHARES) || !cbor_get_array(r, &n) ||
	    m < 2 || m > n || n > SHARES_MAX)
		return false;
	b->m = (unsigned)m;
	for (b->n = 0; b->n < n; b->n++) {
		struct cbor_bytes s;

		if (!cbor_get_bstr(r, &s) || s.len != sizeof(b->share[0]))
			return false;
		memcpy(b->share[b->n], s.p, s.len);
	}
	return true;
}

static bool get_all(struct cbor_reader *r, struct backup *b)
{
	char format[sizeof(BACKUP_FORMAT)];
	uint64_t keys;
	size_t len;

	return cbor_get_map(r, &keys) && keys == KEYS &&
	       get_text(r, KEY_FORMAT, format, sizeof(format)) &&
	       strcmp(format, BACKUP_FORMAT) == 0 &&
	       get_text(r, KEY_AUTHORITY, b->authority, sizeof(b->authority)) &&
	       get_text(r, KEY_LABEL, b->label, sizeof(b->label)) &&
	       get_text(r, KEY_PURPOSE, b->purpose, sizeof(b->purpose)) &&
	       get_bytes(r, KEY_ID, b->id, sizeof(b->id), sizeof(b->id),
			 &len) &&
	       get_bytes(r, KEY_SPKI, b->spki, 1, sizeof(b->spki),
			 &b->spki_len) &&
	       get_bytes(r, KEY_SPLIT, b->split, sizeof(b->split),
			 sizeof(b->split), &len) &&
	       get_shares(r, b) &&
	       get_bytes(r, KEY_WRAPPED, b->wrapped, 1, sizeof(b->wrapped),
			 &b->wrapped_len) &&
	       cbor_done(r);
}

enum pv_code backup_parse(struct span bytes, struct backup *b, struct err *err)
{
	struct cbor_reader r;
	const char *why = NULL;

	memset(b, 0, sizeof(*b));
	if (bytes.len > BACKUP_MAX)
		why = "too long";
	else if (cbor_valid(bytes.p, bytes.len, CBOR_DEPTH_MAX, &why)) {
		cbor_reader_init(&r, bytes.p, bytes.len);
		if (get_all(&r, b))
			return PV_OK;
	}
	return err_fail(err, PV_INTEGRITY, "backup.format",
			"take the file as the ceremony wrote it",
			"not a backup of a key%s%s", why ? ": " : "",
			why ? why : "");
}

static bool is_of(const struct backup *b, const struct share *s)
{
	return memcmp(b->split, s->split, sizeof(b->split)) == 0 &&
	       strcmp(b->label, s->key) == 0 && s->n == b->n && s->m == b->m &&
	       s->number >= 1 && s->number <= b->n;
}

enum pv_code backup_holds(const struct backup *b, const struct share *s,
			  struct err *err)
{
	uint8_t digest[32];
	char object[16];
	enum pv_code rc = share_digest(s, digest, err);

	if (rc != PV_OK)
		return rc;
	if (is_of(b, s) &&
	    memcmp(digest, b->share[s->number - 1], sizeof(digest)) == 0)
		return PV_OK;
	snprintf(object, sizeof(object), "share %u", s->number);
	err_object(err, object);
	if (!is_of(b, s))
		return err_fail(err, PV_INTEGRITY, "shares.other",
				"bring the shares of this very backup: their "
				"line \"split\" is its",
				"share %u is of another backup", s->number);
	return err_fail(err, PV_INTEGRITY, "shares.mangled",
			"bring another share instead",
			"share %u is not what was given out", s->number);
}
