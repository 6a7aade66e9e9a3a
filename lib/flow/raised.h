/*
 * raised: what templates ask for beside the roster's quorum (their
 * "approvals"), for the decisions that are about one: before anybody is asked,
 * and again when a decision is judged (judge.h).
 *
 * Does not check: the template's row, but that its bytes have the digest.
 */
#ifndef PV_FLOW_RAISED_H
#define PV_FLOW_RAISED_H

#include "lib/flow/due.h"
#include "lib/log/entry.h"
#include "lib/store/store.h"
#include "policy/roster.h"
#include "policy/template.h"

/* Of the adopted template of that digest. PV_NOT_FOUND; PV_INTEGRITY,
 * "store.edited". */
PV_MUST enum pv_code raised_by(struct store *store, const uint8_t sha256[32],
			       struct tpl_approvals *out, struct err *err);
/*
 * Of adopting t: field by field the more of what it asks for and what the
 * version asks for that is in effect before it. So nobody gets rid of a number
 * by a version that leaves it out. Codes as above.
 */
PV_MUST enum pv_code raised_for(struct store *store, const struct template *t,
				struct tpl_approvals *out, struct err *err);
/* The same of the adopted template of that digest. */
PV_MUST enum pv_code raised_for_digest(struct store *store,
				       const uint8_t sha256[32],
				       struct tpl_approvals *out,
				       struct err *err);
/*
 * Of another key in a key's place (QUORUM_ROTATE_CA): the most that a template
 * asks whose version was in effect before the log had before entries
 * (UINT64_MAX: now): for a CA's key, those that it issues for, and the CA's own
 * of that digest; ca NULL: a key of the authority, which all are made with.
 */
PV_MUST enum pv_code raised_of_key(struct store *store, const char *ca,
				   const uint8_t *own_sha256, uint64_t before,
				   struct tpl_approvals *out, struct err *err);
/* Of revoking that CA (QUORUM_REVOKE), which does to it what a rotation does,
 * and more: what its templates ask for either, and roster for a rotation. */
PV_MUST enum pv_code raised_of_ca(struct store *store, const char *ca,
				  const struct roster *roster, uint64_t before,
				  struct tpl_approvals *out, struct err *err);
/* Of enrolling keys that those devices attest with (QUORUM_ATTEST_ENROL): the
 * most that the versions ask that were in effect before the log had before
 * entries, of the templates that each of their credentials of then is by. */
PV_MUST enum pv_code raised_of_enrol(struct store *store,
				     const char *const *devices, size_t n,
				     uint64_t before, struct tpl_approvals *out,
				     struct err *err);
/* The same of the people.decide e at index: of that rotation, or of all CAs,
 * certificates and devices that it revokes and retires, or devices whose keys
 * it enrols. Reads the entries before it. roster: the one in force. */
PV_MUST enum pv_code raised_of_acts(struct store *store,
				    const struct roster *roster,
				    const struct log_entry *e, uint64_t index,
				    struct tpl_approvals *out, struct err *err);
/* Of a certificate or device that is revoked or retired: adds what its
 * template, of that digest, asks. due keeps them parsed. */
PV_MUST enum pv_code raised_add_revoke(struct store *store, struct due *due,
				       const uint8_t sha256[32],
				       struct tpl_approvals *out,
				       struct err *err);
/* Field by field the more of both. */
void raised_add(struct tpl_approvals *to, const struct tpl_approvals *more);
/* Of what was held: its quarantine.put at put_index, about request, names the
 * template; all zero when it names none. Codes as above. */
PV_MUST enum pv_code raised_of_held(struct store *store, uint64_t put_index,
				    const char *request,
				    struct tpl_approvals *out, struct err *err);

#endif
