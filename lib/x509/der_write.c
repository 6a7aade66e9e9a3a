#include <string.h>

#include "lib/x509/der.h"

#include "lib/base/pvtime.h"

size_t der_begin(struct buf *b, unsigned tag)
{
	buf_put_u8(b, (uint8_t)tag);
	/* One octet of length; der_end() makes room when it needs more. */
	buf_put_u8(b, 0);
	return b->len;
}

void der_end(struct buf *b, size_t mark)
{
	size_t len, n = 0;

	if (b->failed)
		return;
	len = b->len - mark;
	if (len < 0x80) {
		b->data[mark - 1] = (uint8_t)len;
		return;
	}
	while (len >> (8 * n))
		n++;
	if (!buf_room(b, n))
		return;
	memmove(b->data + mark + n, b->data + mark, len);
	b->data[mark - 1] = (uint8_t)(0x80 | n);
	for (size_t i = 0; i < n; i++)
		b->data[mark + i] = (uint8_t)(len >> (8 * (n - 1 - i)));
	buf_commit(b, n);
}

void der_put(struct buf *b, unsigned tag, struct span body)
{
	size_t mark = der_begin(b, tag);

	buf_put(b, body.p, body.len);
	der_end(b, mark);
}

void der_put_uint(struct buf *b, struct span magnitude)
{
	size_t mark;

	while (magnitude.len > 0 && magnitude.p[0] == 0) {
		magnitude.p++;
		magnitude.len--;
	}
	mark = der_begin(b, DER_INTEGER);
	if (magnitude.len == 0 || magnitude.p[0] >= 0x80)
		buf_put_u8(b, 0);
	buf_put(b, magnitude.p, magnitude.len);
	der_end(b, mark);
}

void der_put_bool(struct buf *b, bool value)
{
	uint8_t octet = value ? 0xff : 0;

	der_put(b, DER_BOOLEAN, (struct span){ &octet, 1 });
}

void der_put_oid(struct buf *b, const struct oid *oid)
{
	der_put(b, DER_OID, (struct span){ oid->der, oid->len });
}

void der_put_named_bits(struct buf *b, unsigned bits)
{
	uint8_t v[1 + sizeof(bits)] = { 0 };
	unsigned last = 0, n = 0;

	for (unsigned i = 0; i < 8 * sizeof(bits); i++) {
		if (!(bits & 1u << i))
			continue;
		v[1 + i / 8] |= (uint8_t)(0x80u >> i % 8);
		last = i;
	}
	if (bits) {
		n = last / 8 + 1;
		v[0] = (uint8_t)(7 - last % 8);
	}
	der_put(b, DER_BIT_STRING, (struct span){ v, 1 + n });
}

void der_put_time(struct buf *b, int64_t time_s)
{
	char text[PVTIME_GENERALIZED_LEN + 1];
	bool generalized;

	if (!pvtime_asn1(time_s, text, &generalized)) {
		b->failed = true;
		return;
	}
	der_put(b, generalized ? DER_GENERALIZED_TIME : DER_UTC_TIME,
		(struct span){ (const uint8_t *)text,
			       generalized ? PVTIME_GENERALIZED_LEN
					   : PVTIME_UTC_LEN });
}

struct der_ext der_begin_ext(struct buf *b, const struct oid *oid,
			     bool critical)
{
	struct der_ext m;

	m.ext = der_begin(b, DER_SEQUENCE);
	der_put_oid(b, oid);
	if (critical)
		der_put_bool(b, true);
	m.value = der_begin(b, DER_OCTET_STRING);
	return m;
}

void der_end_ext(struct buf *b, struct der_ext m)
{
	der_end(b, m.value);
	der_end(b, m.ext);
}
