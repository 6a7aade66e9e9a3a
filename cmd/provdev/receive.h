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
	const char *link; /* receive: instead of the bundle */
	unsigned long long baud, mtu, idle_s;
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
	bool repeat;   /* what is active may come again */
	enum pvdev_result result; /* what the receiver said */
	uint8_t *seen; /* heap */
	uint8_t challenge[PVDEV_CHALLENGE_MAX];
	uint8_t evidence_hash[PVDEV_HASH_LEN];
	uint8_t class_id[PVDEV_UUID_LEN];
};

/* No run yet; receive_end() in any case. */
void receive_begin(struct run *r);
/* The options of open and receive: what they share and what not. */
PV_MUST enum pv_code receive_parse(struct open_opts *o, int argc, char **argv,
				   struct err *err);
/* The device's folder, its keys, and whose bundles it takes. */
PV_MUST enum pv_code receive_prepare(struct run *r, struct err *err);
/*
 * Takes the bundle in r->bundle: splits it, opens the storage, runs the
 * receiver, closes the storage; again as often as there is one. repeat: one
 * that is active with its receipt is no refusal. PV_INPUT when it has no head;
 * codes of receive_bundle().
 */
PV_MUST enum pv_code receive_take(struct run *r, bool repeat, struct err *err);
void receive_end(struct run *r);

/* Splits r->bundle; PV_INPUT when it has no head. */
PV_MUST enum pv_code receive_split(struct run *r, struct err *err);
/*
 * The whole way up to the receipt, with r->cfg complete. A bundle that is
 * active already and lacks its receipt gets it. A refusal writes refusal.cose
 * when the descriptor was verified; rule "device.<result name>".
 */
PV_MUST enum pv_code receive_bundle(struct run *r, struct err *err);
/* Releases the bundle and its parts; r may take another one. */
void receive_release(struct run *r);

#endif
