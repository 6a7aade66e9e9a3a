#include "lib/flow/tokensign.h"

#include <string.h>

#include "lib/flow/ownkey.h"

void tokensign_close(struct tokensign *t)
{
	x509_verifier_free(t->verifier);
	memset(t, 0, sizeof(*t));
}

enum pv_code tokensign_open(struct tokensign *t, struct hsm *hsm,
			    const struct issue_key *want, struct err *err)
{
	struct span spki = { want->spki, want->spki_len };
	uint8_t digest[32];
	enum pv_code rc;

	memset(t, 0, sizeof(*t));
	t->hsm = hsm;
	if (!hsm_is_p256(want->kind)) {
		err_object(err, want->label);
		return err_fail(err, PV_HSM_FATAL, "hsm.key", NULL,
				"the key is not one for ES256");
	}
	rc = ownkey_find(hsm, want, &t->key, err);
	if (rc != PV_OK)
		return rc;
	memcpy(t->spki, want->spki, want->spki_len);
	t->spki_len = want->spki_len;
	rc = x509_spki_sha256(spki, digest, err);
	if (rc == PV_OK)
		rc = x509_verifier_new(spki, &t->verifier, err);
	if (rc != PV_OK) {
		tokensign_close(t);
		return rc;
	}
	memcpy(t->kid, digest, sizeof(t->kid));
	return PV_OK;
}

enum pv_code tokensign_digest(struct tokensign *t, const uint8_t digest[32],
			      uint8_t sig[64], struct err *err)
{
	enum pv_code rc = hsm_sign_digest(t->hsm, t->key, digest, sig, err);

	if (rc == PV_OK)
		rc = x509_verify_digest(t->verifier, digest, sig, PV_HSM_FATAL,
					err);
	if (rc != PV_OK)
		memset(sig, 0, 64);
	return rc;
}
