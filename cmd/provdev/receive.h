/*
 * receive: one run of the receiver over a bundle file: container in, device
 * code or receipt out.
 */
#ifndef PV_CMD_PROVDEV_RECEIVE_H
#define PV_CMD_PROVDEV_RECEIVE_H

#include "cmd/provdev/home.h"
#include "cmd/provdev/store.h"

struct open_opts {
	const char *dir, *bundle;
	const char *bundle_key, *role, *class_id, *stage, *nonce, *evidence;
	unsigned long long now, seed, cut_at;
	bool no_clock, shuffle;
};

/* One run: everything the session points into. */
struct run {
	struct open_opts opts;
	struct home home;
	struct store store;
	struct pvdev_config cfg;
	struct pvdev dev;
	struct buf bundle;
	struct cbor_bytes *items; /* heap */
	size_t items_n;
	bool broken;   /* bytes behind the last item */
	uint8_t *seen; /* heap */
	uint8_t challenge[PVDEV_CHALLENGE_MAX];
	uint8_t evidence_hash[PVDEV_HASH_LEN];
	uint8_t class_id[PVDEV_UUID_LEN];
};

/* Reads and splits the bundle; PV_INPUT when it has no head. */
PV_MUST enum pv_code receive_load(struct run *r, struct err *err);
/*
 * The whole way up to the receipt, with r->cfg complete. A bundle that is
 * active already and lacks its receipt gets it. A refusal writes refusal.cose
 * when the descriptor was verified; rule "device.<result name>".
 */
PV_MUST enum pv_code receive_bundle(struct run *r, struct err *err);
/* Releases what receive_load() took. */
void receive_release(struct run *r);

#endif
