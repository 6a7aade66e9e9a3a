/* writer_replace: the writer's part in what takes the place of another
 * (succession.h). */
#ifndef PV_FLOW_WRITER_REPLACE_H
#define PV_FLOW_WRITER_REPLACE_H

#include "lib/flow/writer_impl.h"

/* What a rotation is decided by: was the last one received, is it due, did the
 * key of its certificate sign the new one? d agrees with the log. */
PV_MUST enum pv_code writer_rotation_facts(struct writer *w,
					   const struct record_intent *i,
					   const struct store_device *d,
					   struct policy_facts *f,
					   struct err *err);
/*
 * Appends what the request of a rotation has otherwise than d, whose place the
 * credential takes: "role", and names of fields, with commas. Nothing of fields
 * when none were kept of d. role: the one that the credential will have.
 */
PV_MUST enum pv_code writer_changed(struct writer *w, const struct request *r,
				    const char *role,
				    const struct store_device *d,
				    struct buf *out, struct err *err);
/*
 * Before what was begun is finished: may it be (succession_stands())? If not it
 * is given up, *given_up is true and why says PV_DENIED and the rule. It is
 * fine when number is no open intent.
 */
PV_MUST enum pv_code writer_stands(struct writer *w, uint32_t number,
				   bool *given_up, struct err *why,
				   struct err *err);
/* After the result of that number: what it was made instead of is revoked, with
 * it, unless the device keeps it until it has the new one. */
PV_MUST enum pv_code writer_supersede(struct writer *w, uint32_t number,
				      uint32_t *n, struct err *err);

/*
 * Is r what components alone of its credential can be: the current one, which d
 * gets, with its certificate, valid, bundles of different stages above all
 * before?
 * PV_CONFLICT "rotate.changed"; PV_INTEGRITY; PV_INTERNAL "writer.result".
 */
PV_MUST enum pv_code writer_check_parts(struct writer *w,
					const struct record_result *r,
					struct store_device *d,
					struct err *err);
/* Where its template rotates: when the certificate of a result ends. */
PV_MUST enum pv_code writer_list_end(struct writer *w,
				     const struct record_result *r,
				     struct err *err);

#endif
