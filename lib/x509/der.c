#include "lib/x509/der.h"

#include "lib/base/pvtime.h"

#define LENGTH_OCTETS_MAX 4 /* lengths up to 4 GiB */

/*
 * Header of the next element: the number of its octets, 0 when it is not
 * strict DER or does not fit the span.
 */
static size_t read_header(const struct span *in, unsigned *tag, size_t *len)
{
	size_t n, value = 0;

	if (in->len < 2 || (in->p[0] & 0x1f) == 0x1f)
		return 0;
	*tag = in->p[0];
	if (in->p[1] < 0x80) {
		*len = in->p[1];
		return *len <= in->len - 2 ? 2 : 0;
	}
	n = in->p[1] & 0x7fu;
	/* n 0: indefinite; a leading zero or a short value: not minimal. */
	if (n == 0 || n > LENGTH_OCTETS_MAX || n > in->len - 2 || in->p[2] == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | in->p[2 + i];
	if (value < 0x80)
		return 0;
	*len = value;
	return value <= in->len - 2 - n ? 2 + n : 0;
}

bool der_next(struct span *in, unsigned *tag, struct span *body,
	      struct span *whole)
{
	size_t len = 0, header;
	unsigned t = 0;

	header = read_header(in, &t, &len);
	if (header == 0)
		return false;
	if (tag)
		*tag = t;
	if (body)
		*body = (struct span){ in->p + header, len };
	if (whole)
		*whole = (struct span){ in->p, header + len };
	in->p += header + len;
	in->len -= header + len;
	return true;
}

bool der_peek(const struct span *in, unsigned tag)
{
	return in->len > 0 && in->p[0] == tag;
}

bool der_take_whole(struct span *in, unsigned tag, struct span *body,
		    struct span *whole)
{
	return der_peek(in, tag) && der_next(in, NULL, body, whole);
}

bool der_take(struct span *in, unsigned tag, struct span *body)
{
	return der_take_whole(in, tag, body, NULL);
}

/* Consumes what work has already moved past. */
static bool accept(struct span *in, struct span work)
{
	*in = work;
	return true;
}

bool der_take_uint(struct span *in, struct span *magnitude)
{
	struct span work = *in, v;

	if (!der_take(&work, DER_INTEGER, &v) || v.len == 0 || v.p[0] >= 0x80)
		return false;
	if (v.len > 1 && v.p[0] == 0) {
		if (v.p[1] < 0x80)
			return false;
		v.p++;
		v.len--;
	}
	if (magnitude)
		*magnitude = v;
	return accept(in, work);
}

bool der_take_small(struct span *in, uint32_t *value)
{
	struct span work = *in, v;
	uint32_t n = 0;

	if (!der_take_uint(&work, &v) || v.len > 4 ||
	    (v.len == 4 && v.p[0] >= 0x80))
		return false;
	for (size_t i = 0; i < v.len; i++)
		n = n << 8 | v.p[i];
	if (value)
		*value = n;
	return accept(in, work);
}

bool der_take_bool(struct span *in, bool *value)
{
	struct span work = *in, v;

	if (!der_take(&work, DER_BOOLEAN, &v) || v.len != 1 ||
	    (v.p[0] != 0 && v.p[0] != 0xff))
		return false;
	if (value)
		*value = v.p[0] != 0;
	return accept(in, work);
}

bool der_take_bits(struct span *in, struct span *bits, unsigned *unused)
{
	struct span work = *in, v;
	unsigned n;

	if (!der_take(&work, DER_BIT_STRING, &v) || v.len == 0)
		return false;
	n = v.p[0];
	if (n > 7 || (n > 0 && v.len == 1) ||
	    (v.len > 1 && (v.p[v.len - 1] & ((1u << n) - 1)) != 0))
		return false;
	if (bits)
		*bits = (struct span){ v.p + 1, v.len - 1 };
	if (unused)
		*unused = n;
	return accept(in, work);
}

bool der_take_named_bits(struct span *in, unsigned *bits)
{
	struct span work = *in, v;
	unsigned unused, out = 0;

	if (!der_take_bits(&work, &v, &unused) || v.len > sizeof(out))
		return false;
	/* The last bit in use must be a 1. */
	if (v.len > 0 && (v.p[v.len - 1] >> unused & 1) == 0)
		return false;
	for (size_t i = 0; i < v.len * 8; i++)
		if (v.p[i / 8] & 0x80u >> i % 8)
			out |= 1u << i;
	if (bits)
		*bits = out;
	return accept(in, work);
}

bool der_take_time(struct span *in, int64_t *time_s)
{
	bool generalized = der_peek(in, DER_GENERALIZED_TIME);
	struct span v;

	return der_take(in, generalized ? DER_GENERALIZED_TIME : DER_UTC_TIME,
			&v) &&
	       pvtime_parse_asn1((const char *)v.p, v.len, generalized,
				 time_s) &&
	       generalized == (*time_s >= PVTIME_GENERALIZED_FROM);
}
