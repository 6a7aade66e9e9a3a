/*
 * slots: configurations in two flash slots, for a firmware to take as it is or
 * to learn from. New components go into the slot that is not active; one word,
 * written last, makes them current: whatever cuts the power, a reader finds the
 * old configuration or the new one, whole. The sequence numbers are those of
 * the newest slot that is whole. As only the other slot is ever erased, they
 * never fall: the pair is a monotonic counter.
 *
 * Against whoever can write the flash nothing here helps: a part that fears
 * that keeps the counter in OTP or a secure element. Does not check: what is in
 * components. Freestanding C99; needs memcpy and memcmp.
 */
#ifndef PV_DOCS_FIRMWARE_SLOTS_H
#define PV_DOCS_FIRMWARE_SLOTS_H

#include "lib/device/device.h"

#define SLOTS 2u
#define SLOTS_UNIT                                                             \
	8u /* bytes that flash programs at once; each once an erase */
#define SLOTS_NONE SLOTS

struct slots_flash {
	/* All bytes of a slot become FF. */
	bool (*erase)(void *ctx, unsigned slot);
	/* len is a multiple of SLOTS_UNIT, as offset is. */
	bool (*program)(void *ctx, unsigned slot, uint32_t offset,
			const uint8_t *p, size_t len);
	/* Reads anywhere in a slot. */
	bool (*read)(void *ctx, unsigned slot, uint32_t offset, uint8_t *p,
		     size_t len);
	uint32_t slot_len; /* bytes */
};

/* Fields are the module's. */
struct slots {
	const struct slots_flash *flash;
	void *ctx;
	const struct pvdev *dev;	       /* whose components are staged */
	uint32_t offset[PVDEV_COMPONENTS_MAX]; /* of them; [0] 0: not set */
	unsigned active;		       /* SLOTS_NONE: fresh */
	bool erased; /* the other one, for what dev receives */
};

/* Looks for the active slot; false when the flash cannot be read. */
bool slots_init(struct slots *s, const struct slots_flash *flash, void *ctx);
/*
 * For what d receives next; before pvdev_begin(). The other slot, and with it
 * the configuration before, goes only when the receiver stages into it: once
 * manifest and descriptor are verified and newer. What is not signed erases
 * nothing.
 */
void slots_begin(struct slots *s, const struct pvdev *d);
/* For pvdev_config.storage; storage_ctx is the struct slots. */
extern const struct pvdev_storage slots_storage;

/* What the active slot holds; false without one, or past the last component. */
bool slots_counters(struct slots *s, uint64_t *seq, uint64_t *manifest_seq);
bool slots_facts(struct slots *s, struct pvdev_facts *facts);
bool slots_length(struct slots *s, unsigned i, uint32_t *len);
bool slots_read(struct slots *s, unsigned i, uint32_t offset, uint8_t *p,
		size_t len);

#endif
