/*
 * eat: CBOR and COSE messages of devices that are not ours (RFC 8949; RFC 9052
 * 4.2 and 6.2; RFC 9783 5.1). Definite lengths, no duplicate keys, UTF-8, and
 * nothing behind it; not asked for are sorted keys and shortest heads, which
 * RFC 9783 leaves to the device. Our own formats go through lib/base/cbor.h.
 *
 * Does not check: what the items mean, signatures.
 */
#ifndef PV_EVIDENCE_EAT_H
#define PV_EVIDENCE_EAT_H

#include "lib/base/buf.h"
#include "lib/base/cose.h"

#define EAT_DEPTH_MAX 8	 /* arrays, maps and tags in one another */
#define EAT_KEYS_MAX 256 /* of all maps that are open at once */

/* Which key stands twice: in the map at that depth (1: outermost), below the
 * outermost map's key top. Labels that are no integer are INT64_MIN. */
struct eat_twice {
	unsigned depth; /* 0: no key does */
	int64_t label, top;
};

/* Exactly one item that is as above. *why gets a static sentence; twice may be
 * NULL. Getters are for bytes that were found valid, but check bounds too. */
PV_MUST bool eat_valid(struct span bytes, const char **why,
		       struct eat_twice *twice);

struct eat_reader { /* failed becomes true at the first wrong getter, stays */
	const uint8_t *p;
	size_t len, pos;
	bool failed;
};

void eat_reader_init(struct eat_reader *r, struct span bytes);
/* CBOR_SIMPLE stands for floats as well. */
enum cbor_type eat_peek(const struct eat_reader *r);
bool eat_get_uint(struct eat_reader *r, uint64_t *v);
bool eat_get_int(struct eat_reader *r, int64_t *v);
bool eat_get_bstr(struct eat_reader *r, struct span *v);
bool eat_get_tstr(struct eat_reader *r, struct span *v);
bool eat_get_array(struct eat_reader *r, uint64_t *n);
bool eat_get_map(struct eat_reader *r, uint64_t *n);
bool eat_get_tag(struct eat_reader *r, uint64_t *tag);
/* Passes over one whole item. */
bool eat_skip(struct eat_reader *r);
bool eat_done(const struct eat_reader *r);

struct eat_msg { /* spans point into the bytes */
	uint64_t tag;
	int64_t alg;
	struct span protected_hdr, kid, payload, auth; /* kid: len 0: none */
};

/*
 * A tagged COSE_Sign1 or COSE_Mac0: alg in the protected header; kid in either
 * or none (which key it is the verifier knows); nothing else in the headers; a
 * payload. alg may be any, auth of any length.
 */
PV_MUST bool eat_message(struct span bytes, struct eat_msg *m,
			 const char **why);
/* SHA-256 of the Sig_structure. PV_INTERNAL. */
PV_MUST enum pv_code eat_digest(const struct eat_msg *m,
				uint8_t digest[static 32], struct err *err);

#endif
