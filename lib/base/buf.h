/*
 * buf: a growing byte buffer with a hard cap, and a span.
 *
 * Puts do not return a code: a failed put (cap passed, or no memory) sticks
 * and buf_check() reports it once, before the bytes are used.
 * Not for secrets: released and regrown memory is wiped only by buf_wipe().
 */
#ifndef PV_BASE_BUF_H
#define PV_BASE_BUF_H

#include <stdint.h>
#include <string.h>

#include "lib/base/err.h"

struct span {
	const uint8_t *p;      /* not owned */
	size_t len;            /* bytes */
};

struct buf {
	uint8_t *data;
	size_t len;            /* bytes in use */
	size_t cap;            /* bytes allocated */
	size_t max;            /* hard cap in bytes */
	bool failed;
	bool no_memory; /* and that is why */
};

/* No allocation happens before the first put. */
void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
/* Wipes what was used, then releases. */
void buf_wipe(struct buf *b);
/* Keeps the memory, forgets contents and failure. */
void buf_reset(struct buf *b);
void buf_put(struct buf *b, const void *p, size_t len);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_be16(struct buf *b, uint16_t v);
void buf_put_be32(struct buf *b, uint32_t v);
void buf_put_be64(struct buf *b, uint64_t v);
void buf_put_str(struct buf *b, const char *s);
PV_PRINTF(2, 3) void buf_printf(struct buf *b, const char *fmt, ...);
/* Room for len more bytes: returns where to write, or NULL (sticks). */
uint8_t *buf_room(struct buf *b, size_t len);
/* Counts len bytes written into the room as used. */
void buf_commit(struct buf *b, size_t len);
/* Drops the first len bytes. */
void buf_consume(struct buf *b, size_t len);
/* NUL-terminates without counting the NUL; NULL when failed. */
const char *buf_cstr(struct buf *b);
/* PV_INPUT, "size.limit": its cap was passed; PV_INTERNAL: no memory. */
PV_MUST enum pv_code buf_check(const struct buf *b, struct err *err);

static inline struct span buf_span(const struct buf *b)
{
	struct span s = { b->data, b->len };
	return s;
}
bool span_equal(struct span a, struct span b);
/* In the header: the length of a literal is then known. */
static inline bool span_is(struct span a, const char *s)
{
	return a.len == strlen(s) &&
	       (a.len == 0 || memcmp(a.p, s, a.len) == 0);
}
/* Lower-case hex of p into out[2 * len + 1]. */
void hex_encode(const uint8_t *p, size_t len, char *out);
/* Exactly len bytes from 2 * len hex digits (either case), else false. */
PV_MUST bool hex_decode(const char *hex, uint8_t *out, size_t len);

#endif
