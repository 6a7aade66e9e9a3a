#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/decision.h"
#include "lib/flow/export.h"
#include "lib/flow/kdfof.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/subject_acts.h"
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
CLEANUP_PTR(struct sha256, sha256_free);
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
	struct sha256 *lines; /* of all */
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
	sha256_add(l->lines, id);
	sha256_add(l->lines, (struct span){ (const uint8_t *)"\n", 1 });
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

static enum pv_code take_all(const struct export_kek_whose *w, struct listed *l,
			     struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < w->devices_n; i++)
		rc = take_id(l, log_str(w->devices[i]), err);
	if (rc == PV_OK && w->list.p)
		rc = take_list(l, w->list, err);
	if (rc == PV_OK && l->n == 0)
		rc = err_fail(err, PV_INPUT, "device.id", NULL,
			      "the list is empty");
	return rc;
}

static enum pv_code put_subject(const struct export_kek_whose *w,
				const struct listed *l, struct span whom,
				struct buf *out, struct err *err)
{
	CLEANUP(buf_release) struct buf named;
	uint8_t cert[SHA256_LEN], list[SHA256_LEN];
	char to[2 * SHA256_LEN + 1];
	struct subject_kek s = { .to = { (const uint8_t *)to, 2 * SHA256_LEN },
				 .whom = whom,
				 .n = l->n,
				 .first = l->first,
				 .last = l->last,
				 .list = list };
	enum pv_code rc = sha256(w->cert, cert, err);

	if (rc == PV_OK)
		rc = sha256_end(l->lines, list, err);
	buf_init(&named, SUBJECT_ACTS_MAX);
	for (size_t i = 0; rc == PV_OK && i < w->devices_n; i++)
		buf_printf(&named, "device %s\n", w->devices[i]);
	if (rc == PV_OK)
		rc = buf_check(&named, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(cert, sizeof(cert), to);
	s.named = buf_span(&named);
	subject_kek(out, &s);
	return buf_check(out, err);
}

enum pv_code export_kek_subject(const struct export_kek_whose *w,
				struct buf *out, struct err *err)
{
	CLEANUP(cleanup_escrow_to_free) struct escrow_to *to = NULL;
	CLEANUP(cleanup_sha256_free) struct sha256 *lines = NULL;
	CLEANUP(buf_release) struct buf whom;
	struct listed l = { .n = 0 };
	enum pv_code rc = escrow_to_new(w->cert, &to, err);

	buf_init(&whom, SUBJECT_ACTS_MAX);
	if (rc == PV_OK)
		rc = sha256_new(&lines, err);
	if (rc != PV_OK)
		return rc;
	sha256_begin(lines);
	l.lines = lines;
	rc = take_all(w, &l, err);
	if (rc == PV_OK)
		rc = escrow_to_put(to, &whom, err);
	return rc == PV_OK ? put_subject(w, &l, buf_span(&whom), out, err) : rc;
}

enum pv_code export_kek_split(struct buf *list, const char ***ids, size_t *n,
			      struct err *err)
{
	size_t lines = 1;
	char *save = NULL, *text;

	*n = 0;
	*ids = NULL;
	text = buf_cstr(list) ? (char *)list->data : NULL;
	if (!text || strlen(text) != list->len)
		return err_fail(err, PV_INPUT, "device.id", NULL,
				"the list is too long, or holds a NUL byte");
	for (size_t i = 0; i < list->len; i++)
		lines += text[i] == '\n' || text[i] == '\r';
	*ids = mem_array(lines, sizeof(**ids), err);
	if (!*ids)
		return PV_INTERNAL;
	for (char *id = strtok_r(text, "\r\n", &save); id;
	     id = strtok_r(NULL, "\r\n", &save))
		(*ids)[(*n)++] = id;
	return PV_OK;
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

enum pv_code export_kek_log(struct store *store,
			    const struct export_kek_logged *l,
			    const struct approvals *got, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	for (size_t i = 0; rc == PV_OK && i < l->n; i++) {
		struct log_entry e;

		log_export(&e, &who.who, l->ids[i], LOG_KEK, l->to);
		log_fact_bytes(&e, LOG_NONCE_FACT, approvals_nonce(got),
			       LOG_NONCE);
		rc = event_append(store, &e, err);
	}
	if (rc == PV_OK)
		rc = decision_on_acts(store, &who.who, got, l->subject, l->n,
				      err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}
