/* COBS (cobs.h) and frames (linkframe.h). */
#include "tests/unit/unit.h"

#include <string.h>

#include "lib/base/cobs.h"
#include "lib/base/linkframe.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ROOM 8192

/* Each byte by hand: in, and out without the 00. */
static const struct {
	const char *in, *out;
} known[] = {
	{ "", "01" },
	{ "00", "0101" },
	{ "0000", "010101" },
	{ "001100", "01021101" },
	{ "11220033", "0311220233" },
	{ "11223344", "0511223344" },
	{ "11000000", "0211010101" },
};

static size_t encode(const uint8_t *in, size_t len, uint8_t *out, size_t cap)
{
	struct cobs_writer w;

	cobs_begin(&w, out, cap);
	/* In two parts: the writer goes on where it was. */
	cobs_put(&w, in, len / 2);
	cobs_put(&w, in + len / 2, len - len / 2);
	return cobs_end(&w);
}

START_TEST(cobs_known)
{
	uint8_t in[16], want[16], out[16];

	for (size_t i = 0; i < COUNT(known); i++) {
		size_t n = strlen(known[i].in) / 2,
		       m = strlen(known[i].out) / 2;
		size_t back = 99;

		ck_assert(hex_decode(known[i].in, in, n));
		ck_assert(hex_decode(known[i].out, want, m));
		ck_assert_uint_eq(encode(in, n, out, sizeof(out)), m);
		ck_assert_mem_eq(out, want, m);
		ck_assert(cobs_decode(out, m, &back));
		ck_assert_uint_eq(back, n);
		ck_assert_mem_eq(out, in, n);
	}
}
END_TEST

/* first, first + 1, ... modulo 256, n of them. */
static void run_of(uint8_t *p, unsigned first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(first + i);
}

/* Runs around a block of 254: 01..FE, 00..FE, 01..FF, 02..00, 03..01. */
START_TEST(cobs_blocks)
{
	static const struct {
		unsigned first;
		size_t n;
		const char *head; /* of what comes out */
		size_t len;
		const char *tail;
	} blocks[] = {
		{ 1, 254, "ff01", 255, "fe" },
		{ 0, 255, "01ff01", 256, "fe" },
		{ 1, 255, "ff01", 257, "02ff" },
		{ 2, 255, "ff02", 257, "0101" },
		{ 3, 255, "fe03", 256, "0201" },
	};
	uint8_t in[256], out[260], part[4];

	for (size_t i = 0; i < COUNT(blocks); i++) {
		size_t head = strlen(blocks[i].head) / 2;
		size_t tail = strlen(blocks[i].tail) / 2, back;

		run_of(in, blocks[i].first, blocks[i].n);
		ck_assert_uint_eq(encode(in, blocks[i].n, out, sizeof(out)),
				  blocks[i].len);
		ck_assert(hex_decode(blocks[i].head, part, head));
		ck_assert_mem_eq(out, part, head);
		ck_assert(hex_decode(blocks[i].tail, part, tail));
		ck_assert_mem_eq(out + blocks[i].len - tail, part, tail);
		ck_assert(cobs_decode(out, blocks[i].len, &back));
		ck_assert_uint_eq(back, blocks[i].n);
		ck_assert_mem_eq(out, in, back);
	}
}
END_TEST

/* Every length over several blocks, with zeros here and there; no room. */
START_TEST(cobs_lengths)
{
	static uint8_t in[1100], out[1110];

	for (size_t n = 0; n <= sizeof(in); n++) {
		size_t most = n ? n + (n + 253) / 254 : 1, len, back;

		run_of(in, 1, n);
		for (size_t i = 0; i < n; i += 1 + n % 300)
			in[i] = (uint8_t)(i % 3 ? 0 : 7);
		len = encode(in, n, out, sizeof(out));
		ck_assert(len > n && len <= most);
		ck_assert(!memchr(out, 0, len));
		ck_assert_uint_eq(encode(in, n, out, len - 1), 0);
		ck_assert_uint_eq(encode(in, n, out, len), len);
		ck_assert(cobs_decode(out, len, &back));
		ck_assert_uint_eq(back, n);
		ck_assert_mem_eq(out, in, n);
	}
}
END_TEST

