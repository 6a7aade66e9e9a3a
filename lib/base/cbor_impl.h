/*
 * cbor_impl: what the reader, the writer and the float code of cbor.h share.
 * Nothing outside lib/base includes this, but cbor_read.h. Freestanding C99.
 */
#ifndef PV_BASE_CBOR_IMPL_H
#define PV_BASE_CBOR_IMPL_H

#include "lib/base/cbor.h"

enum cbor_major {
	CBOR_MAJOR_UINT = 0,
	CBOR_MAJOR_NINT = 1,
	CBOR_MAJOR_BSTR = 2,
	CBOR_MAJOR_TSTR = 3,
	CBOR_MAJOR_ARRAY = 4,
	CBOR_MAJOR_MAP = 5,
	CBOR_MAJOR_TAG = 6,
	CBOR_MAJOR_OTHER = 7
};

/* Additional information that announces an argument (RFC 8949 3). */
#define CBOR_INFO_U8 24u
#define CBOR_INFO_U16 25u
#define CBOR_INFO_U32 26u
#define CBOR_INFO_U64 27u
#define CBOR_SIMPLE_FIRST_2BYTE 32u /* RFC 8949 3.3: not f8 00 to f8 1f */
#define CBOR_SIMPLE_FALSE 20u
#define CBOR_SIMPLE_TRUE 21u
#define CBOR_SIMPLE_NULL 22u

struct cbor_head {
	enum cbor_major major;
	unsigned info;
	uint64_t arg;
	size_t len;            /* bytes of the head itself */
};

/* The argument that follows the first byte of a head, which is in h. */
bool cbor_head_argument(struct cbor_head *h, const uint8_t *p, size_t len,
			const char **why);

/* Floats as bit patterns, so that no mathematics library is needed. */
#define CBOR_HALF_NAN 0x7e00u  /* the one NaN of RFC 8949 4.2.2 */
#define CBOR_HALF_NONE 0x10000u
bool cbor_double_is_nan(uint64_t u);
/* The binary16 that equals the binary64, or CBOR_HALF_NONE. Not for NaN. */
uint32_t cbor_double_to_half(uint64_t u);
/* True when the binary64 is exactly a binary32, whose bits go to *out. */
bool cbor_double_to_single(uint64_t u, uint32_t *out);
/* Is this argument of CBOR_INFO_U16 to U64 as short as its value allows? */
bool cbor_float_is_shortest(unsigned info, uint64_t arg);

#endif
