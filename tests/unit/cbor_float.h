/* cbor_float: a float item's value, the way RFC 8949 appendix D has it. */
#ifndef PV_TESTS_CBOR_FLOAT_H
#define PV_TESTS_CBOR_FLOAT_H

#include <math.h>
#include <string.h>

#include "lib/base/cbor.h"

static inline double float_value(struct cbor_bytes item)
{
	uint64_t bits = 0;
	double d;
	float f;
	uint32_t single;
	size_t i;

	for (i = 1; i < item.len; i++)
		bits = bits << 8 | item.p[i];
	if (item.len == 9) {
		memcpy(&d, &bits, sizeof(d));
		return d;
	}
	if (item.len == 5) {
		single = (uint32_t)bits;
		memcpy(&f, &single, sizeof(f));
		return (double)f;
	}
	/* RFC 8949 appendix D */
	d = (double)(bits & 0x3ff);
	if ((bits >> 10 & 0x1f) == 0)
		d = ldexp(d, -24);
	else if ((bits >> 10 & 0x1f) != 31)
		d = ldexp(d + 1024, (int)(bits >> 10 & 0x1f) - 25);
	else
		d = (bits & 0x3ff) == 0 ? INFINITY : NAN;
	return bits & 0x8000 ? -d : d;
}

#endif
