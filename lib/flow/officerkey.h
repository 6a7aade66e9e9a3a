/*
 * officerkey: the key that a person signs with. Two kinds:
 * - a file: the vkey in the first line, then PKCS#8 as PEM, plain or encrypted
 *   (the passphrase comes from where a PIN would): Ed25519 or P-256; nobody
 *   else may read it, but for a credential of a systemd unit;
 * - a key in a PKCS#11 token: URI with the token's and the key's name (object).
 *   The module's path stands behind it as "?module-path=/..." (RFC 7512
 *   2.4). The token is used in a child process (backends.h, person_key), and
 *   only before this one opens the authority's.
 *
 * Does not check: whom the key belongs to (the roster says).
 */
#ifndef PV_FLOW_OFFICERKEY_H
#define PV_FLOW_OFFICERKEY_H

#include "lib/base/note.h"
#include "lib/base/secret.h"
#include "lib/flow/backends.h"

#define OFFICERKEY_FILE_MAX 4096u
#define OFFICERKEY_URI_MAX 2048u

struct officerkey_from {
	const struct backends *backends;
	const char *name; /* whose: a note's name */
	const char *key;  /* path, or "pkcs11:..." */
	/* Of the PIN or the passphrase: as in provctl.json; "prompt" when NULL,
	 * asked for only where one is needed. */
	const char *pin_source;
	const char *softhsm_conf; /* SOFTHSM2_CONF of the person, or NULL */
};

struct officerkey {
	struct note_key key;
	bool token;
	struct evp_pkey_st *pkey; /* of a file */
	struct secret pin;	  /* of a token */
	char uri[OFFICERKEY_URI_MAX];
	const char *softhsm_conf; /* as above, not owned */
	const struct backends *backends;
};
#define OFFICERKEY CLEANUP(officerkey_release) struct officerkey

/*
 * Opens. PV_NOT_FOUND, PV_DENIED (others can read the file), PV_INPUT
 * ("officer.key", also a wrong passphrase; "officer.uri"), PV_HSM_*. k need not
 * be initialised; release it in any case.
 */
PV_MUST enum pv_code officerkey_open(const struct officerkey_from *from,
				     struct officerkey *k, struct err *err);
/*
 * The same with a new key: a file that must not exist yet (Ed25519, 0600,
 * encrypted when pin_source is given), or one in the token. PV_CONFLICT.
 */
PV_MUST enum pv_code officerkey_new(const struct officerkey_from *from,
				    struct officerkey *k, struct err *err);
/* Before a person is asked anything: the URI is one of a key; the file is there,
 * and its first line that person's. Codes of officerkey_open(). */
PV_MUST enum pv_code officerkey_check(const struct officerkey_from *from,
				      struct err *err);
/* For note_sign(); borrows k. */
struct note_signer officerkey_signer(struct officerkey *k);
/* Wipes and empties. Takes an empty (zeroed) one. */
void officerkey_release(struct officerkey *k);

#endif
