/*
 * link: the device's side of the framing for thin serial links
 * (provctl-bundle(5), "The link"). Bytes of the line go in, answers go out;
 * items of a container are staged through callbacks and outlive a reset, and
 * the receiver runs once all are there.
 *
 * Freestanding C99, no heap, no clock: the sender repeats what gets no answer.
 * Memory: struct pvdev_link, one frame, one bit an item.
 * Does not check: anything but noise. What was staged is any bytes until the
 * receiver (device.h) has taken them; whoever has the line can have staging
 * thrown away, and no more.
 */
#ifndef PV_DEVICE_LINK_H
#define PV_DEVICE_LINK_H

#include "lib/base/linkframe.h"
#include "lib/device/result.h"

#define PVDEV_LINK_ID_LEN 32 /* names a container; only compared */

/* Each gets the ctx of pvdev_link_init(). */
struct pvdev_link_port {
	/* All of p, to the line; what gets lost is asked for again. */
	void (*send)(void *ctx, const uint8_t *p, size_t len);
	/*
	 * A sender is about to send the container id of items items. Staging of
	 * another one is dropped. Sets bit k of have (least significant first;
	 * all are clear) for each item that is staged whole; all of them when
	 * this very container was activated. Called again for each sender.
	 */
	enum pvdev_result (*open)(void *ctx,
				  const uint8_t id[PVDEV_LINK_ID_LEN],
				  unsigned items, uint8_t *have);
	/*
	 * len (1 or more) bytes of an item; offset 0 begins it anew, others
	 * follow on one another. *whole (false before) becomes true with its
	 * last byte, as its CBOR or the descriptor says (cbor_item_len()); it
	 * has to be durable then. Bytes past its end: PVDEV_CONTAINER.
	 */
	enum pvdev_result (*stage)(void *ctx, unsigned item, uint32_t offset,
				   const uint8_t *p, size_t len, bool *whole);
	/*
	 * Every item is staged: has the receiver take them, or says PVDEV_OK
	 * when this container was activated before. Drops the staging when it
	 * refuses.
	 */
	enum pvdev_result (*finish)(void *ctx);
	/*
	 * At most cap bytes of the receipt of what finish said, from offset on,
	 * into p; 0 past its end and where there is none. NULL: the receipt
	 * goes another way.
	 */
	size_t (*receipt)(void *ctx, uint32_t offset, uint8_t *p, size_t cap);
};

/* Fields are the library's. */
struct pvdev_link {
	const struct pvdev_link_port *port;
	void *ctx;
	struct linkframe_reader in;
	uint8_t *have;	 /* one bit an item */
	size_t have_len; /* bytes */
	uint8_t id[PVDEV_LINK_ID_LEN];
	unsigned items; /* 0: no container is open */
	unsigned item;	/* being received, of which next bytes are there */
	uint32_t next;	/* 0: none is */
	bool ended;	/* finish has answered, with result */
	enum pvdev_result result; /* not PVDEV_OK: refused, until opened anew */
};

/*
 * frame: the longest frame that is taken, 64 to 4096 bytes, the device's MTU.
 * have: a bit for each item of the largest container. Both are the caller's and
 * outlive the link, as port does.
 */
void pvdev_link_init(struct pvdev_link *l, const struct pvdev_link_port *port,
		     void *ctx, uint8_t *frame, size_t frame_len, uint8_t *have,
		     size_t have_len);
/* After a reset, if it likes: a sender that is under way need not time out. */
void pvdev_link_hello(struct pvdev_link *l);
/* Bytes as they come; answers go out before it returns. */
void pvdev_link_take(struct pvdev_link *l, const uint8_t *p, size_t len);
/* Whether a container was taken or refused; *result says which. */
bool pvdev_link_ended(const struct pvdev_link *l, enum pvdev_result *result);

#endif
