#include "lib/flow/attested.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/p256.h"
#include "lib/base/sha256.h"
#include "lib/flow/export.h"
#include "lib/flow/kept.h"
#include "lib/flow/logged.h"
#include "lib/flow/logged_authority.h"
#include "lib/seal/manifest.h"
#include "lib/store/store_device.h"
#include "lib/x509/cert.h"
#include "lib/x509/issuer.h"
#include "lib/x509/keycheck.h"

void attested_init(struct attested *x)
{
	memset(x, 0, sizeof(*x));
	buf_init(&x->trust_room, TRUSTCERTS_MAX);
}

void attested_release(struct attested *x)
{
	template_free(x->t);
	x->t = NULL;
	buf_release(&x->trust_room);
}

/* ---- device and template ---- */

static enum pv_code check_state(const struct store_device *d, struct err *err)
{
	static const char *const rules[] = {
		[STORE_RESERVED] = "device.open",
		[STORE_SUSPENDED] = "device.held",
		[STORE_REVOKED] = "device.revoked",
		[STORE_RETIRED] = "device.retired",
		[STORE_QUARANTINED] = "quarantine.held",
	};

	if (d->state == STORE_ISSUED)
		return PV_OK;
	return err_fail(err, PV_DENIED, rules[d->state],
			d->state == STORE_RESERVED
				? "repeat provctl issue for it"
				: "find out why it is in use",
			"the device has no credential that is good");
}

struct loading {
	struct store *store;
	struct attested *x;
};

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	const struct loading *l = ctx;
	struct attested *x = l->x;
	enum pv_code rc = logged_template(l->store, row, err);

	if (rc == PV_OK)
		rc = logged_template_parse(row, &x->t, err);
	if (rc != PV_OK)
		return rc;
	memcpy(x->template_sha256, row->sha256, 32);
	buf_put(&x->trust_room, row->trust.p, row->trust.len);
	rc = buf_check(&x->trust_room, err);
	return rc == PV_OK ? trustcerts_take(x->t, buf_span(&x->trust_room),
					     &x->trust, err)
			   : rc;
}

enum pv_code attested_load(struct store *store, const char *device,
			   struct attested *x, struct err *err)
{
	struct loading l = { store, x };
	const struct store_visit v = { &l, { .template = take_template } };
	enum pv_code rc = export_device_find(store, device, &x->d, err);

	if (rc == PV_OK)
		rc = logged_device(store, &x->d, err);
	if (rc == PV_OK)
		rc = check_state(&x->d, err);
	if (rc == PV_OK)
		rc = store_template_current(store, x->d.s.template_name, &v,
					    err);
	if (rc == PV_OK && !x->t->attestation.present)
		rc = err_fail(err, PV_DENIED, "attest.none",
			      "adopt a version with a section \"attestation\"",
			      "template %s asks for no evidence", x->t->name);
	return rc;
}

bool attested_format(const struct attested *x, enum evidence_format format)
{
	const struct tpl_attestation *a = &x->t->attestation;

	switch (format) {
	case EVIDENCE_PSA:
		return a->psa;
	case EVIDENCE_TPM2:
		return a->tpm2;
	case EVIDENCE_DICE:
		return a->dice;
	}
	return false;
}

/* ---- stage ---- */

enum pv_code attested_stage(const struct attested *x, const char *stage,
			    const char **name, struct err *err)
{
	size_t parts[TPL_COMPONENTS_MAX];
	size_t role, i = 0;

	if (!template_role(x->t, x->d.s.role, &role))
		return err_fail(err, PV_DENIED, "attest.stage",
				"see provctl policy show",
				"template %s has no role %s any more",
				x->t->name, x->d.s.role);
	while (i < x->t->stages_n && !x->t->stages[i].requires_attestation)
		i++;
	if (i < x->t->stages_n)
		*name = template_stage_name(x->t->stages[i].kind);
	if (i == x->t->stages_n || (stage && strcmp(stage, *name) != 0) ||
	    template_select(x->t, role, i, parts) == 0)
		return err_fail(err, PV_DENIED, "attest.stage",
				"see provctl policy show",
				"nothing is sealed on evidence for role %s "
				"in %s%.64s",
				x->d.s.role, stage ? "stage " : "any stage",
				stage ? stage : "");
	return PV_OK;
}

