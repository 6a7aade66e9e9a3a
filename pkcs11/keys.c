#include "pkcs11/keys.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/base/mem.h"
#include "pkcs11/attrs.h"
#include "pkcs11/object.h"
#include "pkcs11/op.h"
#include "pkcs11/point.h"
#include "pkcs11/rv.h"

#define ID_READ_MAX 64
#define PARAMS_READ_MAX 64

/* DER of the curves: named by OID, or (PKCS#11 3.0) by curveName. */
static const uint8_t p256_oid[] = { 0x06, 0x08, 0x2a, 0x86, 0x48,
				    0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t ed25519_oid[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
static const uint8_t ed25519_name[] = { 0x13, 0x0c, 'e', 'd', 'w', 'a', 'r',
					'd',  's',  '2', '5', '5', '1', '9' };

/* All that the token says about one label; judged afterwards. */
struct look {
	enum hsm_key_kind kind;
	const char *label;
	size_t main_n, public_n; /* matches */
	CK_OBJECT_HANDLE main, public;
	unsigned long generation; /* of the pool, that the handles are of */
	uint8_t id[ID_READ_MAX], public_id[ID_READ_MAX];
	size_t id_len, public_id_len;
	uint8_t params[PARAMS_READ_MAX];
	size_t params_len;
	uint8_t point[P11_POINT_VALUE_MAX];
	size_t point_len;
	struct p11_attrs attrs;
};

static bool is_pair(enum hsm_key_kind kind)
{
	return hsm_is_p256(kind) || kind == HSM_KEY_TRANSPORT ||
	       kind == HSM_KEY_ED25519;
}

/* Absent is length 0: the judge decides what that means. */
static CK_RV read_bytes(struct p11 *p, CK_SESSION_HANDLE session,
			CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
			uint8_t *out, size_t cap, size_t *len)
{
	CK_RV rv = p11_attribute(p, session, object, type, out, cap, len);

	return rv == CKR_ATTRIBUTE_TYPE_INVALID ? CKR_OK : rv;
}

static CK_RV look_at_public(struct p11 *p, CK_SESSION_HANDLE session,
			    struct look *l)
{
	CK_RV rv = read_bytes(p, session, l->public, CKA_ID, l->public_id,
			      sizeof(l->public_id), &l->public_id_len);

	if (rv == CKR_OK)
		rv = read_bytes(p, session, l->public, CKA_EC_PARAMS, l->params,
				sizeof(l->params), &l->params_len);
	if (rv == CKR_OK)
		rv = read_bytes(p, session, l->public, CKA_EC_POINT, l->point,
				sizeof(l->point), &l->point_len);
	return rv;
}

/* One search for all objects of the label: each costs a look at every object
 * of the token. */
static CK_RV sort_matches(struct p11 *p, CK_SESSION_HANDLE session,
			  struct look *l)
{
	const CK_OBJECT_CLASS main =
		is_pair(l->kind) ? CKO_PRIVATE_KEY : CKO_SECRET_KEY;
	CK_OBJECT_HANDLE found[P11_FOUND_MAX];
	size_t n = 0;
	CK_RV rv = p11_objects_labelled(p, session, l->label, found, &n);

	l->main_n = l->public_n = 0;
	/* What was not looked at could be a second key. */
	if (n == P11_FOUND_MAX)
		l->main_n = l->public_n = n;
	for (size_t i = 0; rv == CKR_OK && i < n; i++) {
		CK_OBJECT_CLASS klass = CK_UNAVAILABLE_INFORMATION;
		size_t len = 0;

		rv = p11_attribute(p, session, found[i], CKA_CLASS, &klass,
				   sizeof(klass), &len);
		if (rv == CKR_OK && klass == main && l->main_n++ == 0)
			l->main = found[i];
		if (rv == CKR_OK && is_pair(l->kind) &&
		    klass == CKO_PUBLIC_KEY && l->public_n++ == 0)
			l->public = found[i];
	}
	return rv;
}

static CK_RV look_run(struct p11 *p, CK_SESSION_HANDLE session,
		      const struct hsm_key *key, void *arg)
{
	struct look *l = arg;
	bool pair = is_pair(l->kind);
	CK_RV rv = sort_matches(p, session, l);

	(void)key;
	/* It stays while this session is ours. */
	l->generation = p->pool.generation;
	if (rv != CKR_OK || l->main_n != 1 || (pair && l->public_n != 1))
		return rv;
	rv = read_bytes(p, session, l->main, CKA_ID, l->id, sizeof(l->id),
			&l->id_len);
	if (rv == CKR_OK)
		rv = p11_attrs_read(p, session, l->main, &l->attrs);
	if (rv == CKR_OK && pair)
		rv = look_at_public(p, session, l);
	return rv;
}

static enum pv_code refuse(const struct look *l, const char *rule,
			   const char *why, struct err *err)
{
	err_object(err, l->label);
	return err_fail(err, PV_HSM_FATAL, rule,
			"compare the token with the key's ceremony transcript",
			"key %s: %s", l->label, why);
}

static enum pv_code judge_matches(const struct look *l, struct err *err)
{
	bool pair = is_pair(l->kind);

	if (l->main_n > 1 || l->public_n > 1)
		return refuse(l, "hsm.key-double",
			      "more than one key of that label is on the token",
			      err);
	if (pair && l->main_n != l->public_n)
		return refuse(l, "hsm.key-half",
			      l->main_n ? "its public half is missing"
					: "its private half is missing",
			      err);
	if (l->main_n == 0)
		return refuse(l, "hsm.key-missing", "not on the token", err);
	if (l->id_len != HSM_ID_LEN)
		return refuse(l, "hsm.key-id", "its CKA_ID is not 16 bytes",
			      err);
	if (pair && (l->public_id_len != HSM_ID_LEN ||
		     memcmp(l->id, l->public_id, HSM_ID_LEN) != 0))
		return refuse(l, "hsm.key-id",
			      "its halves have different CKA_IDs", err);
	return PV_OK;
}

static bool params_are(const struct look *l, const uint8_t *der, size_t len)
{
	return l->params_len == len && !memcmp(l->params, der, len);
}

static enum pv_code take_public(const struct p11 *p, const struct look *l,
				struct hsm_key_info *info, struct err *err)
{
	struct span point = { l->point, l->point_len };
	bool known =
		l->kind != HSM_KEY_ED25519
			? params_are(l, p256_oid, sizeof(p256_oid))
			: params_are(l, ed25519_oid, sizeof(ed25519_oid)) ||
				  params_are(l, ed25519_name,
					     sizeof(ed25519_name));

	if (!known)
		return refuse(l, "hsm.key-attributes",
			      "CKA_EC_PARAMS names another curve", err);
	if (l->kind != HSM_KEY_ED25519)
		return p11_point_p256(point, p->quirk->points, info->spki,
				      &info->spki_len, err);
	return p11_point_ed25519(point, p->quirk->points, info->spki,
				 &info->spki_len, err);
}

static enum pv_code take_info(const struct p11 *p, const struct look *l,
			      struct hsm_key_info *info, struct err *err)
{
	enum pv_code rc = judge_matches(l, err);

	memset(info, 0, sizeof(*info));
	if (rc != PV_OK)
		return rc;
	info->kind = l->kind;
	memcpy(info->label, l->label, strlen(l->label) + 1);
	memcpy(info->id, l->id, HSM_ID_LEN);
	rc = p11_attrs_check(&l->attrs, l->kind, p->quirk, &info->generated,
			     err);
	if (rc == PV_OK && is_pair(l->kind))
		rc = take_public(p, l, info, err);
	if (rc == PV_OK)
		rc = p11_attrs_text(&l->attrs, info->attrs, sizeof(info->attrs),
				    err);
	if (rc == PV_OK &&
	    EVP_Digest(info->attrs, strlen(info->attrs), info->attrs_sha256,
		       NULL, EVP_sha256(), NULL) != 1)
		rc = err_fail(err, PV_INTERNAL, NULL, NULL, "SHA-256 failed");
	if (rc != PV_OK) {
		err_object(err, l->label);
		err_prefix(err, "key %s", l->label);
	}
	return rc;
}

static void take_handles(struct hsm_key *key, const struct look *l)
{
	key->handle = l->main;
	key->public_handle = l->public;
	key->by_kdf = l->kind == HSM_KEY_KDF && p11_attrs_by_kdf(&l->attrs);
	key->generation = l->generation;
}

enum pv_code p11_key_refind(struct p11 *p, struct hsm_key *key, struct err *err)
{
	struct look look = { .kind = key->info.kind, .label = key->info.label };
	struct hsm_key_info now;
	CK_RV rv = look_run(p, p->pool.seats[0].session, NULL, &look);
	enum pv_code rc;

	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "finding the key again");
	rc = take_info(p, &look, &now, err);
	if (rc != PV_OK)
		return rc;
	if (memcmp(now.id, key->info.id, HSM_ID_LEN) != 0 ||
	    now.spki_len != key->info.spki_len ||
	    memcmp(now.spki, key->info.spki, now.spki_len) != 0 ||
	    memcmp(now.attrs_sha256, key->info.attrs_sha256, 32) != 0)
		return refuse(&look, "hsm.key-changed",
			      "another key is on the token now", err);
	take_handles(key, &look);
	return PV_OK;
}

enum pv_code p11_label_check(const char *label, struct err *err)
{
	size_t len = strlen(label);
	bool fit = len >= 1 && len < HSM_LABEL_MAX;

	for (size_t i = 0; fit && i < len; i++)
		fit = label[i] >= 0x21 && label[i] <= 0x7e;
	if (!fit)
		return err_fail(err, PV_INPUT, "hsm.label",
				"labels are authority/purpose/generation",
				"a key label is 1 to 127 printable ASCII "
				"characters without blanks");
	return PV_OK;
}

static struct hsm_key *cached(const struct p11 *p, enum hsm_key_kind kind,
			      const char *label)
{
	for (struct hsm_key *k = p->keys; k; k = k->next)
		if (k->info.kind == kind && !strcmp(k->info.label, label))
			return k;
	return NULL;
}

enum pv_code p11_key_find(struct p11 *p, enum hsm_key_kind kind,
			  const char *label, struct hsm_key **key,
			  struct err *err)
{
	static const struct p11_op op = { "C_FindObjects", look_run, false };
	struct look look = { .kind = kind, .label = label };
	CLEANUP(mem_cleanup) struct hsm_key *k = NULL;
	enum pv_code rc = p11_label_check(label, err);

	*key = cached(p, kind, label);
	if (rc != PV_OK || *key)
		return rc;
	k = mem_new(sizeof(*k), err);
	rc = k ? p11_do(p, NULL, &op, &look, err) : PV_INTERNAL;
	if (rc == PV_OK)
		rc = take_info(p, &look, &k->info, err);
	if (rc != PV_OK)
		return rc;
	take_handles(k, &look);
	k->next = p->keys;
	p->keys = k;
	*key = TAKE(k);
	return PV_OK;
}

void p11_key_forget(struct p11 *p, struct hsm_key *key)
{
	struct hsm_key **link = &p->keys;

	while (*link && *link != key)
		link = &(*link)->next;
	if (*link)
		*link = key->next;
	free(key);
}

void p11_keys_free(struct p11 *p)
{
	while (p->keys)
		p11_key_forget(p, p->keys);
}
