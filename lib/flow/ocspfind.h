/*
 * ocspfind: which certificates an answer may be due for, some at a time.
 * Included by ocsp*.c only.
 */
#ifndef PV_FLOW_OCSPFIND_H
#define PV_FLOW_OCSPFIND_H

#include "lib/flow/crltail.h"

#define OCSP_TEMPLATES_MAX 256u
#define OCSP_PIECE 512u /* rows or entries that are looked at together */

struct ocsp_candidate {
	uint32_t number;
	uint8_t serial[STORE_SERIAL_MAX];
	uint8_t serial_len;
	bool ended; /* its certificate: no answer is due for it any more */
	bool revoked;
	uint8_t reason;
	int64_t revoked_s;
};

struct ocsp_asks { /* whether a template's certificates name a responder */
	uint8_t sha256[STORE_HASH];
	bool yes;
};

struct ocsp_find {
	struct store *store;
	const struct crl_issuer *i;
	const struct crl_tail *tail;
	bool from_log;	/* else every device */
	uint64_t next;	/* number or log index to go on from */
	uint64_t since; /* the tail's words are asked for from there on */
	int64_t now_s;	/* the caller's to set */
	bool end;
	struct serialset listed; /* what the newest lists have */
	struct ocsp_asks *asks;
	size_t asks_n;
};
/* From the log: what was issued, revoked or released from there on. Every
 * device: with the newest lists of i, none of which may name a certificate that
 * is good. PV_INTEGRITY as crl_row_newest(). Release in any case. */
PV_MUST enum pv_code ocsp_find_open(struct ocsp_find *f,
				    const struct crl_tail *tail,
				    const struct crl_issuer *i, bool from_log,
				    uint64_t from, struct err *err);
void ocsp_find_release(struct ocsp_find *f);

/*
 * The candidates of that CA and generation among the next piece, with what is
 * true of them now, each row held against the log, and against its last word
 * since f->since; f->end: there are no more behind them. Codes of
 * logged_device().
 */
PV_MUST enum pv_code ocsp_find_next(struct ocsp_find *f,
				    struct ocsp_candidate list[OCSP_PIECE],
				    size_t *n, struct err *err);
/* The same of one of them again; *yes false: it is none. */
PV_MUST enum pv_code ocsp_find_again(struct ocsp_find *f, uint32_t number,
				     struct ocsp_candidate *c, bool *yes,
				     struct err *err);

#endif
