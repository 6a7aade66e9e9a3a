#include "cmd/provdev/json_cbor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* RFC 8949 appendix D, for the three widths. */
static double float_of(struct cbor_bytes v)
{
	uint64_t bits = 0;
	uint32_t single;
	double d;
	float f;
	size_t i;

	for (i = 1; i < v.len; i++)
		bits = bits << 8 | v.p[i];
	if (v.len == 9) {
		memcpy(&d, &bits, sizeof(d));
		return d;
	}
	if (v.len == 5) {
		single = (uint32_t)bits;
		memcpy(&f, &single, sizeof(f));
		return (double)f;
	}
	d = (double)(bits & 0x3ff);
	d = (bits >> 10 & 0x1f) == 0
		    ? ldexp(d, -24)
		    : ldexp(d + 1024, (int)(bits >> 10 & 0x1f) - 25);
	return bits & 0x8000 ? -d : d;
}

static json_t *scalar(struct cbor_reader *r)
{
	struct cbor_bytes v;
	int64_t i;
	bool b;

	switch (cbor_peek(r)) {
	case CBOR_UINT:
	case CBOR_NINT:
		return cbor_get_int(r, &i) ? json_integer(i) : NULL;
	case CBOR_TSTR:
		return cbor_get_tstr(r, &v)
			       ? json_stringn((const char *)v.p, v.len)
			       : NULL;
	case CBOR_FLOAT:
		return cbor_skip(r, &v) ? json_real(float_of(v)) : NULL;
	case CBOR_SIMPLE:
		if (r->p[r->pos] == 0xf6)
			return cbor_get_null(r) ? json_null() : NULL;
		return cbor_get_bool(r, &b) ? json_boolean(b) : NULL;
	default:
		return NULL;
	}
}

static json_t *convert(struct cbor_reader *r);

static json_t *array(struct cbor_reader *r)
{
	json_t *out = json_array();
	uint64_t n;

	if (!cbor_get_array(r, &n))
		n = 0;
	for (; n > 0; n--) {
		if (json_array_append_new(out, convert(r)) != 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

static json_t *object(struct cbor_reader *r)
{
	json_t *out = json_object();
	struct cbor_bytes key;
	uint64_t n;

	if (!cbor_get_map(r, &n))
		n = 0;
	for (; n > 0; n--) {
		char *name = cbor_get_tstr(r, &key)
				     ? strndup((const char *)key.p, key.len)
				     : NULL;
		int failed = !name ||
			     json_object_set_new(out, name, convert(r)) != 0;

		free(name);
		if (failed) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

/* Nesting is bounded by cbor_valid(). */
static json_t *convert(struct cbor_reader *r)
{
	switch (cbor_peek(r)) {
	case CBOR_ARRAY:
		return array(r);
	case CBOR_MAP:
		return object(r);
	default:
		return scalar(r);
	}
}

json_t *json_from_cbor(struct cbor_bytes item)
{
	struct cbor_reader r;

	cbor_reader_init(&r, item.p, item.len);
	return convert(&r);
}