START_TEST(cobs_refused)
{
	/* A 00, and blocks that go past the end. */
	static const char *const wrong[] = { "00", "0200",     "03110022",
					     "02", "02110311", "ff01" };
	uint8_t p[8];
	size_t n;

	for (size_t i = 0; i < COUNT(wrong); i++) {
		size_t len = strlen(wrong[i]) / 2;

		ck_assert(hex_decode(wrong[i], p, len));
		ck_assert(!cobs_decode(p, len, &n));
	}
}
END_TEST

START_TEST(crc_check_value)
{
	const uint8_t *p = (const uint8_t *)"123456789";

	/* The check value of CRC-32/ISO-HDLC, as zlib's crc32(). */
	ck_assert_uint_eq(linkframe_crc32(0, p, 9), 0xcbf43926u);
	ck_assert_uint_eq(linkframe_crc32(linkframe_crc32(0, p, 4), p + 4, 5),
			  0xcbf43926u);
	ck_assert_uint_eq(linkframe_crc32(0, p, 0), 0);
	/* 32 bytes of 00 and of FF, as zlib has them. */
	ck_assert_uint_eq(linkframe_crc32(0, (const uint8_t[32]){ 0 }, 32),
			  0x190a55adu);
}
END_TEST

static enum linkframe_got feed(struct linkframe_reader *r, const uint8_t *p,
			       size_t len, struct linkframe *f)
{
	enum linkframe_got got = LINKFRAME_MORE;

	for (size_t i = 0; i < len && got == LINKFRAME_MORE; i++)
		got = linkframe_feed(r, p[i], f);
	return got;
}

START_TEST(frame_bytes)
{
	/* DATA of item 3 at 0x100: AB 00 CD. */
	static const uint8_t payload[] = { 0xab, 0x00, 0xcd };
	struct linkframe f = { LINKFRAME_DATA, 3, 0x100, payload, 3 };
	uint8_t out[LINKFRAME_MTU_MIN], raw[16];
	size_t n = linkframe_put(&f, out, sizeof(out)), back;

	ck_assert_uint_eq(n, 17);
	ck_assert_uint_eq(out[n - 1], 0);
	memcpy(raw, out, n - 1);
	ck_assert(cobs_decode(raw, n - 1, &back));
	ck_assert_uint_eq(back, 15);
	ck_assert_mem_eq(raw, "\x01\x00\x00\x03\x00\x00\x01\x00\xab\x00\xcd",
			 11);
	ck_assert_uint_eq((uint32_t)raw[11] << 24 | (uint32_t)raw[12] << 16 |
				  (uint32_t)raw[13] << 8 | raw[14],
			  linkframe_crc32(0, raw, 11));
}
END_TEST

/* For each MTU the longest payload fits, one byte more may not. */
START_TEST(frame_mtu)
{
	static uint8_t payload[ROOM], out[ROOM], in[ROOM];
	struct linkframe_reader r;
	struct linkframe f, back;

	memset(payload, 0xa5, sizeof(payload));
	/* Each around the first two blocks, then up to 4096. */
	for (size_t mtu = LINKFRAME_MTU_MIN; mtu <= LINKFRAME_MTU_MAX;
	     mtu += mtu < 600 ? 1 : 92) {
		size_t max = linkframe_payload_max(mtu), n;

		f = (struct linkframe){ LINKFRAME_DATA, 0xffff, UINT32_MAX,
					payload, max };
		n = linkframe_put(&f, out, mtu);
		ck_assert(n > 0 && n <= mtu);
		linkframe_reader_init(&r, in, mtu - 1);
		ck_assert_int_eq(feed(&r, out, n, &back), LINKFRAME_WHOLE);
		ck_assert_uint_eq(back.len, max);
		ck_assert_mem_eq(back.payload, payload, max);
		ck_assert_uint_eq(back.item, 0xffff);
		ck_assert_uint_eq(back.offset, UINT32_MAX);
		f.len = mtu;
		ck_assert_uint_eq(linkframe_put(&f, out, mtu), 0);
	}
	ck_assert_uint_eq(linkframe_payload_max(64), 50);
	ck_assert_uint_eq(linkframe_payload_max(4096), 4066);
	ck_assert_uint_eq(linkframe_put(&f, out, 0), 0);
}
END_TEST

