/*
 * der: a bounded strict reader and a writer for DER (ITU-T X.690 clause 10).
 *
 * The reader takes low tag numbers, definite minimal lengths up to 4 GiB and
 * never looks past its span. It copies nothing: spans point into the input.
 * The writer appends to a struct buf; failures stick there (buf_check()).
 *
 * Does not check: order inside a SET OF, character sets, what X.509 asks for.
 */
#ifndef PV_X509_DER_H
#define PV_X509_DER_H

#include "lib/base/buf.h"
#include "lib/x509/profile.h"

#define DER_BOOLEAN 0x01
#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OCTET_STRING 0x04
#define DER_NULL 0x05
#define DER_OID 0x06
#define DER_UTF8_STRING 0x0c
#define DER_PRINTABLE_STRING 0x13
#define DER_IA5_STRING 0x16
#define DER_UTC_TIME 0x17
#define DER_GENERALIZED_TIME 0x18
#define DER_SEQUENCE 0x30
#define DER_SET 0x31
#define DER_CONTEXT(n) (0x80u | (n))	  /* primitive, IMPLICIT */
#define DER_CONTEXT_CONS(n) (0xa0u | (n)) /* constructed */

/* A literal as a span: OID contents and the like. */
#define DER_BYTES(...)                                                         \
	((struct span){ (const uint8_t[]){ __VA_ARGS__ },                      \
			sizeof((const uint8_t[]){ __VA_ARGS__ }) })

/*
 * All reader functions consume from the front of *in and return false, with
 * *in untouched, on anything but what was asked for. Outputs may be NULL.
 */

/* The next element of any tag: contents, and the whole of it with its header.
 */
PV_MUST bool der_next(struct span *in, unsigned *tag, struct span *body,
		      struct span *whole);
/* The next element, which must have this tag. */
PV_MUST bool der_take(struct span *in, unsigned tag, struct span *body);
PV_MUST bool der_take_whole(struct span *in, unsigned tag, struct span *body,
			    struct span *whole);
/* True when the next element has this tag; nothing is consumed. */
PV_MUST bool der_peek(const struct span *in, unsigned tag);
/* A non-negative minimal INTEGER; magnitude without the leading zero octet
 * (the value 0 has length 1). */
PV_MUST bool der_take_uint(struct span *in, struct span *magnitude);
/* The same as a number of at most 31 bits. */
PV_MUST bool der_take_small(struct span *in, uint32_t *value);
/* BOOLEAN, 00 or FF only. */
PV_MUST bool der_take_bool(struct span *in, bool *value);
/* BIT STRING: octets after the count of unused bits, which must be zero. */
PV_MUST bool der_take_bits(struct span *in, struct span *bits,
			   unsigned *unused);
/* OBJECT IDENTIFIER with minimal arcs; the contents. */
PV_MUST bool der_take_oid(struct span *in, struct span *oid);
/* One Time, in the form that its year asks for (RFC 5280 4.1.2.5). */
PV_MUST bool der_take_time(struct span *in, int64_t *time_s);
/* Named bits (trailing zero bits removed, X.690 11.2.2); bit n is 1u << n. */
PV_MUST bool der_take_named_bits(struct span *in, unsigned *bits);

/* Begins a constructed or wrapped element; returns the mark for der_end(). */
size_t der_begin(struct buf *b, unsigned tag);
/* Closes it: the minimal length is put before what came since der_begin(). */
void der_end(struct buf *b, size_t mark);
/* One whole element. */
void der_put(struct buf *b, unsigned tag, struct span body);
/* Non-negative INTEGER from a big-endian magnitude; minimal. */
void der_put_uint(struct buf *b, struct span magnitude);
void der_put_bool(struct buf *b, bool value);
void der_put_oid(struct buf *b, const struct oid *oid);
/* Named bits, minimal (X.690 11.2.2). */
void der_put_named_bits(struct buf *b, unsigned bits);

/* One Time, as above; a time past the year 9999 makes b fail. */
void der_put_time(struct buf *b, int64_t time_s);
/* Begins one Extension (RFC 5280 4.2) and ends it: its value is between. */
struct der_ext {
	size_t ext, value;
};
struct der_ext der_begin_ext(struct buf *b, const struct oid *oid,
			     bool critical);
void der_end_ext(struct buf *b, struct der_ext m);

/* "1.3.6.1.4.1.99999.2" to contents. False: not an OID, or over OID_DER_MAX. */
PV_MUST bool oid_parse(const char *dotted, struct oid *oid);
/* Contents to dotted text; cap at least 4. Long ones end in "...". */
void oid_format(struct span oid, char *out, size_t cap);
PV_MUST bool oid_equal(const struct oid *a, struct span b);

#endif
