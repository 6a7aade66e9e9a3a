#include "lib/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#define BUF_FIRST 256u  /* bytes of a first buffer, at least */
#define BUF_SMALL 4096u /* bytes below which a buffer doubles */

void buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void buf_release(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		OPENSSL_cleanse(b->data, b->cap);
	buf_release(b);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	b->no_memory = false;
}

/*
 * Small buffers double. Large ones are kept for one use after another (a slot's
 * container, a group's records) and there are many: an eighth more is enough.
 */
static size_t roomier(size_t cap, size_t need)
{
	if (cap == 0)
		cap = BUF_FIRST;
	while (cap < need && cap < BUF_SMALL)
		cap *= 2;
	if (cap < need)
		cap = need > SIZE_MAX / 2 ? need : need + need / 8;
	return cap;
}

/* Grown memory replaces the old, which is wiped: contents may be sensitive. */
static bool grow(struct buf *b, size_t need)
{
	size_t cap = roomier(b->cap, need);
	uint8_t *data = malloc(cap);

	if (!data)
		return false;
	if (b->data) {
		memcpy(data, b->data, b->len);
		OPENSSL_cleanse(b->data, b->cap);
		free(b->data);
	}
	b->data = data;
	b->cap = cap;
	return true;
}

uint8_t *buf_room(struct buf *b, size_t len)
{
	if (b->failed || len > b->max || b->len > b->max - len) {
		b->failed = true;
		return NULL;
	}
	/* One byte more is kept for buf_cstr(). */
	if (b->len + len + 1 > b->cap && !grow(b, b->len + len + 1)) {
		b->failed = b->no_memory = true;
		return NULL;
	}
	return b->data + b->len;
}

void buf_commit(struct buf *b, size_t len)
{
	if (!b->failed)
		b->len += len;
}

void buf_put(struct buf *b, const void *p, size_t len)
{
	uint8_t *room = buf_room(b, len);

	if (!room)
		return;
	if (len)
		memcpy(room, p, len);
	b->len += len;
}

void buf_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

static void put_be(struct buf *b, uint64_t v, size_t n)
{
	uint8_t be[8];

	for (size_t i = 0; i < n; i++)
		be[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	buf_put(b, be, n);
}

void buf_put_be16(struct buf *b, uint16_t v)
{
	put_be(b, v, 2);
}

void buf_put_be32(struct buf *b, uint32_t v)
{
	put_be(b, v, 4);
}

void buf_put_be64(struct buf *b, uint64_t v)
{
	put_be(b, v, 8);
}

void buf_put_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	char small[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if ((size_t)n < sizeof(small)) {
		buf_put(b, small, (size_t)n);
		return;
	}
	uint8_t *room = buf_room(b, (size_t)n + 1);

	if (!room)
		return;
	va_start(ap, fmt);
	vsnprintf((char *)room, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void buf_consume(struct buf *b, size_t len)
{
	if (len >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
}

const char *buf_cstr(struct buf *b)
{
	if (!buf_room(b, 0))
		return NULL;
	b->data[b->len] = '\0';
	return (const char *)b->data;
}

enum pv_code buf_check(const struct buf *b, struct err *err)
{
	if (!b->failed)
		return PV_OK;
	if (b->no_memory)
		return err_fail(err, PV_INTERNAL, "memory",
				"free memory and run again", "out of memory");
	return err_fail(err, PV_INPUT, "size.limit", "make it smaller",
			"the data is longer than %zu bytes", b->max);
}

bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

void hex_encode(const uint8_t *p, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
}

/* What a digit says, and one; 0: it is none. */
static const uint8_t hex_digit[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16
};

bool hex_decode(const char *hex, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned hi = hex_digit[(uint8_t)hex[2 * i]];
		unsigned lo = hi ? hex_digit[(uint8_t)hex[2 * i + 1]] : 0;

		if (lo == 0)
			return false;
		out[i] = (uint8_t)((hi - 1) << 4 | (lo - 1));
	}
	return hex[2 * len] == '\0';
}
