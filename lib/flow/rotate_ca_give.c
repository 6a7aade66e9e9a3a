/* rotate_ca: the new generation where others find it, also after a crash. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/keystand.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/rotate_ca_impl.h"
#include "lib/x509/cert.h"

enum pv_code rotate_ca_give_out(struct rotate_ca *r, uint32_t generation,
				struct span cert, size_t first, struct err *err)
{
	struct authority_key named = { .generation = generation };
	enum pv_code rc = tokens_open(r->tokens, first, err);

	snprintf(named.purpose, sizeof(named.purpose), "%.63s", r->opts->ca);
	snprintf(named.label, sizeof(named.label), "%s", r->next.label);
	if (rc == PV_OK)
		rc = checkpoint_now(r->a, r->store, *r->tokens->hsm, err);
	if (rc == PV_OK)
		rc = keystand_label(r->store, r->next.label, err);
	if (rc == PV_OK)
		rc = tokens_find(r->tokens, &r->next, err);
	if (rc == PV_OK)
		rc = hsm_store_certificate(*r->tokens->hsm, r->next.label, cert,
					   err);
	if (rc == PV_OK)
		rc = tokens_open(r->tokens, first, err);
	if (rc == PV_OK)
		rc = authority_change_keys(r->a, &named, 1, err);
	if (rc != PV_OK)
		err_prefix(err, "generation %u is made", generation);
	return rc;
}

/* ---- one that was cut off ---- */

bool rotate_ca_is_cut_off(const struct rotate_ca *r)
{
	const struct authority_key *named = NULL;

	if (authority_key(r->a, r->opts->ca, &named, NULL) != PV_OK)
		return r->opts->first_issuer && r->former == 1;
	return r->former > 1 && named->generation < r->former;
}

struct resumed {
	uint32_t generation;
	struct buf cert;
};

static void resumed_release(struct resumed *x)
{
	buf_release(&x->cert);
}

static enum pv_code take_made(void *ctx, const struct store_ca *ca,
			      struct err *err)
{
	struct resumed *x = ctx;

	if (ca->generation != x->generation)
		return PV_OK;
	buf_put(&x->cert, ca->cert.p, ca->cert.len);
	return buf_check(&x->cert, err);
}

enum pv_code rotate_ca_resume(struct rotate_ca *r, size_t first,
			      struct rotate_ca_report *out, struct err *err)
{
	CLEANUP(resumed_release)
	struct resumed x = { .generation = r->former };
	const struct store_visit v = { .ctx = &x, .fn.ca = take_made };
	struct x509_cert cert;
	enum pv_code rc;

	buf_init(&x.cert, X509_CERT_MAX);
	rc = ownkey_load(r->store, r->newest_label, &r->next, err);
	if (rc == PV_OK)
		rc = tokens_find(r->tokens, &r->next, err);
	if (rc == PV_OK)
		rc = store_ca_each(r->store, r->opts->ca, &v, err);
	if (rc == PV_OK)
		rc = rotate_ca_give_out(r, r->former, buf_span(&x.cert), first,
					err);
	if (rc == PV_OK)
		rc = x509_cert_decode(buf_span(&x.cert), &cert, err);
	if (rc != PV_OK)
		return rc;
	out->generation = r->former;
	out->resumed = true;
	out->active_ms = r->active_ms;
	snprintf(out->label, sizeof(out->label), "%s", r->next.label);
	if (cert.serial.len < sizeof(out->serial) / 2)
		hex_encode(cert.serial.p, cert.serial.len, out->serial);
	return PV_OK;
}
