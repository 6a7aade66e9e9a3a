#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/audit_impl.h"
#include "lib/flow/logged.h"
#include "lib/flow/released.h"
#include "lib/seal/batch.h"
#include "lib/seal/container.h"
#include "lib/seal/manifest.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"

/* ---- signatures ---- */

static enum pv_code take_signer(void *ctx, const struct store_key *key,
				struct err *err)
{
	struct audit *au = ctx;
	struct audit_signer *s = &au->signers[au->signers_n];
	uint8_t digest[32];
	enum pv_code rc;

	if (strcmp(key->purpose, "bundle") != 0)
		return PV_OK;
	if (au->signers_n == AUDIT_SIGNERS_MAX)
		return err_fail(err, PV_INTERNAL, "audit.size", NULL,
				"more than %d bundle keys", AUDIT_SIGNERS_MAX);
	rc = sha256(key->spki, digest, err);
	if (rc == PV_OK)
		rc = x509_verifier_new(key->spki, &s->verifier, err);
	if (rc != PV_OK)
		return audit_fail(err, key->label, "audit.key",
				  "the bundle key's row holds no key");
	memcpy(s->kid, digest, sizeof(s->kid));
	au->signers_n++;
	return PV_OK;
}

enum pv_code audit_signers(struct audit *au, struct err *err)
{
	const struct store_visit v = { .ctx = au, .fn.key = take_signer };

	return store_key_each(au->store, &v, err);
}

/* PV_INTEGRITY when no bundle key of ours made that signature. */
static enum pv_code check_signature(const struct audit *au, struct span kid,
				    const uint8_t digest[32], struct span sig,
				    struct err *err)
{
	for (size_t i = 0; i < au->signers_n; i++) {
		const struct audit_signer *s = &au->signers[i];

		if (sig.len == 64 &&
		    span_equal(kid, (struct span){ s->kid, sizeof(s->kid) }))
			return x509_verify_digest(s->verifier, digest, sig.p,
						  PV_INTEGRITY, err);
	}
	return err_fail(err, PV_INTEGRITY, "audit.signature", NULL,
			"not signed by a bundle key of ours");
}

/* As above; the one that was verified last stands again. */
static enum pv_code check_again(const struct audit *au, struct span kid,
				const uint8_t digest[32], struct span sig,
				uint8_t last_digest[32], uint8_t last_sig[64],
				struct err *err)
{
	enum pv_code rc;

	if (sig.len == 64 && memcmp(digest, last_digest, 32) == 0 &&
	    memcmp(sig.p, last_sig, 64) == 0)
		return PV_OK;
	rc = check_signature(au, kid, digest, sig, err);
	if (rc == PV_OK) {
		memcpy(last_digest, digest, 32);
		memcpy(last_sig, sig.p, 64);
	}
	return rc;
}

static enum pv_code check_descriptor(struct audit *au,
				     const struct seal_container_view *view,
				     struct err *err)
{
	const struct seal_view *head = &view->head;
	struct seal_batch_view batch;
	uint8_t digest[32];
	enum pv_code rc = PV_OK;

	switch (head->form) {
	case SEAL_FORM_PLAIN:
		rc = seal_plain_digest(head->payload, head->kid.p, digest, err);
		return rc == PV_OK ? check_signature(au, head->kid, digest,
						     head->auth, err)
				   : rc;
	case SEAL_FORM_BATCH:
		rc = seal_batch_open(view->descriptor, &batch, err);
		return rc == PV_OK ? check_again(au, batch.kid, batch.digest,
						 batch.sig, au->batch_digest,
						 au->batch_sig, err)
				   : rc;
	case SEAL_FORM_MAC0:
		break;
	}
	return rc;
}

/* ---- one bundle ---- */

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

/* What is inside a container whose bytes are the ones logged. */
static enum pv_code check_inside(struct audit *au, struct span container,
				 bool *fits, struct err *err)
{
	CLEANUP(mem_cleanup) struct manifest *m = mem_new(sizeof(*m), err);
	struct manifest_parts parts;
	struct seal_container_view view;
	enum pv_code rc = m ? PV_OK : PV_INTERNAL;

	if (rc == PV_OK)
		rc = seal_container_parse(container, &view, err);
	if (rc == PV_OK)
		rc = manifest_parse(view.manifest, m, &parts, err);
	if (rc == PV_OK)
		rc = check_again(au, parts.kid, parts.digest, parts.sig,
				 au->manifest_digest, au->manifest_sig, err);
	if (rc == PV_OK)
		rc = check_descriptor(au, &view, err);
	*fits = rc == PV_OK && clear_fits(&view, m, &parts);
	if (rc == PV_INPUT)
		err->code = rc = PV_INTEGRITY;
	return rc;
}

