#include "lib/seal/atrest.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/seal/gcm.h"
#include "lib/seal/ossl.h"

#define AAD_MAX (32 + 2 * (ATREST_NAME_MAX + 1) + 4 + ATREST_ID_LEN)
#define HEAD_LEN (ATREST_ID_LEN + GCM_NONCE_LEN)

_Static_assert(ATREST_OVERHEAD == HEAD_LEN + GCM_TAG_LEN, "row layout");

static const char label[] = "provctl/store/v1";

struct atrest {
	struct hsm *hsm; /* NULL: gcm is used */
	struct hsm_key *key;
	struct gcm *gcm;
	uint8_t id[ATREST_ID_LEN];
	uint64_t uses;
};

CLEANUP_PTR(struct atrest, atrest_free);

enum pv_code atrest_new_hsm(struct hsm *h, struct hsm_key *key, uint64_t uses,
			    struct atrest **a, struct err *err)
{
	*a = mem_new(sizeof(**a), err);
	if (!*a)
		return PV_INTERNAL;
	(*a)->hsm = h;
	(*a)->key = key;
	(*a)->uses = uses;
	memcpy((*a)->id, hsm_info(h, key)->id, ATREST_ID_LEN);
	return PV_OK;
}

enum pv_code atrest_new_data(const struct secret *key,
			     const uint8_t id[static ATREST_ID_LEN],
			     uint64_t uses, struct atrest **a, struct err *err)
{
	CLEANUP(cleanup_atrest_free) struct atrest *n = NULL;
	enum pv_code rc;

	*a = NULL;
	if (key->len != ATREST_KEY_LEN)
		return err_fail(err, PV_INTERNAL, "atrest.key", NULL,
				"a data key has 32 bytes");
	n = mem_new(sizeof(*n), err);
	if (!n)
		return PV_INTERNAL;
	n->uses = uses;
	memcpy(n->id, id, ATREST_ID_LEN);
	rc = gcm_new(&n->gcm, err);
	if (rc == PV_OK)
		rc = gcm_key(n->gcm, key->data, err);
	if (rc == PV_OK)
		*a = TAKE(n);
	return rc;
}

void atrest_free(struct atrest *a)
{
	if (!a)
		return;
	gcm_free(a->gcm);
	free(a);
}

const uint8_t *atrest_id(const struct atrest *a)
{
	return a->id;
}

uint64_t atrest_uses(const struct atrest *a)
{
	return a->uses;
}

/* label || 00 || authority || 00 || object || 00 || be32(version) || key id */
static enum pv_code put_aad(const struct atrest_name *n, const uint8_t *id,
			    struct buf *aad, struct err *err)
{
	size_t alen = strnlen(n->authority, ATREST_NAME_MAX + 1);
	size_t olen = strnlen(n->object, ATREST_NAME_MAX + 1);

	if (alen == 0 || alen > ATREST_NAME_MAX || olen == 0 ||
	    olen > ATREST_NAME_MAX)
		return err_fail(err, PV_INPUT, "atrest.name",
				"use a name of 1 to 512 bytes",
				"a stored secret has no usable name");
	buf_put(aad, label, sizeof(label));
	buf_put(aad, n->authority, alen + 1);
	buf_put(aad, n->object, olen + 1);
	buf_put_be32(aad, n->version);
	buf_put(aad, id, ATREST_ID_LEN);
	return buf_check(aad, err);
}

static enum pv_code seal_data(struct atrest *a, const uint8_t *nonce,
			      struct span aad, const struct secret *plain,
			      struct buf *row, struct err *err)
{
	struct span p = { plain->data, plain->len };
	uint8_t *room = buf_room(row, plain->len + GCM_TAG_LEN);
	enum pv_code rc;

	if (!room)
		return buf_check(row, err);
	rc = gcm_seal(a->gcm, nonce, aad, p, room, err);
	if (rc == PV_OK)
		buf_commit(row, plain->len + GCM_TAG_LEN);
	return rc;
}

