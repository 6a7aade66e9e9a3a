/*
 * link: the sender's side of the framing for thin serial links
 * (provctl-bundle(5), "The link"): a container goes to a device item by item,
 * one frame in flight, repeated after noise and silence, going on after a reset
 * with what the device has not.
 *
 * The bytes go through a port, so that neither terminals nor clocks are known
 * here. Does not check: who is at the other end, and what it really keeps. That
 * is the bundle's business, and its receipt's.
 */
#ifndef PV_SEAL_LINK_H
#define PV_SEAL_LINK_H

#include "lib/base/linkframe.h"
#include "lib/seal/container.h"

#define SEAL_LINK_ITEMS_MAX 65535 /* an item's number has 16 bits */
#define SEAL_LINK_TRIES 8
#define SEAL_LINK_TRIES_MAX 100
#define SEAL_LINK_WAIT_MS 500
#define SEAL_LINK_WAIT_MAX_MS 60000
/* The wait for an answer doubles up to this, or the first one if longer. */
#define SEAL_LINK_WAIT_CAP_MS 8000
/* All of it takes no longer than this and four first waits for each frame that
 * the container needs: a device that answers each at the last moment, or lets
 * much be sent again, holds no line for days. */
#define SEAL_LINK_ALL_MS 600000
#define SEAL_LINK_ALL_WAITS 4

struct seal_link_port {
	/* All of bytes, to the line; what is not taken in wait_ms is lost, as
	 * on any line. Fails when nobody is at its other end any more. */
	enum pv_code (*send)(void *ctx, struct span bytes, uint64_t wait_ms,
			     struct err *err);
	/* At most cap bytes as soon as some are there; *n is 0 after wait_ms.
	 * Fails as send does. */
	enum pv_code (*receive)(void *ctx, uint8_t *p, size_t cap,
				uint64_t wait_ms, size_t *n, struct err *err);
	uint64_t (*now_ms)(void *ctx); /* monotonic */
	/* Bytes of the container that the device has. NULL: nobody looks. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
};

struct seal_link_opts {
	const struct seal_link_port *port;
	void *ctx;
	size_t mtu;	  /* LINKFRAME_MTU_MIN to _MAX */
	unsigned tries;	  /* of one frame; 1 to SEAL_LINK_TRIES_MAX */
	uint64_t wait_ms; /* for the first answer */
};

struct seal_link_counts {
	uint32_t items;	   /* of the container */
	uint32_t had;	   /* of them, when the link was opened */
	uint64_t frames;   /* sent, with those that were repeated */
	uint64_t repeated; /* frames */
	uint64_t begun;	   /* times that the device asked to begin anew */
};

struct seal_link;

/*
 * view is parsed from the whole container and outlives the link, as what opts
 * points to does. *l is the caller's. PV_USAGE "link.mtu", "link.tries",
 * "link.wait"; PV_INPUT "link.items": more items than a frame can name.
 */
PV_MUST enum pv_code seal_link_new(const struct seal_link_opts *opts,
				   const struct seal_container_view *view,
				   struct seal_link **l, struct err *err);
void seal_link_free(struct seal_link *l);

/*
 * Asks the device what it has: nothing of the container leaves before. PV_OK:
 * it answered. PV_HSM_TEMP: "link.silent", no byte came in all tries;
 * "link.noise", some did, but no answer. PV_INTEGRITY: "link.lies", it has what
 * the container has not; "link.refused", it does not take this container. Codes
 * of the port.
 */
PV_MUST enum pv_code seal_link_meet(struct seal_link *l, struct err *err);

/*
 * After seal_link_meet(): sends what the device lacks and has its receiver take
 * the container. PV_OK: it says that it is installed. receipt, unless NULL and
 * empty before, gets what it gave as receipt, also when it refused; empty when
 * it has none. Codes of seal_link_meet(), and PV_HSM_TEMP "link.reset": it
 * began anew so many times and kept nothing more; "link.slow": it took longer
 * than all of it may; PV_INTEGRITY "link.refused": its receiver says no;
 * "link.lies": what it said to have it lacks, or its receiver refuses that;
 * "link.receipt": longer than a receipt may be.
 */
PV_MUST enum pv_code seal_link_run(struct seal_link *l, struct buf *receipt,
				   struct err *err);

struct seal_link_counts seal_link_counts(const struct seal_link *l);

#endif
