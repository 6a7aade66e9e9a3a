/*
 * witness: whoever watches that a log only grows, on a machine that is not the
 * authority's (c2sp.org/tlog-witness; formats.md 7). It takes the log's folder
 * as `export log' leaves it, holds its checkpoint against the last one that it
 * has seen itself, and cosigns. What the witness has seen is one file, the
 * last checkpoint as the log signed it: compared and replaced under a lock
 * (FILE.lock), and durable before a cosignature leaves. So of two logs that
 * part, one at most is cosigned, also when the authority's whole machine was
 * set back.
 *
 * Does not check: what the entries say (audit verify); the first checkpoint of
 * a log, which is trusted on first use and has to be asked for.
 */
#ifndef PV_FLOW_WITNESS_H
#define PV_FLOW_WITNESS_H

#include "lib/flow/witnesskey.h"

#define WITNESS_NOTE_MAX 65536u /* bytes of a checkpoint */

struct witness_opts {
	const char *log;	     /* the folder */
	const char *state;	     /* the file */
	const struct note_key *keys; /* the log's */
	size_t keys_n;
	bool first; /* there is no state yet */
};

struct witness_seen {
	char origin[NOTE_NAME_MAX + 1];
	struct log_point at;
	uint64_t before; /* size that had been seen before */
};

/*
 * Appends the cosignature to line. The same checkpoint again is cosigned
 * again. PV_INTEGRITY: "log.checkpoint" or "note.signature" (not the log's, it
 * is smaller, or a second root), "log.proof" or "log.tile" (not shown to go on
 * from what was seen; of these three the hint says what to do, and the object is
 * the folder or the tile), "witness.state" (the file was changed). PV_NOT_FOUND,
 * "witness.state": there is no state and first is false; PV_CONFLICT,
 * "witness.state": there is one and first is true. PV_DENIED, PV_STORAGE. The
 * state is then as before, but for a failure after all checks.
 */
PV_MUST enum pv_code witness_run(const struct witness_opts *opts,
				 const struct witnesskey *key,
				 struct witness_seen *seen, struct buf *line,
				 struct err *err);

#endif
