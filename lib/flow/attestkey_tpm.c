/* A TPM's attestation key: offered a credential, enrolled when it is back. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/attestkey_impl.h"

/* The EK's key, by a certificate that leads to one of the anchors. */
static enum pv_code check_ek(const struct attested *x,
			     const struct attestkey_tpm *in,
			     const struct event_who *who, struct span *spki,
			     uint8_t sha256_out[static 32], struct err *err)
{
	const struct evidence_chain chain = { .certs = in->ek,
					      .certs_n = in->ek_n,
					      .anchors = x->trust.certs,
					      .anchors_n = x->trust.certs_n,
					      .crls = x->trust.crls,
					      .crls_n = x->trust.crls_n,
					      .now_s =
						      who->who.time_ms / 1000 };
	enum pv_code rc = tpm2_ek_verify(&chain, spki, err);

	return rc == PV_OK ? sha256(*spki, sha256_out, err) : rc;
}

/* What goes out, and the hash of what has to come back. */
static enum pv_code make(struct hsm *hsm, struct span ek_spki,
			 const struct tpm2_ak *ak, struct buf *out,
			 uint8_t hash[static 32], struct err *err)
{
	SECRET secret = SECRET_INIT;
	enum pv_code rc = secret_alloc(&secret, TPM2_CREDENTIAL_MAX, err);

	if (rc == PV_OK)
		rc = hsm_random(hsm, secret.data, secret.len, err);
	if (rc == PV_OK)
		rc = sha256((struct span){ secret.data, secret.len }, hash,
			    err);
	return rc == PV_OK ? tpm2_make_credential(ek_spki, ak->name, &secret,
						  out, err)
			   : rc;
}

enum pv_code attestkey_offer(struct store *store, struct hsm *hsm,
			     const struct event_who *who,
			     const struct attestkey_tpm *in, struct buf *out,
			     struct attestkey_said *said, struct err *err)
{
	CLEANUP(attested_release) struct attested x;
	struct store_attkey k = { .state = ATTKEY_PENDING,
				  .format = EVIDENCE_TPM2 };
	struct span ek_spki = { NULL, 0 };
	struct tpm2_ak ak;
	enum pv_code rc;

	memset(said, 0, sizeof(*said));
	attested_init(&x);
	rc = attestkey_begin(store, in->device, EVIDENCE_TPM2, &x, err);
	if (rc == PV_OK)
		rc = tpm2_ak_read(in->ak, &ak, err);
	if (rc == PV_OK)
		rc = check_ek(&x, in, who, &ek_spki, k.ek_sha256, err);
	if (rc != PV_OK)
		return rc;
	snprintf(k.device, sizeof(k.device), "%s", x.d.s.device);
	memcpy(said->device, k.device, sizeof(said->device));
	k.key = (struct span){ ak.spki, sizeof(ak.spki) };
	rc = sha256(k.key, k.key_sha256, err);
	if (rc == PV_OK)
		rc = attestkey_check(store, &x, &k, said, err);
	if (rc != PV_OK || said->existing)
		return rc;
	rc = make(hsm, ek_spki, &ak, out, k.secret_sha256, err);
	return rc == PV_OK ? attestkey_record(store, who, &k, said, err) : rc;
}

static enum pv_code check_age(const struct attested *x, uint64_t offered_ms,
			      const struct event_who *who, struct err *err)
{
	const uint32_t ttl_s = x->t->attestation.nonce_ttl_s;

	if (who->who.time_ms - offered_ms < 1000ull * ttl_s)
		return PV_OK;
	return err_fail(err, PV_DENIED, "evidence.pending",
			"begin anew with --ek-cert and --ak",
			"the offer to the TPM is over: it was good for %u s "
			"(attestation.nonce_ttl_s)",
			(unsigned)ttl_s);
}

enum pv_code attestkey_activate(struct store *store,
				const struct event_who *who, const char *device,
				struct span secret, struct attestkey_said *said,
				struct err *err)
{
	CLEANUP(attested_release) struct attested x;
	CLEANUP(buf_release) struct buf room;
	struct store_attkey k;
	uint64_t offered_ms = 0;
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
		rc = attestkey_logged(store, &k, &offered_ms, err);
	if (rc == PV_OK)
		rc = check_age(&x, offered_ms, who, err);
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
	k.state = ATTKEY_ENROLLED;
	memset(k.secret_sha256, 0, sizeof(k.secret_sha256));
	rc = attestkey_check(store, &x, &k, said, err);
	return rc == PV_OK && !said->existing
		       ? attestkey_record(store, who, &k, said, err)
		       : rc;
}
