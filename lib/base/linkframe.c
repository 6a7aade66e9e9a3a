#include "lib/base/linkframe.h"

#include "lib/base/cobs.h"

#define COBS_BLOCK 255u /* of which 254 are what was encoded */

uint32_t linkframe_crc32(uint32_t crc, const uint8_t *p, size_t len)
{
	/* Of each value of four bits. */
	static const uint32_t table[16] = { 0x00000000, 0x1db71064, 0x3b6e20c8,
					    0x26d930ac, 0x76dc4190, 0x6b6b51f4,
					    0x4db26158, 0x5005713c, 0xedb88320,
					    0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
					    0x9b64c2b0, 0x86d3d2d4, 0xa00ae278,
					    0xbdbdf21c };
	size_t i;

	crc = ~crc;
	for (i = 0; i < len; i++) {
		crc ^= p[i];
		crc = (crc >> 4) ^ table[crc & 15u];
		crc = (crc >> 4) ^ table[crc & 15u];
	}
	return ~crc;
}

static void put_be32(uint8_t out[4], uint32_t v)
{
	out[0] = (uint8_t)(v >> 24);
	out[1] = (uint8_t)(v >> 16);
	out[2] = (uint8_t)(v >> 8);
	out[3] = (uint8_t)v;
}

static uint32_t get_be32(const uint8_t p[4])
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

size_t linkframe_payload_max(size_t mtu)
{
	size_t encoded = mtu - 1; /* without the 00 */

	return encoded - (encoded + COBS_BLOCK - 1) / COBS_BLOCK -
	       LINKFRAME_HEAD_LEN - LINKFRAME_CRC_LEN;
}

size_t linkframe_put(const struct linkframe *f, uint8_t *out, size_t cap)
{
	uint8_t head[LINKFRAME_HEAD_LEN], crc[LINKFRAME_CRC_LEN];
	struct cobs_writer w;
	size_t len;

	head[0] = (uint8_t)f->type;
	head[1] = 0;
	head[2] = (uint8_t)(f->item >> 8);
	head[3] = (uint8_t)f->item;
	put_be32(head + 4, f->offset);
	put_be32(crc, linkframe_crc32(linkframe_crc32(0, head, sizeof(head)),
				      f->payload, f->len));
	if (cap == 0)
		return 0;
	cobs_begin(&w, out, cap - 1);
	cobs_put(&w, head, sizeof(head));
	cobs_put(&w, f->payload, f->len);
	cobs_put(&w, crc, sizeof(crc));
	len = cobs_end(&w);
	if (len == 0)
		return 0;
	out[len] = 0;
	return len + 1;
}

static bool take_apart(uint8_t *p, size_t len, struct linkframe *f)
{
	size_t n;

	if (!cobs_decode(p, len, &n) ||
	    n < LINKFRAME_HEAD_LEN + LINKFRAME_CRC_LEN)
		return false;
	n -= LINKFRAME_CRC_LEN;
	if (get_be32(p + n) != linkframe_crc32(0, p, n))
		return false;
	if (p[0] < LINKFRAME_DATA || p[0] > LINKFRAME_DONE || p[1] != 0)
		return false;
	f->type = (enum linkframe_type)p[0];
	f->item = (uint16_t)((unsigned)p[2] << 8 | p[3]);
	f->offset = get_be32(p + 4);
	f->payload = p + LINKFRAME_HEAD_LEN;
	f->len = n - LINKFRAME_HEAD_LEN;
	return true;
}

void linkframe_reader_init(struct linkframe_reader *r, uint8_t *p, size_t cap)
{
	r->p = p;
	r->cap = cap;
	r->len = 0;
	r->over = false;
}

enum linkframe_got linkframe_feed(struct linkframe_reader *r, uint8_t byte,
				  struct linkframe *f)
{
	size_t len = r->len;
	bool over = r->over;

	if (byte != 0) {
		r->over = over || len == r->cap;
		if (!r->over)
			r->p[r->len++] = byte;
		return LINKFRAME_MORE;
	}
	r->len = 0;
	r->over = false;
	if (len == 0 && !over)
		return LINKFRAME_MORE; /* nothing between two 00 */
	return !over && take_apart(r->p, len, f) ? LINKFRAME_WHOLE
						 : LINKFRAME_DAMAGED;
}
