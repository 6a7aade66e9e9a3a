#include "lib/base/cbor_impl.h"

void cbor_reader_init(struct cbor_reader *r, const uint8_t *p, size_t len)
{
	r->p = p;
	r->len = len;
	r->pos = 0;
	r->err = false;
}

static bool fail(struct cbor_reader *r)
{
	r->err = true;
	return false;
}

/* The head at pos, if it has this major type; pos moves behind it. */
static bool take(struct cbor_reader *r, enum cbor_major major,
		 struct cbor_head *h)
{
	if (r->err ||
	    !cbor_head_read(h, r->p + r->pos, r->len - r->pos, NULL) ||
	    h->major != major)
		return fail(r);
	r->pos += h->len;
	return true;
}

enum cbor_type cbor_peek(const struct cbor_reader *r)
{
	static const enum cbor_type types[] = { CBOR_UINT,  CBOR_NINT,
						CBOR_BSTR,  CBOR_TSTR,
						CBOR_ARRAY, CBOR_MAP,
						CBOR_TAG,   CBOR_SIMPLE };
	struct cbor_head h;

	if (r->err || !cbor_head_read(&h, r->p + r->pos, r->len - r->pos, NULL))
		return CBOR_NONE;
	if (h.major == CBOR_MAJOR_OTHER && h.info > CBOR_INFO_U8)
		return CBOR_FLOAT;
	return types[h.major];
}

bool cbor_get_uint(struct cbor_reader *r, uint64_t *v)
{
	struct cbor_head h;

	if (!take(r, CBOR_MAJOR_UINT, &h))
		return false;
	*v = h.arg;
	return true;
}

bool cbor_get_int(struct cbor_reader *r, int64_t *v)
{
	struct cbor_head h;
	bool negative = cbor_peek(r) == CBOR_NINT;

	if (!take(r, negative ? CBOR_MAJOR_NINT : CBOR_MAJOR_UINT, &h))
		return false;
	if (h.arg > INT64_MAX)
		return fail(r);
	*v = negative ? -1 - (int64_t)h.arg : (int64_t)h.arg;
	return true;
}

static bool get_string(struct cbor_reader *r, enum cbor_major major,
		       struct cbor_bytes *v)
{
	struct cbor_head h;

	if (!take(r, major, &h))
		return false;
	v->p = r->p + r->pos;
	v->len = (size_t)h.arg;
	r->pos += v->len;
	return true;
}

bool cbor_get_bstr(struct cbor_reader *r, struct cbor_bytes *v)
{
	return get_string(r, CBOR_MAJOR_BSTR, v);
}

bool cbor_get_tstr(struct cbor_reader *r, struct cbor_bytes *v)
{
	if (!get_string(r, CBOR_MAJOR_TSTR, v))
		return false;
	return cbor_utf8_valid(v->p, v->len) || fail(r);
}

static bool get_count(struct cbor_reader *r, enum cbor_major major, uint64_t *n)
{
	struct cbor_head h;

	if (!take(r, major, &h))
		return false;
	*n = h.arg;
	return true;
}

bool cbor_get_array(struct cbor_reader *r, uint64_t *n)
{
	return get_count(r, CBOR_MAJOR_ARRAY, n);
}

bool cbor_get_map(struct cbor_reader *r, uint64_t *n)
{
	return get_count(r, CBOR_MAJOR_MAP, n);
}

bool cbor_get_tag(struct cbor_reader *r, uint64_t *tag)
{
	return get_count(r, CBOR_MAJOR_TAG, tag);
}

bool cbor_get_bool(struct cbor_reader *r, bool *v)
{
	struct cbor_head h;

	if (!take(r, CBOR_MAJOR_OTHER, &h))
		return false;
	if (h.info != CBOR_SIMPLE_FALSE && h.info != CBOR_SIMPLE_TRUE)
		return fail(r);
	*v = h.info == CBOR_SIMPLE_TRUE;
	return true;
}

bool cbor_get_null(struct cbor_reader *r)
{
	struct cbor_head h;

	if (!take(r, CBOR_MAJOR_OTHER, &h))
		return false;
	return h.info == CBOR_SIMPLE_NULL || fail(r);
}

bool cbor_skip(struct cbor_reader *r, struct cbor_bytes *item)
{
	size_t n;

	if (r->err)
		return false;
	n = cbor_item_len(r->p + r->pos, r->len - r->pos, CBOR_DEPTH_LIMIT,
			  NULL);
	if (n == 0)
		return fail(r);
	if (item) {
		item->p = r->p + r->pos;
		item->len = n;
	}
	r->pos += n;
	return true;
}

bool cbor_expect_uint(struct cbor_reader *r, uint64_t key)
{
	uint64_t v;

	if (!cbor_get_uint(r, &v))
		return false;
	return v == key || fail(r);
}

bool cbor_done(const struct cbor_reader *r)
{
	return !r->err && r->pos == r->len;
}
