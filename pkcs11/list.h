/*
 * list: what lies on the token, as the token says it. Labels and ids are a
 * stranger's bytes; nothing is judged here.
 */
#ifndef PV_PKCS11_LIST_H
#define PV_PKCS11_LIST_H

#include "pkcs11/session.h"

/* hsm_objects(). */
PV_MUST enum pv_code p11_list(struct p11 *p, struct hsm_object **list,
			      size_t *n, struct err *err);

#endif
