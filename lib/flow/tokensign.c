#include "lib/flow/tokensign.h"

#include <string.h>

void tokensign_close(struct tokensign *t)
{
	x509_verifier_free(t->verifier);
	memset(t, 0, sizeof(*t));
}

enum pv_code tokensign_open(struct tokensign *t, struct hsm *hsm,
			    const char *label, struct span spki,
			    struct err *err)
{
	const struct hsm_key_info *info;
	uint8_t digest[32];
	enum pv_code rc;

	memset(t, 0, sizeof(*t));
	t->hsm = hsm;
	rc = hsm_find(hsm, HSM_KEY_P256, label, &t->key, err);
	if (rc != PV_OK)
		return rc;
	info = hsm_info(hsm, t->key);
	memcpy(t->spki, info->spki, info->spki_len);
	t->spki_len = info->spki_len;
	if (spki.len &&
	    !span_equal(spki, (struct span){ t->spki, t->spki_len })) {
		err_object(err, label);
		return err_fail(err, PV_HSM_FATAL, "hsm.key",
				"check that \"tokens\" names the right token",
				"the token's key is not the one recorded");
	}
	spki = (struct span){ t->spki, t->spki_len };
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
