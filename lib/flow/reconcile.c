#include "lib/flow/reconcile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/notechars.h"
#include "lib/flow/reconcile_impl.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"
#include "lib/x509/cert.h"
#include "policy/template.h"

#define SEALED_MAX STORE_SEALED_TXN_MAX /* no bundle is longer */

CLEANUP_PTR(struct reconcile, reconcile_free);
CLEANUP_PTR(struct template, template_free);

const char *reconcile_kind_name(enum reconcile_kind kind)
{
	static const char *const names[RECONCILE_KINDS] = {
		"missing",	  "extra",
		"doubled",	  "different",
		"orphan-object",  "unreceipted",
		"never-exported", "awaiting-receipt",
		"not-on-token",
	};

	return kind < RECONCILE_KINDS ? names[kind] : "unknown";
}

const char *reconcile_source_name(enum reconcile_source source)
{
	switch (source) {
	case RECONCILE_STORE:
		return "store";
	case RECONCILE_LOG:
		return "log";
	case RECONCILE_TOKEN:
		return "token";
	case RECONCILE_OUT:
		return "out";
	case RECONCILE_REPORT:
		return "report";
	}
	return "unknown";
}

void reconcile_step(struct reconcile *r)
{
	r->done++;
	if (r->opts.progress)
		r->opts.progress(r->opts.ctx, r->done, r->total);
}

static void judge(struct reconcile *r, enum reconcile_kind kind, bool integrity)
{
	if (kind >= RECONCILE_UNRECEIPTED)
		return;
	if (integrity)
		r->verdict = PV_INTEGRITY;
	else if (r->verdict == PV_OK)
		r->verdict = PV_CONFLICT;
}

enum pv_code reconcile_found(struct reconcile *r, enum reconcile_kind kind,
			     bool integrity, enum reconcile_source in,
			     enum reconcile_source not_in, const char *what,
			     const char *object, struct err *err,
			     const char *fmt, ...)
{
	char raw[RECONCILE_TEXT_MAX], detail[RECONCILE_TEXT_MAX];
	char name[RECONCILE_TEXT_MAX];
	const struct reconcile_finding f = { .kind = kind,
					     .in = in,
					     .not_in = not_in,
					     .what = what,
					     .object = name,
					     .detail = detail };
	va_list ap;

	r->counts.found[kind]++;
	judge(r, kind, integrity);
	if (kind == RECONCILE_NEVER_EXPORTED && !r->opts.tell_never_exported)
		return PV_OK;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	notechars_clean(detail, sizeof(detail), log_str(raw));
	notechars_clean(name, sizeof(name), log_str(object));
	return r->opts.found(r->opts.ctx, &f, err);
}

uint8_t *reconcile_device(struct reconcile *r, uint32_t number)
{
	if (number < r->first || number - r->first >= r->numbers)
		return NULL;
	return &r->devices[number - r->first];
}

uint8_t *reconcile_entry(struct reconcile *r, uint64_t index)
{
	return index < r->log_size ? &r->entries[index] : NULL;
}

void reconcile_bundle_name(char out[RECONCILE_TEXT_MAX], const char *device,
			   const char *stage)
{
	snprintf(out, RECONCILE_TEXT_MAX, "%s (%s)", device, stage);
}

bool reconcile_is_open(const struct store_device *d)
{
	return d->state == STORE_RESERVED || d->state == STORE_QUARANTINED;
}

enum pv_code reconcile_find_bundle(struct reconcile *r,
				   const uint8_t id[STORE_UUID],
				   struct store_bundle *b, bool *found,
				   bool *damaged, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	*found = false;
	rc = store_bundle_find(r->store, id, b, found, &why);
	*damaged = rc == PV_INTEGRITY;
	if (rc == PV_OK || *damaged)
		return PV_OK;
	*err = why;
	return rc;
}

static enum pv_code full(struct err *err)
{
	return err_fail(err, PV_INTERNAL, "reconcile.size", NULL,
			"more than %d CAs or templates", RECONCILE_LIST_MAX);
}

static enum pv_code add_ca(struct reconcile *r, const char *name,
			   struct span der, struct err *err)
{
	struct x509_cert cert;
	enum pv_code rc = x509_cert_decode(der, &cert, err);

