/*
 * rotate: devices in the field that get their next credential, or new
 * components: their requests, written from the store (renewal.h), for the
 * pipeline of `issue'. What is made, and under which rules, is decided there.
 *
 * Due is what ends within the renewal window of its template's newest version:
 * found by the list of ends, so that looking takes as long as there is to do.
 */
#ifndef PV_FLOW_ROTATE_H
#define PV_FLOW_ROTATE_H

#include "lib/flow/backends.h"
#include "lib/flow/event.h"
#include "lib/flow/renewal.h"

#define ROTATE_ROUND 10000u /* devices looked at before they are rotated */

/* Lines of requests for one run under one template. */
struct rotate_input {
	char template_name[STORE_ID_MAX + 1];
	int fd; /* the caller's; -1: none */
	uint64_t n;
};

/* PV_NOT_FOUND "device.unknown"; PV_DENIED "device.retired" and the rules of
 * renewal_put(); PV_INTEGRITY, PV_STORAGE. */
PV_MUST enum pv_code rotate_one(const struct authority *a,
				const struct backends *backends,
				const char *device,
				const struct renewal_asked *asked,
				struct rotate_input *in, struct err *err);

/* Takes the last rotation of a device back (succession_back()), in a
 * transaction of its own. not_installed: who asks says that the device has not
 * got what it was to get. */
PV_MUST enum pv_code rotate_back(struct store *store, const char *device,
				 bool not_installed, struct err *err);

struct rotate_due;

struct rotate_sink {
	void *ctx;
	/* A device that cannot be rotated from here, and why. */
	enum pv_code (*waiting)(void *ctx, const char *device,
				const struct err *why, struct err *err);
};

/* Loads the templates. */
PV_MUST enum pv_code rotate_due_new(const struct authority *a,
				    const struct backends *backends,
				    const struct rotate_sink *sink,
				    struct rotate_due **due, struct err *err);
void rotate_due_free(struct rotate_due *due);
/*
 * The next devices that are due now, of one template; in->fd is -1 at the end.
 * Each is given out once, whatever becomes of it.
 */
PV_MUST enum pv_code rotate_due_next(struct rotate_due *due,
				     struct rotate_input *in, struct err *err);

#endif
