#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/audit_impl.h"
#include "lib/flow/logged.h"
#include "lib/seal/atrest.h"
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

static bool is_open(const struct store_device *d)
{
	return d->state == STORE_RESERVED || d->state == STORE_QUARANTINED;
}

/* The row against its intent. *tbs gets the hash, *has_tbs says if there. */
static enum pv_code check_intent(struct audit *au, const struct store_device *d,
				 const char *serial, uint8_t tbs[32],
				 bool *has_tbs, struct err *err)
{
	const struct log_fact *f;
	struct log_entry e;
	enum pv_code rc = audit_entry(au, d->intent_index, LOG_CERT_INTENT,
				      serial, &e, err);

	if (rc != PV_OK)
		return rc;
	if (!logged_subject_fits(&e, &d->s))
		return audit_fail(err, d->s.device, "audit.device",
				  "the device's row is not what was logged");
	f = log_fact_find(&e, "tbs", LOG_BSTR);
	*has_tbs = f && f->s.len == 32;
	if (*has_tbs)
		memcpy(tbs, f->s.p, 32);
	return PV_OK;
}

/* In quarantine exactly when the log put it there: nothing releases yet. */
static enum pv_code check_held(struct audit *au, const struct store_device *d,
			       struct err *err)
{
	bool held = d->state == STORE_QUARANTINED;

	/* One that is retired may have been held before. */
	if (!serialset_holds(&au->log.serials, d->s.number) ||
	    (d->state != STORE_RETIRED &&
	     serialset_get(&au->log.serials, d->s.number, SERIAL_HELD) != held))
		return audit_fail(err, d->s.device, "audit.quarantine",
				  "its quarantine is not as logged");
	au->counts->quarantined += held;
	return PV_OK;
}

/* Nothing of an open intent's result may be there, else all of it is. */
static enum pv_code check_state(struct audit *au, const struct store_device *d,
				bool has_cert, bool has_tbs, unsigned stages,
				struct err *err)
{
	unsigned due = 0;
	enum pv_code rc;

	if (is_open(d) && (has_cert || stages != 0))
		return audit_fail(err, d->s.device, "audit.intent",
				  "an open intent of a device that has its "
				  "result");
	/* A retired one may have been open: what has an entry has a row. */
	if (is_open(d) || d->state == STORE_RETIRED)
		return PV_OK;
	if (has_tbs && !has_cert)
		return audit_fail(err, d->s.device, "audit.certificate",
				  "its certificate is not in the store");
	rc = due_stages(&au->due, au->store, &d->s, &due, err);
	if (rc == PV_OK && (due & ~stages) != 0)
		rc = audit_fail(err, d->s.device, "audit.bundle",
				"a bundle that its template seals at once is "
				"not in the store");
	return rc;
}

static enum pv_code check_device(struct audit *au, const struct store_device *d,
				 const char *serial, struct span cert,
				 struct err *err)
{
	uint8_t tbs[32] = { 0 };
	bool has_tbs = false;
	unsigned stages = 0;
	enum pv_code rc = check_intent(au, d, serial, tbs, &has_tbs, err);

	if (rc == PV_OK && cert.len)
		rc = check_cert(au, d, serial, cert, tbs, err);
	if (rc == PV_OK && cert.len)
		rc = audit_ending(au, d, cert, err);
	if (rc == PV_OK)
		rc = audit_bundles(au, d, &stages, err);
	if (rc == PV_OK)
		rc = check_state(au, d, cert.len > 0, has_tbs, stages, err);
	if (rc == PV_OK)
		rc = check_held(au, d, err);
	if (rc == PV_OK)
		rc = audit_ends(au, d, serial, err);
	return rc;
}

static enum pv_code take_device(void *ctx, const struct store_device *d,
				struct span cert, struct err *err)
{
	struct audit *au = ctx;
	char serial[2 * STORE_SERIAL_MAX + 1];
	enum pv_code rc;

