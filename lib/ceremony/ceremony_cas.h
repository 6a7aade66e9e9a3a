/* Of ceremonies: what the steps about CAs share, and those of two authorities
 * that an air gap keeps apart. */
#ifndef PV_CEREMONY_CEREMONY_CAS_H
#define PV_CEREMONY_CEREMONY_CAS_H

#include "lib/ceremony/ceremony_kinds.h"

#define CEREMONY_FILE_MAX (PLAN_NAME_MAX + 16)

/* <ca><end>: what a CA's files are called, here and on a medium. */
void ceremony_file(char out[CEREMONY_FILE_MAX], const char *ca,
		   const char *end);
/* Its SHA-256 as hex digits. */
PV_MUST enum pv_code ceremony_hash(struct span bytes, char hex[static 65],
				   struct err *err);
/* That CA is in the store. */
PV_MUST enum pv_code ceremony_is_made(struct ceremony *c, const char *ca,
				      bool *there, struct err *err);
/* The newest generation in the store, whatever became of it; 0: there is none
 * of that name. */
PV_MUST enum pv_code ceremony_newest_ca(struct ceremony *c, const char *ca,
					uint32_t *generation, struct err *err);
/* The key of the generation behind that, which a certificate will put to use.
 * PV_CONFLICT, "rotate.key": there is none. */
PV_MUST enum pv_code ceremony_waiting_key(struct ceremony *c, const char *ca,
					  struct issue_key *key,
					  struct err *err);
/* A generation of a step's CA that is there is the one that the step makes: of
 * its template, and its certificate ends when it says. PV_CONFLICT,
 * "ceremony.generation"; PV_INTEGRITY, "store.edited". */
PV_MUST enum pv_code ceremony_as_planned(struct ceremony *c,
					 const struct plan_step *step,
					 uint32_t generation, struct err *err);
/* The template of a step for a CA, held against the plan and adopted; *t is the
 * caller's. Codes of plantemplate_read(); PV_DENIED, "plan.template" (another
 * version is in effect). */
PV_MUST enum pv_code ceremony_ca_template(struct ceremony *c,
					  const struct plan_step *step,
					  struct template **t, struct err *err);
/* Its certificate: to the token that has its key, as <ca>.pem beside the
 * transcript, and into it. */
PV_MUST enum pv_code ceremony_tell_certificate(struct ceremony *c,
					       const char *ca, struct err *err);

/* The same of one generation, which need not issue yet, and not to the token.
 */
PV_MUST enum pv_code ceremony_tell_generation(struct ceremony *c,
					      const char *ca,
					      uint32_t generation,
					      struct err *err);

/* ---- what import-ca does with a first certificate, and with a next one ----
 */

/* <ca>.pem of the step's medium, as DER. */
PV_MUST enum pv_code ceremony_take_pem(struct ceremony *c,
				       const struct plan_step *step,
				       const char *ca, struct buf *der,
				       struct err *err);
/* The list of that root (DER), where it signs any. */
PV_MUST enum pv_code ceremony_take_list(struct ceremony *c,
					const struct plan_step *step,
					struct span root, struct buf *list,
					struct err *err);
/* That root is written down and held against the plan. PV_DENIED,
 * "import.root". */
PV_MUST enum pv_code ceremony_meet_root(struct ceremony *c,
					const struct plan_step *step,
					struct span root, struct err *err);
/* The request of this ceremony for that CA: der, and taken apart in csr. */
struct csr;
PV_MUST enum pv_code ceremony_read_csr(struct ceremony *c, const char *ca,
				       struct buf *der, struct csr *csr,
				       struct err *err);
/* The step that asked for the CA's certificate; NULL. */
const struct plan_step *ceremony_asked(const struct plan *plan, const char *ca);
PV_MUST enum pv_code ceremony_import_next(struct ceremony *c,
					  const struct plan_step *step,
					  struct err *err);

/* ---- handlers ---- */

PV_MUST enum pv_code ceremony_make_csr(struct ceremony *c,
				       const struct plan_step *step,
				       struct err *err);
PV_MUST enum pv_code ceremony_sign_csr(struct ceremony *c,
				       const struct plan_step *step,
				       struct err *err);
PV_MUST enum pv_code ceremony_import_ca(struct ceremony *c,
					const struct plan_step *step,
					struct err *err);
/* At the end, before the authority is published: the lists that are due, of
 * whichever CA, shown and asked for one by one, and kept beside the transcript
 * like those of a step sign-crl. */
PV_MUST enum pv_code ceremony_due_lists(struct ceremony *c, struct err *err);
/* At the end: lists of CAs that signed requests, to the medium. */
PV_MUST enum pv_code ceremony_give_lists(struct ceremony *c, struct err *err);

#endif
