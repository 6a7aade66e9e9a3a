/*
 * store: storage of the simulated device behind struct pvdev_storage, and the
 * power cuts. A step boundary stands before every change of the folder; at the
 * chosen one the process ends as if the power had gone.
 */
#ifndef PV_CMD_PROVDEV_STORE_H
#define PV_CMD_PROVDEV_STORE_H

#include "cmd/provdev/state.h"

#define STORE_CUT_STATUS 99

struct store {
	int dirfd; /* the device's folder, borrowed */
	int staging;
	int fds[PVDEV_COMPONENTS_MAX]; /* one file a component */
	struct state state;
	unsigned long long steps, cut_at; /* cut_at 0: never */
	/* A write of the state failed: only the next run knows what it says. */
	bool unsure;
	struct err *err; /* first failure of a callback */
};

extern const struct pvdev_storage store_callbacks;

/*
 * Reads the state, makes what it read durable and clears away what a power cut
 * left. PV_INTEGRITY when the generation that the state names is not there;
 * then nothing is removed.
 */
PV_MUST enum pv_code store_open(struct store *s, int dirfd,
				unsigned long long cut_at, struct err *err);
void store_close(struct store *s);
/* One boundary. */
void store_step(struct store *s);
/* What is received from here on is the bundle of that number. */
PV_MUST enum pv_code store_note(struct store *s, uint64_t seq);
/* Does receipt.cose answer what is active, which must be there? */
PV_MUST enum pv_code store_has_receipt(struct store *s, bool *has,
				       struct err *err);

#endif
