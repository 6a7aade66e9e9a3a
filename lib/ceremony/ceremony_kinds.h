/* What the files with the steps of ceremony.h share: the handlers, and what
 * they tell. */
#ifndef PV_CEREMONY_CEREMONY_KINDS_H
#define PV_CEREMONY_CEREMONY_KINDS_H

#include "lib/ceremony/ceremony_impl.h"
#include "lib/flow/camake.h"

/* ---- handlers (ceremony_steps.c has the table) ---- */

PV_MUST enum pv_code ceremony_generate_key(struct ceremony *c,
					   const struct plan_step *step,
					   struct err *err);
PV_MUST enum pv_code ceremony_generated(struct ceremony *c,
					const struct plan_step *step,
					struct err *err);
PV_MUST enum pv_code ceremony_check_key(struct ceremony *c,
					const struct plan_step *step,
					struct err *err);
PV_MUST enum pv_code ceremony_make_ca(struct ceremony *c,
				      const struct plan_step *step,
				      struct err *err);
/* What the plan says; of one that is made backed up or not. */
PV_MUST enum hsm_key_kind ceremony_key_kind(struct hsm *hsm,
					    const struct plan_step *step);
PV_MUST enum pv_code ceremony_tell_key(struct ceremony *c,
				       const struct issue_key *key,
				       struct err *err);
/* Of a later plan: the key of that CA is about to sign, which no step of it need
 * be about; told where it is not the one that was told last. */
PV_MUST enum pv_code ceremony_tell_ca_key(struct ceremony *c, const char *ca,
					  struct span spki, struct err *err);
/* The authority has it from here on. */
PV_MUST enum pv_code ceremony_name_key(struct ceremony *c,
				       const struct issue_key *key,
				       struct err *err);
/* keymake() of a first generation, in words for who goes on. */
PV_MUST enum pv_code ceremony_keymake(struct ceremony *c, const char *purpose,
				      enum hsm_key_kind kind,
				      struct issue_key *key, struct err *err);
/* The log's keys, which sign the transcript: of a later plan no step may be
 * about them. */
PV_MUST enum pv_code ceremony_tell_log_keys(struct ceremony *c,
					    struct err *err);
/* What people write on the script: it is known when all is over. */
void ceremony_tell_head(const struct ceremony *c);
/* A TBS with that hash is one of those (c->shown, c->end_lists). */
PV_MUST bool ceremony_was_shown(const struct buf *hashes,
				const uint8_t hash[32]);
/* What is to be signed, and people are asked. */
PV_MUST enum pv_code ceremony_tell_tbs(void *ctx, const struct camake *m,
				       struct err *err);
/* A file beside the transcript, never over another one; hex gets its hash. */
PV_MUST enum pv_code ceremony_put_file(struct ceremony *c, const char *file,
				       struct span bytes, char hex[static 65],
				       struct err *err);
/* A certificate of that name, as a file and a line. PV_CONFLICT,
 * "ceremony.made", of a step that signs: this ceremony never showed it. */
PV_MUST enum pv_code ceremony_put_certificate(struct ceremony *c,
					      const char *ca, const char *file,
					      struct span der, struct err *err);
/* What a list that is about to be signed (its TBS) revokes, to people: the
 * youngest entries, and which of them the last list (NULL: none) lacks. */
struct x509_crl;
PV_MUST enum pv_code ceremony_show_entries(const struct ceremony *c,
					   struct span tbs,
					   const struct x509_crl *last,
					   struct err *err);
PV_MUST enum pv_code ceremony_sign_crl(struct ceremony *c,
				       const struct plan_step *step,
				       struct err *err);
/* A key that goes to another authority's token. */
PV_MUST enum pv_code ceremony_make_transport(struct ceremony *c,
					     const struct plan_step *step,
					     struct err *err);
PV_MUST enum pv_code ceremony_send_key(struct ceremony *c,
				       const struct plan_step *step,
				       struct err *err);
PV_MUST enum pv_code ceremony_take_key(struct ceremony *c,
				       const struct plan_step *step,
				       struct err *err);
/* Of an authority that is there. */
PV_MUST enum pv_code ceremony_next_key(struct ceremony *c,
				       const struct plan_step *step,
				       struct err *err);
PV_MUST enum pv_code ceremony_next_ca(struct ceremony *c,
				      const struct plan_step *step,
				      struct err *err);
PV_MUST enum pv_code ceremony_cross_sign(struct ceremony *c,
					 const struct plan_step *step,
					 struct err *err);
PV_MUST enum pv_code ceremony_rotate_pin(struct ceremony *c,
					 const struct plan_step *step,
					 struct err *err);
PV_MUST enum pv_code ceremony_destroy_key(struct ceremony *c,
					  const struct plan_step *step,
					  struct err *err);

#endif
