/* What the files of plan.h share. */
#ifndef PV_POLICY_PLAN_IMPL_H
#define PV_POLICY_PLAN_IMPL_H

#include "policy/node.h"
#include "policy/plan.h"

/* RFC 3339 in UTC; *time_s stays where the key is not given. */
PV_MUST enum pv_code plan_take_time(const struct node *n, const char *key,
				    int64_t *time_s);
/* A safe name, which has to be there. */
PV_MUST enum pv_code plan_take_name(const struct node *n, const char *key,
				    char out[PLAN_NAME_MAX + 1]);
/* The same of an authority or an officer, whose folder of a medium has that
 * name: not "shares", where people bring theirs. */
PV_MUST enum pv_code plan_take_party(const struct node *n, const char *key,
				     char out[PLAN_NAME_MAX + 1]);
/* Keys "template" and, where it is there, "template_sha256". */
PV_MUST enum pv_code plan_take_template(const struct node *n,
					struct plan_step *s);
PV_MUST enum pv_code plan_parse_back_up(const struct plan *p,
					const struct node *n,
					struct plan_step *s);
PV_MUST enum pv_code plan_parse_restore(const struct plan *p,
					const struct node *n,
					struct plan_step *s);
/* Key "present" of the step n into s; rest is the step without it, and its v
 * the caller's (json_decref()), also after failure: NULL then. */
PV_MUST enum pv_code plan_take_present(const struct node *n, struct node *rest,
				       struct plan_step *s);
/* A step before makes that key, of that kind, or that CA. */
PV_MUST bool plan_has_p256(const struct plan *p, const char *purpose);
PV_MUST bool plan_has_key(const struct plan *p, const char *purpose);
PV_MUST bool plan_has_ca(const struct plan *p, const char *ca);
/* The same of one whose key is here: it can sign. */
PV_MUST bool plan_has_own_ca(const struct plan *p, const char *ca);
/* A name that a CA may have: "name". */
PV_MUST enum pv_code plan_check_ca(const struct node *n, const char *ca);
/* Parsers of plan_gap.c, as the table has them. */
PV_MUST enum pv_code plan_parse_make_csr(const struct plan *p,
					 const struct node *n,
					 struct plan_step *s);
PV_MUST enum pv_code plan_parse_sign_csr(const struct plan *p,
					 const struct node *n,
					 struct plan_step *s);
PV_MUST enum pv_code plan_parse_import_ca(const struct plan *p,
					  const struct node *n,
					  struct plan_step *s);
/* Parsers of plan_transport.c, likewise. */
PV_MUST enum pv_code plan_parse_make_transport(const struct plan *p,
					       const struct node *n,
					       struct plan_step *s);
PV_MUST enum pv_code plan_parse_send_key(const struct plan *p,
					 const struct node *n,
					 struct plan_step *s);
PV_MUST enum pv_code plan_parse_take_key(const struct plan *p,
					 const struct node *n,
					 struct plan_step *s);
/* Of the whole plan: no transport key is left. */
PV_MUST enum pv_code plan_check_transport(const struct plan *p,
					  const struct node *n);
/* A step of that kind and purpose is before. */
PV_MUST bool plan_has_step(const struct plan *p, enum plan_kind kind,
			   const char *purpose);
/* A first plan makes the step's key, to be backed up, and a later one may find
 * it in the authority; the step is there once. */
PV_MUST enum pv_code plan_check_maker(const struct plan *p,
				      const struct node *n,
				      const struct plan_step *s);
/* The step n behind those of p into *s, which is zero. */
PV_MUST enum pv_code plan_parse_step(const struct plan *p, const struct node *n,
				     struct plan_step *s);

#endif
