/*
 * cosign: witnesses' cosignatures on checkpoints (c2sp.org/tlog-cosignature,
 * Ed25519, signature type 04; formats.md 7), and whom a reader trusts. A
 * cosignature says that the witness saw the log grow consistently up to that
 * size and root, at a time that it names.
 *
 * Does not check: that the time is not in the future; that a witness is
 * independent of the log. ML-DSA-44 (type 06) is an unknown line.
 */
#ifndef PV_LOG_COSIGN_H
#define PV_LOG_COSIGN_H

#include "lib/log/checkpoint.h"
#include "lib/log/witness.h"

#define LOG_COSIGN_SIG 64u /* bytes of an Ed25519 signature (RFC 8032) */
/* "cosignature/v1", "time " and 19 digits, each with its LF. */
#define LOG_COSIGN_HEAD_MAX (15u + 5u + 19u + 1u)
/* Dash, name, base64 of id, time and signature, two spaces, LF. */
#define LOG_COSIGN_LINE_MAX (3u + NOTE_NAME_MAX + 104u + 3u)

/*
 * Appends what a witness signs over a checkpoint's body at time_s (seconds
 * since the epoch). PV_INPUT, rule "log.cosignature", when it is 2^63 or more.
 */
PV_MUST enum pv_code log_cosign_message(struct buf *out, struct span body,
					uint64_t time_s, struct err *err);
/*
 * Appends the line alone, as a witness answers it, when sig is true over body
 * at time_s; PV_INTEGRITY, rule "log.cosignature", and nothing, when not.
 */
PV_MUST enum pv_code log_cosign_line(struct buf *out,
				     const struct log_witness *w,
				     struct span body, uint64_t time_s,
				     const uint8_t sig[static LOG_COSIGN_SIG],
				     struct err *err);
/*
 * Appends one cosignature line to note, a whole checkpoint. PV_INTEGRITY, rule
 * "log.cosignature", when it is wrong; PV_CONFLICT of that rule when it is true
 * and the witness has a line already; PV_INPUT when a note's limits are passed;
 * what log_checkpoint_parse() says when note is no checkpoint. note is then as
 * before.
 */
PV_MUST enum pv_code
log_cosign_add(struct buf *note, const struct log_witness *w, uint64_t time_s,
	       const uint8_t sig[static LOG_COSIGN_SIG], struct err *err);
/*
 * The same with the lines that witnesses answered: each must be one of known
 * and true, else PV_INTEGRITY, rule "log.cosignature" or "log.checkpoint".
 */
PV_MUST enum pv_code log_cosign_take(struct buf *note, struct span lines,
				     const struct log_witness *known,
				     size_t known_n, struct err *err);
/*
 * A later line of a witness that has one in note takes its place: *later. line
 * is one, with its LF. PV_INTEGRITY, rule "log.cosignature" or
 * "log.checkpoint"; note is then as before, and so it is when the line is not
 * later than what stands there, or its witness has none there.
 */
PV_MUST enum pv_code log_cosign_renew(struct buf *note, struct span line,
				      const struct log_witness *known,
				      size_t known_n, bool *later,
				      struct err *err);
/*
 * How many of known cosigned: distinct keys, whatever their names, and however
 * often each stands there. PV_INTEGRITY, rule "log.cosignature", when a line
 * of a known witness is wrong; *count is then 0.
 */
PV_MUST enum pv_code log_cosign_count(const struct log_checkpoint *c,
				      const struct log_witness *known,
				      size_t known_n, size_t *count,
				      struct err *err);

/* The newest time of w's lines, in seconds since the epoch; 0: it has none.
 * PV_INTEGRITY as above. */
PV_MUST enum pv_code log_cosign_time(const struct log_checkpoint *c,
				     const struct log_witness *w,
				     uint64_t *time_s, struct err *err);

struct log_trust {		     /* borrowed */
	const struct note_key *keys; /* the log's, named as its origin */
	size_t keys_n;
	const struct log_witness *witnesses;
	size_t witnesses_n;
	size_t required; /* distinct witnesses that must have cosigned */
};
/*
 * log_checkpoint_verify() and enough witnesses. Its codes, and PV_INTEGRITY,
 * rule "log.cosignature".
 */
PV_MUST enum pv_code log_trusted(const struct log_checkpoint *c,
				 const struct log_trust *trust,
				 struct err *err);

#endif
