#include "pkcs11/object.h"

#include <string.h>

const CK_OBJECT_CLASS p11_key_classes[P11_KEY_CLASSES] = { CKO_PRIVATE_KEY,
							   CKO_PUBLIC_KEY,
							   CKO_SECRET_KEY };

CK_RV p11_objects(struct p11 *p, CK_SESSION_HANDLE session, CK_ATTRIBUTE *match,
		  CK_ULONG match_n,
		  CK_OBJECT_HANDLE found[static P11_FOUND_MAX], size_t *n)
{
	CK_RV rv = p->mod.f->C_FindObjectsInit(session, match, match_n);
	CK_RV end;
	CK_ULONG got = 0;

	*n = 0;
	if (rv != CKR_OK)
		return rv;
	do {
		got = 0;
		rv = p->mod.f->C_FindObjects(session, found + *n,
					     P11_FOUND_MAX - *n, &got);
		if (rv == CKR_OK && got > P11_FOUND_MAX - *n)
			rv = CKR_BUFFER_TOO_SMALL;
		if (rv == CKR_OK)
			*n += got;
	} while (rv == CKR_OK && got && *n < P11_FOUND_MAX);
	end = p->mod.f->C_FindObjectsFinal(session);
	return rv != CKR_OK ? rv : end;
}

CK_RV p11_objects_named(struct p11 *p, CK_SESSION_HANDLE session,
			CK_OBJECT_CLASS klass, const char *label,
			CK_OBJECT_HANDLE found[static P11_FOUND_MAX], size_t *n)
{
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE match[] = {
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_CLASS, &klass, sizeof(klass) },
		{ CKA_LABEL, (void *)label, strlen(label) },
	};

	return p11_objects(p, session, match, sizeof(match) / sizeof(match[0]),
			   found, n);
}

CK_RV p11_objects_labelled(struct p11 *p, CK_SESSION_HANDLE session,
			   const char *label,
			   CK_OBJECT_HANDLE found[static P11_FOUND_MAX],
			   size_t *n)
{
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE match[] = {
		{ CKA_LABEL, (void *)label, strlen(label) },
		{ CKA_TOKEN, &yes, sizeof(yes) },
	};

	return p11_objects(p, session, match, sizeof(match) / sizeof(match[0]),
			   found, n);
}

CK_RV p11_attribute(struct p11 *p, CK_SESSION_HANDLE session,
		    CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *out,
		    size_t cap, size_t *len)
{
	CK_ATTRIBUTE a = { type, out, cap };
	CK_RV rv = p->mod.f->C_GetAttributeValue(session, object, &a, 1);

	*len = 0;
	if (rv != CKR_OK)
		return rv;
	if (a.ulValueLen == CK_UNAVAILABLE_INFORMATION)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (a.ulValueLen > cap)
		return CKR_BUFFER_TOO_SMALL;
	*len = a.ulValueLen;
	return CKR_OK;
}
