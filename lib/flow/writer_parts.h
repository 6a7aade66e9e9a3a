/* writer_parts: the writer's part in components alone: what their entries say
 * they were asked for, and the answer to a request that was made before. */
#ifndef PV_FLOW_WRITER_PARTS_H
#define PV_FLOW_WRITER_PARTS_H

#include "lib/flow/writer_impl.h"

/* Facts of bundle.seal, beside the template; empty: none. */
struct writer_parts {
	struct buf components; /* the named ones, comma-separated */
	struct buf stored;     /* as cert.intent has them: "NAME/VERSION" */
};

/* Of the components in named, for a device of that role; each ends with NUL
 * when there is any. PV_INTERNAL. Release in any case. */
PV_MUST enum pv_code writer_parts_facts(const struct writer *w,
					const char *role, uint32_t named,
					struct writer_parts *facts,
					struct err *err);
void writer_parts_release(struct writer_parts *facts);

/* Components alone are for the credential that the device has: nothing is
 * reserved. PV_CONFLICT, rule "rotate.changed": d is another one by now. */
PV_MUST enum pv_code writer_parts_check(const struct record_intent *i,
					const struct store_device *d,
					struct err *why);
/*
 * Were these components sealed before for d, the current credential: the last
 * thing that it got, under the same template and with the same stored secrets,
 * and not all of it received? Then the answer is given once more. *given: it
 * was; not when the request wants it anew. PV_INTEGRITY, PV_STORAGE.
 */
PV_MUST enum pv_code writer_parts_give(struct writer *w, struct wire *from,
				       const struct record_intent *i,
				       const struct store_device *d,
				       bool *given, struct err *err);

#endif
