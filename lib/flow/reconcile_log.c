/* The log: what it says was done, and what of that has no row. */
#include <stdio.h>
#include <string.h>

#include "lib/flow/reconcile_impl.h"
#include "lib/log/events.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"

/* Exactly len bytes from hex digits of an entry. */
static bool from_hex(struct span hex, uint8_t *out, size_t len)
{
	char digits[2 * STORE_SERIAL_MAX + 1];

	if (hex.len != 2 * len || hex.len >= sizeof(digits))
		return false;
	memcpy(digits, hex.p, hex.len);
	digits[hex.len] = '\0';
	return hex_decode(digits, out, len);
}

static void copy_text(char out[RECONCILE_TEXT_MAX], struct span s)
{
	snprintf(out, RECONCILE_TEXT_MAX, "%.*s",
		 (int)(s.len < RECONCILE_TEXT_MAX ? s.len
						  : RECONCILE_TEXT_MAX - 1),
		 (const char *)s.p);
}

/* A bundle that left through `export bundle', `segment' or `stream'. */
static enum pv_code take_export(struct reconcile *r, const struct log_entry *e,
				struct err *err)
{
	const struct log_fact *what = log_fact_find(e, "what", LOG_TSTR);
	uint8_t id[STORE_UUID];
	char name[RECONCILE_TEXT_MAX];
	struct store_bundle b;
	bool found = false, damaged = false;
	uint8_t *flags;
	enum pv_code rc = PV_OK;

	if (!what ||
	    (!span_is(what->s, "bundle") && !span_is(what->s, "segment") &&
	     !span_is(what->s, "stream")))
		return PV_OK;
	copy_text(name, e->object);
	if (from_hex(e->object, id, sizeof(id)))
		rc = reconcile_find_bundle(r, id, &b, &found, &damaged, err);
	if (rc != PV_OK || damaged)
		return rc;
	flags = found ? reconcile_entry(r, b.seal_index) : NULL;
	if (!flags)
		return reconcile_found(r, RECONCILE_MISSING, true,
				       RECONCILE_LOG, RECONCILE_STORE, "bundle",
				       name, err, "it was exported");
	*flags |= ENTRY_EXPORTED;
	return PV_OK;
}

/* A device that nobody ordered. */
static enum pv_code take_quota(struct reconcile *r, const struct log_entry *e,
			       uint64_t index, struct err *err)
{
	const struct log_fact *device = log_fact_find(e, "device", LOG_TSTR);
	char name[RECONCILE_TEXT_MAX];
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = quota_take(&r->quota, e, index, &why);
	if (rc == PV_OK)
		return PV_OK;
	if (rc != PV_INTEGRITY) {
		*err = why;
		return rc;
	}
	copy_text(name, device ? device->s : e->object);
	return reconcile_found(r, RECONCILE_EXTRA, true, RECONCILE_LOG,
			       RECONCILE_STORE, device ? "device" : "order",
			       name, err, "%s", why.message);
}

static bool starts(const struct log_fact *f, const char *prefix)
{
	size_t len = strlen(prefix);

	return f && f->s.len > len && memcmp(f->s.p, prefix, len) == 0;
}

/* The flags of the serial that the entry is about; NULL: never lent. */
static uint8_t *flags_of(struct reconcile *r, const struct log_entry *e)
{
	uint8_t head[4];

	if (e->object.len < 8 ||
	    !from_hex((struct span){ e->object.p, 8 }, head, sizeof(head)))
		return NULL;
	return reconcile_device(r, (uint32_t)head[0] << 24 |
					   (uint32_t)head[1] << 16 |
					   (uint32_t)head[2] << 8 | head[3]);
}

/* A responder's certificate has no row: audit verify holds its entries against
 * the answers. */
static bool is_responder(struct reconcile *r, const struct log_entry *e)
{
	const struct log_fact *device = log_fact_find(e, "device", LOG_TSTR);
	uint8_t *flags = flags_of(r, e);

	if (flags && span_is(e->type, LOG_CERT_INTENT) &&
	    starts(device, LOG_OCSP_PREFIX))
		*flags |= DEVICE_RESPONDER;
	return flags && (*flags & DEVICE_RESPONDER) != 0;
}

static enum pv_code take_entry(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	struct reconcile *r = ctx;
	struct log_entry e;
	char place[32];
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	if (rc != PV_OK) {
		snprintf(place, sizeof(place), "log entry %llu",
			 (unsigned long long)index);
		err_object(err, place);
		return rc;
	}
	r->counts.entries++;
	rc = take_quota(r, &e, index, err);
	if (rc != PV_OK)
		return rc;
	if (span_is(e.type, LOG_BUNDLE_SEAL) ||
	    ((span_is(e.type, LOG_CERT_INTENT) ||
	      span_is(e.type, LOG_CERT_ISSUE)) &&
	     !is_responder(r, &e)))
		r->entries[index] |= ENTRY_DUE;
	else if (span_is(e.type, LOG_EXPORT))
		rc = take_export(r, &e, err);
	reconcile_step(r);
	return rc;
}

