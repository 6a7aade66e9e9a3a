/*
 * rotate_asked: what `rotate device ID' is asked for: a key of the device's,
 * components alone, another role, other fields.
 */
#ifndef PV_CMD_ROTATE_ASKED_H
#define PV_CMD_ROTATE_ASKED_H

#include "cmd/opts.h"
#include "lib/flow/renewal.h"

struct rotate_ask { /* the options; NULL: not given */
	const char *csr, *seal_key, *seal_sig, *key_sig, *parts, *role;
	struct opt_list sets;
	bool fresh; /* components that were sealed and not received, too */
};

struct rotate_asked {
	struct buf csr, seal_key;     /* PEM */
	struct buf seal_sig, key_sig; /* base64 */
	struct renewal_set sets[OPTS_LIST_MAX];
	struct renewal_asked renewal; /* borrows the others, and argv */
};

/* PV_USAGE (--set), PV_INPUT, codes of file_read(). Release asked, which starts
 * zeroed, in any case. */
PV_MUST enum pv_code rotate_asked_read(const struct rotate_ask *a,
				       struct rotate_asked *asked,
				       struct err *err);
void rotate_asked_release(struct rotate_asked *asked);

#endif
