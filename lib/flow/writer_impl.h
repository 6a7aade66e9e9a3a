/* writer_impl: what the writer's files share. */
#ifndef PV_FLOW_WRITER_IMPL_H
#define PV_FLOW_WRITER_IMPL_H

#include "lib/flow/answer.h"
#include "lib/flow/crlword.h"
#include "lib/flow/writer.h"
#include "lib/log/events.h"
#include "lib/log/tree.h"
#include "policy/order.h"

#define WRITER_SIGNERS_MAX 64

struct writer {
	const struct writer_opts *opts;
	struct store *store;
	struct order order; /* as it stands in this transaction; of a release:
			       that of the device; id "": none */
	uint64_t now_ms;    /* of this transaction */
	uint64_t last_ms;   /* newest entry before it */
	uint64_t event_ms;  /* of its entries: last_ms where clock says no */
	struct err clock;   /* why no entry may have now_ms; PV_OK: it may */
	uint64_t judged;    /* newest decision of people when may was found */
	struct err may;	    /* why who acts may not any more; PV_OK: they may */
	struct err issuer;  /* why its CA issues no more; PV_OK: it does */
	bool bound;	    /* only devices of the order are given out */
	bool ended[WRITER_SIGNERS_MAX];
	bool began[WRITER_SIGNERS_MAX]; /* it had requests */
	bool incomplete;		/* requests are left without answer */
	bool wrote;			/* something to commit */
	uint64_t sealed;		/* bytes appended in this transaction */
	uint64_t held, held_alike;	/* counted by writer_held.c */
	size_t turn;			/* of the signers, by rounds */
	uint64_t log_size;		/* of the log at the last commit */
	struct checkpoint_base log;	/* the last one moves on */
	struct log_point known[WRITER_SIGNERS_MAX]; /* by each signer */
	struct checkpoint_ask ask;		    /* under way at asker */
	size_t asker;
	bool asking, answered;
	/* With opts->covers: devices are among the answers that wait in
	 * parent->out; and how much of it the checkpoint under way covers. */
	bool gives;
	size_t asked_out;
	size_t round_out; /* of parent->out, when this round began */
	struct buf signed_log, signed_governance; /* kept after the commit */
	struct request req;
	struct answer answer;
	struct buf entry;
	struct log_hasher hasher;
	struct writer_kept *kept; /* slots by number; NULL: none are kept */
	struct crl_words words;
};

enum policy_state writer_state(enum store_state s);
struct log_who writer_who(const struct writer *w);
/* SHA-256 by a context that is kept: some hashes for each device. */
PV_MUST enum pv_code writer_hash(struct writer *w, struct span bytes,
				 uint8_t out[static LOG_HASH], struct err *err);
/* Encodes an entry; the span lasts until the next one. */
PV_MUST enum pv_code writer_encode(struct writer *w, const struct log_entry *e,
				   struct span *out, struct err *err);

/* Logs a denial and answers it; other failures are only answered. */
PV_MUST enum pv_code writer_refuse(struct writer *w,
				   const struct record_refused *r,
				   struct err *err);
/* seq: of the first bundle that is given; 0: all of them. */
PV_MUST enum pv_code writer_put_existing(struct writer *w, uint64_t line,
					 const char *id,
					 const struct store_device *d,
					 uint64_t seq, struct err *err);

/* Looks again at who acts, in the open transaction, when people have decided
 * something since: w->may and w->bound. */
PV_MUST enum pv_code writer_admit(struct writer *w, struct err *err);
/* w->issuer, in the open transaction: another process may have revoked it. */
PV_MUST enum pv_code writer_look_at_issuer(struct writer *w, struct err *err);
/* May the open intent of d be signed, by the CA that it names? PV_DENIED
 * "ca.revoked"; PV_INTEGRITY, PV_STORAGE. */
PV_MUST enum pv_code writer_may_sign(struct writer *w,
				     const struct store_device *d,
				     struct err *err);
/* With the store's facts, inside the open transaction. */
PV_MUST enum pv_code writer_decide(struct writer *w,
				   const struct record_intent *i,
				   struct store_device *d,
				   struct policy_verdict *v, struct err *err);

/* The part of it that a newer template cannot change. *settled false:
 * nothing that is stored decides, and *v is no verdict. */
PV_MUST enum pv_code writer_decide_stored(struct writer *w,
					  const struct record_intent *i,
					  struct store_device *d,
					  struct policy_verdict *v,
					  bool *settled, struct err *err);
/* Fills i->body in, for the role that the current template gives it. */
PV_MUST enum pv_code writer_fill_body(const struct writer *w,
				      struct record_intent *i, struct err *err);
/* One WIRE_INTENT or WIRE_RESULT record. */
PV_MUST enum pv_code writer_take_intent(struct writer *w, struct wire *from,
					struct wire_rec *rec, struct err *err);
/* One WIRE_DENIED record: a stored answer stands, else the denial does. */
PV_MUST enum pv_code writer_take_denied(struct writer *w, struct wire *from,
					struct wire_rec *rec, struct err *err);
PV_MUST enum pv_code
writer_take_quarantine(struct writer *w, struct wire_rec *rec, struct err *err);
/*
 * Is r what the open intent of its number can give: the same device, a
 * certificate over its TBS or neither, a bundle for each stage that is due?
 * PV_OK also without an open intent: store_complete() tells. PV_INTERNAL, rule
 * "writer.result"; PV_INTEGRITY "store.edited", PV_STORAGE.
 */
PV_MUST enum pv_code writer_check_result(struct writer *w,
					 const struct record_result *r,
					 struct err *err);
PV_MUST enum pv_code writer_take_result(struct writer *w, struct wire_rec *rec,
					struct err *err);

#endif
