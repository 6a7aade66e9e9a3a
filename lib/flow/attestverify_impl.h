/* attestverify_impl: what the files of attestverify.h share. */
#ifndef PV_FLOW_ATTESTVERIFY_IMPL_H
#define PV_FLOW_ATTESTVERIFY_IMPL_H

#include "lib/flow/attestkey.h"
#include "lib/flow/attestverify.h"

struct verifying { /* one piece of evidence */
	struct attestverify *v;
	const struct event_who *who; /* of a record */
	uint64_t now_ms;
	const struct attestverify_in *in;
	struct attestverify_said *said;
	struct attested x;
	struct store_attkey key;
	struct buf key_room, seal;
	uint8_t nonce_hash[32], manifest[32];
};

/* Row and entry, and what is refused into quarantine. */
PV_MUST enum pv_code attestverify_record(struct verifying *w, struct err *err);
/* Was this recorded before, with the same outcome? */
PV_MUST enum pv_code attestverify_known(struct verifying *w, struct err *err);

#endif
