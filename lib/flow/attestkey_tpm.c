/* A TPM's attestation key: offered a credential, enrolled when it is back. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/attestkey_impl.h"
#include "lib/flow/attestkey_tpm.h"
#include "lib/flow/people.h"

CLEANUP_PTR(struct roster, roster_free);

/* ---- offered ---- */

static enum pv_code ask_box(struct evidencebox *box, const struct attested *x,
			    const struct attestkey_tpm *in,
			    const struct secret *secret, uint64_t now_s,
			    struct offer_made *made, struct err *err)
{
	const struct offer_want want = { .ak = in->ak,
					 .ek = { .certs = in->ek,
						 .certs_n = in->ek_n,
						 .anchors = x->trust.certs,
						 .anchors_n = x->trust.certs_n,
						 .now_s = now_s,
						 .crls = x->trust.crls,
						 .crls_n = x->trust.crls_n },
					 .secret = secret };
	enum pv_code rc = evidencebox_offer(box, &want, made, err);

	if (rc == PV_OK && made->why.code != PV_OK)
		*err = made->why;
	return rc == PV_OK ? made->why.code : rc;
}

static enum pv_code draw(struct hsm *hsm, struct secret *secret,
			 uint8_t hash[static 32], struct err *err)
{
	enum pv_code rc = secret_alloc(secret, TPM2_CREDENTIAL_MAX, err);

	if (rc == PV_OK)
		rc = hsm_random(hsm, secret->data, secret->len, err);
	return rc == PV_OK ? sha256((struct span){ secret->data, secret->len },
				    hash, err)
			   : rc;
}

enum pv_code attestkey_offer_make(struct store *store, struct hsm *hsm,
				  struct evidencebox *box,
				  const struct attestkey_tpm *in,
				  struct attestkey_offer *o, struct err *err)
{
	CLEANUP(attested_release) struct attested x;
	SECRET secret = SECRET_INIT;
	struct event_who now;
	enum pv_code rc;

	memset(o, 0, sizeof(*o));
	o->k.state = ATTKEY_PENDING;
	o->k.format = EVIDENCE_TPM2;
	attested_init(&x);
	rc = attestkey_begin(store, in->device, EVIDENCE_TPM2, &x, err);
	if (rc == PV_OK)
		rc = event_now(store, &now, err);
	if (rc == PV_OK)
		rc = draw(hsm, &secret, o->k.secret_sha256, err);
	if (rc == PV_OK)
		rc = ask_box(box, &x, in, &secret, now.who.time_ms / 1000,
			     &o->made, err);
	if (rc != PV_OK)
		return rc;
	snprintf(o->k.device, sizeof(o->k.device), "%s", x.d.s.device);
	memcpy(o->template_sha256, x.template_sha256, 32);
	memcpy(o->k.ek_sha256, o->made.ek_sha256, 32);
	o->k.key = (struct span){ o->made.ak_spki, sizeof(o->made.ak_spki) };
	return sha256(o->k.key, o->k.key_sha256, err);
}

enum pv_code attestkey_offer(struct store *store, const struct event_who *who,
			     const struct attestkey_offer *o,
			     struct attestkey_said *said, struct err *err)
{
	CLEANUP(attested_release) struct attested x;
	const struct attestkey_by by = { o->nonce, LOG_NO_OFFER,
					 o->template_sha256 };
	enum pv_code rc;

	memset(said, 0, sizeof(*said));
	attested_init(&x);
	rc = attestkey_begin(store, o->k.device, EVIDENCE_TPM2, &x, err);
	if (rc == PV_OK &&
	    memcmp(x.template_sha256, o->template_sha256, 32) != 0)
		rc = err_fail(err, PV_CONFLICT, "attest.template",
			      "repeat the command",
			      "another version of template %s came into effect "
			      "meanwhile",
			      x.t->name);
	if (rc != PV_OK)
		return rc;
	memcpy(said->device, o->k.device, sizeof(said->device));
	memcpy(said->key_sha256, o->k.key_sha256, 32);
	rc = attestkey_check(store, &x, &o->k, said, err);
	return rc == PV_OK && !said->existing
		       ? attestkey_record(store, who, &o->k, &by, said, err)
		       : rc;
}

