/*
 * linkframe: frames of a thin serial link (provctl-bundle(5), "The link"): type
 * flags item offset payload CRC-32, in COBS, ended by 00. Freestanding C99:
 * shared by the host and by lib/device.
 *
 * The CRC finds noise, not an attacker: nothing here is authentic. Does not
 * check: what a frame says, beyond its type and that flags are 0.
 */
#ifndef PV_BASE_LINKFRAME_H
#define PV_BASE_LINKFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a frame on the line, with COBS and the 00 that ends it. */
#define LINKFRAME_MTU_MIN 64
#define LINKFRAME_MTU_MAX 4096
#define LINKFRAME_HEAD_LEN 8
#define LINKFRAME_CRC_LEN 4

enum linkframe_type {
	LINKFRAME_DATA = 1,
	LINKFRAME_ACK = 2,
	LINKFRAME_NAK = 3,
	LINKFRAME_HAVE = 4,
	LINKFRAME_DONE = 5
};

struct linkframe {
	enum linkframe_type type;
	uint16_t item;
	uint32_t offset;
	const uint8_t *payload; /* len bytes, not owned */
	size_t len;
};

/* CRC-32 as zlib's crc32(): polynomial 04C11DB7 reflected, begun and ended with
 * all ones. crc is 0, or that of the bytes before p. */
uint32_t linkframe_crc32(uint32_t crc, const uint8_t *p, size_t len);

/* The longest payload that always fits into mtu bytes (64 to 4096). */
size_t linkframe_payload_max(size_t mtu);

/* The frame with its 00 into the cap bytes of out, which may not overlap the
 * payload. Its length; 0 when it does not fit. */
size_t linkframe_put(const struct linkframe *f, uint8_t *out, size_t cap);

/* Collects bytes from a line into frames. Fields are the reader's. */
struct linkframe_reader {
	uint8_t *p; /* cap bytes, the caller's; longer frames are damaged */
	size_t cap, len;
	bool over;
};

enum linkframe_got {
	LINKFRAME_MORE,	   /* no frame has ended */
	LINKFRAME_WHOLE,   /* *f is one; its payload is in the reader's bytes */
	LINKFRAME_DAMAGED, /* what ended is none */
};

void linkframe_reader_init(struct linkframe_reader *r, uint8_t *p, size_t cap);
/* One byte. What *f points to stays until the next call. */
enum linkframe_got linkframe_feed(struct linkframe_reader *r, uint8_t byte,
				  struct linkframe *f);

#endif
