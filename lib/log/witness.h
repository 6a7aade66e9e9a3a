/*
 * witness: the keys of those who cosign checkpoints: Ed25519, signature type
 * 04 (c2sp.org/tlog-cosignature). A type of its own, so that a witness's key
 * is never asked for a log's signature, nor a log's for a cosignature.
 *
 * Does not check: that a key is not of small order (keys come from
 * configuration, not from a note).
 */
#ifndef PV_LOG_WITNESS_H
#define PV_LOG_WITNESS_H

#include "lib/base/note.h"

#define LOG_WITNESS_ID 4u   /* bytes */
#define LOG_WITNESS_KEY 32u /* of an Ed25519 key (RFC 8032) */

struct log_witness { /* plain data, no release */
	char name[NOTE_NAME_MAX + 1];
	uint8_t id[LOG_WITNESS_ID]; /* SHA-256(name || 0A || 04 || key)[:4] */
	uint8_t key[LOG_WITNESS_KEY];
};

/* PV_INPUT, rule "log.witness", on a name that no key can have. */
PV_MUST enum pv_code log_witness_set(struct log_witness *w, struct span name,
				     const uint8_t key[static LOG_WITNESS_KEY],
				     struct err *err);
/*
 * From "name+hex8+base64(04 || key)"; the id is computed and compared. A log's
 * key (type 01) is refused. PV_INPUT, rule "log.witness"; w is then empty.
 */
PV_MUST enum pv_code log_witness_parse(struct log_witness *w, struct span vkey,
				       struct err *err);
/* Appends the same text, without an LF. */
void log_witness_put(const struct log_witness *w, struct buf *out);

#endif
