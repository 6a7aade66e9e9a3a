/* Retiring a device: what is sealed for it is its own, then it goes. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/logged.h"
#include "lib/flow/revoke_impl.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"
#include "lib/store/store_log.h"

#define BUNDLE_MAX ((size_t)1 << 31)

struct retiring {
	struct store *store;
	const struct store_device *d; /* the credential that is looked at */
	const uint8_t *nonce; /* of the approvals; NULL: nobody was asked */
	uint64_t serials, bundles, escrow;
};

/* Whose bytes will be erased: those of the row, by their hash in the log. */
static enum pv_code take_bundle(void *ctx, const struct store_bundle *b,
				struct err *err)
{
	struct retiring *r = ctx;
	CLEANUP(buf_release) struct buf bytes;
	enum pv_code rc;

	buf_init(&bytes, BUNDLE_MAX);
	rc = store_sealed_read(r->store, b->offset, b->len, &bytes, err);
	if (rc == PV_OK)
		rc = logged_bundle(r->store, &r->d->s, b, buf_span(&bytes),
				   err);
	if (rc == PV_OK && b->escrow_len > 0) {
		buf_reset(&bytes);
		rc = store_sealed_read(r->store, b->escrow_offset,
				       b->escrow_len, &bytes, err);
		if (rc == PV_OK)
			rc = logged_escrow(r->store, &r->d->s, b,
					   buf_span(&bytes), err);
		r->escrow++;
	}
	r->bundles++;
	return rc;
}

static enum pv_code take_credential(void *ctx, const struct store_device *d,
				    struct span cert, struct err *err)
{
	struct retiring *r = ctx;
	const struct store_visit v = { r, { .bundle = take_bundle } };
	enum pv_code rc = logged_device(r->store, d, err);

	(void)cert;
	r->d = d;
	r->serials++;
	return rc == PV_OK ? store_bundle_each(r->store, d->s.number, &v, err)
			   : rc;
}

static enum pv_code record(const struct retiring *r, const struct log_who *who,
			   const struct store_device *d, struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&entry, LOG_ENTRY_MAX);
	log_device_retire(&e, who, d->s.device, r->serials, r->bundles,
			  r->escrow);
	log_fact_bytes(&e, LOG_NONCE_FACT, r->nonce, LOG_NONCE);
	rc = log_entry_encode(&e, &entry, err);
	return rc == PV_OK ? store_retire(r->store, d->s.number,
					  buf_span(&entry), err)
			   : rc;
}

enum pv_code revoke_retire(struct store *store, const struct log_who *who,
			   uint32_t first, const uint8_t *nonce, bool *done,
			   struct err *err)
{
	struct retiring r = { .store = store, .nonce = nonce };
	const struct store_visit v = { &r, { .device = take_credential } };
	struct store_device d;
	bool found = false;
	enum pv_code rc = store_number_get(store, first, &d, &found, err);

	*done = false;
	if (rc == PV_OK && !found)
		rc = logged_edited("a device's row", err);
	if (rc != PV_OK || d.state == STORE_RETIRED)
		return rc;
	rc = store_history_each(store, d.s.device, &v, err);
	if (rc == PV_OK)
		rc = record(&r, who, &d, err);
	if (rc != PV_OK)
		err_object(err, d.s.device);
	*done = rc == PV_OK;
	return rc;
}
