#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/audit_impl.h"
#include "lib/seal/container.h"
#include "lib/seal/manifest.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"
#include "lib/x509/cert.h"

/* The certificate against both entries of its serial. */
static enum pv_code check_cert(struct audit *au, const struct store_device *d,
			       const char *serial, struct span der,
			       const uint8_t tbs[32], struct err *err)
{
	struct x509_cert cert;
	struct log_entry e;
	uint8_t digest[32];
	enum pv_code rc;

	if (d->issue_index == STORE_NO_INDEX)
		return audit_fail(err, d->s.device, "audit.issue",
				  "a certificate without its entry");
	rc = audit_entry(au, d->issue_index, LOG_CERT_ISSUE, serial, &e, err);
	if (rc == PV_OK)
		rc = sha256(der, digest, err);
	if (rc == PV_OK && !log_fact_is(&e, "cert", digest, 32))
		rc = audit_fail(err, d->s.device, "audit.certificate",
				"the certificate is not the one logged");
	if (rc == PV_OK)
		rc = x509_cert_decode(der, &cert, err);
	if (rc == PV_OK)
		rc = sha256(cert.tbs, digest, err);
	if (rc == PV_OK && memcmp(digest, tbs, 32) != 0)
		rc = audit_fail(err, d->s.device, "audit.tbs",
				"what was signed is not what was intended");
	if (rc == PV_OK &&
	    !span_equal(cert.serial,
			(struct span){ d->s.serial, d->s.serial_len }))
		rc = audit_fail(err, d->s.device, "audit.serial",
				"the certificate has another serial");
	if (rc == PV_OK)
		rc = sha256(cert.spki, digest, err);
	if (rc == PV_OK &&
	    (!d->s.has_spki || memcmp(digest, d->s.spki_sha256, 32) != 0))
		rc = audit_fail(err, d->s.device, "audit.key",
				"the certificate has another key");
	au->counts->certificates++;
	return rc;
}

/* The row against its intent. *tbs gets the hash, *has_tbs says if there. */
static enum pv_code check_intent(struct audit *au, const struct store_device *d,
				 const char *serial, uint8_t tbs[32],
				 bool *has_tbs, struct err *err)
{
	const struct log_fact *f;
	struct log_entry e;
	bool same;
	enum pv_code rc = audit_entry(au, d->intent_index, LOG_CERT_INTENT,
				      serial, &e, err);

	if (rc != PV_OK)
		return rc;
	same = audit_fact_is(&e, "device", d->s.device) &&
	       audit_fact_is(&e, "order", d->s.order) &&
	       log_fact_is(&e, "template hash", d->s.template_sha256, 32);
	if (d->s.has_spki)
		same = same && log_fact_is(&e, "spki", d->s.spki_sha256, 32);
	else
		same = same && !log_fact_find(&e, "spki", LOG_BSTR);
	if (!same)
		return audit_fail(err, d->s.device, "audit.device",
				  "the device's row is not what was logged");
	f = log_fact_find(&e, "tbs", LOG_BSTR);
	*has_tbs = f && f->s.len == 32;
	if (*has_tbs)
		memcpy(tbs, f->s.p, 32);
	return PV_OK;
}

struct bundle_pass {
	struct audit *au;
	const struct store_device *d;
};

/* Manifest and clear components of a container: each has its digest in what
 * was signed. Of the sealed ones only headers, places and lengths can be
 * checked without the device's key. */
static bool clear_fits(const struct seal_container_view *view,
		       const struct manifest *m,
		       const struct manifest_parts *parts)
{
	if (!span_equal(view->head.manifest_sha256,
			(struct span){ parts->payload_sha256, 32 }))
		return false;
	for (size_t i = 0; i < view->head.clear_n; i++) {
		uint8_t digest[32];
		bool fits = false;

		if (sha256(view->clear[i], digest, NULL) != PV_OK)
			return false;
		for (size_t j = 0; j < m->components_n; j++)
			fits |= !m->components[j].sealed &&
				strcmp(m->components[j].id,
				       view->head.clear[i]) == 0 &&
				memcmp(m->components[j].digest, digest, 32) ==
					0;
		if (!fits)
			return false;
	}
	return true;
}

static enum pv_code check_container(struct bundle_pass *p,
				    const struct store_bundle *b,
				    struct err *err)
{
	CLEANUP(mem_cleanup) struct manifest *m = mem_new(sizeof(*m), err);
	struct manifest_parts parts;
	struct seal_container_view view;
	struct audit *au = p->au;
	uint8_t digest[32];
	enum pv_code rc = m ? PV_OK : PV_INTERNAL;

