/*
 * checkpoint: what the log says of itself, size and root, as a signed note
 * (c2sp.org/tlog-checkpoint; formats.md 7). Its text is three lines: origin,
 * size, base64 of the root. Who reads one decides with log_trusted() of
 * cosign.h; who signs one asks log_checkpoint_may_follow() first.
 *
 * The origin is the name of the key that signs, so it is what can be one: 1 to
 * 255 bytes without space or plus sign. Extension lines are refused.
 *
 * Does not check: that a root is the one of any tree; that a key is the log's,
 * but for its name. Lines of keys that nobody asks for are kept and say
 * nothing, as c2sp.org/signed-note wants it.
 */
#ifndef PV_LOG_CHECKPOINT_H
#define PV_LOG_CHECKPOINT_H

#include "lib/base/note.h"
#include "lib/log/proof.h"

/* Origin, at most 19 digits, a root, and three LF. */
#define LOG_BODY_MAX (NOTE_NAME_MAX + 19u + 44u + 3u)

struct log_checkpoint {	    /* owns its note */
	struct note note;   /* note.text is the body that is signed */
	struct span origin; /* borrowed from note */
	struct log_point at;
};

/*
 * Appends the body. PV_INPUT, rule "log.checkpoint": an origin that is no key
 * name, a size of 2^63 or more, a root of the empty tree that is not its own;
 * out is then as before. "size.limit" when out is full (buf.h).
 */
PV_MUST enum pv_code log_checkpoint_put(const char *origin,
					const struct log_point *at,
					struct buf *out, struct err *err);
/*
 * Takes a whole signed note apart; nothing is verified. PV_INTEGRITY, rule
 * "log.checkpoint", on anything that log_checkpoint_put() and note.h would not
 * have written; c is then empty.
 */
PV_MUST enum pv_code log_checkpoint_parse(struct log_checkpoint *c,
					  struct span bytes, struct err *err);
/* Frees and empties. Takes an empty (zeroed) one. */
void log_checkpoint_release(struct log_checkpoint *c);
#define LOG_CHECKPOINT CLEANUP(log_checkpoint_release) struct log_checkpoint

/*
 * True signature of the log: of at least one of its keys, and of each of them
 * that stands there. A key whose name is not the origin is another log's or
 * has another purpose: it counts for nothing. PV_INTEGRITY, rule
 * "log.checkpoint", when no key signed; "note.signature" when one is wrong.
 */
PV_MUST enum pv_code log_checkpoint_verify(const struct log_checkpoint *c,
					   const struct note_key *keys,
					   size_t keys_n, struct err *err);

/*
 * Whether a log (or a witness) that signed last may sign next: never smaller,
 * never a second root at one size, and else the tree of last begins the tree
 * of next, which p proves (log_check_consistency()). last is NULL when there
 * is none yet; it or one of size 0 allows any next, and p must be empty, or
 * NULL. PV_INTEGRITY, rule "log.checkpoint" or "log.proof".
 */
PV_MUST enum pv_code log_checkpoint_may_follow(struct log_hasher *h,
					       const struct log_point *last,
					       const struct log_point *next,
					       const struct log_proof *p,
					       struct err *err);

#endif
