/*
 * staging: the items of a container as they come over the link, in memory that
 * outlives a reset; behind it, the receiver and the slots. Nothing that is
 * staged is believed: the receiver says what it is.
 */
#ifndef PV_DOCS_FIRMWARE_STAGING_H
#define PV_DOCS_FIRMWARE_STAGING_H

#include "docs/firmware/slots.h"
#include "lib/device/link.h"
#include "lib/device/receipt.h"

#define STAGING_ITEMS_MAX 64u
#define STAGING_CHUNK 1024u /* the largest chunk that this firmware takes */
#define STAGING_SEGMENT_MAX (STAGING_CHUNK + 32u)
#define STAGING_SEEN_LEN 8u /* a bit for each item */

/* A line that is being received, or the segment that is being opened: never
 * both, as a segment is opened when all lines are in. */
struct staging {
	struct pvdev dev;
	struct pvdev_config cfg;
	struct pvdev_link link;
	struct slots slots;
	uint8_t work[STAGING_SEGMENT_MAX];
	uint8_t have[STAGING_ITEMS_MAX / 8];
	uint8_t seen[STAGING_SEEN_LEN];
	uint8_t receipt[PVDEV_RECEIPT_MAX];
	size_t receipt_len;
	/* Called around the receiver's run, by who measures; may be NULL. */
	void (*before)(void);
	void (*after)(enum pvdev_result result);
};

/* cfg but its storage and seen is set by the caller before. */
void staging_init(struct staging *s);

#endif
