/*
 * lines: the words that checkpoints, proofs and paths of tiles are made of.
 * One value has one text: what is read again is what was written. Pure.
 */
#ifndef PV_LOG_LINES_H
#define PV_LOG_LINES_H

#include "lib/log/tree.h"

#define LINES_HASH 44u /* characters of a hash in base64 */

/*
 * The next line of *rest, without its LF, which is taken off *rest. False when
 * there is none that ends in LF.
 */
PV_MUST bool lines_next(struct span *rest, struct span *line);
/* The rest of line behind word. False when it does not start with it. */
PV_MUST bool lines_after(struct span line, const char *word, struct span *rest);
/* Decimal without leading zeros, below 2^63 (LOG_SIZE_MAX of proof.h). */
PV_MUST bool lines_number(struct span text, uint64_t *v);
/* Base64 of exactly 32 bytes. */
PV_MUST bool lines_hash(struct span text, uint8_t out[static LOG_HASH]);
/* Appends base64 of a hash, without an LF. */
void lines_put_hash(struct buf *out, const uint8_t hash[static LOG_HASH]);

#endif
