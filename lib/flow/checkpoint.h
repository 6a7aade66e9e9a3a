/*
 * checkpoint: what the authority signs of its log (formats.md 7), and where it
 * keeps that. The one who has the store says what is to be signed and proves
 * that it goes on from the last checkpoint (struct checkpoint_ask); the one who
 * has the token holds that against the last one that it knows, and signs; the
 * first keeps it. The last checkpoint lies outside the database, in
 * HOME/checkpoint: a database that is older, or another, is found by it, and
 * by HOME/cosigned when both were set back.
 * Does not check: that the whole machine was not set back, or that its log was
 * not written anew with all these files: a witness finds it, or the next login,
 * where the token's key is held against the recorded one.
 */
#ifndef PV_FLOW_CHECKPOINT_H
#define PV_FLOW_CHECKPOINT_H

#include "lib/flow/context.h"
#include "lib/flow/governance_file.h"
#include "lib/hsm.h"
#include "lib/log/checkpoint.h"

#define CHECKPOINT_FILE "checkpoint"
#define COSIGNED_FILE "cosigned" /* the last that witnesses have seen */
#define CHECKPOINT_MAX 65536u	 /* bytes of a note, cosignatures included */
#define CHECKPOINT_KEYS_MAX 16u

/* From the store, before anything is forked; plain data. */
struct checkpoint_base {
	char origin[NOTE_NAME_MAX + 1];
	/* All log keys that ever were: any of them may have signed the last. */
	struct note_key keys[CHECKPOINT_KEYS_MAX];
	size_t keys_n;
	/* Those that sign now; none: this authority has no log key. */
	struct issue_key own[CHECKPOINT_KEYS_MAX];
	uint64_t own_from[CHECKPOINT_KEYS_MAX]; /* asked for from that size */
	size_t own_n;
	struct log_point last; /* size 0: there is none yet */
	uint64_t witnessed_s;  /* witnesses_time(); 0: nothing */
	/* What HOME/governance says (size 0: there is none), and how far the
	 * decisions were seen. */
	struct governance file, seen;
};

/*
 * Of the authority that the store is of: loads the keys and HOME/checkpoint,
 * and holds the store's log against it and HOME/cosigned, where that is, then
 * governance_check(); in no transaction. The store admits no event before
 * base->witnessed_s then. PV_INTEGRITY, "config.name" (a->name or a->origin is
 * another), "log.checkpoint" (one is not ours or not true, or HOME/checkpoint
 * is gone), "store.older" (the log does not go on from one) or
 * "store.governance"; PV_DENIED; PV_STORAGE; codes of witnesses_time().
 */
PV_MUST enum pv_code checkpoint_load(const struct authority *a,
				     struct store *store,
				     struct checkpoint_base *base,
				     struct err *err);

/*
 * The same but governance_check(), and the note itself into the empty note, as
 * it is given out. PV_NOT_FOUND, "log.checkpoint", when none was ever signed.
 */
PV_MUST enum pv_code checkpoint_last(const struct authority *a,
				     struct store *store,
				     struct checkpoint_base *base,
				     struct buf *note, struct err *err);
/* A file of the home, verified: into the empty note, and what it says.
 * PV_NOT_FOUND; PV_INTEGRITY, "log.checkpoint"; PV_DENIED; PV_STORAGE. */
PV_MUST enum pv_code checkpoint_read(const struct authority *a,
				     const char *name,
				     const struct checkpoint_base *base,
				     struct buf *note, struct log_point *at,
				     struct err *err);
/* A note about a log of size entries: a true line of each key that signed it
 * then and signs now, and none of a log key that is wrong. PV_INTEGRITY,
 * "log.checkpoint" or "note.signature". */
PV_MUST enum pv_code checkpoint_signed(const struct checkpoint_base *base,
				       const struct note *note, uint64_t size,
				       struct err *err);
/* PV_INTEGRITY, "store.older", unless the store's log goes on from there. */
PV_MUST enum pv_code checkpoint_goes_on(struct store *store,
					const struct log_point *last,
					struct err *err);

struct checkpoint_ask { /* plain data: it crosses to the signer's process */
	struct log_point next;
	struct log_proof proof; /* from the last that both sides know */
	/* Whether HOME/governance is to be signed too: governance_ask(). */
	bool governs;
	struct governance governance;
};

/* *due is false when nothing was appended since last; ask governs nothing. */
PV_MUST enum pv_code checkpoint_ask(struct store *store,
				    const struct log_point *last,
				    struct checkpoint_ask *ask, bool *due,
				    struct err *err);

/*
 * Verifies what a signer sent, keeps it in the store (in a transaction of its
 * own) and in HOME/checkpoint, and moves base->last on. A
 * smaller one than is there already, by another process, is not kept, and one
 * of the same size leaves that of the other: it may be cosigned by now. A file
 * that is behind the store's row of that size gets what the row says.
 */
PV_MUST enum pv_code checkpoint_keep(const struct authority *a,
				     struct store *store,
				     struct checkpoint_base *base,
				     const struct checkpoint_ask *ask,
				     struct span note, struct err *err);

/* All of it, for a verb that has store and token at hand. */
PV_MUST enum pv_code checkpoint_now(const struct authority *a,
				    struct store *store, struct hsm *hsm,
				    struct err *err);

#endif