struct bundle_pass {
	struct audit *au;
	const struct store_device *d;
	unsigned stages;
};

static enum pv_code check_container(struct bundle_pass *p,
				    const struct store_bundle *b,
				    struct err *err)
{
	struct audit *au = p->au;
	bool fits = false;
	enum pv_code rc;

	buf_reset(&au->sealed);
	rc = store_sealed_read(au->store, b->offset, b->len, &au->sealed, err);
	if (rc == PV_OK)
		rc = logged_container_fits(buf_span(&au->sealed), &p->d->s, b,
					   &fits, err);
	if (rc == PV_OK && fits)
		rc = check_inside(au, buf_span(&au->sealed), &fits, err);
	if (rc == PV_OK && !fits)
		rc = audit_fail(err, p->d->s.device, "audit.bundle",
				"the sealed bundle of stage %s is not the one "
				"logged",
				b->stage);
	return rc;
}

static enum pv_code check_escrow(struct bundle_pass *p,
				 const struct store_bundle *b, struct err *err)
{
	struct audit *au = p->au;
	bool fits = false;
	enum pv_code rc;

	if (b->escrow_len == 0)
		return PV_OK;
	buf_reset(&au->sealed);
	rc = store_sealed_read(au->store, b->escrow_offset, b->escrow_len,
			       &au->sealed, err);
	if (rc == PV_OK)
		rc = logged_escrow_fits(buf_span(&au->sealed), b, &fits, err);
	if (rc == PV_OK && !fits)
		rc = audit_fail(err, p->d->s.device, "audit.escrow",
				"what is escrowed of stage %s is not what was "
				"logged",
				b->stage);
	return rc;
}

/* Of a device that is retired only zeros are left. */
static enum pv_code check_gone(struct bundle_pass *p, uint64_t offset,
			       uint64_t len, struct err *err)
{
	struct audit *au = p->au;
	size_t i = 0;
	enum pv_code rc;

	buf_reset(&au->sealed);
	rc = store_sealed_read(au->store, offset, len, &au->sealed, err);
	while (i < au->sealed.len && au->sealed.data[i] == 0)
		i++;
	if (rc == PV_OK && i < au->sealed.len)
		rc = audit_fail(err, p->d->s.device, "audit.retired",
				"what was sealed for it is still there");
	return rc;
}

static enum pv_code check_erased(struct bundle_pass *p,
				 const struct store_bundle *b, struct err *err)
{
	enum pv_code rc = check_gone(p, b->offset, b->len, err);

	return rc == PV_OK ? check_gone(p, b->escrow_offset, b->escrow_len, err)
			   : rc;
}

/* What its stage asks for was shown before it left. */
static enum pv_code check_released(struct bundle_pass *p,
				   const struct store_bundle *b,
				   struct err *err)
{
	CLEANUP(released_release) struct released r;
	struct audit *au = p->au;
	enum pv_code rc;

	released_init(&r);
	rc = released_bundle(au->store, &au->due, &p->d->s, b, &r, err);
	au->released += rc == PV_OK && r.found;
	return rc;
}

static enum pv_code take_bundle(void *ctx, const struct store_bundle *b,
				struct err *err)
{
	struct bundle_pass *p = ctx;
	char id[2 * STORE_UUID + 1];
	struct log_entry e;
	enum pv_code rc;

	hex_encode(b->id, sizeof(b->id), id);
	rc = audit_entry(p->au, b->seal_index, LOG_BUNDLE_SEAL, id, &e, err);
	if (rc != PV_OK)
		return rc;
	if (!logged_bundle_fits(&e, &p->d->s, b))
		return audit_fail(err, p->d->s.device, "audit.bundle",
				  "the row of its %s bundle is not what was "
				  "logged",
				  b->stage);
	p->au->counts->bundles++;
	rc = check_released(p, b, err);
	if (rc != PV_OK)
		return rc;
	p->stages |= due_bit(b->stage);
	if (p->d->state == STORE_RETIRED)
		return check_erased(p, b, err);
	rc = check_container(p, b, err);
	return rc == PV_OK ? check_escrow(p, b, err) : rc;
}

enum pv_code audit_bundles(struct audit *au, const struct store_device *d,
			   unsigned *stages, struct err *err)
{
	struct bundle_pass pass = { .au = au, .d = d };
	const struct store_visit v = { .ctx = &pass, .fn.bundle = take_bundle };
	enum pv_code rc = store_bundle_each(au->store, d->s.number, &v, err);

	*stages = pass.stages;
	return rc;
}
