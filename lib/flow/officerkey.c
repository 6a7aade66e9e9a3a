#include "lib/flow/officerkey.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/flow/officerkey_impl.h"

#define SCHEME "pkcs11:"

static struct hsm_person_ask ask_of(const struct officerkey *k)
{
	return (struct hsm_person_ask){ .uri = k->uri,
					.pin = &k->pin,
					.softhsm_conf = k->softhsm_conf };
}

/* The key in the token, or a new one. */
static enum pv_code token_open(const struct officerkey_from *from, bool make,
			       struct officerkey *k, struct err *err)
{
	struct hsm_person_key key;
	struct hsm_person_ask ask;
	enum pv_code rc;

	k->token = true;
	if (snprintf(k->uri, sizeof(k->uri), "%s", from->key) >=
	    (int)sizeof(k->uri))
		return err_fail(err, PV_INPUT, "officer.uri", NULL,
				"PKCS#11 URI of a key: too long");
	k->softhsm_conf = from->softhsm_conf;
	rc = from->backends->person_pin(from->pin_source ? from->pin_source
							 : "prompt",
					from->name, &k->pin, err);
	if (rc != PV_OK)
		return rc;
	ask = ask_of(k);
	ask.make = make;
	rc = from->backends->person_key(&ask, &key, err);
	if (rc == PV_OK)
		rc = note_key_from_spki(&k->key, from->name,
					(struct span){ key.spki, key.spki_len },
					err);
	return rc;
}

static enum pv_code open_any(const struct officerkey_from *from, bool make,
			     struct officerkey *k, struct err *err)
{
	enum pv_code rc;

	memset(k, 0, sizeof(*k));
	k->backends = from->backends;
	if (strncmp(from->key, SCHEME, strlen(SCHEME)) == 0)
		rc = token_open(from, make, k, err);
	else if (make)
		rc = officerkey_file_new(from, k, err);
	else
		rc = officerkey_file_open(from, k, err);
	if (rc != PV_OK)
		officerkey_release(k);
	return rc;
}

enum pv_code officerkey_open(const struct officerkey_from *from,
			     struct officerkey *k, struct err *err)
{
	return open_any(from, false, k, err);
}

enum pv_code officerkey_check(const struct officerkey_from *from,
			      struct err *err)
{
	const struct hsm_person_ask ask = { .uri = from->key,
					    .only_uri = true };
	struct hsm_person_key ignored;

	return strncmp(from->key, SCHEME, strlen(SCHEME)) == 0
		       ? from->backends->person_key(&ask, &ignored, err)
		       : officerkey_file_check(from, err);
}

enum pv_code officerkey_new(const struct officerkey_from *from,
			    struct officerkey *k, struct err *err)
{
	return open_any(from, true, k, err);
}

static enum pv_code sign(void *ctx, struct span text, const uint8_t digest[32],
			 uint8_t raw[NOTE_RAW_LEN], struct err *err)
{
	const struct officerkey *k = ctx;
	struct hsm_person_ask ask = ask_of(k);
	struct hsm_person_key key;
	enum pv_code rc;

	if (!k->token)
		return officerkey_file_sign(k, text, digest, raw, err);
	ask.text = text;
	ask.digest = digest;
	rc = k->backends->person_key(&ask, &key, err);
	memcpy(raw, key.sig, NOTE_RAW_LEN);
	return rc;
}

struct note_signer officerkey_signer(struct officerkey *k)
{
	return (struct note_signer){ &k->key, sign, k };
}

void officerkey_release(struct officerkey *k)
{
	EVP_PKEY_free(k->pkey);
	secret_release(&k->pin);
	memset(k, 0, sizeof(*k));
}
