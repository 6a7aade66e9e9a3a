#include "lib/flow/answer.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/logged.h"
#include "lib/flow/released.h"
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
	due_release(&a->due);
}

static enum pv_code load_cert(struct store *store, const struct store_device *d,
			      struct answer *a, struct err *err)
{
	enum pv_code rc;

	if (!d->has_cert)
		return PV_OK;
	rc = store_cert_get(store, d->s.number, &a->cert, err);
	if (rc == PV_OK)
		rc = logged_cert(store, d, buf_span(&a->cert), err);
	a->out.cert = buf_span(&a->cert);
	return rc;
}

struct loading {
	struct store *store;
	const struct store_subject *s;
	struct answer *a;
	uint64_t from; /* the number of the first bundle that counts */
	const uint8_t *evidence; /* NULL: what was issued */
	size_t at[RECORD_BUNDLES_MAX];
};

/* Whether the answer has it; a release's is one by the log. */
static enum pv_code is_wanted(struct loading *l, const struct store_bundle *b,
			      bool *wanted, struct err *err)
{
	CLEANUP(released_release) struct released r;

	*wanted = l->evidence
			  ? b->released_ms > 0 &&
				    memcmp(b->evidence, l->evidence, 32) == 0
			  : b->released_ms == 0;
	if (!l->evidence || !*wanted)
		return PV_OK;
	released_init(&r);
	return released_bundle(l->store, &l->a->due, l->s, b, &r, err);
}

/* The newest bundle of each stage counts: later ones replace earlier ones. */
static size_t place_of(const struct record_out *out, const char *stage)
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
	bool wanted;
	enum pv_code rc = is_wanted(l, b, &wanted, err);

	if (b->seq < l->from)
		return PV_OK;
	if (rc != PV_OK || !wanted)
		return rc;
	if (n == RECORD_BUNDLES_MAX)
		return err_fail(err, PV_INTEGRITY, "store.edited",
				"run provctl audit verify",
				"a device has bundles of more than %u stages",
				RECORD_BUNDLES_MAX);
	rc = store_sealed_read(l->store, b->offset, b->len, &l->a->bundles,
			       err);
	if (rc == PV_OK)
		rc = buf_check(&l->a->bundles, err);
	if (rc != PV_OK)
		return rc;
	bytes.p = l->a->bundles.data + at;
	bytes.len = (size_t)b->len;
	rc = logged_bundle(l->store, l->s, b, bytes, err);
	if (rc != PV_OK)
		return rc;
	if (n == out->bundles_n)
		out->bundles_n++;
	memcpy(out->bundles[n].stage, b->stage, sizeof(out->bundles[n].stage));
	out->bundles[n].container.len = bytes.len;
	l->at[n] = at;
	return PV_OK;
}

/* What was sealed for the device when it was issued is there. */
static enum pv_code check_stages(struct store *store,
				 const struct store_device *d, struct answer *a,
				 struct err *err)
{
	unsigned due;
	enum pv_code rc = due_stages(&a->due, store, &d->s, &due, err);

	for (size_t n = 0; n < a->out.bundles_n; n++)
		due &= ~due_bit(a->out.bundles[n].stage);
	if (rc == PV_OK && due != 0)
		rc = logged_edited("what is left of a device", err);
	return rc;
}

static enum pv_code load(struct store *store, const struct store_device *d,
			 uint64_t seq, const uint8_t *evidence,
			 struct answer *a, struct err *err)
{
	struct loading l = { .store = store,
			     .s = &d->s,
			     .a = a,
			     .from = seq,
			     .evidence = evidence };
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
	if (rc == PV_OK && evidence && a->out.bundles_n != 1)
		rc = logged_edited("what was released for a device", err);
	if (rc == PV_OK && !evidence && seq == 0)
		rc = check_stages(store, d, a, err);
	/* Now that the buffer does not move any more. */
	for (size_t n = 0; n < a->out.bundles_n; n++)
		a->out.bundles[n].container.p = a->bundles.data + l.at[n];
	err_object(err, d->s.device);
	return rc;
}

enum pv_code answer_load(struct store *store, const struct store_device *d,
			 struct answer *a, struct err *err)
{
	return load(store, d, 0, NULL, a, err);
}

enum pv_code answer_load_from(struct store *store, const struct store_device *d,
			      uint64_t seq, struct answer *a, struct err *err)
{
	return load(store, d, seq, NULL, a, err);
}

enum pv_code answer_load_released(struct store *store,
				  const struct store_device *d,
				  const uint8_t evidence[32], struct answer *a,
				  struct err *err)
{
	return load(store, d, 0, evidence, a, err);
}
