#include "lib/flow/receipts.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/p256.h"
#include "lib/base/sha256.h"
#include "lib/flow/kdfof.h"
#include "lib/flow/kept.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/released.h"
#include "lib/flow/succession.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"
#include "lib/x509/cert.h"
#include "lib/x509/issuer.h"

void receipts_release(struct receipts *r)
{
	due_release(&r->due);
	kdf_free(r->kdf);
}

bool receipts_need_token(struct span bytes)
{
	struct seal_receipt r;
	struct err why;

	err_init(&why);
	return seal_receipt_parse(bytes, &r, &why) == PV_OK && r.mac;
}

bool receipts_supersede(struct receipts *r, struct span bytes)
{
	struct store_bundle bundle;
	struct seal_receipt said;
	struct store_device d;
	bool found = false;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = seal_receipt_parse(bytes, &said, &why);
	if (rc == PV_OK)
		rc = store_bundle_find(r->store, said.bundle_id, &bundle,
				       &found, &why);
	if (rc == PV_OK && found)
		rc = store_number_get(r->store, bundle.number, &d, &found,
				      &why);
	return rc == PV_OK && found && d.s.why == STORE_ROTATE;
}

/* What the receipt is about. */
struct about {
	struct seal_receipt said;
	struct store_bundle bundle;
	struct store_device d;
	struct buf cert;	  /* DER; empty: none */
	struct released evidence; /* that the bundle was released for */
	/* What the bundle is under, where the device has no key of its own. */
	bool symmetric;
	uint8_t master_id[HSM_ID_LEN];
};

static void about_release(struct about *a)
{
	buf_release(&a->cert);
	released_release(&a->evidence);
}

static enum pv_code not_by(const char *rule, const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, rule, "find out who sent it",
			"the receipt %s", what);
}

static enum pv_code find_bundle(struct receipts *r, struct about *a,
				struct err *err)
{
	bool found = false;
	enum pv_code rc = store_bundle_find(r->store, a->said.bundle_id,
					    &a->bundle, &found, err);

	if (rc == PV_OK && !found)
		return err_fail(err, PV_NOT_FOUND, "receipt.bundle",
				"look for the authority that sealed it",
				"no device has a bundle of that id");
	if (rc == PV_OK)
		rc = store_number_get(r->store, a->bundle.number, &a->d, &found,
				      err);
	if (rc == PV_OK && !found)
		rc = logged_edited("the row of a bundle", err);
	if (rc == PV_OK)
		rc = logged_device(r->store, &a->d, err);
	if (rc == PV_OK)
		rc = logged_bundle_row(r->store, &a->d.s, &a->bundle, err);
	if (rc == PV_OK)
		rc = released_bundle(r->store, &r->due, &a->d.s, &a->bundle,
				     &a->evidence, err);
	if (rc == PV_OK && a->d.has_cert)
		rc = store_cert_get(r->store, a->d.s.number, &a->cert, err);
	if (rc == PV_OK && a->d.has_cert)
		rc = logged_cert(r->store, &a->d, buf_span(&a->cert), err);
	return rc;
}

/* ---- whose signature it is ---- */

static enum pv_code take_spki(const struct about *a, struct span *spki,
			      struct err *err)
{
	struct x509_cert cert;
	struct err why;

	*spki = (struct span){ NULL, 0 };
	if (a->cert.len == 0)
		return PV_OK;
	err_init(&why);
	if (x509_cert_decode(buf_span(&a->cert), &cert, &why) != PV_OK)
		return logged_edited("a certificate", err);
	*spki = cert.spki;
	return PV_OK;
}

/* The one given, or the one that was kept; it must be the one on record. */
static enum pv_code take_seal_key(struct receipts *r, const struct about *a,
				  struct span given, struct buf *row,
				  struct span *spki, struct err *err)
{
	uint8_t hash[32];
	struct kept k;
	enum pv_code rc = PV_OK;

	*spki = given;
	if (a->evidence.found && a->evidence.x.seal_spki.len > 0)
		*spki = a->evidence.x.seal_spki;
	else if (given.len == 0) {
		rc = kept_load(r->store, &a->d, row, &k, err);
		*spki = k.seal_key;
	}
	if (rc == PV_OK && spki->len == 0)
		return err_fail(err, PV_INTEGRITY, "receipt.key",
				"give the device's sealing key with --seal-key",
				"the receipt is by a sealing key that was not "
				"kept");
	if (rc == PV_OK)
		rc = sha256(*spki, hash, err);
	if (rc == PV_OK &&
	    (!a->d.s.has_seal || memcmp(hash, a->d.s.seal_sha256, 32) != 0))
		rc = not_by("receipt.key", "is not by a key of the device",
			    err);
	return rc;
}