/* Every bit of a frame turned, every byte left out: never taken. */
START_TEST(frame_damage)
{
	static const uint8_t payload[20] = { 1, 2, 0, 3 };
	struct linkframe f = { LINKFRAME_ACK, 1, 2, payload, 20 }, got;
	uint8_t out[64], bad[64], in[64];
	size_t n = linkframe_put(&f, out, sizeof(out));
	struct linkframe_reader r;

	linkframe_reader_init(&r, in, sizeof(in));
	for (size_t bit = 0; bit < 8 * n; bit++) {
		size_t frames = 0;

		memcpy(bad, out, n);
		bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		for (size_t i = 0; i < n; i++)
			frames += linkframe_feed(&r, bad[i], &got) ==
				  LINKFRAME_WHOLE;
		(void)linkframe_feed(&r, 0, &got);
		ck_assert_uint_eq(frames, 0);
	}
	for (size_t gone = 0; gone + 1 < n; gone++) {
		memcpy(bad, out, gone);
		memcpy(bad + gone, out + gone + 1, n - gone - 1);
		ck_assert_int_eq(feed(&r, bad, n - 1, &got), LINKFRAME_DAMAGED);
	}
	ck_assert_int_eq(feed(&r, out, n, &got), LINKFRAME_WHOLE);
}
END_TEST

/* A frame of any bytes that has a right CRC, and what is none. */
static enum linkframe_got raw_frame(const uint8_t *p, size_t len, uint8_t *in,
				    size_t cap)
{
	uint8_t out[128], crc[4];
	uint32_t v = linkframe_crc32(0, p, len);
	struct linkframe_reader r;
	struct cobs_writer w;
	struct linkframe f;
	size_t n;

	crc[0] = (uint8_t)(v >> 24);
	crc[1] = (uint8_t)(v >> 16);
	crc[2] = (uint8_t)(v >> 8);
	crc[3] = (uint8_t)v;
	cobs_begin(&w, out, sizeof(out) - 1);
	cobs_put(&w, p, len);
	cobs_put(&w, crc, sizeof(crc));
	n = cobs_end(&w);
	out[n] = 0;
	linkframe_reader_init(&r, in, cap);
	return feed(&r, out, n + 1, &f);
}

START_TEST(frame_head)
{
	uint8_t p[40] = { LINKFRAME_DONE }, in[64];

	ck_assert_int_eq(raw_frame(p, 8, in, 64), LINKFRAME_WHOLE);
	ck_assert_int_eq(raw_frame(p, 7, in, 64), LINKFRAME_DAMAGED);
	ck_assert_int_eq(raw_frame(p, 0, in, 64), LINKFRAME_DAMAGED);
	/* 40 bytes and the CRC are 45 with COBS. */
	ck_assert_int_eq(raw_frame(p, 40, in, 45), LINKFRAME_WHOLE);
	ck_assert_int_eq(raw_frame(p, 40, in, 44), LINKFRAME_DAMAGED);
	p[1] = 1;
	ck_assert_int_eq(raw_frame(p, 8, in, 64), LINKFRAME_DAMAGED);
	p[1] = 0;
	for (unsigned type = 0; type < 256; type++) {
		p[0] = (uint8_t)type;
		ck_assert_int_eq(raw_frame(p, 8, in, 64),
				 type >= 1 && type <= 5 ? LINKFRAME_WHOLE
							: LINKFRAME_DAMAGED);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("linkframe");
	TCase *tc = tcase_create("linkframe");

	tcase_add_test(tc, cobs_known);
	tcase_add_test(tc, cobs_blocks);
	tcase_add_test(tc, cobs_lengths);
	tcase_add_test(tc, cobs_refused);
	tcase_add_test(tc, crc_check_value);
	tcase_add_test(tc, frame_bytes);
	tcase_add_test(tc, frame_mtu);
	tcase_add_test(tc, frame_damage);
	tcase_add_test(tc, frame_head);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
