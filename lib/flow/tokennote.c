#include "lib/flow/tokennote.h"

struct asking {
	struct hsm *hsm;
	struct hsm_key *key;
};

static enum pv_code sign(void *ctx, struct span text, const uint8_t digest[32],
			 uint8_t raw[NOTE_RAW_LEN], struct err *err)
{
	const struct asking *a = ctx;

	if (hsm_info(a->hsm, a->key)->kind == HSM_KEY_ED25519)
		return hsm_sign_message(a->hsm, a->key, text, raw, err);
	return hsm_sign_digest(a->hsm, a->key, digest, raw, err);
}

enum pv_code tokennote_add(struct hsm *hsm, struct hsm_key *key,
			   const struct issue_key *own, const char *name,
			   struct span text, struct buf *note, struct err *err)
{
	struct asking asking = { hsm, key };
	struct note_key verifier;
	struct note_signer signer = { &verifier, sign, &asking };
	enum pv_code rc = note_key_from_spki(
		&verifier, name, (struct span){ own->spki, own->spki_len },
		err);

	if (rc == PV_OK)
		rc = note_sign(note, text, &signer, err);
	if (rc == PV_INTEGRITY)
		err->code = rc = PV_HSM_FATAL; /* its own answer was wrong */
	if (rc != PV_OK)
		err_object(err, own->label);
	return rc;
}
