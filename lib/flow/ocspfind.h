/*
 * ocspfind: which certificates an answer may be due for, some at a time.
 * Included by ocsp*.c only.
 */
#ifndef PV_FLOW_OCSPFIND_H
#define PV_FLOW_OCSPFIND_H

#include "lib/flow/crlissuer.h"

#define OCSP_TEMPLATES_MAX 256u

struct ocsp_candidate {
	uint32_t number;
	uint8_t serial[STORE_SERIAL_MAX];
	uint8_t serial_len;
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
	bool from_log; /* else every device */
	uint64_t next; /* number or log index to go on from */
	bool end;
	struct ocsp_asks *asks;
	size_t asks_n;
};
PV_MUST enum pv_code ocsp_find_open(struct ocsp_find *f, struct store *store,
				    const struct crl_issuer *i, bool from_log,
				    uint64_t from, struct err *err);
void ocsp_find_release(struct ocsp_find *f);

/*
 * Up to cap candidates of that CA and generation, with what is true of them
 * now, each row held against the log; *n 0 and f->end: there are no more.
 */
PV_MUST enum pv_code ocsp_find_next(struct ocsp_find *f,
				    struct ocsp_candidate *list, size_t cap,
				    size_t *n, struct err *err);

#endif
