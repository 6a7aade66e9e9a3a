/*
 * renewal: the request that a device in the field would make, written by us
 * from what the store has of it: id, role, certified key, sealing key, fields.
 * It goes the same way as any other request, through the reader.
 */
#ifndef PV_FLOW_RENEWAL_H
#define PV_FLOW_RENEWAL_H

#include "lib/store/store.h"
#include "policy/template.h"

struct renewal_asked {	   /* zero: nothing but a new credential */
	const char *parts; /* names of components alone, comma-separated */
	struct span csr;   /* PEM of a new key's; empty: the key that it has */
	struct span seal_key, seal_sig; /* PEM, base64; with csr */
};

/*
 * Appends the line of d, the current credential, whose rows agree with the log,
 * under t. PV_DENIED, rule "rotate.csr": the device has to make a CSR;
 * "rotate.kept": nothing was kept of its sealing key. PV_INTEGRITY, PV_STORAGE.
 */
PV_MUST enum pv_code renewal_put(struct store *store, const struct template *t,
				 const struct store_device *d,
				 const struct renewal_asked *asked,
				 struct buf *out, struct err *err);

#endif
