#include "lib/flow/exportproof.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/export.h"
#include "lib/flow/cosigned.h"
#include "lib/flow/logged.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"
#include "lib/x509/cert.h"

#define PIECE 4096u /* entries that the store is asked for at once */

/* ---- devices ---- */

static enum pv_code entry_of(struct store *store, const struct store_device *d,
			     struct export_entry *e, struct err *err)
{
	CLEANUP(buf_release) struct buf der;
	enum pv_code rc = logged_device(store, d, err);

	buf_init(&der, X509_CERT_MAX);
	e->index = d->issue_index;
	hex_encode(d->s.serial, d->s.serial_len, e->serial);
	if (rc == PV_OK && !d->has_cert)
		rc = err_fail(err, PV_NOT_FOUND, "cert.none", NULL,
			      "the device has no certificate");
	if (rc == PV_OK)
		rc = store_cert_get(store, d->s.number, &der, err);
	return rc == PV_OK ? logged_cert(store, d, buf_span(&der), err) : rc;
}

enum pv_code export_entry_device(struct store *store, const char *device,
				 struct export_entry *e, struct err *err)
{
	struct store_device d;
	enum pv_code rc = export_device_find(store, device, &d, err);

	if (rc == PV_OK)
		rc = entry_of(store, &d, e, err);
	if (rc != PV_OK)
		err_object(err, device);
	return rc;
}

/* ---- CAs: no row says where their entries are ---- */

struct search {
	uint8_t sha256[32]; /* of the certificate */
	uint64_t index;
	bool found;
};

static enum pv_code look(void *ctx, uint64_t index, struct span bytes,
			 struct err *err)
{
	struct search *s = ctx;
	struct log_entry e;
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	if (rc == PV_OK && !s->found &&
	    (span_is(e.type, LOG_CERT_ISSUE) ||
	     span_is(e.type, LOG_CA_IMPORT)) &&
	    logged_hash_is(&e, "cert", s->sha256)) {
		s->found = true;
		s->index = index;
	}
	return rc;
}

static enum pv_code ca_serial(struct span der, struct export_entry *e,
			      struct err *err)
{
	struct x509_cert cert;
	enum pv_code rc = x509_cert_decode(der, &cert, err);

	if (rc != PV_OK || cert.serial.len > STORE_SERIAL_MAX)
		return logged_edited("a CA's row", err);
	hex_encode(cert.serial.p, cert.serial.len, e->serial);
	return PV_OK;
}

enum pv_code export_entry_ca(struct store *store, struct span der,
			     struct export_entry *e, struct err *err)
{
	struct search s = { .found = false };
	const struct store_visit v = { .ctx = &s, .fn.entry = look };
	uint64_t size = 0;
	enum pv_code rc = ca_serial(der, e, err);

	if (rc == PV_OK)
		rc = sha256(der, s.sha256, err);
	if (rc == PV_OK)
		rc = store_log_size(store, &size, err);
	for (uint64_t i = 0; rc == PV_OK && !s.found && i < size; i += PIECE)
		rc = store_log_each(store, i, PIECE, &v, err);
	if (rc == PV_OK && !s.found)
		rc = logged_edited("a CA's row", err);
	e->index = s.index;
	return rc;
}

/* ---- by serial number ---- */

struct wanted {
	const struct export_entry *e;
	struct buf ca; /* certificate with that number; empty: none */
};

static void wanted_release(struct wanted *w)
{
	buf_release(&w->ca);
}

static enum pv_code look_at(struct wanted *w, const char *name,
			    struct span cert, struct err *err)
{
	struct export_entry e;
	enum pv_code rc = ca_serial(cert, &e, err);

	if (rc != PV_OK) {
		err_object(err, name);
		return rc;
	}
	if (strcmp(e.serial, w->e->serial) == 0) {
		buf_reset(&w->ca);
		buf_put(&w->ca, cert.p, cert.len);
	}
	return buf_check(&w->ca, err);
}

static enum pv_code take_ca(void *ctx, const struct store_ca *ca,
			    struct err *err)
{
	return look_at(ctx, ca->name, ca->cert, err);
}

static enum pv_code take_cross(void *ctx, const struct store_crosscert *x,
			       struct err *err)
{
	return look_at(ctx, x->ca, x->cert, err);
}

/* No device has it. */
static enum pv_code ca_of(struct store *store, struct export_entry *e,
			  struct err *err)
{
	CLEANUP(wanted_release) struct wanted w = { .e = e };
	const struct store_visit v = { .ctx = &w, .fn.ca = take_ca };
	const struct store_visit x = { .ctx = &w, .fn.crosscert = take_cross };
	enum pv_code rc;

