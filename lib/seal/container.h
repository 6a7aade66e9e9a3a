/*
 * container: a .pvb file, a CBOR sequence (RFC 8742) of manifest, descriptor,
 * clear components as bstr and the segments of component 0, 1, ... in order
 * (formats.md 1). Written in one go, split again by arithmetic.
 *
 * Does not check: signatures and tags. It does check that every segment has
 * the header, place and length that the descriptor gives it.
 */
#ifndef PV_SEAL_CONTAINER_H
#define PV_SEAL_CONTAINER_H

#include "lib/seal/descriptor.h"

/* Appends the container to out. manifest and descriptor are COSE messages. */
PV_MUST enum pv_code seal_container(struct span manifest,
				    struct span descriptor,
				    const struct seal_clear *clear,
				    size_t clear_n, struct span segments,
				    struct buf *out, struct err *err);

/* How long seal_container() makes it. */
uint64_t seal_container_len(struct span manifest, struct span descriptor,
			    const struct seal_clear *clear, size_t clear_n,
			    struct span segments);

struct seal_container_view {
	struct span bytes;			/* the whole file, not owned */
	struct span manifest;			/* item 0 */
	struct span descriptor;			/* item 1 */
	struct seal_view head;			/* the descriptor taken apart */
	struct span clear[SEAL_COMPONENTS_MAX]; /* contents of the bstr */
	size_t clear_at[SEAL_COMPONENTS_MAX];	/* offset of the item */
	size_t segments_at;  /* offset of the first segment */
	uint32_t segments_n; /* of all components together */
	uint32_t items;	     /* 2 + clear + segments */
};

/*
 * Splits bytes. PV_INPUT, rule "seal.container": not a sequence of those items,
 * a segment out of place, bytes behind the last one.
 */
PV_MUST enum pv_code seal_container_parse(struct span bytes,
					  struct seal_container_view *view,
					  struct err *err);

enum seal_item_kind {
	SEAL_ITEM_MANIFEST,
	SEAL_ITEM_DESCRIPTOR,
	SEAL_ITEM_CLEAR,
	SEAL_ITEM_SEGMENT
};

struct seal_item {
	enum seal_item_kind kind;
	struct span bytes; /* the whole item as it stands in the file */
	size_t component;  /* place in binding 7 or 6 */
	uint32_t segment;  /* k within the component */
	size_t offset;	   /* in the file */
};

/* Item index (0 to items - 1) of the file. PV_NOT_FOUND past the end. */
PV_MUST enum pv_code seal_container_item(const struct seal_container_view *view,
					 uint32_t index, struct seal_item *item,
					 struct err *err);
/* Segment k of sealed component i. PV_NOT_FOUND. */
PV_MUST enum pv_code
seal_container_segment(const struct seal_container_view *view, size_t component,
		       uint32_t k, struct seal_item *item, struct err *err);

#endif