enum pv_code reconcile_read_log(struct reconcile *r, struct err *err)
{
	const struct store_visit v = { .ctx = r, .fn.entry = take_entry };

	return store_log_each(r->store, 0, r->log_size, &v, err);
}

/* ---- what is left over ---- */

static bool is_ca(const struct reconcile *r, const char *serial)
{
	for (size_t i = 0; i < r->cas_n; i++)
		if (strcmp(r->cas[i].serial, serial) == 0)
			return true;
	return false;
}

/* The row with that serial. */
static enum pv_code find_serial(struct reconcile *r, const char *hex,
				struct store_device *d, bool *found,
				struct err *err)
{
	char serial[2 * STORE_SERIAL_MAX + 1];
	uint8_t head[4];
	enum pv_code rc;

	*found = false;
	if (strlen(hex) < 8 ||
	    !from_hex((struct span){ (const uint8_t *)hex, 8 }, head,
		      sizeof(head)))
		return PV_OK;
	rc = store_number_get(r->store,
			      (uint32_t)head[0] << 24 |
				      (uint32_t)head[1] << 16 |
				      (uint32_t)head[2] << 8 | head[3],
			      d, found, err);
	if (rc != PV_OK || !*found)
		return rc;
	hex_encode(d->s.serial, d->s.serial_len, serial);
	*found = strcmp(serial, hex) == 0;
	return PV_OK;
}

/* An entry about a serial; the devices' rows were looked at before. */
static enum pv_code left_serial(struct reconcile *r, const struct log_entry *e,
				bool issue, struct err *err)
{
	const struct log_fact *device = log_fact_find(e, "device", LOG_TSTR);
	char serial[RECONCILE_TEXT_MAX], name[RECONCILE_TEXT_MAX];
	struct store_device d;
	bool found = false, twice;
	enum pv_code rc;

	copy_text(serial, e->object);
	copy_text(name, device ? device->s : e->object);
	if (is_ca(r, serial))
		return PV_OK;
	/* A CA's that came to nothing; one that was issued has a row. */
	if (!issue && starts(device, LOG_CA_PREFIX)) {
		r->counts.open_intents++;
		return PV_OK;
	}
	rc = find_serial(r, serial, &d, &found, err);
	if (rc != PV_OK)
		return rc;
	/* Was told with the device. */
	if (found && issue && !d.has_cert && !reconcile_is_open(&d))
		return PV_OK;
	twice = found && (!issue || d.has_cert);
	return reconcile_found(r, twice ? RECONCILE_DOUBLED : RECONCILE_MISSING,
			       true, RECONCILE_LOG, RECONCILE_STORE,
			       issue ? "certificate" : "device",
			       found ? d.s.device : name, err, "serial %.40s",
			       serial);
}

static enum pv_code left_bundle(struct reconcile *r, const struct log_entry *e,
				struct err *err)
{
	const struct log_fact *device = log_fact_find(e, "device", LOG_TSTR);
	char id_text[RECONCILE_TEXT_MAX], name[RECONCILE_TEXT_MAX];
	uint8_t id[STORE_UUID];
	struct store_bundle b;
	bool found = false, damaged = false;
	enum pv_code rc = PV_OK;

	copy_text(id_text, e->object);
	copy_text(name, device ? device->s : e->object);
	if (from_hex(e->object, id, sizeof(id)))
		rc = reconcile_find_bundle(r, id, &b, &found, &damaged, err);
	if (rc != PV_OK || damaged)
		return rc;
	return reconcile_found(r, found ? RECONCILE_DOUBLED : RECONCILE_MISSING,
			       true, RECONCILE_LOG, RECONCILE_STORE, "bundle",
			       name, err, "bundle-id %.40s", id_text);
}

enum pv_code reconcile_left(struct reconcile *r, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (uint64_t i = 0; rc == PV_OK && i < r->log_size; i++) {
		struct log_entry e;

		if (!(r->entries[i] & ENTRY_DUE))
			continue;
		buf_reset(&r->entry);
		rc = store_log_read(r->store, i, &r->entry, err);
		if (rc == PV_OK)
			rc = log_entry_decode(buf_span(&r->entry), &e, err);
		if (rc != PV_OK)
			return rc;
		rc = span_is(e.type, LOG_BUNDLE_SEAL)
			     ? left_bundle(r, &e, err)
			     : left_serial(r, &e,
					   span_is(e.type, LOG_CERT_ISSUE),
					   err);
	}
	return rc;
}