enum pv_code attested_manifest(struct store *store, const struct attested *x,
			       const char *stage, uint8_t sha256[static 32],
			       struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct manifest_parts parts;
	uint64_t sequence;
	bool found = false;
	struct err why;
	enum pv_code rc;

	buf_init(&bytes, MANIFEST_SIZE_MAX);
	err_init(&why);
	rc = store_manifest_get(store, x->template_sha256, stage, &sequence,
				&bytes, &found, &why);
	if (rc == PV_OK && found)
		rc = manifest_parse(buf_span(&bytes), NULL, &parts, &why);
	if (rc == PV_INPUT || (rc == PV_OK && !found))
		return logged_edited("a manifest", err);
	if (rc != PV_OK)
		*err = why;
	else
		memcpy(sha256, parts.payload_sha256, 32);
	return rc;
}

/* ---- sealing key ---- */

static enum pv_code certified_key(struct store *store, const struct attested *x,
				  struct buf *out, struct err *err)
{
	CLEANUP(buf_release) struct buf der;
	struct x509_cert cert;
	struct err why;
	enum pv_code rc;

	buf_init(&der, X509_CERT_MAX);
	err_init(&why);
	rc = store_cert_get(store, x->d.s.number, &der, err);
	if (rc == PV_OK)
		rc = logged_cert(store, &x->d, buf_span(&der), err);
	if (rc != PV_OK)
		return rc;
	if (x509_cert_decode(buf_span(&der), &cert, &why) != PV_OK)
		return logged_edited("a certificate", err);
	buf_put(out, cert.spki.p, cert.spki.len);
	return buf_check(out, err);
}

static enum pv_code not_its(const char *what, struct err *err)
{
	return err_fail(err, PV_DENIED, "evidence.seal_key",
			"give the device's own sealing key",
			"the sealing key is %s", what);
}

static enum pv_code check_given(struct store *store, const struct attested *x,
				struct span spki, struct err *err)
{
	CLEANUP(x509_ctx_cleanup) struct x509_ctx *ctx = NULL;
	struct store_owner owner;
	struct key_facts facts;
	struct store_device of;
	uint8_t hash[32];
	struct err why;
	bool found = false;
	enum pv_code rc = x509_ctx_new(&ctx, err);

	err_init(&why);
	if (rc != PV_OK)
		return rc;
	if (x509_key_check(ctx, spki, X509_ALLOW(X509_ALG_P256), &facts,
			   &why) != PV_OK)
		return err_fail(err, PV_INPUT, "evidence.seal_key",
				"give its SPKI, a key on P-256",
				"that is no sealing key");
	rc = sha256(spki, hash, err);
	if (rc == PV_OK && x->d.s.has_seal &&
	    memcmp(hash, x->d.s.seal_sha256, 32) != 0)
		return not_its("another than the one that the device has", err);
	if (rc == PV_OK)
		rc = store_spki_owner(store, hash, &owner, err);
	if (rc == PV_OK && owner.kind == STORE_OWNER_DEVICE)
		rc = store_number_get(store, owner.number, &of, &found, err);
	if (rc != PV_OK || owner.kind == STORE_OWNER_NONE)
		return rc;
	return found && strcmp(of.s.device, x->d.s.device) == 0
		       ? PV_OK
		       : not_its("another device's, or the authority's", err);
}

enum pv_code attested_seal_key(struct store *store, const struct attested *x,
			       struct span given, struct buf *out,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf row;
	struct kept k;
	enum pv_code rc = PV_OK;

	if (x->t->recipient == TPL_RECIPIENT_CERTIFIED_KEY)
		return certified_key(store, x, out, err);
	if (x->t->recipient != TPL_RECIPIENT_SEALING_KEY)
		return PV_OK;
	buf_init(&row, KEPT_MAX);
	if (given.len == 0) {
		rc = kept_load(store, &x->d, &row, &k, err);
		given = k.seal_key;
	}
	if (rc == PV_OK && given.len == 0)
		rc = err_fail(err, PV_INPUT, "evidence.seal_key",
			      "give the device's sealing key with --seal-key",
			      "no sealing key was kept of the device");
	if (rc == PV_OK)
		rc = check_given(store, x, given, err);
	if (rc != PV_OK)
		return rc;
	buf_put(out, given.p, given.len);
	return buf_check(out, err);
}