/* ---- and given back ---- */

/* The answer is let in by the offer: by whoever had to approve that. */
static enum pv_code check_approved(struct store *store,
				   const struct attestkey_entry *offered,
				   struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *r = NULL;
	enum pv_code rc = people_in_force(store, &r, NULL, err);

	if (rc != PV_OK || !r || offered->approved)
		return rc;
	return err_fail(err, PV_DENIED, "evidence.pending",
			"begin anew with --ek-cert and --ak",
			"the offer to the TPM was made before there was a "
			"roster, and nobody approved it");
}

static enum pv_code check_age(const struct attested *x,
			      const struct attestkey_entry *offered,
			      const struct event_who *who, struct err *err)
{
	const uint32_t ttl_s = x->t->attestation.nonce_ttl_s;

	if (who->who.time_ms - offered->time_ms < 1000ull * ttl_s)
		return PV_OK;
	return err_fail(err, PV_DENIED, "evidence.pending",
			"begin anew with --ek-cert and --ak",
			"the offer to the TPM is over: it was good for %u s "
			"(attestation.nonce_ttl_s)",
			(unsigned)ttl_s);
}

/* Trust anchors and revocation lists are the template's: the EK's certificate
 * was held against those of the offer. */
static enum pv_code check_template(const struct attested *x,
				   const struct attestkey_entry *offered,
				   struct err *err)
{
	if (offered->has_template &&
	    memcmp(x->template_sha256, offered->template_sha256, 32) == 0)
		return PV_OK;
	return err_fail(err, PV_CONFLICT, "attest.template",
			"begin anew with --ek-cert and --ak",
			"another version of template %s came into effect since "
			"the offer to the TPM",
			x->t->name);
}

enum pv_code attestkey_activate(struct store *store,
				const struct event_who *who, const char *device,
				struct span secret, struct attestkey_said *said,
				struct err *err)
{
	CLEANUP(attested_release) struct attested x;
	CLEANUP(buf_release) struct buf room;
	struct store_attkey k;
	struct attestkey_by by = { NULL, LOG_NO_OFFER, NULL };
	struct attestkey_entry offered = { .approved = false };
	uint8_t hash[32];
	bool found = false;
	enum pv_code rc;

	memset(said, 0, sizeof(*said));
	attested_init(&x);
	buf_init(&room, ATTESTKEY_ROW_MAX);
	rc = attestkey_begin(store, device, EVIDENCE_TPM2, &x, err);
	if (rc == PV_OK)
		rc = store_attkey_get(store, x.d.s.device, ATTKEY_PENDING, &k,
				      &room, &found, err);
	if (rc == PV_OK && !found)
		return err_fail(err, PV_NOT_FOUND, "evidence.pending",
				"begin with --ek-cert and --ak",
				"no key of the device waits for its TPM");
	if (rc == PV_OK)
		rc = attestkey_logged(store, &k, &offered, err);
	if (rc == PV_OK)
		rc = check_age(&x, &offered, who, err);
	if (rc == PV_OK)
		rc = check_template(&x, &offered, err);
	if (rc == PV_OK)
		rc = check_approved(store, &offered, err);
	if (rc == PV_OK)
		rc = sha256(secret, hash, err);
	if (rc != PV_OK)
		return rc;
	if (CRYPTO_memcmp(hash, k.secret_sha256, sizeof(hash)) != 0)
		return err_fail(err, PV_DENIED, "evidence.activated",
				"give what tpm2_activatecredential wrote, or "
				"begin anew with --ek-cert and --ak",
				"that is not the secret that was made for the "
				"TPM");
	by.offer = k.log_index;
	k.state = ATTKEY_ENROLLED;
	memset(k.secret_sha256, 0, sizeof(k.secret_sha256));
	rc = attestkey_check(store, &x, &k, said, err);
	return rc == PV_OK && !said->existing
		       ? attestkey_record(store, who, &k, &by, said, err)
		       : rc;
}
