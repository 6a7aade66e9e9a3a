/*
 * transcript: what happened in a ceremony, as JSON Lines that are one chain.
 * A line is
 *
 *   {"seq":N,"time":"YYYY-MM-DDTHH:MM:SSZ","prev":"<64 hex>","step":N,
 *    "event":"<word>","facts":{"<key>":"<text>",...}}
 *
 * seq counts from 1, time never goes back, prev is the SHA-256 of the line
 * before with its LF (64 zeros in the first), step is the plan's step from 1,
 * or 0 for what is about the whole. Values are text that may stand in a signed
 * note, but for LF. A line is durable before what follows it is done. The head
 * of the chain (SHA-256 of the last line) is signed in a note:
 *
 *   provctl ceremony/v1
 *   log <origin>
 *   plan sha256:<hex>
 *   lines <n>
 *   head sha256:<hex>
 *
 * Does not check: which events there are, and in which order (ceremonycheck.h);
 * that no fact is a secret: callers never pass one.
 * Specification: formats.md 6.
 */
#ifndef PV_LOG_TRANSCRIPT_H
#define PV_LOG_TRANSCRIPT_H

#include <jansson.h>

#include "lib/base/buf.h"

#define TRANSCRIPT_FILE "transcript.jsonl"
#define TRANSCRIPT_NOTE_FILE "transcript.note"
#define TRANSCRIPT_LINE_MAX 8192u		 /* bytes, with its LF */
#define TRANSCRIPT_SIZE_MAX (4u * 1024u * 1024u) /* bytes of all lines */
#define TRANSCRIPT_RESERVE (128u * 1024u) /* of that, for what is begun */
#define TRANSCRIPT_EVENT_MAX 24u
#define TRANSCRIPT_VALUE_MAX 1024u /* bytes; longer texts are cut */
#define TRANSCRIPT_FACTS_MAX 16u
#define TRANSCRIPT_NOTE_MAX 2048u /* bytes of the note's text */

struct transcript_head { /* the last line's, or all zero */
	uint64_t lines;
	uint8_t sha256[32];
	int64_t time_s;
};

struct transcript_line {
	uint64_t seq;
	int64_t time_s;
	uint32_t step;
	const char *event;
	const json_t *facts; /* an object of texts; borrowed */
};
/* A fact's value, or NULL; lasts as long as the line. */
const char *transcript_fact(const struct transcript_line *line,
			    const char *key);

struct transcript_sink {
	/* Of each line in turn; a failure ends the reading and is returned. */
	enum pv_code (*line)(void *ctx, const struct transcript_line *line,
			     struct err *err);
	void *ctx;
};
/*
 * Reads whole lines from bytes of strangers. sink may be NULL. *head is of what
 * was read, whatever the code. PV_INPUT, "transcript.syntax" (also a last line
 * without LF) or "json.*"; PV_INTEGRITY, "transcript.chain" (seq, prev) or
 * "transcript.time"; the sink's codes. The message names the line.
 */
PV_MUST enum pv_code transcript_read(struct span bytes,
				     const struct transcript_sink *sink,
				     struct transcript_head *head,
				     struct err *err);

struct transcript {
	int fd;	     /* -1: closed */
	size_t size; /* bytes of its lines */
	struct transcript_head head;
};
#define TRANSCRIPT_INIT                                                        \
	{                                                                      \
		.fd = -1                                                       \
	}

struct transcript_pair {
	const char *key;
	const char *value; /* NULL: the pair is left out */
};

/* A new file of that name, 0600, durable. PV_CONFLICT, "output.exists"; also
 * of a link; PV_STORAGE. */
PV_MUST enum pv_code transcript_create(struct transcript *t, int dirfd,
				       const char *name, struct err *err);
/*
 * Goes on with one that a crash left: a last line without LF, which a crash
 * cuts short, is cut off. Lines go to sink, which may be NULL. Codes of
 * transcript_read(); PV_NOT_FOUND, PV_DENIED, PV_STORAGE.
 */
PV_MUST enum pv_code transcript_reopen(struct transcript *t, int dirfd,
				       const char *name,
				       const struct transcript_sink *sink,
				       struct err *err);
/* Appends a line and makes it durable. event is a word of a-z, - and digits.
 * What may not stand in a value becomes '?'. PV_DENIED, "transcript.size": past
 * TRANSCRIPT_SIZE_MAX, or of "step" and "sign" into its reserve. PV_STORAGE,
 * "transcript.write": nothing more is taken. */
PV_MUST enum pv_code transcript_put(struct transcript *t, uint32_t step,
				    const char *event,
				    const struct transcript_pair *pairs,
				    size_t n, struct err *err);
void transcript_close(struct transcript *t);

struct transcript_note {
	const char *origin;
	uint8_t plan[32];
	struct transcript_head head;
};
void transcript_note_put(const struct transcript_note *n, struct buf *out);

#endif
