/*
 * exportlog: the log as others read it (formats.md 7): a folder of tiles and a
 * checkpoint, as of the last checkpoint that the authority signed; where it needs
 * witnesses (log.witnesses_required), and they have cosigned all but exports, as
 * of the one they cosigned.
 *
 * An export costs what is new. The folder's checkpoint says how far the last
 * one came; it is ours, and the log goes on from it, or nothing is written.
 * Entries are read twice: to see that they lead to the signed root, and to
 * write them. The checkpoint comes last, when all of its tiles are durable.
 *
 * Does not check: tiles that the folder's checkpoint covers. Remove that
 * checkpoint, and all of them are compared, and written anew where they differ.
 */
#ifndef PV_FLOW_EXPORTLOG_H
#define PV_FLOW_EXPORTLOG_H

#include "lib/flow/checkpoint.h"

struct exportlog {
	/* Of entries read, both times; may be NULL. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
	/* Filled in: */
	uint64_t entries; /* that the folder's log has now */
	uint64_t added;	  /* of them, by this export */
	uint64_t files;	  /* written, or there already, checkpoint included */
};

/*
 * Brings the folder up to that checkpoint; it is made (one level). One run
 * at a time holds it. PV_CONFLICT, rule "export.log": the folder has another
 * log; rule "output.busy". PV_INTEGRITY: "export.log" (its checkpoint is this
 * log's, and ours does not go on from it), its checkpoint is not true,
 * "log.proof" (run audit verify), codes of checkpoint_last() and
 * cosigned_load().
 */
PV_MUST enum pv_code export_log(const struct authority *a, struct store *store,
				const char *folder, struct exportlog *x,
				struct err *err);

#endif
