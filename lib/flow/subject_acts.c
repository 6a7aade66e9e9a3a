#include "lib/flow/subject_acts.h"

#include <string.h>

#include "lib/base/cleanup.h"
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

static enum pv_code not_a_time(struct err *err)
{
	return err_fail(err, PV_INPUT, "rotate.time", NULL,
			"not a time from 1970 to 9999");
}

/* Nothing where the template says it. */
static enum pv_code put_end(struct buf *out, int64_t until_s, struct err *err)
{
	char text[PVTIME_RFC3339_LEN + 1];

	if (until_s == 0)
		return PV_OK;
	if (!pvtime_format(until_s, text))
		return not_a_time(err);
	buf_printf(out, "not_after %s\n", text);
	return PV_OK;
}

enum pv_code subject_rotate_ca(struct buf *out,
			       const struct subject_rotate_ca *s,
			       struct err *err)
{
	char when[PVTIME_RFC3339_LEN + 1] = "at once";
	bool never = s->active_ms == STORE_CA_NEVER;
	enum pv_code rc;

	if (s->active_ms && !never &&
	    !pvtime_format((int64_t)(s->active_ms / 1000), when))
		return not_a_time(err);
	/* The first generation takes nobody's place. */
	buf_put_str(out, s->from.len > 0 ? "rotate ca\n" : "new ca\n");
	put_line(out, "name", s->name);
	if (s->from.len > 0)
		put_line(out, "from", s->from);
	put_number(out, "to", s->to);
	buf_printf(out, "takes_over %s\n",
		   never ? "never, it is withdrawn" : when);
	put_line(out, "template", s->template);
	put_hash(out, "template_sha256 ", s->template_sha256);
	rc = put_end(out, s->until_s, err);
	return rc == PV_OK ? buf_check(out, err) : rc;
}

enum pv_code subject_sign_ca(struct buf *out, const struct subject_sign_ca *s,
			     struct err *err)
{
	enum pv_code rc;

	buf_put_str(out, "sign ca\n");
	put_line(out, "name", s->name);
	put_line(out, "for", s->to);
	put_line(out, "issuer", s->issuer);
	put_number(out, "to", s->generation);
	put_line(out, "template", s->template);
	put_hash(out, "template_sha256 ", s->template_sha256);
	rc = put_end(out, s->until_s, err);
	return rc == PV_OK ? buf_check(out, err) : rc;
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

/* ---- attestation keys ---- */

#define KEY_LINE_MAX 320u

enum pv_code subject_keys_begin(struct subject_keys *keys, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!keys->lines)
		rc = sha256_new(&keys->lines, err);
	if (rc != PV_OK)
		return rc;
	sha256_begin(keys->lines);
	buf_release(&keys->named);
	buf_init(&keys->named, SUBJECT_ACTS_MAX);
	keys->n = 0;
	keys->first[0] = keys->last[0] = '\0';
	return PV_OK;
}

void subject_keys_release(struct subject_keys *keys)
{
	sha256_free(keys->lines);
	keys->lines = NULL;
	buf_release(&keys->named);
}

static void put_hex(struct buf *out, const char *key, struct span bytes)
{
	char hex[2 * 64 + 1];

	if (bytes.len == 0 || bytes.len > 64)
		return;
	hex_encode(bytes.p, bytes.len, hex);
	buf_printf(out, "%s%s", key, hex);
}

static void copy_id(char out[65], struct span id)
{
	size_t n = id.len < 65 ? id.len : 64;

	if (n > 0)
		memcpy(out, id.p, n);
	out[n] = '\0';
}

void subject_keys_add(struct subject_keys *keys, const struct subject_key *k)
{
	CLEANUP(buf_release) struct buf line;

	buf_init(&line, KEY_LINE_MAX);
	buf_put_str(&line, "key ");
	buf_put(&line, k->device.p, k->device.len);
	buf_put_u8(&line, ' ');
	buf_put(&line, k->format.p, k->format.len);
	put_hex(&line, " sha256:", (struct span){ k->sha256, SHA256_LEN });
	put_hex(&line, " instance ", k->instance);
	if (k->ek)
		put_hex(&line,
			" ek sha256:", (struct span){ k->ek, SHA256_LEN });
	buf_put_u8(&line, '\n');
	keys->named.failed |= line.failed;
	sha256_add(keys->lines, buf_span(&line));
	if (keys->n < SUBJECT_KEYS_NAMED)
		buf_put(&keys->named, line.data, line.len);
	if (keys->n++ == 0)
		copy_id(keys->first, k->device);
	copy_id(keys->last, k->device);
}

enum pv_code subject_keys_put(struct subject_keys *keys, struct buf *out,
			      struct err *err)
{
	uint8_t list[SHA256_LEN];
	enum pv_code rc = buf_check(&keys->named, err);

	if (rc == PV_OK)
		rc = sha256_end(keys->lines, list, err);
	if (rc != PV_OK)
		return rc;
	buf_put_str(out, "attest enrol\n");
	put_number(out, "count", keys->n);
	if (keys->n <= SUBJECT_KEYS_NAMED) {
		buf_put(out, keys->named.data, keys->named.len);
		return buf_check(out, err);
	}
	buf_printf(out, "first %s\nlast %s\n", keys->first, keys->last);
	put_hash(out, "list sha256:", list);
	return buf_check(out, err);
}