	hex_encode(d->s.serial, d->s.serial_len, serial);
	rc = check_device(au, d, serial, cert, err);
	if (rc != PV_OK) {
		err_object(err, d->s.device);
		return rc;
	}
	au->open += is_open(d);
	if (d->state == STORE_RESERVED) {
		au->counts->open_intents++;
		if (au->opts->open_intent)
			au->opts->open_intent(au->opts->ctx, d->s.device,
					      serial);
	}
	/* What is left marked at the end has no row. */
	serialset_clear(&au->log.serials, d->s.number, SERIAL_INTENT);
	if (cert.len)
		serialset_clear(&au->log.serials, d->s.number, SERIAL_ISSUE);
	au->counts->devices += d->s.replaces == 0;
	au->counts->credentials++;
	audit_progress(au);
	return PV_OK;
}

/* The key that an open intent's secrets are sealed by. */
static enum pv_code check_datakey(struct audit *au,
				  const struct store_intent *i, struct err *err)
{
	CLEANUP(buf_release) struct buf row;
	uint8_t id[ATREST_ID_LEN];
	bool found = false;
	enum pv_code rc;

	buf_init(&row, 4096);
	if (i->secrets.len == 0)
		return PV_OK;
	rc = atrest_row_id(i->secrets, id, err);
	if (rc == PV_OK)
		rc = store_datakey_get(au->store, id, &row, &found, err);
	if (rc == PV_OK && !found)
		rc = audit_fail(err, i->s.device, "audit.datakey",
				"the key of an open intent's secrets is not "
				"in the store");
	return rc;
}

/* Of one that the log holds nothing is left to sign. */
static enum pv_code open_fits(struct audit *au, const struct log_entry *e,
			      const struct store_intent *i, bool *fits,
			      struct err *err)
{
	if (!serialset_get(&au->log.serials, i->s.number, SERIAL_HELD))
		return logged_open_fits(e, i, fits, err);
	*fits = i->seq == 0 && i->tbs.len == 0 && i->secrets.len == 0;
	return PV_OK;
}

static enum pv_code take_open(void *ctx, const struct store_intent *i,
			      struct err *err)
{
	struct audit *au = ctx;
	char serial[2 * STORE_SERIAL_MAX + 1];
	struct log_entry e;
	bool fits = false;
	enum pv_code rc;

	au->open--;
	hex_encode(i->s.serial, i->s.serial_len, serial);
	rc = audit_entry(au, i->intent_index, LOG_CERT_INTENT, serial, &e, err);
	if (rc == PV_OK)
		rc = open_fits(au, &e, i, &fits, err);
	if (rc == PV_OK && !fits)
		rc = audit_fail(err, i->s.device, "audit.intent",
				"the open intent is not what was logged");
	return rc == PV_OK ? check_datakey(au, i, err) : rc;
}

enum pv_code audit_devices(struct audit *au, struct err *err)
{
	const struct store_visit v = { .ctx = au, .fn.device = take_device };
	const struct store_visit open = { .ctx = au, .fn.intent = take_open };
	enum pv_code rc = store_device_each(au->store, 0, &v, err);

	if (rc == PV_OK)
		rc = store_intent_each(au->store, &open, err);
	if (rc == PV_OK && au->open != 0)
		rc = audit_fail(err, "store", "audit.intent",
				"an open intent cannot be read");
	if (rc == PV_OK && au->counts->bundles != au->log.seals)
		rc = audit_fail(err, "store", "audit.bundle",
				"the log seals %llu bundles, the store has "
				"%llu",
				(unsigned long long)au->log.seals,
				(unsigned long long)au->counts->bundles);
	if (rc == PV_OK && au->released != au->log.releases)
		rc = audit_fail(err, "store", "audit.release",
				"the log releases %llu bundles for evidence, "
				"the store has %llu",
				(unsigned long long)au->log.releases,
				(unsigned long long)au->released);
	if (rc == PV_OK)
		rc = audit_endings_counted(au, err);
	if (rc == PV_OK)
		rc = audit_ends_counted(au, err);
	return rc == PV_OK ? audit_attest(au, err) : rc;
}
