#include "lib/base/cbor_read.h"

void cbor_reader_init(struct cbor_reader *r, const uint8_t *p, size_t len)
{
	cbor_in_init(r, p, len);
}

enum cbor_type cbor_peek(const struct cbor_reader *r)
{
	return cbor_in_peek(r);
}

bool cbor_get_uint(struct cbor_reader *r, uint64_t *v)
{
	return cbor_in_uint(r, v);
}

bool cbor_get_bstr(struct cbor_reader *r, struct cbor_bytes *v)
{
	return cbor_in_bstr(r, v);
}

bool cbor_get_map(struct cbor_reader *r, uint64_t *n)
{
	return cbor_in_map(r, n);
}

bool cbor_expect_uint(struct cbor_reader *r, uint64_t key)
{
	return cbor_in_expect(r, key);
}

bool cbor_done(const struct cbor_reader *r)
{
	return cbor_in_done(r);
}

bool cbor_get_int(struct cbor_reader *r, int64_t *v)
{
	struct cbor_head h;
	bool negative = cbor_peek(r) == CBOR_NINT;

	if (!cbor_take(r, negative ? CBOR_MAJOR_NINT : CBOR_MAJOR_UINT, &h))
		return false;
	if (h.arg > INT64_MAX)
		return cbor_fail(r);
	*v = negative ? -1 - (int64_t)h.arg : (int64_t)h.arg;
	return true;
}

bool cbor_get_tstr(struct cbor_reader *r, struct cbor_bytes *v)
{
	return cbor_in_chars(r, v) &&
	       (cbor_utf8_valid(v->p, v->len) || cbor_fail(r));
}

bool cbor_get_array(struct cbor_reader *r, uint64_t *n)
{
	return cbor_in_count(r, CBOR_MAJOR_ARRAY, n);
}

bool cbor_get_tag(struct cbor_reader *r, uint64_t *tag)
{
	return cbor_in_count(r, CBOR_MAJOR_TAG, tag);
}

bool cbor_get_bool(struct cbor_reader *r, bool *v)
{
	struct cbor_head h;

	if (!cbor_take(r, CBOR_MAJOR_OTHER, &h))
		return false;
	if (h.info != CBOR_SIMPLE_FALSE && h.info != CBOR_SIMPLE_TRUE)
		return cbor_fail(r);
	*v = h.info == CBOR_SIMPLE_TRUE;
	return true;
}

bool cbor_get_null(struct cbor_reader *r)
{
	struct cbor_head h;

	if (!cbor_take(r, CBOR_MAJOR_OTHER, &h))
		return false;
	return h.info == CBOR_SIMPLE_NULL || cbor_fail(r);
}

bool cbor_skip(struct cbor_reader *r, struct cbor_bytes *item)
{
	size_t n;

	if (r->err)
		return false;
	n = cbor_item_len(r->p + r->pos, r->len - r->pos, CBOR_DEPTH_LIMIT,
			  NULL);
	if (n == 0)
		return cbor_fail(r);
	if (item) {
		item->p = r->p + r->pos;
		item->len = n;
	}
	r->pos += n;
	return true;
}
