#include "pkcs11/list.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "pkcs11/object.h"
#include "pkcs11/op.h"

#define CHUNK 64 /* handles asked for at once */

struct listing {
	struct buf handles; /* CK_OBJECT_HANDLE, one after the other */
	struct buf objects; /* struct hsm_object, the same */
};

static void listing_release(struct listing *l)
{
	buf_release(&l->handles);
	buf_release(&l->objects);
}

/* All handles; one more than the limit sticks in the buffer. */
static CK_RV find_all(struct p11 *p, CK_SESSION_HANDLE session, struct buf *out)
{
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE match = { CKA_TOKEN, &yes, sizeof(yes) };
	CK_OBJECT_HANDLE found[CHUNK];
	CK_ULONG got = 0;
	CK_RV rv = p->mod.f->C_FindObjectsInit(session, &match, 1);
	CK_RV end;

	buf_reset(out);
	if (rv != CKR_OK)
		return rv;
	do {
		got = 0;
		rv = p->mod.f->C_FindObjects(session, found, CHUNK, &got);
		if (rv == CKR_OK && got > CHUNK)
			rv = CKR_BUFFER_TOO_SMALL;
		if (rv == CKR_OK)
			buf_put(out, found, got * sizeof(found[0]));
	} while (rv == CKR_OK && got && !out->failed);
	end = p->mod.f->C_FindObjectsFinal(session);
	return rv != CKR_OK ? rv : end;
}

/* Absent, or longer than anything of ours: empty. */
static CK_RV read_short(struct p11 *p, CK_SESSION_HANDLE session,
			CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
			void *out, size_t cap, size_t *len)
{
	CK_RV rv = p11_attribute(p, session, object, type, out, cap, len);

	if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_BUFFER_TOO_SMALL)
		rv = CKR_OK;
	return rv;
}

static enum hsm_object_class class_of(CK_OBJECT_CLASS klass)
{
	switch (klass) {
	case CKO_PRIVATE_KEY:
		return HSM_OBJECT_PRIVATE;
	case CKO_SECRET_KEY:
		return HSM_OBJECT_SECRET;
	case CKO_PUBLIC_KEY:
		return HSM_OBJECT_PUBLIC;
	case CKO_CERTIFICATE:
		return HSM_OBJECT_CERTIFICATE;
	}
	return HSM_OBJECT_OTHER;
}

static CK_RV read_object(struct p11 *p, CK_SESSION_HANDLE session,
			 CK_OBJECT_HANDLE handle, struct hsm_object *o)
{
	CK_OBJECT_CLASS klass = CK_UNAVAILABLE_INFORMATION;
	size_t len = 0;
	CK_RV rv = p11_attribute(p, session, handle, CKA_CLASS, &klass,
				 sizeof(klass), &len);

	memset(o, 0, sizeof(*o));
	if (rv != CKR_OK)
		return rv;
	o->klass = class_of(klass);
	rv = read_short(p, session, handle, CKA_LABEL, o->label,
			sizeof(o->label) - 1, &o->label_len);
	o->label[o->label_len] = '\0';
	if (rv == CKR_OK)
		rv = read_short(p, session, handle, CKA_ID, o->id,
				sizeof(o->id), &o->id_len);
	return rv;
}

static CK_RV list_run(struct p11 *p, CK_SESSION_HANDLE session,
		      const struct hsm_key *key, void *arg)
{
	struct listing *l = arg;
	CK_RV rv = find_all(p, session, &l->handles);
	struct hsm_object o;

	(void)key;
	buf_reset(&l->objects);
	for (size_t at = 0; rv == CKR_OK && at < l->handles.len;
	     at += sizeof(CK_OBJECT_HANDLE)) {
		CK_OBJECT_HANDLE handle;

		memcpy(&handle, l->handles.data + at, sizeof(handle));
		rv = read_object(p, session, handle, &o);
		if (rv == CKR_OK)
			buf_put(&l->objects, &o, sizeof(o));
	}
	return rv;
}

enum pv_code p11_list(struct p11 *p, struct hsm_object **list, size_t *n,
		      struct err *err)
{
	static const struct p11_op op = { "C_FindObjects", list_run, false };
	CLEANUP(listing_release) struct listing l;
	enum pv_code rc;

	*list = NULL;
	*n = 0;
	buf_init(&l.handles, HSM_OBJECTS_MAX * sizeof(CK_OBJECT_HANDLE));
	buf_init(&l.objects, HSM_OBJECTS_MAX * sizeof(struct hsm_object));
	rc = p11_do(p, NULL, &op, &l, err);
	if (rc == PV_OK && (l.handles.failed || l.objects.failed))
		rc = err_fail(err, PV_HSM_FATAL, "hsm.objects",
			      "use a token of its own for the authority",
			      "more than %u objects are on the token",
			      HSM_OBJECTS_MAX);
	if (rc != PV_OK)
		return rc;
	*n = l.objects.len / sizeof(struct hsm_object);
	/* Never NULL when all is well, also of an empty token. */
	*list = mem_array(*n + 1, sizeof(struct hsm_object), err);
	if (!*list)
		return PV_INTERNAL;
	if (*n > 0)
		memcpy(*list, l.objects.data, l.objects.len);
	return PV_OK;
}
