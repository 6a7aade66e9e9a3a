/*
 * attestkey_tpm: a TPM's attestation key is enrolled once the TPM has given
 * back a secret that only the TPM of its EK certificate gets out of what we
 * make of it (MakeCredential, ActivateCredential; makecred.h). What it brings
 * for that is taken apart in a box (evidencebox.h). The offer is what people
 * approve; the answer has to come within the template's
 * attestation.nonce_ttl_s.
 *
 * Does not check: who brings it.
 */
#ifndef PV_FLOW_ATTESTKEY_TPM_H
#define PV_FLOW_ATTESTKEY_TPM_H

#include "lib/flow/attestkey.h"
#include "lib/flow/evidencebox.h"

struct attestkey_tpm { /* borrowed */
	const char *device;
	const struct span *ek; /* EK certificate first, then up; DER */
	size_t ek_n;
	struct span ak; /* TPM2B_PUBLIC */
};
struct attestkey_offer {	/* what is offered, before it is recorded */
	struct store_attkey k;	/* its bytes are those of made */
	struct offer_made made; /* what tpm2_activatecredential takes */
	uint8_t template_sha256[32];
	const uint8_t *nonce; /* as in struct attestkey_in; of the caller */
};
/*
 * The first half for a TPM, outside of a transaction: draws the secret from the
 * token, and has the box check the EK certificate against the template's
 * anchors and the attributes of the AK, and make of them what the TPM gets. o
 * may not move. Codes of attested_load(), PV_DENIED "evidence.format"; of
 * evidencebox_offer() with its verdict; PV_HSM_*.
 */
PV_MUST enum pv_code attestkey_offer_make(struct store *store, struct hsm *hsm,
					  struct evidencebox *box,
					  const struct attestkey_tpm *in,
					  struct attestkey_offer *o,
					  struct err *err);
/* Records it; what is open from before is given up. Codes of attestkey_enrol();
 * PV_CONFLICT "attest.template": another version is in effect by now. */
PV_MUST enum pv_code attestkey_offer(struct store *store,
				     const struct event_who *who,
				     const struct attestkey_offer *o,
				     struct attestkey_said *said,
				     struct err *err);
/* The second: what the TPM gave back. PV_NOT_FOUND "evidence.pending";
 * PV_DENIED "evidence.activated": it is not the secret, "evidence.pending": the
 * offer is older than attestation.nonce_ttl_s, or nobody approved it and there
 * is a roster now; PV_CONFLICT "attest.template": it was made by another version
 * of the template. */
PV_MUST enum pv_code attestkey_activate(struct store *store,
					const struct event_who *who,
					const char *device, struct span secret,
					struct attestkey_said *said,
					struct err *err);

#endif
