#include "lib/flow/datakey.h"

#include <stdio.h>

#include <openssl/rand.h>

#include "lib/base/cleanup.h"
#include "lib/flow/ownkey.h"

CLEANUP_PTR(struct atrest, atrest_free);

#define OBJECT_LEN (8 + 2 * ATREST_ID_LEN + 1) /* "datakey/<hex>" */

static struct atrest_name name_of(const char *authority,
				  const uint8_t id[ATREST_ID_LEN],
				  char object[OBJECT_LEN])
{
	struct atrest_name name = { authority, object, 1 };
	char hex[2 * ATREST_ID_LEN + 1];

	hex_encode(id, ATREST_ID_LEN, hex);
	snprintf(object, OBJECT_LEN, "datakey/%s", hex);
	return name;
}

static enum pv_code store_key(struct hsm *hsm, const struct issue_key *store,
			      uint64_t uses, struct atrest **a, struct err *err)
{
	struct hsm_key *key;
	enum pv_code rc;

	if (!store)
		return err_fail(err, PV_NOT_FOUND, "key.missing",
				"generate a key for purpose store",
				"the authority has no store key");
	rc = ownkey_find(hsm, store, &key, err);
	return rc == PV_OK ? atrest_new_hsm(hsm, key, uses, a, err) : rc;
}

enum pv_code datakey_new(struct hsm *hsm, const struct issue_key *store,
			 uint64_t uses, const char *authority,
			 uint8_t id[ATREST_ID_LEN], struct buf *row,
			 struct atrest **key, struct err *err)
{
	CLEANUP(cleanup_atrest_free) struct atrest *by = NULL;
	SECRET raw = SECRET_INIT;
	char object[OBJECT_LEN];
	struct atrest_name name;
	enum pv_code rc;

	if (RAND_bytes(id, ATREST_ID_LEN) != 1)
		return err_fail(err, PV_INTERNAL, "datakey", NULL,
				"the random generator failed");
	name = name_of(authority, id, object);
	rc = store_key(hsm, store, uses, &by, err);
	if (rc == PV_OK)
		rc = secret_random(&raw, ATREST_KEY_LEN, err);
	if (rc == PV_OK)
		rc = atrest_seal(by, &name, &raw, row, err);
	return rc == PV_OK ? atrest_new_data(&raw, id, 0, key, err) : rc;
}

enum pv_code datakey_open(struct hsm *hsm, const struct issue_key *store,
			  const char *authority,
			  const uint8_t id[ATREST_ID_LEN], struct span row,
			  struct atrest **key, struct err *err)
{
	CLEANUP(cleanup_atrest_free) struct atrest *by = NULL;
	SECRET raw = SECRET_INIT;
	char object[OBJECT_LEN];
	struct atrest_name name = name_of(authority, id, object);
	enum pv_code rc = store_key(hsm, store, 0, &by, err);

	if (rc == PV_OK)
		rc = atrest_open(by, &name, row, &raw, err);
	return rc == PV_OK ? atrest_new_data(&raw, id, 0, key, err) : rc;
}

/* The one in use, with its uses so far. */
static enum pv_code key_in_use(const struct authority *a, struct store *store,
			       struct hsm *hsm, struct atrest **by,
			       struct err *err)
{
	const struct authority_key *named = NULL;
	struct issue_key want;
	uint64_t uses = 0;
	enum pv_code rc = authority_key(a, "store", &named, err);

	if (rc == PV_OK)
		rc = ownkey_load(store, named->label, &want, err);
	if (rc == PV_OK)
		rc = store_datakey_count(store, want.id, &uses, err);
	return rc == PV_OK ? store_key(hsm, &want, uses, by, err) : rc;
}

enum pv_code datakey_seal_by_store(const struct authority *a,
				   struct store *store, struct hsm *hsm,
				   const struct atrest_name *bound,
				   const struct secret *value, struct buf *row,
				   struct err *err)
{
	CLEANUP(cleanup_atrest_free) struct atrest *by = NULL;
	SECRET back = SECRET_INIT;
	enum pv_code rc = key_in_use(a, store, hsm, &by, err);

	if (rc == PV_OK)
		rc = atrest_seal(by, bound, value, row, err);
	if (rc == PV_OK)
		rc = atrest_open(by, bound, buf_span(row), &back, err);
	if (rc == PV_OK && !secret_equal(&back, value->data, value->len))
		rc = err_fail(err, PV_HSM_FATAL, "hsm.seal",
			      "use this token no more until it was checked",
			      "the token does not open what it has sealed");
	return rc;
}
