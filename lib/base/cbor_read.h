/*
 * cbor_read: the getters of cbor.h that a reader of many small items has in
 * line; cbor_read.c has the ones that everyone else calls. Freestanding C99.
 */
#ifndef PV_BASE_CBOR_READ_H
#define PV_BASE_CBOR_READ_H

#include "lib/base/cbor_impl.h"

static inline bool cbor_refuse(const char **why, const char *reason)
{
	if (why)
		*why = reason;
	return false;
}

/*
 * One head at p, in shortest form; a string's contents fit in len, and an
 * array's or map's count is not above what len could hold.
 */
static inline bool cbor_head(struct cbor_head *h, const uint8_t *p, size_t len,
			     const char **why)
{
	if (len == 0)
		return cbor_refuse(why, "truncated");
	h->major = (enum cbor_major)(p[0] >> 5);
	h->info = p[0] & 0x1fu;
	h->arg = h->info;
	h->len = 1;
	if (h->info >= CBOR_INFO_U8) {
		struct cbor_head full = *h; /* h stays in registers */

		if (!cbor_head_argument(&full, p, len, why))
			return false;
		*h = full;
	}
	len -= h->len;
	switch (h->major) {
	case CBOR_MAJOR_BSTR:
	case CBOR_MAJOR_TSTR:
	case CBOR_MAJOR_ARRAY:
		if (h->arg > len)
			return cbor_refuse(why, "length beyond the input");
		return true;
	case CBOR_MAJOR_MAP:
		if (h->arg > len / 2)
			return cbor_refuse(why, "length beyond the input");
		return true;
	case CBOR_MAJOR_OTHER:
		if (h->info == CBOR_INFO_U8 && h->arg < CBOR_SIMPLE_FIRST_2BYTE)
			return cbor_refuse(why,
					   "simple value not in shortest form");
		if (h->info > CBOR_INFO_U8 &&
		    !cbor_float_is_shortest(h->info, h->arg))
			return cbor_refuse(why, "float not in shortest form");
		return true;
	default:
		return true;
	}
}

static inline void cbor_in_init(struct cbor_reader *r, const uint8_t *p,
				size_t len)
{
	r->p = p;
	r->len = len;
	r->pos = 0;
	r->err = false;
}

static inline bool cbor_fail(struct cbor_reader *r)
{
	r->err = true;
	return false;
}

/* The head at pos, if it has this major type; pos moves behind it. */
static inline bool cbor_take(struct cbor_reader *r, enum cbor_major major,
			     struct cbor_head *h)
{
	if (r->err || !cbor_head(h, r->p + r->pos, r->len - r->pos, NULL) ||
	    h->major != major)
		return cbor_fail(r);
	r->pos += h->len;
	return true;
}

static inline enum cbor_type cbor_in_peek(const struct cbor_reader *r)
{
	static const enum cbor_type types[] = { CBOR_UINT,  CBOR_NINT,
						CBOR_BSTR,  CBOR_TSTR,
						CBOR_ARRAY, CBOR_MAP,
						CBOR_TAG,   CBOR_SIMPLE };
	uint8_t first;

	if (r->err || r->pos >= r->len)
		return CBOR_NONE;
	first = r->p[r->pos];
	if (first >> 5 == CBOR_MAJOR_OTHER && (first & 0x1fu) > CBOR_INFO_U8)
		return CBOR_FLOAT;
	return types[first >> 5];
}

static inline bool cbor_in_uint(struct cbor_reader *r, uint64_t *v)
{
	struct cbor_head h;

	if (!cbor_take(r, CBOR_MAJOR_UINT, &h))
		return false;
	*v = h.arg;
	return true;
}

static inline bool cbor_in_string(struct cbor_reader *r, enum cbor_major major,
				  struct cbor_bytes *v)
{
	struct cbor_head h;

	if (!cbor_take(r, major, &h))
		return false;
	v->p = r->p + r->pos;
	v->len = (size_t)h.arg;
	r->pos += v->len;
	return true;
}

static inline bool cbor_in_bstr(struct cbor_reader *r, struct cbor_bytes *v)
{
	return cbor_in_string(r, CBOR_MAJOR_BSTR, v);
}

/* A text string of which the caller checks that it is UTF-8. */
static inline bool cbor_in_chars(struct cbor_reader *r, struct cbor_bytes *v)
{
	return cbor_in_string(r, CBOR_MAJOR_TSTR, v);
}

static inline bool cbor_in_count(struct cbor_reader *r, enum cbor_major major,
				 uint64_t *n)
{
	struct cbor_head h;

	if (!cbor_take(r, major, &h))
		return false;
	*n = h.arg;
	return true;
}

static inline bool cbor_in_map(struct cbor_reader *r, uint64_t *n)
{
	return cbor_in_count(r, CBOR_MAJOR_MAP, n);
}

static inline bool cbor_in_expect(struct cbor_reader *r, uint64_t key)
{
	uint64_t v;

	/* What fits into a head of one byte is that byte. */
	if (key < CBOR_INFO_U8 && !r->err && r->pos < r->len &&
	    r->p[r->pos] == key) {
		r->pos++;
		return true;
	}
	if (!cbor_in_uint(r, &v))
		return false;
	return v == key || cbor_fail(r);
}

static inline bool cbor_in_done(const struct cbor_reader *r)
{
	return !r->err && r->pos == r->len;
}

#endif
