/* MAC keys of devices (psa in COSE_Mac0), sealed by the store key. */
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "lib/base/cleanup.h"
#include "lib/flow/attestkey_impl.h"
#include "lib/flow/datakey.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/seal/atrest.h"
#include "lib/store/store.h"

CLEANUP_PTR(struct atrest, atrest_free);

#define OBJECT_MAX (STORE_ID_MAX + 8)

static struct atrest_name bound_to(const struct authority *a,
				   const char *device, char object[OBJECT_MAX])
{
	snprintf(object, OBJECT_MAX, "attkey/%s", device);
	return (struct atrest_name){ a->name, object, 1 };
}

/* What it makes of a constant tells no more of it than evidence does. */
static enum pv_code check_value(const struct secret *key,
				uint8_t out[static 32], struct err *err)
{
	static const char label[] = "provctl/att-key/v1";
	size_t len = 0;

	if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key->data, key->len,
		      (const unsigned char *)label, sizeof(label) - 1, out, 32,
		      &len) &&
	    len == 32)
		return PV_OK;
	return err_fail(err, PV_INTERNAL, NULL, NULL, "HMAC failed");
}

enum pv_code attestkey_seal(const struct authority *a, struct store *store,
			    struct hsm *hsm, const char *device,
			    const struct secret *key, uint8_t check[static 32],
			    struct buf *row, struct err *err)
{
	char object[OBJECT_MAX];
	const struct atrest_name bound = bound_to(a, device, object);
	enum pv_code rc = check_value(key, check, err);

	if (rc == PV_OK && !hsm)
		rc = err_fail(err, PV_INTERNAL, "evidence.token", NULL,
			      "no token to seal a MAC key with");
	return rc == PV_OK ? datakey_seal_by_store(a, store, hsm, &bound, key,
						   row, err)
			   : rc;
}

struct by_id {
	const uint8_t *id;
	struct issue_key key;
	bool found;
};

static enum pv_code take_key(void *ctx, const struct store_key *row,
			     struct err *err)
{
	struct by_id *b = ctx;

	if (row->kind != HSM_KEY_STORE ||
	    memcmp(row->id, b->id, STORE_UUID) != 0)
		return PV_OK;
	b->found = true;
	return ownkey_from_row(row, &b->key, err);
}

enum pv_code attestkey_open(const struct authority *a, struct store *store,
			    struct hsm *hsm, const struct store_attkey *k,
			    struct secret *key, struct err *err)
{
	CLEANUP(cleanup_atrest_free) struct atrest *by = NULL;
	char object[OBJECT_MAX];
	const struct atrest_name bound = bound_to(a, k->device, object);
	uint8_t id[ATREST_ID_LEN], check[32];
	struct by_id b = { .id = id };
	const struct store_visit v = { &b, { .key = take_key } };
	struct hsm_key *found = NULL;
	enum pv_code rc = atrest_row_id(k->key, id, err);

	if (rc == PV_OK && !hsm)
		rc = err_fail(err, PV_INTERNAL, "evidence.token", NULL,
			      "no token to open a MAC key with");
	if (rc == PV_OK)
		rc = store_key_each(store, &v, err);
	if (rc == PV_OK && !b.found)
		return logged_edited("the row of an attestation key", err);
	if (rc == PV_OK)
		rc = ownkey_find(hsm, &b.key, &found, err);
	if (rc == PV_OK)
		rc = atrest_new_hsm(hsm, found, 0, &by, err);
	if (rc == PV_OK)
		rc = atrest_open(by, &bound, k->key, key, err);
	if (rc == PV_OK)
		rc = check_value(key, check, err);
	if (rc == PV_OK && memcmp(check, k->key_sha256, sizeof(check)) != 0)
		rc = logged_edited("the row of an attestation key", err);
	return rc;
}
