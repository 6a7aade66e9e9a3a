/*
 * backends: the concrete parts that only cmd/main.c names, handed down as
 * functions, so that lib/flow includes neither pkcs11/ nor a database.
 */
#ifndef PV_FLOW_BACKENDS_H
#define PV_FLOW_BACKENDS_H

#include "lib/flow/authority.h"
#include "lib/hsm.h"
#include "lib/store/store.h"

/* What a token says of itself, without login; plain data. */
struct token_facts {
	/* The URI; "tokens[N]" of one that does not parse and may hold a PIN.
	 */
	char name[AUTHORITY_URI_MAX];
	bool found; /* the rest is filled */
	unsigned long slot;
	char label[33], manufacturer[33], model[17], serial[17];
	char firmware[8];	    /* "2.6" */
	unsigned long max_sessions; /* 0: not said or without limit */
	bool pin_pad, pin_count_low;
	bool p256, ed25519, cmac, sp800_108, gcm;
};

/* How to log in. */
struct hsm_login {
	const struct secret *pin; /* borrowed: must live as long as the hsm */
	unsigned sessions; /* calls in flight at once, from so many threads;
			    * 0 is 1 */
	struct hsm_watch *watch; /* told of every call; may be NULL */
	size_t token;		 /* its number in the configuration */
	/* Of number 0, the serial number that it has to have; NULL or "": any.
	 * Another one is PV_HSM_FATAL, "hsm.token-changed", and sees no PIN. */
	const char *serial;
};

struct backends {
	/* Opens (or creates) the store that a->store names. */
	enum pv_code (*store_open)(const struct authority *a, bool create,
				   struct store **store, struct err *err);
	/*
	 * C_Initialize and login to token number login->token, under the token
	 * lock. The process must not have the module initialised. The token may
	 * have room for fewer sessions: hsm_sessions() tells. PV_HSM_TEMP: the
	 * next token may be tried.
	 */
	enum pv_code (*hsm_open)(const struct authority *a,
				 struct hsm_login *login, struct hsm **hsm,
				 struct err *err);
	/*
	 * hsm_open() in two steps: all that needs no PIN, then the login, which
	 * leaves *hsm to be closed when it fails.
	 */
	enum pv_code (*hsm_meet)(const struct authority *a,
				 const struct hsm_login *login,
				 struct hsm **hsm, struct err *err);
	enum pv_code (*hsm_login)(const struct authority *a,
				  const struct hsm_login *login,
				  struct hsm *hsm, struct err *err);
	/*
	 * Initialises the one empty token as label (in a child process); where
	 * a token of a is named so, of the serial number that its URI asks for.
	 * token: what token_empty() said of it, then what it says by now; or
	 * NULL. PV_HSM_FATAL: "hsm.token-double", "hsm.token-changed".
	 */
	enum pv_code (*token_init)(const struct authority *a, const char *label,
				   const struct secret *so_pin,
				   const struct secret *pin,
				   struct token_facts *token, struct err *err);
	/*
	 * Asks token number token of a (in a child) what it can; name is always
	 * filled, and a refusal by its facts still fills the rest of *out.
	 */
	enum pv_code (*token_facts)(const struct authority *a, size_t token,
				    struct token_facts *out, struct err *err);
	/* Which public keys it shows without login (in a child). */
	enum pv_code (*token_publics)(const struct authority *a, size_t token,
				      struct hsm_publics *out, struct err *err);
	/* Which one that would be: what it says of itself. PV_CONFLICT,
	 * PV_HSM_TEMP: there is none to initialise. */
	enum pv_code (*token_empty)(const struct authority *a,
				    const char *label, struct token_facts *out,
				    struct err *err);
	/* The label that the URI of token number token asks for; "": none. */
	enum pv_code (*token_label)(const struct authority *a, size_t token,
				    char label[33], struct err *err);
	/*
	 * Makes new the user's PIN of token number token (in a child: this
	 * process must have none open). *has: which one it has now, also when
	 * this fails. Each is tried once at most.
	 */
	enum pv_code (*token_set_pin)(const struct authority *a, size_t token,
				      const struct secret *old,
				      const struct secret *new,
				      enum hsm_pin_set *has, struct err *err);
	/* Reads the PIN from a->pin_source (prompt, file, descriptor).
	 * PV_CONFLICT, "pin.staged": a change of it has not ended. */
	enum pv_code (*pin_read)(const struct authority *a, struct secret *pin,
				 struct err *err);
	/* The same for who goes on with that change. */
	enum pv_code (*pin_read_old)(const struct authority *a,
				     struct secret *pin, struct err *err);
	/* A person's PIN: source as pin_source, files relative to the current
	 * folder; what is named in a prompt. */
	enum pv_code (*person_pin)(const char *source, const char *what,
				   struct secret *pin, struct err *err);
	/* The same of a key file's passphrase; a new one is typed twice. */
	enum pv_code (*person_phrase)(const char *source, const char *what,
				      bool is_new, struct secret *phrase,
				      struct err *err);
	/* Uses the key once, in a child that ends with it. This process must
	 * not have a token open: the module cannot be entered twice. */
	enum pv_code (*person_key)(const struct hsm_person_ask *ask,
				   struct hsm_person_key *key, struct err *err);
	/* As far as it can be told without a person: would that succeed? */
	enum pv_code (*pin_check)(const struct authority *a, struct err *err);
};

#endif
