#include "lib/base/cbor_impl.h"

void cbor_writer_init(struct cbor_writer *w, uint8_t *p, size_t cap)
{
	w->p = p;
	w->cap = cap;
	w->len = 0;
}

bool cbor_writer_ok(const struct cbor_writer *w)
{
	return w->len <= w->cap;
}

void cbor_put_raw(struct cbor_writer *w, const uint8_t *p, size_t len)
{
	if (len > SIZE_MAX - w->len) {
		w->len = SIZE_MAX;
		return;
	}
	if (len > 0 && w->len <= w->cap && len <= w->cap - w->len)
		memcpy(w->p + w->len, p, len);
	w->len += len;
}

/* n big-endian bytes of v behind the initial byte. */
static void put_wide(struct cbor_writer *w, enum cbor_major major,
		     unsigned info, uint64_t v)
{
	uint8_t b[9];
	size_t n = (size_t)1 << (info - CBOR_INFO_U8);
	size_t i;

	b[0] = (uint8_t)(((unsigned)major << 5) | info);
	for (i = 0; i < n; i++)
		b[n - i] = (uint8_t)(v >> (8 * i));
	cbor_put_raw(w, b, n + 1);
}

static void put_head(struct cbor_writer *w, enum cbor_major major, uint64_t v)
{
	uint8_t b;

	if (v >= CBOR_INFO_U8) {
		put_wide(w, major,
			 v > 0xffffffffu ? CBOR_INFO_U64
			 : v > 0xffff	 ? CBOR_INFO_U32
			 : v > 0xff	 ? CBOR_INFO_U16
					 : CBOR_INFO_U8,
			 v);
		return;
	}
	b = (uint8_t)(((unsigned)major << 5) | (unsigned)v);
	cbor_put_raw(w, &b, 1);
}

void cbor_put_uint(struct cbor_writer *w, uint64_t v)
{
	put_head(w, CBOR_MAJOR_UINT, v);
}

void cbor_put_int(struct cbor_writer *w, int64_t v)
{
	if (v >= 0)
		put_head(w, CBOR_MAJOR_UINT, (uint64_t)v);
	else
		put_head(w, CBOR_MAJOR_NINT, (uint64_t)(-1 - v));
}

void cbor_put_bstr_head(struct cbor_writer *w, uint64_t len)
{
	put_head(w, CBOR_MAJOR_BSTR, len);
}

void cbor_put_bstr(struct cbor_writer *w, const uint8_t *p, size_t len)
{
	cbor_put_bstr_head(w, len);
	cbor_put_raw(w, p, len);
}

void cbor_put_tstr(struct cbor_writer *w, const char *s, size_t len)
{
	put_head(w, CBOR_MAJOR_TSTR, len);
	cbor_put_raw(w, (const uint8_t *)s, len);
}

void cbor_put_str(struct cbor_writer *w, const char *s)
{
	cbor_put_tstr(w, s, strlen(s));
}

void cbor_put_array(struct cbor_writer *w, uint64_t n)
{
	put_head(w, CBOR_MAJOR_ARRAY, n);
}

void cbor_put_map(struct cbor_writer *w, uint64_t n)
{
	put_head(w, CBOR_MAJOR_MAP, n);
}

void cbor_put_tag(struct cbor_writer *w, uint64_t tag)
{
	put_head(w, CBOR_MAJOR_TAG, tag);
}

void cbor_put_bool(struct cbor_writer *w, bool v)
{
	put_head(w, CBOR_MAJOR_OTHER, v ? CBOR_SIMPLE_TRUE : CBOR_SIMPLE_FALSE);
}

void cbor_put_null(struct cbor_writer *w)
{
	put_head(w, CBOR_MAJOR_OTHER, CBOR_SIMPLE_NULL);
}

void cbor_put_double(struct cbor_writer *w, double v)
{
	uint64_t u;
	uint32_t half, single;

	memcpy(&u, &v, sizeof(u));
	half = cbor_double_is_nan(u) ? CBOR_HALF_NAN : cbor_double_to_half(u);
	if (half != CBOR_HALF_NONE)
		put_wide(w, CBOR_MAJOR_OTHER, CBOR_INFO_U16, half);
	else if (cbor_double_to_single(u, &single))
		put_wide(w, CBOR_MAJOR_OTHER, CBOR_INFO_U32, single);
	else
		put_wide(w, CBOR_MAJOR_OTHER, CBOR_INFO_U64, u);
}
