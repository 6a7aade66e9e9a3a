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
	bool released; /* these very bytes were verified, and are used up */
};

/* Row and entry, and what is refused into quarantine. */
PV_MUST enum pv_code attestverify_record(struct verifying *w, struct err *err);
/* Was this recorded before, with the same outcome? Or released? */
PV_MUST enum pv_code attestverify_known(struct verifying *w, struct err *err);
/*
 * Where evidence is not the device's by the verdict in asked: whether it is
 * that of the device that it says to be of, which it is when it verifies under
 * that one's key. Then the verdict says so: PV_DENIED "evidence.identity".
 * want: as the box was asked. PV_HSM_*, PV_STORAGE, PV_INTERNAL.
 */
PV_MUST enum pv_code attestverify_whose(struct verifying *w,
					const struct evidence_want *want,
					struct attestverify_asked *asked,
					struct err *err);
/* What ends the run, and is no device's. */
bool attestverify_ends(enum pv_code rc);

#endif
