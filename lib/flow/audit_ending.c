/* The list of ends, by which `rotate due' finds what to do: each is that of a
 * certificate, and what is in use is on it. */
#include "lib/flow/audit_impl.h"
#include "lib/store/store_device.h"
#include "lib/store/store_renew.h"

/* Is it the credential that its device uses? */
static enum pv_code is_current(struct audit *au, const struct store_device *d,
			       bool *current, struct err *err)
{
	struct store_device first = *d;
	bool found = true;
	enum pv_code rc = PV_OK;

	if (d->first != d->s.number)
		rc = store_number_get(au->store, d->first, &first, &found, err);
	*current = found &&
		   (first.current ? first.current : d->first) == d->s.number;
	return rc;
}

/* rotate_due.c leaves those out, and takes them off the list in time. */
static enum pv_code must_be_listed(struct audit *au,
				   const struct store_device *d, bool *must,
				   struct err *err)
{
	*must = false;
	if (d->state != STORE_ISSUED && d->state != STORE_SUSPENDED)
		return PV_OK;
	return is_current(au, d, must, err);
}

enum pv_code audit_ending(struct audit *au, const struct store_device *d,
			  struct span der, struct err *err)
{
	const struct template *t = NULL;
	struct x509_cert cert;
	bool has = false, must = false;
	enum pv_code rc = due_template(&au->due, au->store,
				       d->s.template_sha256, &t, err);

	if (rc != PV_OK || !t->rotation.present)
		return rc;
	rc = x509_cert_decode(der, &cert, err);
	if (rc == PV_OK)
		rc = store_ending_has(au->store, d->s.number, cert.not_after_s,
				      &has, err);
	au->endings += has;
	if (rc == PV_OK && !has && !t->profile.no_expiry)
		rc = must_be_listed(au, d, &must, err);
	if (rc == PV_OK && must)
		rc = audit_fail(err, d->s.device, "audit.ending",
				"when its certificate ends is not listed: "
				"nothing would rotate it in time");
	return rc;
}

static enum pv_code count(void *ctx, const struct store_ending *e,
			  struct err *err)
{
	(void)e;
	(void)err;
	++*(uint64_t *)ctx;
	return PV_OK;
}

enum pv_code audit_endings_counted(struct audit *au, struct err *err)
{
	const struct store_ending all = { .number = 0 };
	uint64_t listed = 0;
	const struct store_visit v = { .ctx = &listed, .fn.ending = count };
	enum pv_code rc = store_ending_each(au->store, &all, INT64_MAX,
					    INT64_MAX, &v, err);

	if (rc == PV_OK && listed != au->endings)
		rc = audit_fail(err, "store", "audit.ending",
				"%llu ends are listed, of which %llu are those "
				"of a certificate that is rotated",
				(unsigned long long)listed,
				(unsigned long long)au->endings);
	return rc;
}