	buf_reset(&au->sealed);
	if (rc == PV_OK)
		rc = store_sealed_read(au->store, b->offset, b->len,
				       &au->sealed, err);
	if (rc == PV_OK)
		rc = seal_container_parse(buf_span(&au->sealed), &view, err);
	if (rc == PV_OK)
		rc = manifest_parse(view.manifest, m, &parts, err);
	if (rc == PV_INPUT)
		err->code = rc = PV_INTEGRITY;
	if (rc == PV_OK)
		rc = sha256(view.head.payload, digest, err);
	if (rc != PV_OK)
		return rc;
	if (memcmp(digest, b->payload_sha256, 32) == 0 &&
	    memcmp(view.head.bh, b->bh, 32) == 0 &&
	    memcmp(view.head.bundle_id, b->id, sizeof(b->id)) == 0 &&
	    view.head.seq == b->seq &&
	    strcmp(view.head.device_id, p->d->s.device) == 0 &&
	    clear_fits(&view, m, &parts))
		return PV_OK;
	return audit_fail(err, p->d->s.device, "audit.bundle",
			  "the sealed bundle of stage %s is not the one logged",
			  b->stage);
}

static enum pv_code take_bundle(void *ctx, const struct store_bundle *b,
				struct err *err)
{
	struct bundle_pass *p = ctx;
	const struct log_fact *seq;
	char id[2 * STORE_UUID + 1];
	struct log_entry e;
	enum pv_code rc;

	hex_encode(b->id, sizeof(b->id), id);
	rc = audit_entry(p->au, b->seal_index, LOG_BUNDLE_SEAL, id, &e, err);
	if (rc != PV_OK)
		return rc;
	seq = log_fact_find(&e, "seq", LOG_UINT);
	if (!seq || seq->u != b->seq ||
	    !audit_fact_is(&e, "device", p->d->s.device) ||
	    !audit_fact_is(&e, "stage", b->stage) ||
	    !log_fact_is(&e, "bh", b->bh, 32) ||
	    !log_fact_is(&e, "descriptor payload hash", b->payload_sha256, 32))
		return audit_fail(err, p->d->s.device, "audit.bundle",
				  "the row of its %s bundle is not what was "
				  "logged",
				  b->stage);
	p->au->counts->bundles++;
	return check_container(p, b, err);
}

static enum pv_code take_device(void *ctx, const struct store_device *d,
				struct span cert, struct err *err)
{
	struct audit *au = ctx;
	struct bundle_pass pass = { au, d };
	const struct store_visit v = { .ctx = &pass, .fn.bundle = take_bundle };
	char serial[2 * STORE_SERIAL_MAX + 1];
	uint8_t tbs[32] = { 0 };
	bool has_tbs = false;
	uint64_t bit;
	enum pv_code rc;

	hex_encode(d->s.serial, d->s.serial_len, serial);
	rc = check_intent(au, d, serial, tbs, &has_tbs, err);
	if (rc == PV_OK && cert.len)
		rc = check_cert(au, d, serial, cert, tbs, err);
	else if (rc == PV_OK && has_tbs && d->state != STORE_RESERVED)
		rc = audit_fail(err, d->s.device, "audit.certificate",
				"its certificate is not in the store");
	if (rc == PV_OK)
		rc = store_bundle_each(au->store, d->s.number, &v, err);
	if (rc != PV_OK) {
		err_object(err, d->s.device);
		return rc;
	}
	if (d->state == STORE_RESERVED) {
		au->counts->open_intents++;
		if (au->opts->open_intent)
			au->opts->open_intent(au->opts->ctx, d->s.device,
					      serial);
	}
	/* What is left in the bits at the end has no row. */
	if (audit_bit(au, d->s.number, &bit)) {
		audit_set(au->intents, bit, false);
		if (cert.len)
			audit_set(au->issues, bit, false);
	}
	au->counts->devices++;
	audit_progress(au);
	return PV_OK;
}

enum pv_code audit_devices(struct audit *au, struct err *err)
{
	const struct store_visit v = { .ctx = au, .fn.device = take_device };
	enum pv_code rc = store_device_each(au->store, 0, &v, err);

	if (rc == PV_OK && au->counts->bundles != au->seals)
		rc = audit_fail(err, "store", "audit.bundle",
				"the log seals %llu bundles, the store has "
				"%llu",
				(unsigned long long)au->seals,
				(unsigned long long)au->counts->bundles);
	return rc;
}