/* The certified key signs where it is P-256, else the sealing key. */
static enum pv_code find_signer(struct receipts *r, const struct about *a,
				struct span seal_key, struct buf *row,
				struct span *spki, struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc = take_spki(a, spki, err);

	if (rc == PV_OK && !p256_point(*spki))
		rc = take_seal_key(r, a, seal_key, row, spki, err);
	if (rc == PV_OK)
		rc = sha256(*spki, hash, err);
	if (rc == PV_OK &&
	    (a->said.kid.len != 8 || memcmp(a->said.kid.p, hash, 8) != 0))
		rc = not_by("receipt.key",
			    "names another key than the device's", err);
	return rc;
}

static enum pv_code check_sign1(struct receipts *r, const struct about *a,
				struct span seal_key, struct err *err)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	CLEANUP(buf_release) struct buf row;
	uint8_t digest[32];
	struct span spki;
	struct err why;
	enum pv_code rc;

	buf_init(&row, KEPT_MAX);
	rc = find_signer(r, a, seal_key, &row, &spki, err);
	if (rc == PV_OK)
		rc = x509_verifier_new(spki, &v, err);
	if (rc == PV_OK)
		rc = seal_receipt_digest(&a->said, digest, err);
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	rc = x509_verify_digest(v, digest, a->said.auth.p, PV_INTEGRITY, &why);
	if (rc == PV_INTEGRITY)
		return not_by("receipt.signature",
			      "is not signed by the device's key", err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* The generation of the KDF master that the bundle is under: the device has
 * no key of another one, and one that was rotated away may have leaked. */
static enum pv_code find_master(struct receipts *r, const struct about *a,
				struct err *err)
{
	struct issue_key want;
	enum pv_code rc;

	if (a->said.kid.len != HSM_ID_LEN ||
	    memcmp(a->said.kid.p, a->master_id, HSM_ID_LEN) != 0)
		return not_by("receipt.key",
			      "names another KDF master than the bundle's",
			      err);
	if (r->master && memcmp(r->master_id, a->master_id, HSM_ID_LEN) == 0)
		return PV_OK;
	r->master = NULL;
	rc = kdfof_key(r->store, a->master_id, &want, err);
	if (rc == PV_OK)
		rc = ownkey_find(r->hsm, &want, &r->master, err);
	if (rc == PV_OK)
		memcpy(r->master_id, a->master_id, HSM_ID_LEN);
	return rc;
}

static enum pv_code check_mac(struct receipts *r, const struct about *a,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf input;
	SECRET key = SECRET_INIT;
	enum pv_code rc = PV_OK;

	buf_init(&input, KDF_INPUT_MAX);
	if (!r->hsm)
		rc = err_fail(err, PV_INTERNAL, "receipt.token", NULL,
			      "no token to verify a receipt with");
	if (rc == PV_OK && !r->kdf)
		rc = kdf_new(&r->kdf, err);
	if (rc == PV_OK)
		rc = find_master(r, a, err);
	if (rc == PV_OK)
		rc = kdf_input(KDF_RECEIPT, a->d.s.device, &input, err);
	if (rc == PV_OK)
		rc = hsm_derive(r->hsm, r->master, buf_span(&input), &key, err);
	return rc == PV_OK ? seal_receipt_mac(&a->said, r->kdf, &key, err) : rc;
}

/* The bundle says who may answer, not the answer (formats.md 4). */
static enum pv_code check_signed(struct receipts *r, struct about *a,
				 struct span seal_key, struct err *err)
{
	enum pv_code rc = kdfof_bundle(r->store, &a->d.s, &a->bundle,
				       a->master_id, &a->symmetric, err);

	if (rc != PV_OK)
		return rc;
	if (a->said.mac != a->symmetric)
		return not_by("receipt.key",
			      a->symmetric ? "is not under the receipt key of "
					     "the device"
					   : "is under a receipt key, and the "
					     "device has a key of its own",
			      err);
	return a->symmetric ? check_mac(r, a, err)
			    : check_sign1(r, a, seal_key, err);
}

static enum pv_code check_claims(const struct about *a, struct err *err)
{
	const struct released *x = &a->evidence;
	const struct span nonce = { x->x.nonce_value,
				    x->found ? sizeof(x->x.nonce_value) : 0 };

	if (nonce.len == 0 && a->said.nonce.len > 0)
		return not_by("receipt.claims",
			      "answers evidence that nobody asked for", err);
	if (!span_equal(a->said.nonce, nonce))
		return not_by("receipt.claims",
			      "does not repeat the nonce of the evidence that "
			      "the bundle was released for",
			      err);
	if (a->said.seq != a->bundle.seq ||
	    memcmp(a->said.bh, a->bundle.bh, sizeof(a->said.bh)) != 0)
		return not_by("receipt.claims",
			      "is about a bundle that was not sealed", err);
	return PV_OK;
}

/* ---- recording ---- */

struct seen {
	uint64_t seq, result;
	bool known; /* it was said, or that it was installed */
};

static enum pv_code take_seen(void *ctx, const struct store_receipt *r,
			      struct err *err)
{
	struct seen *s = ctx;

	(void)err;
	s->known |=
		r->seq == s->seq && (r->result == 0 || r->result == s->result);
	return PV_OK;
}

static enum pv_code is_known(struct receipts *r, const struct about *a,
			     bool *known, struct err *err)
{
	struct seen s = { .seq = a->said.seq, .result = a->said.result };
	struct store_visit v = { .ctx = &s, .fn.receipt = take_seen };
	enum pv_code rc = store_receipt_each(r->store, a->d.s.number, &v, err);

	*known = s.known;
	return rc;
}

static enum pv_code record(struct receipts *r, const struct event_who *who,
			   const struct about *a, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	const struct store_receipt row = { .number = a->d.s.number,
					   .seq = a->said.seq,
					   .result = a->said.result };
	struct log_entry e;
	enum pv_code rc;

	buf_init(&bytes, LOG_ENTRY_MAX);
	log_receipt(&e, &who->who, a->d.s.device, a->said.bh, a->said.seq,
		    a->said.result);
	rc = log_entry_encode(&e, &bytes, err);
	return rc == PV_OK ? store_receipt_put(r->store, &row, buf_span(&bytes),
					       err)
			   : rc;
}

/* The device has what it was rotated to: what it had before goes. */
static enum pv_code supersede(struct receipts *r, const struct event_who *who,
			      const struct about *a, uint32_t *n,
			      struct err *err)
{
	const struct succession s = { r->store, &r->due, who->who };
	const struct template *t = NULL;
	enum pv_code rc = due_template(&r->due, r->store,
				       a->d.s.template_sha256, &t, err);

	if (rc != PV_OK || t->rotation.keep_previous != TPL_KEEP_UNTIL_RECEIPT)
		return rc;
	return succession_supersede(&s, &a->d, n, err);
}

/* Known or new: what to do about a refusal. */
static enum pv_code offer_back(struct receipts *r, const struct event_who *who,
			       const struct about *a, bool *may,
			       struct err *err)
{
	const struct succession s = { r->store, &r->due, who->who };

	return a->said.result != 0 ? succession_may_go_back(&s, &a->d, may, err)
				   : PV_OK;
}

static enum pv_code take(struct receipts *r, const struct event_who *who,
			 const struct about *a, struct receipt_said *said,
			 struct err *err)
{
	bool stands =
		a->d.state == STORE_ISSUED || a->d.state == STORE_SUSPENDED;
	enum pv_code rc = is_known(r, a, &said->existing, err);

	said->left = a->d.state != STORE_ISSUED;
	if (rc == PV_OK && !said->existing)
		rc = record(r, who, a, err);
	if (rc == PV_OK && !said->existing && stands && a->said.result == 0 &&
	    a->d.s.why == STORE_ROTATE)
		rc = supersede(r, who, a, &said->superseded, err);
	return rc == PV_OK ? offer_back(r, who, a, &said->may_go_back, err)
			   : rc;
}

static void tell(const struct about *a, struct receipt_said *said)
{
	memcpy(said->device, a->d.s.device, sizeof(said->device));
	memcpy(said->stage, a->bundle.stage, sizeof(said->stage));
	hex_encode(a->d.s.serial, a->d.s.serial_len, said->serial);
	hex_encode(a->bundle.id, STORE_UUID, said->bundle);
	said->seq = a->said.seq;
	said->result = a->said.result;
}

enum pv_code receipts_take(struct receipts *r, const struct event_who *who,
			   struct span bytes, struct span seal_key,
			   struct receipt_said *said, struct err *err)
{
	CLEANUP(about_release) struct about a;
	enum pv_code rc = seal_receipt_parse(bytes, &a.said, err);

	memset(said, 0, sizeof(*said));
	buf_init(&a.cert, X509_CERT_MAX);
	released_init(&a.evidence);
	if (rc == PV_OK)
		rc = find_bundle(r, &a, err);
	if (rc != PV_OK)
		return rc;
	tell(&a, said);
	rc = check_claims(&a, err);
	/* Its bundles are deleted. */
	if (rc == PV_OK && a.d.state == STORE_RETIRED)
		rc = err_fail(err, PV_DENIED, "device.retired",
			      "find out why it is in use",
			      "the device is retired");
	if (rc == PV_OK)
		rc = check_signed(r, &a, seal_key, err);
	if (rc == PV_OK)
		rc = take(r, who, &a, said, err);
	err_object(err, said->device);
	return rc;
}
