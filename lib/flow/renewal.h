/*
 * renewal: the request that a device in the field would make, written by us
 * from what the store has of it: id, role, certified key, sealing key, fields.
 * It goes the same way as any other request, through the reader.
 */
#ifndef PV_FLOW_RENEWAL_H
#define PV_FLOW_RENEWAL_H

#include "lib/store/store.h"
#include "policy/template.h"

struct renewal_set { /* a field in place of what was kept; UTF-8 */
	const char *name, *value;
	size_t name_len;
};

struct renewal_asked {	  /* zero: nothing but a new credential */
	const char *role; /* NULL: the one that it has */
	const struct renewal_set *sets;
	size_t sets_n;
	const char *parts;   /* names of components alone, comma-separated */
	bool fresh;	     /* parts anew, also where they were not received */
	const char *release; /* or a stage, for evidence of that hash, sealed
				to the key that it binds (SPKI DER) */
	const uint8_t *evidence;
	struct span bound;
	struct span csr; /* PEM of a new key's; empty: the key that it has */
	struct span seal_key, seal_sig; /* PEM, base64; with csr */
	struct span key_sig; /* base64: by the certified key; with csr */
};

/*
 * Appends the line of d, the current credential, whose rows agree with the log,
 * under t; which fields and values t takes is asked by who reads it. PV_INPUT,
 * rule "request.value": what is set is not UTF-8; PV_DENIED, rule "rotate.csr":
 * the device has to make a CSR; "rotate.kept": nothing was kept of its sealing
 * key. PV_INTEGRITY, PV_STORAGE.
 */
PV_MUST enum pv_code renewal_put(struct store *store, const struct template *t,
				 const struct store_device *d,
				 const struct renewal_asked *asked,
				 struct buf *out, struct err *err);

#endif
