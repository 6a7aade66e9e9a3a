#include "lib/flow/answer.h"

#include <string.h>

#include "lib/base/sha256.h"
#include "lib/log/events.h"
#include "lib/seal/container.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"

#define BUNDLES_MAX (4u * 1024u * 1024u) /* bytes of one device's bundles */

void answer_init(struct answer *a)
{
	memset(a, 0, sizeof(*a));
	buf_init(&a->cert, X509_CERT_MAX);
	buf_init(&a->bundles, BUNDLES_MAX);
}

void answer_release(struct answer *a)
{
	buf_release(&a->cert);
	buf_release(&a->bundles);
}

static enum pv_code edited(const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "store.edited",
			"run provctl audit verify and restore a backup",
			"%s does not agree with the log", what);
}

/* The entry at index must be of that type and object and hold that fact. */
static enum pv_code check_entry(struct store *store, uint64_t index,
				const char *type, const char *object,
				const char *key, const uint8_t hash[32],
				const char *what, struct err *err)
{
	struct log_entry e;
	struct buf bytes;
	enum pv_code rc;

	buf_init(&bytes, LOG_ENTRY_MAX);
	rc = store_log_read(store, index, &bytes, err);
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&bytes), &e, err);
	if (rc == PV_OK &&
	    (!span_is(e.type, type) || !span_is(e.object, object) ||
	     !log_fact_is(&e, key, hash, 32)))
		rc = edited(what, err);
	buf_release(&bytes);
	return rc == PV_NOT_FOUND ? edited(what, err) : rc;
}

static enum pv_code load_cert(struct store *store, const struct store_device *d,
			      struct answer *a, struct err *err)
{
	char serial[2 * STORE_SERIAL_MAX + 1];
	uint8_t hash[32];
	enum pv_code rc;

	if (!d->has_cert)
		return PV_OK;
	rc = store_cert_get(store, d->s.number, &a->cert, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&a->cert), hash, err);
	hex_encode(d->s.serial, d->s.serial_len, serial);
	if (rc == PV_OK)
		rc = check_entry(store, d->issue_index, LOG_CERT_ISSUE, serial,
				 "cert", hash, "a certificate", err);
	a->out.cert = buf_span(&a->cert);
	return rc;
}

struct loading {
	struct store *store;
	struct answer *a;
	size_t at[RECORD_BUNDLES_MAX];
};

static enum pv_code check_bundle(struct store *store,
				 const struct store_bundle *b,
				 struct span bytes, struct err *err)
{
	struct seal_container_view view;
	char object[2 * STORE_UUID + 1];
	uint8_t hash[32];
	enum pv_code rc = seal_container_parse(bytes, &view, err);

	if (rc == PV_INPUT)
		return err->code = PV_INTEGRITY;
	if (rc == PV_OK)
		rc = sha256(view.head.payload, hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(b->id, STORE_UUID, object);
	if (memcmp(view.head.bundle_id, b->id, STORE_UUID) != 0)
		return edited("a sealed bundle", err);
	return check_entry(store, b->seal_index, LOG_BUNDLE_SEAL, object,
			   "descriptor payload hash", hash,
			   "a sealed bundle", err);
}

/* The newest bundle of each stage counts: later ones replace earlier ones. */
static size_t place_of(struct record_out *out, const char *stage)
{
	size_t n = 0;

	while (n < out->bundles_n && strcmp(out->bundles[n].stage, stage) != 0)
		n++;
	return n;
}

static enum pv_code load_bundle(void *ctx, const struct store_bundle *b,
				struct err *err)
{
	struct loading *l = ctx;
	struct record_out *out = &l->a->out;
	size_t n = place_of(out, b->stage);
	size_t at = l->a->bundles.len;
	struct span bytes;
	enum pv_code rc;

	if (n == RECORD_BUNDLES_MAX)
		return edited("the number of bundles", err);
	rc = store_sealed_read(l->store, b->offset, b->len, &l->a->bundles,
			       err);
	if (rc == PV_OK)
		rc = buf_check(&l->a->bundles, err);
	if (rc != PV_OK)
		return rc;
	bytes.p = l->a->bundles.data + at;
	bytes.len = (size_t)b->len;
	rc = check_bundle(l->store, b, bytes, err);
	if (rc != PV_OK)
		return rc;
	if (n == out->bundles_n)
		out->bundles_n++;
	memcpy(out->bundles[n].stage, b->stage, sizeof(out->bundles[n].stage));
	out->bundles[n].container.len = bytes.len;
	l->at[n] = at;
	return PV_OK;
}

enum pv_code answer_load(struct store *store, const struct store_device *d,
			 struct answer *a, struct err *err)
{
	struct loading l = { .store = store, .a = a };
	struct store_visit v = { .ctx = &l, .fn.bundle = load_bundle };
	enum pv_code rc;

	buf_reset(&a->cert);
	buf_reset(&a->bundles);
	memset(&a->out, 0, sizeof(a->out));
	memcpy(a->out.device, d->s.device, sizeof(a->out.device));
	a->out.serial.p = d->s.serial;
	a->out.serial.len = d->s.serial_len;
	rc = load_cert(store, d, a, err);
	if (rc == PV_OK)
		rc = store_bundle_each(store, d->s.number, &v, err);
	/* Now that the buffer does not move any more. */
	for (size_t n = 0; n < a->out.bundles_n; n++)
		a->out.bundles[n].container.p = a->bundles.data + l.at[n];
	err_object(err, d->s.device);
	return rc;
}
