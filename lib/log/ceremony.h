/*
 * ceremony: entries of ceremonies: that people approve one, and keys that
 * change hands in one. Constructors fill *e as those of events.h do.
 */
#ifndef PV_LOG_CEREMONY_H
#define PV_LOG_CEREMONY_H

#include "lib/log/entry.h"

#define LOG_CEREMONY_BEGIN "ceremony.begin"
#define LOG_KEY_SEND "key.send"
#define LOG_KEY_TAKE "key.take"

struct log_who;
struct log_key;

/*
 * A plan is run that was approved, before its first step: one of govern.h's
 * chain. hash: of the plan's bytes; persons: comma-separated, optional, and
 * then LOG_SUBJECT (acts.h) is added, the text that they approved. The
 * approvals of a ceremony that makes an authority are of its first roster,
 * which is set behind it (pairing.h).
 */
void log_ceremony_begin(struct log_entry *e, const struct log_who *who,
			const char *plan, uint64_t version, const uint8_t *hash,
			const char *persons);

/* Added to a ceremony.begin: "init", "run", or "rehearsal", whose keys are
 * thrown away. */
void log_ceremony_mode(struct log_entry *e, const char *mode);

/* Added to a ceremony.begin of a run: SHA-256 of the last line of the transcript
 * of its rehearsal. */
void log_ceremony_rehearsed(struct log_entry *e, const uint8_t *head);

/* How far the transcript of a ceremony was when a ceremony.step was written. */
struct log_ceremony_point {
	const uint8_t *plan; /* SHA-256 of its bytes */
	const char *mode;    /* as in log_ceremony_mode() */
	uint64_t lines;
	const uint8_t *head; /* SHA-256 of the last of them, with its LF */
};
/* Added to each ceremony.step. */
void log_ceremony_point(struct log_entry *step,
			const struct log_ceremony_point *p);
/* The first ceremony.step of a log says so of all of it. */
PV_MUST bool log_ceremony_is_rehearsal(const struct log_entry *step);

/* As log_key_generate(): a copy goes to that authority's key (hash of its
 * SPKI). */
void log_key_send(struct log_entry *e, const struct log_who *who,
		  const struct log_key *key, const char *to,
		  const uint8_t *to_spki);
/* As log_key_generate(), of a key that another authority sent; there is no
 * key.generate of it. */
void log_key_take(struct log_entry *e, const struct log_who *who,
		  const struct log_key *key, const char *from);

#endif
