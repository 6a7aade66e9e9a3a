#include "lib/base/cbor_impl.h"

/* The binary16 that equals the double, or CBOR_HALF_NONE. NaN is not handled.
 */
uint32_t cbor_double_to_half(uint64_t u)
{
	uint32_t sign = (uint32_t)(u >> 48) & 0x8000u;
	int exp = (int)((u >> 52) & 0x7ff);
	uint64_t frac = u & 0xfffffffffffffu;
	uint64_t full;
	unsigned drop;

	if (exp == 0 && frac == 0)
		return sign;
	if (exp == 0x7ff)
		return sign | 0x7c00u;
	exp -= 1023;
	if (exp > 15 || exp < -24)
		return CBOR_HALF_NONE;
	if (exp >= -14) {
		if (frac & 0x3ffffffffffu)
			return CBOR_HALF_NONE;
		return sign | ((uint32_t)(exp + 15) << 10) |
		       (uint32_t)(frac >> 42);
	}
	full = frac | 0x10000000000000u;
	drop = (unsigned)(28 - exp);
	if (full & (((uint64_t)1 << drop) - 1))
		return CBOR_HALF_NONE;
	return sign | (uint32_t)(full >> drop);
}

/* True when the double is exactly a binary32, whose bits go to *out. */
bool cbor_double_to_single(uint64_t u, uint32_t *out)
{
	uint32_t sign = (uint32_t)(u >> 32) & 0x80000000u;
	int exp = (int)((u >> 52) & 0x7ff) - 1023;
	uint64_t frac = u & 0xfffffffffffffu;
	uint64_t full = frac | 0x10000000000000u;
	unsigned drop;

	if (exp > 127 || exp < -149)
		return false;
	if (exp >= -126) {
		*out = sign | ((uint32_t)(exp + 127) << 23) |
		       (uint32_t)(frac >> 29);
		return (frac & 0x1fffffffu) == 0;
	}
	drop = (unsigned)(-97 - exp);
	*out = sign | (uint32_t)(full >> drop);
	return (full & (((uint64_t)1 << drop) - 1)) == 0;
}

/* The double that equals a finite or infinite binary32. */
static uint64_t single_to_double(uint32_t s)
{
	uint64_t sign = (uint64_t)(s & 0x80000000u) << 32;
	uint32_t exp = (s >> 23) & 0xffu;
	uint64_t frac = s & 0x7fffffu;

	if (exp == 0 && frac == 0)
		return sign;
	if (exp == 0xff)
		return sign | ((uint64_t)0x7ff << 52) | (frac << 29);
	if (exp == 0) {
		exp = 1;
		while (!(frac & 0x800000u)) {
			frac <<= 1;
			exp--;
		}
		frac &= 0x7fffffu;
	}
	return sign | ((uint64_t)(exp + 896u) << 52) | (frac << 29);
}

static bool single_is_nan(uint64_t s)
{
	return (s & 0x7fffffffu) > 0x7f800000u;
}

bool cbor_double_is_nan(uint64_t u)
{
	return (u & 0x7fffffffffffffffu) > 0x7ff0000000000000u;
}

/* Is this float argument in the shortest form that keeps its value? */
bool cbor_float_is_shortest(unsigned info, uint64_t arg)
{
	uint32_t s;

	if (info == CBOR_INFO_U16)
		return (arg & 0x7fffu) <= 0x7c00u || arg == CBOR_HALF_NAN;
	if (info == CBOR_INFO_U32)
		return !single_is_nan(arg) &&
		       cbor_double_to_half(single_to_double((uint32_t)arg)) ==
			       CBOR_HALF_NONE;
	return !cbor_double_is_nan(arg) &&
	       cbor_double_to_half(arg) == CBOR_HALF_NONE &&
	       !cbor_double_to_single(arg, &s);
}
