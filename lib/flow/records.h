/*
 * records: what the signers, the writer and the parent of one run tell each
 * other about a device, field by field. Spans of a decoded record point into
 * the channel's buffer and last until it is filled again.
 */
#ifndef PV_FLOW_RECORDS_H
#define PV_FLOW_RECORDS_H

#include "lib/flow/bundled.h"
#include "lib/flow/wire.h"

#define RECORD_BUNDLES_MAX TPL_STAGES_MAX

/* WIRE_INTENT: a prepared device, to be reserved. */
struct record_intent {
	struct request *req; /* filled by get; keys if they are held or kept */
	bool csr, seal_key, renewed; /* the certified key, without CSR */
	enum tpl_algorithm algorithm;
	uint8_t template_sha256[32];
	uint8_t asked[32];	   /* as in request_body() */
	uint8_t body[32];	   /* the writer's to fill in */
	uint32_t ca_generation;	   /* of the issuer; 0: none */
	bool has_spki, spki_given; /* given: by the request, not made by us */
	uint8_t spki_sha256[32], seal_sha256[32];
	uint32_t number;
	uint64_t created_ms, seq;
	struct span serial, tbs, secrets, new_spki, key_sig; /* rotates to it */
};
void record_put_intent(struct wire *w, const struct prepared *p);
PV_MUST enum pv_code record_get_intent(struct wire_rec *rec,
				       struct record_intent *i,
				       struct err *err);

/* WIRE_DENIED: proven, but denied by this template, or suspect: i is filled up
 * to seal_sha256. Answered like an intent. */
struct record_denied {
	struct record_intent i;
	bool suspect; /* to be held, whatever is stored */
	struct err why;
};
void record_put_denied(struct wire *w, const struct approved *a,
		       const struct err *why);
PV_MUST enum pv_code record_get_denied(struct wire_rec *rec,
				       struct record_denied *d,
				       struct err *err);

/* WIRE_GO_STORED: an earlier intent of the same device and body. */
struct record_stored {
	uint64_t line;
	uint8_t template_sha256[32];
	uint32_t ca_generation, number; /* of the issuer; of the serial */
	uint64_t created_ms, seq;
	struct span serial, tbs, secrets, kdf; /* kdf: writer_put_kdf() */
	struct span datakey; /* of the key that sealed secrets; or empty */
};
void record_put_stored(struct wire *w, const struct record_stored *s);
PV_MUST enum pv_code record_get_stored(struct wire_rec *rec,
				       struct record_stored *s,
				       struct err *err);

/* WIRE_RESULT: a finished device. */
struct record_result {
	uint64_t line;
	char id[REQUEST_ID_MAX + 1], device[REQUEST_ID_MAX + 1];
	uint8_t bytes_sha256[32]; /* of the request, for a denial */
	uint32_t parts; /* bits of the components named, alone; 0: it is not */
	uint32_t number;
	uint8_t template_sha256[32];
	struct span serial, cert, evidence; /* that they are released for */
	struct {
		char stage[REQUEST_ID_MAX + 1];
		uint8_t id[SEAL_ID_LEN], bh[32], payload_sha256[32];
		uint64_t seq;
		struct span container, escrow, anchors; /* the last: hashes */
	} bundles[RECORD_BUNDLES_MAX];
	size_t bundles_n;
};
void record_put_result(struct wire *w, const struct bundled *b);
PV_MUST enum pv_code record_get_result(struct wire_rec *rec,
				       struct record_result *r,
				       struct err *err);

/* WIRE_OUT: an answer. */
enum issue_status {
	ISSUE_ISSUED,
	ISSUE_EXISTING,
	ISSUE_DENIED,
	ISSUE_QUARANTINED,
	ISSUE_FAILED
};
struct record_out {
	uint64_t line;
	enum issue_status status;
	char id[REQUEST_ID_MAX + 1], device[REQUEST_ID_MAX + 1];
	struct span serial, cert; /* empty: none */
	struct {
		char stage[REQUEST_ID_MAX + 1];
		struct span container;
	} bundles[RECORD_BUNDLES_MAX];
	size_t bundles_n;
	uint64_t superseded; /* credentials revoked with it */
	struct err err;	     /* why, unless issued or existing */
};
void record_put_out(struct wire *w, const struct record_out *o);
PV_MUST enum pv_code record_get_out(struct wire_rec *rec, struct record_out *o,
				    struct err *err);

/* WIRE_REFUSED: a request that goes no further, and why. */
struct record_refused {
	uint64_t line;
	char id[REQUEST_ID_MAX + 1], device[REQUEST_ID_MAX + 1];
	uint8_t bytes_sha256[32]; /* of the request; zeros: not known */
	struct err why;
};
void record_put_refused(struct wire *w, const struct record_refused *r);
PV_MUST enum pv_code record_get_refused(struct wire_rec *rec,
					struct record_refused *r,
					struct err *err);

#endif