	if (rc != PV_OK || cert.serial.len > STORE_SERIAL_MAX) {
		err_init(err);
		err_object(err, name);
		return err_fail(err, PV_INTEGRITY, "store.corrupt",
				"run provctl audit verify",
				"the CA's certificate cannot be read");
	}
	if (r->cas_n == RECONCILE_LIST_MAX)
		return full(err);
	hex_encode(cert.serial.p, cert.serial.len, r->cas[r->cas_n++].serial);
	return PV_OK;
}

static enum pv_code take_ca(void *ctx, const struct store_ca *ca,
			    struct err *err)
{
	return add_ca(ctx, ca->name, ca->cert, err);
}

static enum pv_code take_cross(void *ctx, const struct store_crosscert *x,
			       struct err *err)
{
	return add_ca(ctx, x->ca, x->cert, err);
}

/* Remembers those that ask for a receipt. */
static enum pv_code take_template(void *ctx, const struct store_template *t,
				  struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *parsed = NULL;
	struct reconcile *r = ctx;
	enum pv_code rc = template_parse(t->bytes, &parsed, NULL, err);

	if (rc != PV_OK) {
		err_object(err, t->name);
		return rc;
	}
	if (!parsed->attestation.require_receipt)
		return PV_OK;
	if (r->receipts_n == RECONCILE_LIST_MAX)
		return full(err);
	memcpy(r->receipts[r->receipts_n++], t->sha256, STORE_HASH);
	return PV_OK;
}

static enum pv_code make_tables(struct reconcile *r, struct err *err)
{
	struct store_counts c;
	enum pv_code rc = store_counts(r->store, &c, err);

	if (rc == PV_OK)
		rc = store_log_size(r->store, &r->log_size, err);
	if (rc != PV_OK)
		return rc;
	r->first = STORE_SERIAL_FIRST;
	r->numbers = c.next_serial > r->first ? c.next_serial - r->first : 0;
	r->total = r->log_size + c.devices;
	r->devices = mem_array((size_t)r->numbers + 1, 1, err);
	r->entries = mem_array((size_t)r->log_size + 1, 1, err);
	r->cas = mem_array(RECONCILE_LIST_MAX, sizeof(*r->cas), err);
	r->receipts = mem_array(RECONCILE_LIST_MAX, sizeof(*r->receipts), err);
	return r->devices && r->entries && r->cas && r->receipts ? PV_OK
								 : PV_INTERNAL;
}

enum pv_code reconcile_new(const struct authority *a, struct store *store,
			   const struct reconcile_opts *opts,
			   struct reconcile **out, struct err *err)
{
	CLEANUP(cleanup_reconcile_free)
	struct reconcile *r = mem_new(sizeof(*r), err);
	enum pv_code rc;

	if (!r)
		return PV_INTERNAL;
	*r = (struct reconcile){ .a = a, .store = store, .opts = *opts };
	const struct store_visit cas = { .ctx = r, .fn.ca = take_ca };
	const struct store_visit crosses = { .ctx = r,
					     .fn.crosscert = take_cross };
	const struct store_visit templates = { .ctx = r,
					       .fn.template = take_template };
	buf_init(&r->entry, LOG_ENTRY_MAX);
	buf_init(&r->sealed, SEALED_MAX);
	buf_init(&r->file, SEALED_MAX);
	rc = store_begin(store, STORE_READ, &r->txn, err);
	if (rc == PV_OK)
		rc = make_tables(r, err);
	if (rc == PV_OK)
		rc = store_ca_each(store, NULL, &cas, err);
	if (rc == PV_OK)
		rc = store_crosscert_each(store, NULL, &crosses, err);
	if (rc == PV_OK)
		rc = store_template_each(store, &templates, err);
	if (rc == PV_OK)
		rc = reconcile_read_log(r, err);
	if (rc == PV_OK)
		*out = TAKE(r);
	return rc;
}

enum pv_code reconcile_finish(struct reconcile *r,
			      struct reconcile_counts *counts,
			      enum pv_code *verdict, struct err *err)
{
	enum pv_code rc = reconcile_devices(r, err);

	if (rc == PV_OK)
		rc = reconcile_left(r, err);
	*counts = r->counts;
	*verdict = r->verdict;
	return rc;
}

void reconcile_free(struct reconcile *r)
{
	if (!r)
		return;
	store_rollback(&r->txn);
	free(r->devices);
	free(r->entries);
	free(r->cas);
	free(r->receipts);
	due_release(&r->due);
	quota_release(&r->quota);
	buf_release(&r->entry);
	buf_release(&r->sealed);
	buf_release(&r->file);
	free(r);
}
