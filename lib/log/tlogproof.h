/*
 * tlogproof: one file that proves, without the log, that an entry is in it
 * (c2sp.org/tlog-proof@v1): index, inclusion proof and the checkpoint it leads
 * to. It does not hold the entry: who verifies brings that.
 *
 * The text is "c2sp.org/tlog-proof@v1", optional "extra BASE64", "index N", a
 * line for each hash from the leaf up, an empty line, and the checkpoint as it
 * was signed. What is read again is what was written.
 *
 * Does not check: the extra data. Nothing signs it, so nothing may be believed
 * because of it.
 */
#ifndef PV_LOG_TLOGPROOF_H
#define PV_LOG_TLOGPROOF_H

#include "lib/log/cosign.h"
#include "lib/log/entry.h"

#define LOG_EXTRA_MAX LOG_ENTRY_MAX /* bytes, before base64 */
/* Words, extra and hashes, each with its LF, before the checkpoint. */
#define LOG_TLOGPROOF_MAX                                                      \
	(NOTE_SIZE_MAX + 64u + (LOG_EXTRA_MAX + 2u) / 3u * 4u +                \
	 LOG_PROOF_MAX * 45u)

struct log_tlogproof {
	struct buf extra; /* empty: none */
	uint64_t index;
	struct log_proof path;
	struct log_checkpoint checkpoint;
};

/*
 * Appends the text; checkpoint is a whole signed note. PV_INPUT, rule
 * "log.tlogproof", when a limit is passed; what log_checkpoint_parse() says of
 * the checkpoint; out is then as before. "size.limit" when out is full (buf.h).
 * That the proof holds is the caller's to verify: log_tlogproof_verify().
 */
PV_MUST enum pv_code log_tlogproof_put(struct buf *out, struct span extra,
				       uint64_t index,
				       const struct log_proof *path,
				       struct span checkpoint, struct err *err);
/*
 * Takes such a file apart; nothing is verified. PV_INTEGRITY, rule
 * "log.tlogproof" or "log.checkpoint", on anything that log_tlogproof_put()
 * would not have written; p is then empty.
 */
PV_MUST enum pv_code log_tlogproof_parse(struct log_tlogproof *p,
					 struct span bytes, struct err *err);
/* Frees and empties. Takes an empty (zeroed) one. */
void log_tlogproof_release(struct log_tlogproof *p);
/*
 * The entry, these bytes, stands at p->index in the log that trust names and
 * that enough witnesses saw. What log_trusted() and log_check_inclusion() say.
 */
PV_MUST enum pv_code log_tlogproof_verify(const struct log_tlogproof *p,
					  struct span entry,
					  const struct log_trust *trust,
					  struct log_hasher *h,
					  struct err *err);

#endif