enum pv_code atrest_seal(struct atrest *a, const struct atrest_name *name,
			 const struct secret *plain, struct buf *row,
			 struct err *err)
{
	CLEANUP(buf_release) struct buf aad;
	uint8_t nonce[GCM_NONCE_LEN];
	size_t before = row->len;
	enum pv_code rc;

	buf_init(&aad, AAD_MAX);
	rc = put_aad(name, a->id, &aad, err);
	if (rc != PV_OK)
		return rc;
	if (plain->len == 0)
		return err_fail(err, PV_INTERNAL, "atrest.empty", NULL,
				"nothing to seal");
	if (a->uses >= ATREST_USES_MAX)
		return err_fail(err, PV_DENIED, "atrest.uses",
				"rotate the store key",
				"the store key was used 2^32 times");
	a->uses++;
	if (RAND_bytes(nonce, sizeof(nonce)) != 1)
		return ossl_fail(err, "the random generator");
	buf_put(row, a->id, ATREST_ID_LEN);
	buf_put(row, nonce, sizeof(nonce));
	if (a->hsm)
		rc = hsm_seal(a->hsm, a->key, nonce, buf_span(&aad), plain, row,
			      err);
	else
		rc = seal_data(a, nonce, buf_span(&aad), plain, row, err);
	if (rc == PV_OK)
		rc = buf_check(row, err);
	if (rc == PV_OK && row->len != before + plain->len + ATREST_OVERHEAD)
		rc = err_fail(err, PV_INTERNAL, "atrest.length", NULL,
			      "a sealed row has an unexpected length");
	if (rc != PV_OK)
		row->len = before;
	return rc;
}

static enum pv_code open_data(struct atrest *a, const uint8_t *nonce,
			      struct span aad, struct span sealed,
			      struct secret *plain, struct err *err)
{
	enum pv_code rc;

	rc = secret_alloc(plain, sealed.len - GCM_TAG_LEN, err);
	if (rc == PV_OK &&
	    gcm_open(a->gcm, nonce, aad, sealed, plain->data, NULL) != PV_OK)
		rc = err_fail(err, PV_INTEGRITY, "store.sealed",
			      "restore the store from a backup",
			      "a sealed row was cut, altered or moved");
	if (rc != PV_OK)
		secret_release(plain);
	return rc;
}

enum pv_code atrest_row_id(struct span row, uint8_t id[static ATREST_ID_LEN],
			   struct err *err)
{
	/* Nothing empty is ever sealed. */
	if (row.len <= ATREST_OVERHEAD)
		return err_fail(err, PV_INTEGRITY, "store.sealed",
				"restore the store from a backup",
				"a sealed row has only %zu bytes", row.len);
	memcpy(id, row.p, ATREST_ID_LEN);
	return PV_OK;
}

enum pv_code atrest_open(struct atrest *a, const struct atrest_name *name,
			 struct span row, struct secret *plain, struct err *err)
{
	CLEANUP(buf_release) struct buf aad;
	uint8_t id[ATREST_ID_LEN];
	struct span sealed;
	enum pv_code rc = atrest_row_id(row, id, err);

	secret_release(plain);
	buf_init(&aad, AAD_MAX);
	if (rc == PV_OK && memcmp(id, a->id, ATREST_ID_LEN) != 0)
		rc = err_fail(err, PV_INTEGRITY, "atrest.key",
			      "restore that key generation",
			      "a sealed row names another key");
	if (rc == PV_OK)
		rc = put_aad(name, a->id, &aad, err);
	if (rc != PV_OK)
		return rc;
	sealed = (struct span){ row.p + HEAD_LEN, row.len - HEAD_LEN };
	if (a->hsm)
		rc = hsm_open(a->hsm, a->key, row.p + ATREST_ID_LEN,
			      buf_span(&aad), sealed, plain, err);
	else
		rc = open_data(a, row.p + ATREST_ID_LEN, buf_span(&aad), sealed,
			       plain, err);
	return rc;
}
