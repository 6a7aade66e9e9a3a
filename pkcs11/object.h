/*
 * object: searching and reading objects, with every length that a module
 * returns checked. Functions return CK_RV, to run inside a struct p11_op;
 * a length that cannot be is CKR_BUFFER_TOO_SMALL, which maps to "hsm.length".
 */
#ifndef PV_PKCS11_OBJECT_H
#define PV_PKCS11_OBJECT_H

#include "pkcs11/session.h"

#define P11_FOUND_MAX 8 /* handles looked at; more means trouble anyway */

/* Private, public, secret. */
#define P11_KEY_CLASSES 3
extern const CK_OBJECT_CLASS p11_key_classes[P11_KEY_CLASSES];

/* Handles that match; *n is at most P11_FOUND_MAX. */
PV_MUST CK_RV p11_objects(struct p11 *p, CK_SESSION_HANDLE session,
			  CK_ATTRIBUTE *match, CK_ULONG match_n,
			  CK_OBJECT_HANDLE found[static P11_FOUND_MAX],
			  size_t *n);
/* Objects of one class (CKO_...) and label. */
PV_MUST CK_RV p11_objects_named(struct p11 *p, CK_SESSION_HANDLE session,
				CK_OBJECT_CLASS klass, const char *label,
				CK_OBJECT_HANDLE found[static P11_FOUND_MAX],
				size_t *n);

/* The same of any class. */
PV_MUST CK_RV p11_objects_labelled(struct p11 *p, CK_SESSION_HANDLE session,
				   const char *label,
				   CK_OBJECT_HANDLE found[static P11_FOUND_MAX],
				   size_t *n);
/*
 * One attribute into out (cap bytes). An attribute the object does not have
 * is CKR_ATTRIBUTE_TYPE_INVALID.
 */
PV_MUST CK_RV p11_attribute(struct p11 *p, CK_SESSION_HANDLE session,
			    CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
			    void *out, size_t cap, size_t *len);

#endif
