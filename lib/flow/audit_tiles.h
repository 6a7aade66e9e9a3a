/*
 * audit_tiles: an exported log (c2sp.org/tlog-tiles) verified from its folder
 * alone, with no store and no authority: checkpoint, entries, tiles, and what
 * the log says by itself (audit_entries.h).
 *
 * - the checkpoint is signed by a log key that the caller trusts, and cosigned
 *   by as many of the witnesses as asked
 * - each entry bundle and each tile of that size is there, exactly as wide as
 *   in a tree of that size, and says what the entries give
 * - the entries give the checkpoint's root
 * - what else is there are tiles of former sizes, which begin the ones of now
 *
 * The folder is untrusted: what is missing costs nothing, and memory is that
 * of audit_entries.h, one bundle and a tile a level, whatever size is claimed.
 *
 * Does not check: rows of the store; that the checkpoint is the newest (a
 * witness knows). A folder that is just being written may be refused.
 */
#ifndef PV_FLOW_AUDIT_TILES_H
#define PV_FLOW_AUDIT_TILES_H

#include "lib/log/cosign.h"

#define AUDIT_CHECKPOINT "checkpoint" /* its name in the folder */

struct audit_tiles_opts {
	struct log_trust trust;
	/* done of total entries. May be NULL. */
	void (*progress)(const void *ctx, uint64_t done, uint64_t total);
	const void *ctx;
	/* Told of each entry in turn, before the root is known: what
	 * audit_tiles() returns says whether they are the log's. May be NULL;
	 * its codes. */
	enum pv_code (*entry)(void *ctx, struct span entry, struct err *err);
	void *entry_ctx;
};

struct audit_tiles_counts {
	struct log_point at; /* what the checkpoint says */
	char origin[NOTE_NAME_MAX + 1];
	uint64_t tiles; /* of hashes; there is a bundle for each of level 0 */
	uint64_t intents, certificates, bundles, keys, templates;
	size_t cosigned; /* by how many of the witnesses */
};

/*
 * dir_fd: the folder. PV_INTEGRITY with the file's path below it as object:
 * "log.tile" (missing, cut, not what the entries give; "entry N" stands in the
 * message where one entry is wrong), "log.entry" or "audit.*" (what an entry
 * says), "log.checkpoint", "log.cosignature", "note.signature". PV_NOT_FOUND:
 * no checkpoint. PV_STORAGE.
 */
PV_MUST enum pv_code audit_tiles(int dir_fd,
				 const struct audit_tiles_opts *opts,
				 struct audit_tiles_counts *counts,
				 struct err *err);

#endif
