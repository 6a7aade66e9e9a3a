#include "lib/flow/answer.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/logged.h"
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
	template_free(TAKE(a->tmpl));
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
	size_t at[RECORD_BUNDLES_MAX];
};

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
	enum pv_code rc;

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

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	struct answer *a = ctx;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = template_parse(row->bytes, &a->tmpl, NULL, &why);
	if (rc == PV_INPUT ||
	    (rc == PV_OK && memcmp(a->tmpl->sha256, row->sha256, 32) != 0))
		return logged_edited("a template", err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* The template that d was issued under: seldom another than the last one. */
static enum pv_code load_template(struct store *store,
				  const struct store_device *d,
				  struct answer *a, struct err *err)
{
	struct store_visit v = { .ctx = a, .fn.template = take_template };

	if (a->tmpl && memcmp(a->tmpl->sha256, d->s.template_sha256, 32) == 0)
		return PV_OK;
	template_free(TAKE(a->tmpl));
	return store_template_digest(store, d->s.template_sha256, &v, err);
}

/* What was sealed for the device when it was issued is there. */
static enum pv_code check_stages(const struct store_device *d,
				 const struct answer *a, struct err *err)
{
	const struct template *t = a->tmpl;
	size_t list[TPL_COMPONENTS_MAX];
	size_t role;

	if (!template_role(t, d->s.role, &role))
		return logged_edited("a device's row", err);
	for (size_t k = 0; k < t->stages_n; k++)
		if (!t->stages[k].requires_attestation &&
		    template_select(t, role, k, list) > 0 &&
		    place_of(&a->out, template_stage_name(t->stages[k].kind)) ==
			    a->out.bundles_n)
			return logged_edited("what is left of a device", err);
	return PV_OK;
}

enum pv_code answer_load(struct store *store, const struct store_device *d,
			 struct answer *a, struct err *err)
{
	struct loading l = { .store = store, .s = &d->s, .a = a };
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
	if (rc == PV_OK)
		rc = load_template(store, d, a, err);
	if (rc == PV_OK)
		rc = check_stages(d, a, err);
	/* Now that the buffer does not move any more. */
	for (size_t n = 0; n < a->out.bundles_n; n++)
		a->out.bundles[n].container.p = a->bundles.data + l.at[n];
	err_object(err, d->s.device);
	return rc;
}
