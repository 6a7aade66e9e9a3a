/*
 * pkcs11: lib/hsm.h on a PKCS#11 module. The only header of this folder that
 * others include, and only cmd/main.c does.
 *
 * Token life (initialising, certificates) goes through libp11 in short-lived
 * child processes; login, keys and operations go through Cryptoki on sessions
 * of our own, in the process that called p11_open(). Signers are forked
 * before that call, never after it. Several sessions on the one login let so
 * many threads have a call in flight each (lib/hsm.h says which calls).
 *
 * Does not check: what signatures say (the caller verifies), how often a key
 * was used (the store counts).
 *
 * PKCS#11 2.40 and 3.0, RFC 7512; the measured facts are in pkcs11.md.
 */
#ifndef PV_PKCS11_PKCS11_H
#define PV_PKCS11_PKCS11_H

#include "lib/hsm.h"

/* Strings are the caller's, and copied where they must outlive a call. */
struct p11_config {
	const char *module;    /* absolute path, from the configuration only */
	const char *token_uri; /* RFC 7512, token attributes only, no PIN */
	const char *lock_dir;  /* folder of the token locks, made when missing;
				* NULL: the token is one person's, no locks */
	unsigned timeout_s;    /* bound of a child and of one way in (lock.h) */
	unsigned sessions; /* of p11_open(): 1 to 64 calls at once; 0: one */
	struct hsm_watch *watch; /* told of every call; may be NULL */
	const char *serial;	 /* else "hsm.token-changed"; NULL or "": any */
};

/* What a token says of itself; plain data, crosses a pipe. */
struct p11_facts {
	char label[33], manufacturer[33], model[17], serial[17], firmware[8];
	unsigned long slot;
	unsigned long max_sessions, max_rw_sessions; /* 0: no limit is said */
	unsigned long min_pin_len, max_pin_len;	     /* bytes */
	bool pin_initialised, pin_count_low, pin_final_try, pin_locked;
	bool login_required, write_protected, has_rng;
	bool protected_path;  /* a pin pad: no PIN is asked for, one signer */
	bool p256;	      /* CKM_ECDSA and key pairs on 256 bits */
	bool ed25519;	      /* CKM_EDDSA and Edwards key pairs */
	bool aes256;	      /* CKM_AES_KEY_GEN of 32 bytes */
	bool cmac, gcm;	      /* CKM_AES_CMAC, CKM_AES_GCM on 32 byte keys */
	bool ecdh, sp800_108; /* CKM_ECDH1_DERIVE, CKM_SP800_108_COUNTER_KDF */
	bool key_wrap_pad, key_wrap_kwp; /* RFC 5649 under either number */
	unsigned long ec_min_bits, ec_max_bits, aes_min_bytes, aes_max_bytes;
};

/* Whether text names a token as p11_open() takes it; else it may hold a PIN.
 * label, unless NULL, gets what it asks for, or "". */
PV_MUST bool p11_token_uri_ok(const char *text, char label[33]);
/* Asks the token, in a child, what it can and how it is; nothing is logged
 * in. PV_INPUT (URI), PV_DENIED (module path; a mechanism the project needs is
 * missing, rule "hsm.mechanism"), PV_HSM_TEMP (no such token, time-out),
 * PV_HSM_FATAL (two tokens match, PIN locked, on its final try or not set).
 * out is filled whenever the token was found, also on refusal by its facts. */
PV_MUST enum pv_code p11_preflight(const struct p11_config *cfg,
				   struct p11_facts *out, struct err *err);
/* The public keys that it shows without a login, the same way; a token may keep
 * them private. PV_HSM_FATAL "hsm.objects": more than HSM_PUBLICS_MAX. */
PV_MUST enum pv_code p11_publics(const struct p11_config *cfg,
				 struct hsm_publics *out, struct err *err);

/*
 * C_Initialize to C_Login under the module's lock, one login attempt, then
 * the other sessions: a token with less room makes them fewer, not fail. The
 * process must not have initialised the module before. pin stays the caller's
 * and must outlive *out (a dead session logs in once more with it); it may be
 * NULL or empty only for a token with a protected authentication path.
 * Codes as p11_preflight(), and PV_HSM_FATAL for a wrong PIN.
 */
PV_MUST enum pv_code p11_open(const struct p11_config *cfg,
			      const struct secret *pin, struct hsm **out,
			      struct err *err);

/* The same in two steps, for who can do something else before it has the PIN.
 * p11_meet() is all of p11_open() up to a look at the token, which nothing is
 * asked of meanwhile; p11_login() takes the lock again, holds the token against
 * what it was and logs in, once. When that fails *hsm is only to be closed. */
PV_MUST enum pv_code p11_meet(const struct p11_config *cfg, struct hsm **out,
			      struct err *err);
PV_MUST enum pv_code p11_login(struct hsm *hsm, const struct secret *pin,
			       struct err *err);

/*
 * Initialises the one empty token as label (1 to 32 bytes of printable ASCII)
 * and sets its user PIN, in a child, so that copies of the PINs end with it.
 * cfg->token_uri: its serial number, or NULL. token: as p11_token_empty()
 * showed it, then as it is; or NULL. PV_CONFLICT (label), PV_HSM_TEMP (none is
 * empty), PV_HSM_FATAL "hsm.token-double", "hsm.token-changed".
 */
PV_MUST enum pv_code p11_token_init(const struct p11_config *cfg,
				    const char *label,
				    const struct secret *so_pin,
				    const struct secret *user_pin,
				    struct p11_facts *token, struct err *err);
/* What that token says of itself; the same codes. */
PV_MUST enum pv_code p11_token_empty(const struct p11_config *cfg,
				     const char *label, struct p11_facts *token,
				     struct err *err);

/*
 * Makes new the user's PIN in place of old, in a child like the above, and logs
 * in with it. *has: which one the token has now, also when it fails.
 * PV_HSM_FATAL "hsm.pin" (both were refused, once each), "hsm.pin-locked" (on
 * its last try); PV_INPUT "pin.length"; PV_DENIED "rotate.pin-pad".
 */
PV_MUST enum pv_code p11_set_pin(const struct p11_config *cfg,
				 const struct secret *old,
				 const struct secret *new,
				 enum hsm_pin_set *has, struct err *err);

/* In a child, as the above. PV_INPUT ("officer.uri", "hsm.uri"), PV_NOT_FOUND,
 * PV_CONFLICT (make: the name is taken); codes of p11_open(). */
PV_MUST enum pv_code p11_person(const struct hsm_person_ask *ask,
				struct hsm_person_key *out, struct err *err);

#endif
