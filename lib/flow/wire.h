/*
 * wire: records between the processes of one run, over a socket pair.
 *
 * A record is be32 length, one type byte, then fields in an order that both
 * ends know. Sending pumps: while the peer's buffer is full, what the peer has
 * sent is taken in, so two ends that send to each other cannot deadlock.
 * Both ends are ours, but a reader process parses what strangers wrote, so
 * every getter is bounded and the first wrong one sticks.
 * Carries no secret: host keys and random secrets are sealed before.
 */
#ifndef PV_FLOW_WIRE_H
#define PV_FLOW_WIRE_H

#include "lib/base/buf.h"

#define WIRE_RECORD_MAX (5u * 1024u * 1024u)  /* one device, all stages */
#define WIRE_BUFFER_MAX (64u * 1024u * 1024u) /* a group's records at once */

enum wire_type {
	WIRE_REQUEST = 1,  /* reader -> signer */
	WIRE_REFUSED,	   /* reader or signer -> writer */
	WIRE_GROUP_END,	   /* reader -> signer, signer -> writer, back */
	WIRE_RESULTS_END,  /* signer -> writer: the last result of a group */
	WIRE_SERIALS,	   /* writer -> signer: a block of ordered numbers */
	WIRE_NEED_SERIALS, /* signer -> writer */
	WIRE_DATAKEY,	   /* signer -> writer: a sealed data key */
	WIRE_INTENT,	   /* signer -> writer */
	WIRE_DENIED,	   /* signer -> writer: proven, denied by template */
	WIRE_GO,	/* writer -> signer: reserved, sign; its first bundle */
	WIRE_GO_STORED, /* writer -> signer: sign this earlier intent */
	WIRE_SKIP,	/* writer -> signer: answered or denied */
	WIRE_HOLD,	/* writer -> signer: a rate is reached, ask later */
	WIRE_RESULT,	/* signer -> writer */
	WIRE_QUARANTINE, /* signer -> writer: its signature was wrong */
	WIRE_CHECKPOINT, /* writer -> signer: sign the log; back: signed */
	WIRE_LOG,	 /* parent -> signer: the log's last point, keys */
	WIRE_ACTOR,	 /* parent -> signer: who acts */
	WIRE_ORDER,	 /* parent -> signer: what it is issued under */
	WIRE_CONTEXT,	 /* parent -> signer: what a template comes with */
	WIRE_OUT,	 /* writer -> parent: one request's answer */
	WIRE_READY,	 /* signer -> parent: logged in */
	WIRE_UNLOCKED,	 /* signer -> parent: memory is not locked */
	WIRE_SWITCHED,	 /* signer -> parent: to another token */
	WIRE_FATAL,	 /* any -> parent: the run cannot go on */
	WIRE_EVIDENCE,	 /* to a box: verify this (evidencebox.h) */
	WIRE_VERDICT,	 /* from it */
	WIRE_OFFER,	 /* to a box: make that for a TPM; from it: made */
	WIRE_MEDIA,	 /* to a box: read this (mediabox.h); from it: read */
	/* reader -> signer -> writer -> parent; from a signer on: 1 when
	 * requests were given up, 0 when all are answered */
	WIRE_END
};

struct wire {
	int fd; /* owned */
	struct buf in, out;
	size_t in_pos;
	bool eof;
};

/* Takes the descriptor over; it becomes non-blocking. */
void wire_init(struct wire *w, int fd);
void wire_release(struct wire *w);

/* Building a record: begin, puts, end. Failures stick until wire_flush(). */
size_t wire_begin(struct wire *w, enum wire_type type);
void wire_end(struct wire *w, size_t mark);
void wire_put_u64(struct wire *w, uint64_t v);
void wire_put_bytes(struct wire *w, const void *p, size_t len);
void wire_put_span(struct wire *w, struct span s);
/* A span that is written into w->out between the two; at most a record. */
size_t wire_begin_span(struct wire *w);
void wire_end_span(struct wire *w, size_t mark);
void wire_put_str(struct wire *w, const char *s);
void wire_put_err(struct wire *w, const struct err *err);
/* A record without fields but a number. */
void wire_put_mark(struct wire *w, enum wire_type type, uint64_t v);

/* Sends all; PV_INTERRUPTED when the peer has gone, rule "wire.peer". */
PV_MUST enum pv_code wire_flush(struct wire *w, struct err *err);
/* The first len bytes of w->out, whole records; the rest stays there. */
PV_MUST enum pv_code wire_flush_part(struct wire *w, size_t len,
				     struct err *err);

struct wire_rec {
	enum wire_type type;
	const uint8_t *p; /* rest of the record, valid until wire_fill */
	size_t left;
	size_t start; /* of the whole record in the buffer */
	bool bad;
};

/* The next whole record already taken in; false when there is none. */
PV_MUST bool wire_next(struct wire *w, struct wire_rec *rec);
#define WIRE_BIT(type) (1u << (type))
/* True when a whole record of one of these types waits to be given out. */
PV_MUST bool wire_holds(const struct wire *w, unsigned types);
/* Gives the record that wire_next() gave last out once more, next time. */
void wire_unget(struct wire *w, const struct wire_rec *rec);
/* Waits up to timeout_ms (-1: for ever) and takes in what has come. w->eof is
 * set when the peer has closed; what came before stays readable. */
PV_MUST enum pv_code wire_fill(struct wire *w, int timeout_ms, struct err *err);
/* wire_fill() until a record is there; *got is false at the end. */
PV_MUST enum pv_code wire_read(struct wire *w, struct wire_rec *rec, bool *got,
			       struct err *err);

uint64_t wire_get_u64(struct wire_rec *r);
struct span wire_get_span(struct wire_rec *r);
/* Exactly len bytes into out. */
void wire_get_bytes(struct wire_rec *r, void *out, size_t len);
/* NUL-terminated into out[cap]; sticks when it is longer or holds a NUL. */
void wire_get_str(struct wire_rec *r, char *out, size_t cap);
/* Bytes replace out's contents. */
void wire_get_buf(struct wire_rec *r, struct buf *out);
void wire_get_err(struct wire_rec *r, struct err *err);
/* PV_INTERNAL unless every getter fitted and nothing is left. */
PV_MUST enum pv_code wire_done(const struct wire_rec *r, struct err *err);

#endif