	buf_init(&w.ca, X509_CERT_MAX);
	rc = store_ca_each(store, NULL, &v, err);
	if (rc == PV_OK)
		rc = store_crosscert_each(store, NULL, &x, err);
	if (rc == PV_OK && w.ca.len == 0)
		rc = err_fail(err, PV_NOT_FOUND, "serial.unknown",
			      "see provctl export inventory",
			      "no certificate of that serial number");
	return rc == PV_OK ? export_entry_ca(store, buf_span(&w.ca), e, err)
			   : rc;
}

enum pv_code export_entry_serial(struct store *store, const char *hex,
				 struct export_entry *e, struct err *err)
{
	uint8_t bytes[STORE_SERIAL_MAX];
	const size_t len = strlen(hex) / 2;
	struct store_device d;
	uint32_t number;
	bool found = false;
	enum pv_code rc;

	if (strlen(hex) % 2 != 0 || len < STORE_SERIAL_MIN ||
	    len > STORE_SERIAL_MAX || !hex_decode(hex, bytes, len))
		return err_fail(err, PV_INPUT, "serial.form",
				"32 to 40 hex digits, without colons",
				"that is not a serial number");
	hex_encode(bytes, len, e->serial);
	number = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
		 (uint32_t)bytes[2] << 8 | bytes[3];
	rc = store_number_get(store, number, &d, &found, err);
	found = found && d.s.serial_len == len &&
		memcmp(d.s.serial, bytes, len) == 0;
	if (rc == PV_OK)
		rc = found ? entry_of(store, &d, e, err) : ca_of(store, e, err);
	if (rc != PV_OK)
		err_object(err, e->serial);
	return rc;
}

/* ---- proofs ---- */

enum pv_code export_proof_load(const struct authority *a, struct store *store,
			       struct export_proof *p, struct err *err)
{
	enum pv_code rc;

	memset(p, 0, sizeof(*p));
	p->store = store;
	buf_init(&p->note, CHECKPOINT_MAX);
	rc = log_hasher_init(&p->hasher, err);
	if (rc == PV_OK)
		rc = checkpoint_last(a, store, &p->base, &p->note, err);
	if (rc != PV_OK || a->witnesses_required == 0)
		return rc;
	buf_reset(&p->note);
	p->cosigned = true;
	return cosigned_note(a, store, &p->base, &p->note, &p->base.last, err);
}

void export_proof_release(struct export_proof *p)
{
	buf_release(&p->note);
	log_hasher_release(&p->hasher);
}

/* ---- one entry ---- */

/* As somebody else will: from the bytes of the file. */
static enum pv_code verify(struct export_proof *p, struct span file,
			   struct err *err)
{
	CLEANUP(log_tlogproof_release)
	struct log_tlogproof read = { .index = 0 };
	const struct log_trust trust = { .keys = p->base.keys,
					 .keys_n = p->base.keys_n };
	enum pv_code rc = log_tlogproof_parse(&read, file, err);

	return rc == PV_OK ? log_tlogproof_verify(&read, buf_span(&read.extra),
						  &trust, &p->hasher, err)
			   : rc;
}

static enum pv_code not_covered(const struct export_proof *p, struct err *err)
{
	if (p->cosigned)
		return err_fail(err, PV_NOT_FOUND, "log.checkpoint",
				COSIGNED_HINT,
				"no checkpoint that enough witnesses cosigned "
				"covers the certificate yet; the last one has "
				"%llu entries",
				(unsigned long long)p->base.last.size);
	return err_fail(err, PV_NOT_FOUND, "log.checkpoint",
			"run a verb that logs in to the token, then this again",
			"no checkpoint covers the certificate yet");
}

enum pv_code export_proof_put(struct export_proof *p,
			      const struct export_entry *e, struct buf *out,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	const struct log_reader reader = logged_reader(p->store);
	struct log_proof path;
	size_t before = out->len;
	enum pv_code rc;

	buf_init(&entry, LOG_ENTRY_MAX);
	if (e->index >= p->base.last.size)
		return not_covered(p, err);
	rc = store_log_read(p->store, e->index, &entry, err);
	if (rc == PV_OK)
		rc = log_prove_inclusion(&p->hasher, &reader, e->index,
					 p->base.last.size, &path, err);
	if (rc == PV_OK)
		rc = log_tlogproof_put(out, buf_span(&entry), e->index, &path,
				       buf_span(&p->note), err);
	if (rc == PV_OK)
		rc = verify(
			p,
			(struct span){ out->data + before, out->len - before },
			err);
	return rc;
}
