/*
 * linkstage: what came over a link, in the device's folder, so that a power cut
 * costs the item under way and no more:
 *
 *   link/about       the container's id and its number of items
 *   link/NNNNN.cbor  each item that is there whole, sealed as it came
 *   linked           id and bh of the last container that was activated
 */
#ifndef PV_CMD_PROVDEV_LINKSTAGE_H
#define PV_CMD_PROVDEV_LINKSTAGE_H

#include "cmd/provdev/receive.h"
#include "lib/device/link.h"

struct linkstage {
	struct run *run;   /* whose folder; borrowed */
	int dirfd;         /* link/, -1: none yet */
	uint8_t id[PVDEV_LINK_ID_LEN];
	unsigned items;
	bool active;       /* this container was activated before */
	struct buf item;   /* the one under way */
	struct buf receipt;
	enum pv_code code; /* of the last container that was taken */
	struct err *err;   /* its cause */
};

#define LINKSTAGE_ITEM_MAX (64u * 1024u * 1024u)

void linkstage_init(struct linkstage *s, struct run *run, struct err *err);
void linkstage_release(struct linkstage *s);

/* For struct pvdev_link_port, with a struct linkstage as context. */
enum pvdev_result linkstage_open(struct linkstage *s,
				 const uint8_t id[PVDEV_LINK_ID_LEN],
				 unsigned items, uint8_t *have);
enum pvdev_result linkstage_item(struct linkstage *s, unsigned item,
				 uint32_t offset, const uint8_t *p, size_t len,
				 bool *whole);
enum pvdev_result linkstage_finish(struct linkstage *s);
size_t linkstage_receipt(const struct linkstage *s, uint32_t offset,
			 uint8_t *p, size_t cap);

#endif
