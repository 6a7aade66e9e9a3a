#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/export.h"
#include "lib/flow/kdfof.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/log/entry.h"
#include "lib/seal/escrow.h"
#include "lib/seal/kdf.h"
#include "lib/store/store_device.h"

struct export_kek {
	struct hsm *hsm;     /* borrowed */
	struct store *store; /* borrowed */
	/* For devices that have no bundle yet. */
	struct hsm_key *master;
	struct issue_key in_use;
	/* Of an earlier generation, the one used last; NULL: none. */
	struct hsm_key *earlier;
	uint8_t earlier_id[HSM_ID_LEN];
	struct escrow_to *to;
	struct escrow_writer *writer;
};

CLEANUP_PTR(struct escrow_to, escrow_to_free);
CLEANUP_PTR(struct export_kek, export_kek_free);

void export_kek_free(struct export_kek *k)
{
	if (!k)
		return;
	escrow_writer_free(k->writer);
	escrow_to_free(k->to);
	free(k);
}

/* ---- what is approved ---- */

struct listed { /* of devices, in order */
	uint64_t n;
	struct span first, last;
};

static enum pv_code take_id(struct listed *l, struct span id, struct err *err)
{
	if (!name_is_safe((const char *)id.p, id.len))
		return err_fail(err, PV_INPUT, "device.id", NULL,
				"device %llu of them has no id of a device",
				(unsigned long long)l->n + 1);
	if (l->n++ == 0)
		l->first = id;
	l->last = id;
	return PV_OK;
}

/* Lines that end with LF or CRLF; empty ones are none. */
static enum pv_code take_list(struct listed *l, struct span list,
			      struct err *err)
{
	size_t start = 0;
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i <= list.len; i++) {
		bool end =
			i == list.len || list.p[i] == '\n' || list.p[i] == '\r';

		if (end && i > start)
			rc = take_id(l,
				     (struct span){ list.p + start, i - start },
				     err);
		if (end)
			start = i + 1;
	}
	return rc;
}

static enum pv_code put_hash(const char *what, struct span bytes,
			     struct buf *out, struct err *err)
{
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	enum pv_code rc = sha256(bytes, hash, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	buf_printf(out, "%s sha256:%s\n", what, hex);
	return PV_OK;
}

static enum pv_code put_devices(const struct export_kek_whose *w,
				const struct listed *l, struct buf *out,
				struct err *err)
{
	buf_printf(out, "count %llu\nfirst %.*s\nlast %.*s\n",
		   (unsigned long long)l->n, (int)l->first.len,
		   (const char *)l->first.p, (int)l->last.len,
		   (const char *)l->last.p);
	for (size_t i = 0; i < w->devices_n; i++)
		buf_printf(out, "device %s\n", w->devices[i]);
	return w->list.p ? put_hash("list", w->list, out, err) : PV_OK;
}

enum pv_code export_kek_subject(const struct export_kek_whose *w,
				struct buf *out, struct err *err)
{
	CLEANUP(cleanup_escrow_to_free) struct escrow_to *to = NULL;
	struct listed l = { .n = 0 };
	enum pv_code rc = escrow_to_new(w->cert, &to, err);

	for (size_t i = 0; rc == PV_OK && i < w->devices_n; i++)
		rc = take_id(&l, log_str(w->devices[i]), err);
	if (rc == PV_OK && w->list.p)
		rc = take_list(&l, w->list, err);
	if (rc == PV_OK && l.n == 0)
		rc = err_fail(err, PV_INPUT, "device.id", NULL,
			      "the list is empty");
	if (rc != PV_OK)
		return rc;
	buf_put_str(out, "export kek\n");
	rc = put_hash("to", w->cert, out, err);
	if (rc == PV_OK)
		rc = escrow_to_put(to, out, err);
	if (rc == PV_OK)
		rc = put_devices(w, &l, out, err);
	return rc == PV_OK ? buf_check(out, err) : rc;
}

/* ---- the export ---- */

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
	enum pv_code rc = k ? PV_OK : PV_INTERNAL;

	*out = NULL;
	if (rc == PV_OK)
		rc = authority_key(a, "kdf", &named, err);
	if (rc == PV_OK)
		rc = escrow_to_new(cert, &k->to, err);
	if (rc == PV_OK)
		rc = escrow_writer_new(k->to, &k->writer, err);
	if (rc == PV_OK)
		rc = ownkey_load(store, named->label, &k->in_use, err);
	if (rc == PV_OK)
		rc = find_master(hsm, &k->in_use, &k->master, err);
	if (rc != PV_OK)
		return rc;
	k->hsm = hsm;
	k->store = store;
	*out = TAKE(k);
	return PV_OK;
}

/* The generation that the device's bundles name, else the one in use. */
static enum pv_code master_of(struct export_kek *k, const char *device,
			      struct hsm_key **master, struct err *err)
{
	uint8_t id[HSM_ID_LEN];
	struct store_device d;
	struct issue_key want;
	bool found = false;
	enum pv_code rc = store_device_get(k->store, device, &d, &found, err);

	*master = k->master;
	if (rc == PV_OK && found)
		rc = kdfof_device(k->store, &d, id, &found, err);
	if (rc != PV_OK || !found || memcmp(id, k->in_use.id, sizeof(id)) == 0)
		return rc;
	if (!k->earlier || memcmp(id, k->earlier_id, sizeof(id)) != 0) {
		k->earlier = NULL;
		memcpy(k->earlier_id, id, sizeof(id));
		rc = kdfof_key(k->store, id, &want, err);
		if (rc == PV_OK)
			rc = find_master(k->hsm, &want, &k->earlier, err);
	}
	*master = k->earlier;
	return rc;
}

static enum pv_code derive(struct export_kek *k, struct hsm_key *master,
			   const char *purpose, const char *device,
			   struct secret *out, struct err *err)
{
	CLEANUP(buf_release) struct buf input;
	enum pv_code rc;

	buf_init(&input, KDF_INPUT_MAX);
	rc = kdf_input(purpose, device, &input, err);
	if (rc == PV_OK)
		rc = hsm_derive(k->hsm, master, buf_span(&input), out, err);
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
	struct hsm_key *master = NULL;
	enum pv_code rc = PV_OK;

	if (!name_is_safe(device, strlen(device)))
		rc = err_fail(err, PV_INPUT, "device.id", NULL,
			      "a device id is 1 to 64 printable characters "
			      "without / and does not start with . or -");
	if (rc == PV_OK)
		rc = refuse_retired(k, device, err);
	if (rc == PV_OK)
		rc = master_of(k, device, &master, err);
	if (rc == PV_OK)
		rc = derive(k, master, KDF_KEK, device, &kek, err);
	if (rc == PV_OK)
		rc = derive(k, master, KDF_AUTH, device, &auth, err);
	if (rc == PV_OK)
		rc = derive(k, master, KDF_RECEIPT, device, &receipt, err);
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
