/*
 * anchors: the trust anchors of a device: every generation of the root above
 * its issuer, the newest first. A device that has both the old and the new root
 * takes certificates of either, so new ones are given out before they are used,
 * and old ones until they end.
 *
 * Sealed components get what is neither over nor withdrawn. Clear ones are the
 * same for every device, and their digest stands in the manifest: they keep the
 * generations that there were when the template was adopted, until it is
 * adopted anew. Each is held against its entries in the log; signatures are
 * cachain.h's. Specification: RFC 5280 6.1.1 (d); RFC 4210 4.4.
 */
#ifndef PV_FLOW_ANCHORS_H
#define PV_FLOW_ANCHORS_H

#include "lib/base/buf.h"
#include "lib/store/store.h"

#define ANCHORS_MAX 16 /* lib/seal/content.h, CONTENT_ITEMS_MAX */
#define ANCHORS_ALL UINT64_MAX

struct anchor {
	struct buf der; /* its own */
	uint8_t sha256[32];
	bool sealed, clear; /* where it stands */
};

struct anchors { /* zero: none */
	struct anchor list[ANCHORS_MAX];
	size_t n;
};

/*
 * All generations of root; rotate_ca() makes no more than ANCHORS_MAX. now_s:
 * when those are over that sealed components lack; before: an index in the log,
 * below which clear ones take them (ANCHORS_ALL: all). PV_NOT_FOUND,
 * PV_INTEGRITY, PV_STORAGE. Release a in any case; it need not be initialised.
 */
PV_MUST enum pv_code anchors_load(struct store *store, const char *root,
				  int64_t now_s, uint64_t before,
				  struct anchors *a, struct err *err);
void anchors_release(struct anchors *a);

/* One more at the end: a copy. PV_INTERNAL: there are too many. */
PV_MUST enum pv_code anchors_add(struct anchors *a, struct span der,
				 bool sealed, bool clear, struct err *err);
/* Those of sealed components, or of clear ones; borrowed. How many. */
size_t anchors_spans(const struct anchors *a, bool sealed,
		     struct span out[ANCHORS_MAX]);

#endif
