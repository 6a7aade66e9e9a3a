#include "lib/evidence/tcbinfo.h"

#include <string.h>

#include "lib/base/cbor.h"
#include "lib/x509/der.h"

#define FIELD_VENDOR 0
#define FIELD_MODEL 1
#define FIELD_VERSION 2
#define FIELD_SVN 3
#define FIELD_LAYER 4
#define FIELD_INDEX 5
#define FIELD_FWIDS 6
#define FIELD_FLAGS 7
#define FIELD_VENDOR_INFO 8
#define FIELD_TYPE 9
#define FIELD_FLAGS_MASK 10 /* 1.1 */
#define FIELDS 11
#define TAG_NUMBER 0x1fu
#define FLAGS_MAX 32 /* bits */

/* 2.23.133.5.4.1 */
static const uint8_t oid_tcbinfo[] = { 0x67, 0x81, 0x05, 0x05, 0x04, 0x01 };
/* RFC 5754 2: 2.16.840.1.101.3.4.2.n */
static const uint8_t oid_sha2[] = { 0x60, 0x86, 0x48, 0x01,
				    0x65, 0x03, 0x04, 0x02 };
#define SHA2_256 1
#define SHA2_384 2
#define SHA2_512 3

bool tcbinfo_is_oid(struct span oid)
{
	return oid.len == sizeof(oid_tcbinfo) &&
	       memcmp(oid.p, oid_tcbinfo, oid.len) == 0;
}

static bool refuse(const char **why, const char *reason)
{
	*why = reason;
	return false;
}

/* INTEGER without its head: minimal, from 0 to 2^32 - 1. */
static bool take_number(struct span body, uint32_t *out)
{
	uint64_t n = 0;

	if (body.len == 0 || body.len > 5 || body.p[0] >= 0x80 ||
	    (body.len > 1 && body.p[0] == 0 && body.p[1] < 0x80))
		return false;
	for (size_t i = 0; i < body.len; i++)
		n = n << 8 | body.p[i];
	*out = (uint32_t)n;
	return n <= UINT32_MAX;
}

/* BIT STRING without its head, named bits (X.690 11.2.2). */
static bool take_flags(struct span body, uint32_t *out)
{
	size_t bits;

	*out = 0;
	if (body.len == 0 || body.p[0] > 7 || body.len > 1 + FLAGS_MAX / 8)
		return false;
	if (body.len == 1)
		return body.p[0] == 0;
	bits = 8 * (body.len - 1) - body.p[0];
	for (size_t i = 0; i < bits; i++) {
		if (body.p[1 + i / 8] & 0x80u >> i % 8)
			*out |= 1u << i;
	}
	/* The last bit is a set one, and those behind it are 0. */
	return (*out >> (bits - 1) & 1u) == 1 &&
	       (body.p[body.len - 1] & ((1u << body.p[0]) - 1)) == 0;
}

static bool take_fwid(struct span *list, struct tcbinfo *out)
{
	static const size_t lengths[] = {
		[SHA2_256] = 32, [SHA2_384] = 48, [SHA2_512] = 64
	};
	struct span fwid, oid, digest;
	uint8_t alg;

	if (!der_take(list, DER_SEQUENCE, &fwid) ||
	    !der_take_oid(&fwid, &oid) ||
	    !der_take(&fwid, DER_OCTET_STRING, &digest) || fwid.len != 0 ||
	    oid.len != sizeof(oid_sha2) + 1 ||
	    memcmp(oid.p, oid_sha2, sizeof(oid_sha2)) != 0)
		return false;
	alg = oid.p[sizeof(oid_sha2)];
	if (alg < SHA2_256 || alg > SHA2_512 || digest.len != lengths[alg] ||
	    out->fwid_n == TCBINFO_FWIDS_MAX)
		return false;
	out->fwid_n++;
	if (alg == SHA2_256)
		out->sha256[out->sha256_n++] = digest;
	return true;
}

/* SEQUENCE SIZE (1..MAX) OF FWID, without its head. */
static bool take_fwids(struct span list, struct tcbinfo *out)
{
	while (list.len > 0) {
		if (!take_fwid(&list, out))
			return false;
	}
	return out->fwid_n > 0;
}

static bool take_field(unsigned number, struct span body, struct tcbinfo *out)
{
	uint32_t ignored;

	switch (number) {
	case FIELD_VENDOR:
	case FIELD_MODEL:
	case FIELD_VERSION:
		return cbor_utf8_valid(body.p, body.len);
	case FIELD_SVN:
		out->has_svn = true;
		return take_number(body, &out->svn);
	case FIELD_LAYER:
		out->has_layer = true;
		return take_number(body, &out->layer);
	case FIELD_INDEX:
		return take_number(body, &ignored);
	case FIELD_FWIDS:
		return take_fwids(body, out);
	case FIELD_FLAGS:
		return take_flags(body, &out->flags);
	case FIELD_FLAGS_MASK:
		return take_flags(body, &ignored);
	default: /* OCTET STRING: vendorInfo, type */
		return true;
	}
}

bool tcbinfo_parse(struct span value, struct tcbinfo *out, const char **why)
{
	struct span seq, body;
	unsigned tag, number, next = 0;

	memset(out, 0, sizeof(*out));
	if (!der_take(&value, DER_SEQUENCE, &seq) || value.len != 0)
		return refuse(why, "DiceTcbInfo is not one SEQUENCE");
	if (der_peek(&seq, DER_INTEGER))
		return refuse(why, "it is RIoT's structure under the OID of "
				   "DiceTcbInfo");
	while (seq.len > 0) {
		if (!der_next(&seq, &tag, &body, NULL))
			return refuse(why, "DiceTcbInfo is no DER");
		number = tag & TAG_NUMBER;
		if (number < next || number >= FIELDS ||
		    tag != (number == FIELD_FWIDS ? DER_CONTEXT_CONS(number)
						  : DER_CONTEXT(number)))
			return refuse(why, "DiceTcbInfo has a field twice, out "
					   "of order, or that is none");
		if (!take_field(number, body, out))
			return refuse(why, "a field of DiceTcbInfo is not as "
					   "TCG says");
		next = number + 1;
	}
	return true;
}
