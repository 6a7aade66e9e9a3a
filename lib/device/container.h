/*
 * container: a .pvb as a CBOR sequence (RFC 8742; formats.md 1): manifest,
 * descriptor, clear components, then the segments of each sealed component.
 * Freestanding C99.
 */
#ifndef PV_DEVICE_CONTAINER_H
#define PV_DEVICE_CONTAINER_H

#include "lib/device/device.h"

struct pvdev_container {
	const uint8_t *p;              /* not owned */
	size_t len, pos;
};

enum pvdev_item_kind {
	PVDEV_ITEM_MANIFEST,
	PVDEV_ITEM_DESCRIPTOR,
	PVDEV_ITEM_CLEAR,
	PVDEV_ITEM_SEGMENT,
	PVDEV_ITEM_NONE
};

struct pvdev_item {
	enum pvdev_item_kind kind;
	unsigned component;            /* j of a clear, i of a segment */
	uint32_t segment;              /* k */
};

void pvdev_container_init(struct pvdev_container *c, const uint8_t *p,
			  size_t len);
/* Next top-level item; false at the end and on broken CBOR (see _broken). */
bool pvdev_container_next(struct pvdev_container *c, struct cbor_bytes *item);
/* True when bytes are left that are not an item. */
bool pvdev_container_broken(const struct pvdev_container *c);

/* Number of top-level items of this bundle; only after pvdev_begin(). */
uint64_t pvdev_items(const struct pvdev *d);
/* What top-level item n is; only after pvdev_begin() for n > 1. */
struct pvdev_item pvdev_item_at(const struct pvdev *d, uint64_t n);
/*
 * Feeds item n (2 or above). bytes are changed when it is a segment. A segment
 * in the place of another one is PVDEV_CONTAINER.
 */
enum pvdev_result pvdev_feed(struct pvdev *d, uint64_t n, uint8_t *bytes,
			     size_t len);

#endif
