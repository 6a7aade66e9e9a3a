#include "pkcs11/destroy.h"

#include <string.h>

#include "pkcs11/object.h"
#include "pkcs11/op.h"
#include "pkcs11/point.h"

/* The key objects of a CKA_ID: how many there are, destroyed or looked at. */
struct named {
	const uint8_t *id; /* HSM_ID_LEN bytes */
	/* Each has to be of that key, or all stay; or NULL. */
	const struct hsm_doomed *key;
	bool destroy, another;
	size_t n;
};

/* What the token says of one object; absent is empty, which is another's. */
struct object {
	char label[HSM_LABEL_MAX];
	size_t label_len;
	uint8_t point[P11_POINT_VALUE_MAX];
	size_t point_len;
};

static CK_RV read_object(struct p11 *p, CK_SESSION_HANDLE session,
			 CK_OBJECT_HANDLE handle, bool public, struct object *o)
{
	CK_RV rv = p11_attribute(p, session, handle, CKA_LABEL, o->label,
				 sizeof(o->label), &o->label_len);

	if (rv == CKR_OK && public)
		rv = p11_attribute(p, session, handle, CKA_EC_POINT, o->point,
				   sizeof(o->point), &o->point_len);
	/* Too long is another's, too. */
	return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_BUFFER_TOO_SMALL
		       ? CKR_OK
		       : rv;
}

static bool has_point(const struct p11 *p, const struct hsm_doomed *key,
		      const struct object *o)
{
	struct span point = { o->point, o->point_len };
	uint8_t spki[HSM_SPKI_MAX];
	struct err why;
	size_t len = 0;
	enum pv_code rc;

	err_init(&why);
	rc = key->kind == HSM_KEY_ED25519
		     ? p11_point_ed25519(point, p->quirk->points, spki, &len,
					 &why)
		     : p11_point_p256(point, p->quirk->points, spki, &len,
				      &why);
	return rc == PV_OK && span_equal((struct span){ spki, len }, key->spki);
}

static CK_RV compare(struct p11 *p, CK_SESSION_HANDLE session,
		     CK_OBJECT_HANDLE handle, CK_OBJECT_CLASS klass,
		     struct named *named)
{
	const struct hsm_doomed *key = named->key;
	struct object o = { .label_len = 0 };
	bool public = klass == CKO_PUBLIC_KEY;
	CK_RV rv = read_object(p, session, handle, public, &o);

	if (rv != CKR_OK)
		return rv;
	if (o.label_len != strlen(key->label) ||
	    memcmp(o.label, key->label, o.label_len) != 0 ||
	    (public && !has_point(p, key, &o)))
		named->another = true;
	return CKR_OK;
}

/* One look at them all: compared, or destroyed when that is to be. */
static CK_RV each(struct p11 *p, CK_SESSION_HANDLE session, struct named *named,
		  bool destroy)
{
	CK_OBJECT_HANDLE found[P11_FOUND_MAX];
	CK_RV rv = CKR_OK;
	size_t n = 0;

	named->n = 0;
	for (size_t i = 0; rv == CKR_OK && i < P11_KEY_CLASSES; i++) {
		CK_OBJECT_CLASS klass = p11_key_classes[i];
		CK_ATTRIBUTE match[] = {
			{ CKA_CLASS, &klass, sizeof(klass) },
			{ CKA_ID, (void *)named->id, HSM_ID_LEN },
		};

		rv = p11_objects(p, session, match,
				 sizeof(match) / sizeof(match[0]), found, &n);
		for (size_t j = 0; rv == CKR_OK && j < n; j++) {
			if (destroy)
				rv = p->mod.f->C_DestroyObject(session,
							       found[j]);
			else if (named->key)
				rv = compare(p, session, found[j], klass,
					     named);
		}
		named->n += n;
		/* What was not looked at could be another's. */
		named->another |= n == P11_FOUND_MAX;
	}
	return rv;
}

static CK_RV named_run(struct p11 *p, CK_SESSION_HANDLE session,
		       const struct hsm_key *key, void *arg)
{
	struct named *named = arg;
	CK_RV rv;

	(void)key;
	named->another = false;
	rv = each(p, session, named, false);
	if (rv != CKR_OK || !named->destroy || (named->key && named->another))
		return rv;
	return each(p, session, named, true);
}

enum pv_code p11_count_id(struct p11 *p, const uint8_t id[HSM_ID_LEN],
			  size_t *n, struct err *err)
{
	static const struct p11_op look = { "C_FindObjects", named_run, false };
	struct named named = { .id = id };
	enum pv_code rc = p11_do(p, NULL, &look, &named, err);

	*n = named.n;
	return rc;
}

static enum pv_code destroy(struct p11 *p, struct named *named, struct err *err)
{
	static const struct p11_op op = { "C_DestroyObject", named_run, false };

	named->destroy = true;
	return p11_do(p, NULL, &op, named, err);
}

enum pv_code p11_destroy_key(struct p11 *p, const struct hsm_doomed *key,
			     struct err *err)
{
	struct named named = { .id = key->id, .key = key };
	enum pv_code rc = destroy(p, &named, err);

	if (rc != PV_OK || !named.another)
		return rc;
	err_object(err, key->label);
	return err_fail(err, PV_HSM_FATAL, "hsm.key",
			"compare the token with the key's ceremony transcript: "
			"`provctl audit verify' says whether the store was "
			"written",
			"the CKA_ID of %s is another key's on the token: "
			"nothing was destroyed",
			key->label);
}

/* A session may hide what the token kept. */
enum pv_code p11_is_gone(struct p11 *p, const uint8_t id[HSM_ID_LEN],
			 struct err *err)
{
	size_t left = 0;
	enum pv_code rc = p11_start_over(p, err);

	if (rc == PV_OK)
		rc = p11_count_id(p, id, &left, err);
	if (rc != PV_OK || left == 0)
		return rc;
	return err_fail(err, PV_HSM_FATAL, "hsm.not-destroyed",
			"delete them with the token's own tool",
			"%zu key objects are on the token again after they "
			"were destroyed",
			left);
}

enum pv_code p11_destroy_id(struct p11 *p, const uint8_t id[HSM_ID_LEN],
			    struct err *err)
{
	struct named named = { .id = id };
	enum pv_code rc = destroy(p, &named, err);

	return rc == PV_OK ? p11_is_gone(p, id, err) : rc;
}
