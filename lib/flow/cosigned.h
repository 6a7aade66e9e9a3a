/*
 * cosigned: what witnesses say of the authority's log (formats.md 7), and what
 * waits for it. The last checkpoint that log.witnesses_required of them
 * cosigned lies in HOME/cosigned. What the log says after it has not been seen
 * by them: a machine that was set back as a whole is found by its witnesses,
 * and until they have cosigned nothing that is newer leaves by an export.
 *
 * Does not check: that a witness is another person's; what leaves otherwise
 * than by an export (`issue' hands out what it made).
 */
#ifndef PV_FLOW_COSIGNED_H
#define PV_FLOW_COSIGNED_H

#include "lib/flow/checkpoint.h"
#include "lib/flow/witnesses.h"

/* What lets an export go on that waits for them. */
#define COSIGNED_HINT                                                          \
	"`provctl export log', `provctl audit witness' at each of them, then " \
	"`provctl audit cosign'"

struct cosigned { /* plain data */
	struct log_witness known[COSIGNED_WITNESSES_MAX];
	size_t known_n;
	size_t required;     /* log.witnesses_required */
	struct log_point at; /* required of them, at least 1, cosigned that */
	size_t last_n;	     /* how many cosigned the last checkpoint */
	char missing[256];   /* who did not, by name */
};

/*
 * base: what checkpoint_load() said. PV_INPUT, "log.witness" (a line of
 * HOME/witnesses is no vkey, or twice there); PV_INTEGRITY, "log.checkpoint",
 * "log.cosignature" or "store.older" (HOME/cosigned is not true, or not of
 * this log); PV_DENIED (a file is writable by others); PV_STORAGE.
 */
PV_MUST enum pv_code cosigned_load(const struct authority *a,
				   struct store *store,
				   const struct checkpoint_base *base,
				   struct cosigned *c, struct err *err);

/*
 * Lets through what witnesses have seen. With a bundle's id in hex: its seal;
 * with NULL: all that the log says, but for exports. PV_WAITING, rule
 * "log.witnesses", names those who did not cosign yet; codes of
 * cosigned_load(). Always PV_OK when no witness is required.
 */
PV_MUST enum pv_code cosigned_gate(const struct authority *a,
				   struct store *store,
				   const struct checkpoint_base *base,
				   const char *bundle, struct err *err);

/*
 * Before approvals of a request that was made at asked_s are taken: the
 * witnesses have seen the log since, and within log.witness_max_age_s. They
 * cosign no log that was set back, and the time of what they cosigned before
 * stays behind. PV_WAITING, "log.witnesses". Always PV_OK when none is
 * required.
 */
PV_MUST enum pv_code cosigned_recent(const struct authority *a,
				     const struct checkpoint_base *base,
				     uint64_t asked_s, uint64_t now_s,
				     struct err *err);

/*
 * HOME/cosigned into the empty note, for who gives it out: the last checkpoint
 * that enough witnesses cosigned, at least one. PV_WAITING, "log.witnesses",
 * when there is none; codes of cosigned_load().
 */
PV_MUST enum pv_code cosigned_note(const struct authority *a,
				   struct store *store,
				   const struct checkpoint_base *base,
				   struct buf *note, struct log_point *at,
				   struct err *err);

struct cosigned_taken {
	uint64_t size; /* of the checkpoint that was cosigned */
	size_t count;  /* witnesses that have cosigned it by now */
	bool news;     /* false: all witnesses stood there already */
};
/*
 * Takes in lines that witnesses answered, all of one checkpoint: the one in
 * HOME/checkpoint, or one of the store's; it is kept with them in the store, in
 * HOME/checkpoint where it is the last, and in HOME/cosigned when enough
 * cosigned it. One smaller than HOME/cosigned is no news, and nothing is kept.
 * PV_INTEGRITY, "log.cosignature": a
 * line is of no known witness or true of none of the checkpoints; PV_INPUT:
 * there is no line; nothing is kept then. A later one of a witness whose line
 * stands there takes its place, an earlier one is no news.
 */
PV_MUST enum pv_code cosigned_take(const struct authority *a,
				   struct store *store, struct span lines,
				   struct cosigned_taken *taken,
				   struct err *err);

#endif
