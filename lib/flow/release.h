/*
 * release: devices that have shown what they are get the bundle of the stage
 * that asks for it: their requests, written from the store (renewal.h), for the
 * pipeline of `issue'. What is sealed, and whether, is decided there, twice:
 * before it is sealed, and in the transaction that records it with its evidence
 * and the entries bundle.seal and bundle.release. A release that a crash cut
 * off is asked for again: the evidence is still there, or its bundle is.
 */
#ifndef PV_FLOW_RELEASE_H
#define PV_FLOW_RELEASE_H

#include "lib/flow/rotate.h"

struct release_of {
	const char *device;
	/* Its evidence; NULL: the newest that was verified. */
	const uint8_t *sha256;
};

struct release_list;

/*
 * Writes the requests of n devices. One that has nothing to be released is told
 * through sink->waiting, with why: PV_NOT_FOUND "device.unknown"; PV_DENIED
 * "device.retired", "release.evidence", "release.stage"; PV_INTEGRITY. What
 * fails here ends all: PV_STORAGE, PV_INTERNAL. *list is the caller's to free,
 * whatever is returned.
 */
PV_MUST enum pv_code release_new(const struct authority *a,
				 const struct backends *backends,
				 const struct rotate_sink *sink,
				 const struct release_of *of, size_t n,
				 struct release_list **list, struct err *err);
void release_free(struct release_list *list);
/* Those of the next template; in->fd is -1 at the end. */
PV_MUST enum pv_code release_next(struct release_list *list,
				  struct rotate_input *in, struct err *err);

#endif
