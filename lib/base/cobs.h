/*
 * cobs: Consistent Overhead Byte Stuffing (Cheshire and Baker, IEEE/ACM
 * Transactions on Networking 7(2), 1999): any bytes as bytes without 00, one
 * more for each 254 begun. Freestanding C99: shared by the host and by
 * lib/device.
 *
 * Does not check: whether the bytes arrived as they were sent.
 */
#ifndef PV_BASE_COBS_H
#define PV_BASE_COBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fields are the writer's. len counts past cap, and nothing is written there:
 * cobs_end() tells. */
struct cobs_writer {
	uint8_t *p; /* cap bytes, the caller's */
	size_t cap, len;
	size_t code_at; /* where the length of the open block goes */
	uint8_t code;	/* what will stand there: its bytes and one */
	bool full;	/* the block before ended without a 00 */
};

void cobs_begin(struct cobs_writer *w, uint8_t *p, size_t cap);
/* Appends len bytes of what is to be encoded; they may not overlap w->p. */
void cobs_put(struct cobs_writer *w, const uint8_t *p, size_t len);
/* Bytes encoded, without a 00 behind them; 0 when they do not fit in cap. */
size_t cobs_end(struct cobs_writer *w);

/*
 * Decodes len bytes in place; *out is their number then. False for a 00 in them
 * and for a block that goes past the end; p is partly changed then.
 */
bool cobs_decode(uint8_t *p, size_t len, size_t *out);

#endif
