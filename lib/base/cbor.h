/*
 * cbor: deterministic CBOR (RFC 8949 4.2.1), written and read without heap.
 * Freestanding C99: shared by the host and by lib/device.
 *
 * The reader accepts only shortest, definite lengths, sorted and unique map
 * keys (bytewise order of the encoded keys), valid UTF-8 in text, floats in
 * their shortest form, and nesting up to a limit. Call cbor_valid() on bytes
 * from outside before the getters; the getters still check type and bounds.
 */
#ifndef PV_BASE_CBOR_H
#define PV_BASE_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cbor_mem.h"

#define CBOR_DEPTH_MAX 8         /* formats.md; a config item may have 16 */
#define CBOR_DEPTH_CONFIG 16
#define CBOR_DEPTH_LIMIT 17      /* a config in its map; larger limits act so */

struct cbor_bytes {
	const uint8_t *p;
	size_t len;
};

/* Writer: p may be NULL with cap 0 to measure. len counts past cap. */
struct cbor_writer {
	uint8_t *p;
	size_t cap;
	size_t len;
};

void cbor_writer_init(struct cbor_writer *w, uint8_t *p, size_t cap);
/* True when all that was put fits in cap. */
bool cbor_writer_ok(const struct cbor_writer *w);
void cbor_put_uint(struct cbor_writer *w, uint64_t v);
void cbor_put_int(struct cbor_writer *w, int64_t v);
void cbor_put_bstr(struct cbor_writer *w, const uint8_t *p, size_t len);
void cbor_put_tstr(struct cbor_writer *w, const char *s, size_t len);
void cbor_put_str(struct cbor_writer *w, const char *s);
/* Head of a byte string whose len bytes the caller puts with cbor_put_raw. */
void cbor_put_bstr_head(struct cbor_writer *w, uint64_t len);
void cbor_put_array(struct cbor_writer *w, uint64_t n);
/* The caller puts n pairs with keys in bytewise order of their encodings. */
void cbor_put_map(struct cbor_writer *w, uint64_t n);
void cbor_put_tag(struct cbor_writer *w, uint64_t tag);
void cbor_put_bool(struct cbor_writer *w, bool v);
void cbor_put_null(struct cbor_writer *w);
/* Shortest of binary16, 32 and 64 that keeps the value (RFC 8949 4.2.2). */
void cbor_put_double(struct cbor_writer *w, double v);
/* Bytes that are already CBOR. */
void cbor_put_raw(struct cbor_writer *w, const uint8_t *p, size_t len);

enum cbor_type {
	CBOR_UINT, CBOR_NINT, CBOR_BSTR, CBOR_TSTR, CBOR_ARRAY, CBOR_MAP,
	CBOR_TAG, CBOR_SIMPLE, CBOR_FLOAT, CBOR_NONE
};

/* Reader: err becomes true at the first wrong getter and stays. */
struct cbor_reader {
	const uint8_t *p;
	size_t len;
	size_t pos;
	bool err;
};

/*
 * Exactly one deterministic item and nothing behind it. depth_max counts
 * arrays, maps and tags. *why (may be NULL) gets a static sentence.
 */
bool cbor_valid(const uint8_t *p, size_t len, unsigned depth_max,
		const char **why);
/* Length of the first deterministic item of a CBOR sequence, 0 when wrong. */
size_t cbor_item_len(const uint8_t *p, size_t len, unsigned depth_max,
		     const char **why);

/* RFC 3629, whatever characters. */
bool cbor_utf8_valid(const uint8_t *p, size_t len);

void cbor_reader_init(struct cbor_reader *r, const uint8_t *p, size_t len);
/* What the next item says that it is; CBOR_NONE: there is none. Whether its
 * head is right is the getter's to say. */
enum cbor_type cbor_peek(const struct cbor_reader *r);
bool cbor_get_uint(struct cbor_reader *r, uint64_t *v);
bool cbor_get_int(struct cbor_reader *r, int64_t *v);
bool cbor_get_bstr(struct cbor_reader *r, struct cbor_bytes *v);
bool cbor_get_tstr(struct cbor_reader *r, struct cbor_bytes *v);
bool cbor_get_array(struct cbor_reader *r, uint64_t *n);
bool cbor_get_map(struct cbor_reader *r, uint64_t *n);
bool cbor_get_tag(struct cbor_reader *r, uint64_t *tag);
bool cbor_get_bool(struct cbor_reader *r, bool *v);
bool cbor_get_null(struct cbor_reader *r);
/* Passes over one whole item; *item (may be NULL) gets its bytes. */
bool cbor_skip(struct cbor_reader *r, struct cbor_bytes *item);
/* Next key must be exactly this unsigned key: for fixed maps. */
bool cbor_expect_uint(struct cbor_reader *r, uint64_t key);
/* All bytes consumed and no getter failed. */
bool cbor_done(const struct cbor_reader *r);

#endif
