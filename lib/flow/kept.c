#include "lib/flow/kept.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/logged.h"
#include "lib/store/store_renew.h"

bool kept_by(const struct template *t)
{
	bool keeps = t->rotation.present;

	for (size_t k = 0; k < t->stages_n; k++)
		keeps |= t->stages[k].requires_attestation;
	return keeps;
}

static void put_text(struct cbor_writer *w, const struct request *r, size_t at)
{
	cbor_put_str(w, request_text(r, at));
}

static void put_all(struct cbor_writer *w, const struct request *r)
{
	cbor_put_array(w, 2);
	cbor_put_bstr(w, r->seal_key.data, r->seal_key.len);
	cbor_put_array(w, 2 * r->fields_n);
	for (size_t i = 0; i < r->fields_n; i++) {
		put_text(w, r, r->fields[i].name);
		put_text(w, r, r->fields[i].value);
	}
}

enum pv_code kept_put(const struct request *r, struct buf *out, struct err *err)
{
	struct cbor_writer w;
	uint8_t *room;

	if (r->seal_key.len == 0 && r->fields_n == 0)
		return PV_OK;
	cbor_writer_init(&w, NULL, 0);
	put_all(&w, r);
	room = w.len <= KEPT_MAX ? buf_room(out, w.len) : NULL;
	if (!room)
		return err_fail(err, PV_INPUT, "request.fields",
				"shorten the fields",
				"the fields are too long to be kept");
	cbor_writer_init(&w, room, w.len);
	put_all(&w, r);
	buf_commit(out, w.len);
	return PV_OK;
}

static bool take_fields(struct cbor_reader *r, struct kept *k)
{
	uint64_t n;

	if (!cbor_get_array(r, &n) || n % 2 != 0 || n / 2 > REQUEST_FIELDS_MAX)
		return false;
	for (k->fields_n = 0; k->fields_n < n / 2; k->fields_n++)
		if (!cbor_get_tstr(r, &k->fields[k->fields_n].name) ||
		    !cbor_get_tstr(r, &k->fields[k->fields_n].value))
			return false;
	return true;
}

enum pv_code kept_read(struct span row, struct kept *k, struct err *err)
{
	struct cbor_bytes key;
	struct cbor_reader r;
	uint64_t n;

	memset(k, 0, sizeof(*k));
	if (row.len == 0)
		return PV_OK;
	cbor_reader_init(&r, row.p, row.len);
	if (!cbor_valid(row.p, row.len, CBOR_DEPTH_MAX, NULL) ||
	    !cbor_get_array(&r, &n) || n != 2 || !cbor_get_bstr(&r, &key) ||
	    !take_fields(&r, k) || !cbor_done(&r))
		return logged_edited("what is kept of a request", err);
	k->seal_key = (struct span){ key.p, key.len };
	return PV_OK;
}

enum pv_code kept_load(struct store *store, const struct store_device *d,
		       struct buf *row, struct kept *k, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	char serial[2 * STORE_SERIAL_MAX + 1];
	uint8_t hash[32];
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	hex_encode(d->s.serial, d->s.serial_len, serial);
	rc = store_kept_get(store, d->s.number, row, err);
	if (rc == PV_OK)
		rc = logged_entry(store, d->intent_index, LOG_CERT_INTENT,
				  serial, &room, &e, err);
	if (rc == PV_OK && row->len > 0)
		rc = sha256(buf_span(row), hash, err);
	if (rc == PV_OK &&
	    !logged_hash_is(&e, "kept hash", row->len > 0 ? hash : NULL))
		rc = logged_edited("what is kept of a request", err);
	return rc == PV_OK ? kept_read(buf_span(row), k, err) : rc;
}
