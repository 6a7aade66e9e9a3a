#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/flow/export.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/seal/escrow.h"
#include "lib/seal/kdf.h"
#include "lib/store/store_device.h"

struct export_kek {
	struct store *store; /* borrowed */
	struct hsm *hsm;     /* borrowed */
	struct hsm_key *master;
	struct escrow_to *to;
	struct escrow_writer *writer;
};

CLEANUP_PTR(struct export_kek, export_kek_free);

void export_kek_free(struct export_kek *k)
{
	if (!k)
		return;
	escrow_writer_free(k->writer);
	escrow_to_free(k->to);
	free(k);
}

static enum pv_code find_master(struct hsm *hsm, const struct issue_key *want,
				struct hsm_key **key, struct err *err)
{
	if (want->kind == HSM_KEY_KDF)
		return ownkey_find(hsm, want, key, err);
	err_object(err, want->label);
	return err_fail(err, PV_INTEGRITY, "context.key", NULL,
			"the key is not one to derive with");
}

enum pv_code export_kek_new(const struct authority *a, struct store *store,
			    struct hsm *hsm, struct span cert,
			    struct export_kek **out, struct err *err)
{
	CLEANUP(cleanup_export_kek_free)
	struct export_kek *k = mem_new(sizeof(*k), err);
	const struct authority_key *named = NULL;
	struct issue_key want;
	enum pv_code rc = k ? PV_OK : PV_INTERNAL;

	*out = NULL;
	if (rc == PV_OK)
		rc = authority_key(a, "kdf", &named, err);
	if (rc == PV_OK)
		rc = escrow_to_new(cert, &k->to, err);
	if (rc == PV_OK)
		rc = escrow_writer_new(k->to, &k->writer, err);
	if (rc == PV_OK)
		rc = ownkey_load(store, named->label, &want, err);
	if (rc == PV_OK)
		rc = find_master(hsm, &want, &k->master, err);
	if (rc != PV_OK)
		return rc;
	k->hsm = hsm;
	k->store = store;
	*out = TAKE(k);
	return PV_OK;
}

static enum pv_code derive(struct export_kek *k, const char *purpose,
			   const char *device, struct secret *out,
			   struct err *err)
{
	CLEANUP(buf_release) struct buf input;
	enum pv_code rc;

	buf_init(&input, KDF_INPUT_MAX);
	rc = kdf_input(purpose, device, &input, err);
	if (rc == PV_OK)
		rc = hsm_derive(k->hsm, k->master, buf_span(&input), out, err);
	return rc;
}

/* Devices that were never issued have their keys, too: a chip programmer comes
 * first. One that is retired gets none. */
static enum pv_code refuse_retired(struct export_kek *k, const char *device,
				   struct err *err)
{
	struct store_device d;
	bool found = false;
	enum pv_code rc = store_device_get(k->store, device, &d, &found, err);

	if (rc == PV_OK && found)
		rc = logged_device(k->store, &d, err);
	if (rc == PV_OK && found && d.state == STORE_RETIRED)
		rc = err_fail(err, PV_DENIED, "device.retired", NULL,
			      "the device is retired: nothing is derived for "
			      "it any more");
	return rc;
}

enum pv_code export_kek_add(struct export_kek *k, const char *device,
			    struct err *err)
{
	SECRET kek = SECRET_INIT;
	SECRET auth = SECRET_INIT;
	SECRET receipt = SECRET_INIT;
	SECRET item = SECRET_INIT;
	enum pv_code rc = PV_OK;

	if (!name_is_safe(device, strlen(device)))
		rc = err_fail(err, PV_INPUT, "device.id", NULL,
			      "a device id is 1 to 64 printable characters "
			      "without / and does not start with . or -");
	if (rc == PV_OK)
		rc = refuse_retired(k, device, err);
	if (rc == PV_OK)
		rc = derive(k, KDF_KEK, device, &kek, err);
	if (rc == PV_OK)
		rc = derive(k, KDF_AUTH, device, &auth, err);
	if (rc == PV_OK)
		rc = derive(k, KDF_RECEIPT, device, &receipt, err);
	if (rc == PV_OK)
		rc = escrow_kek_item(device, &kek, &auth, &receipt, &item, err);
	if (rc == PV_OK)
		rc = escrow_write(k->writer, &item, err);
	if (rc != PV_OK)
		err_object(err, device);
	return rc;
}

enum pv_code export_kek_finish(struct export_kek *k, struct buf *out,
			       struct err *err)
{
	return escrow_finish(k->writer, out, err);
}
