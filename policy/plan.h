/*
 * plan: a ceremony plan, the list of steps that a runner takes in order.
 * Parsing checks the list as a whole. One that begins with init-token makes an
 * authority: every key is made once, a CA has its key and its issuer before it
 * is made. Any other is a later plan, for an authority that is there: what its
 * steps name and do not make is the authority's.
 *
 * Does not check: that the templates named exist, fit, or have the bytes that
 * it names (lib/ceremony/plantemplate.h); what day it is.
 * Specification: overview.md, "Home of an authority";
 * templates/plan.schema.json and templates/plans/.
 */
#ifndef PV_POLICY_PLAN_H
#define PV_POLICY_PLAN_H

#include "lib/base/json.h"
#include "lib/base/pvtime.h"

#define PLAN_SIZE_MAX (64u * 1024u)
#define PLAN_NAME_MAX 64
#define PLAN_STEPS_MAX 64
#define PLAN_SHARES_MAX 16
#define PLAN_TEXT_MAX 500    /* bytes */
#define PLAN_PRESENT_MAX 200 /* bytes of who is present */
#define PLAN_PURPOSE_TRANSPORT "transport"

enum plan_kind {
	PLAN_INIT_TOKEN,
	PLAN_GENERATE_KEY, /* purpose, key */
	PLAN_SELF_SIGNED,  /* ca, template */
	PLAN_ISSUE_CA,	   /* ca, issuer, template */
	PLAN_ADOPT,	   /* template */
	PLAN_CHECK_KEY,	   /* purpose: read its attributes back once more */
	PLAN_PAUSE,	   /* text: people do something, then say so */
	PLAN_SET_ROSTER,   /* roster: from here on people have to approve */
	PLAN_BACK_UP_KEY,  /* purpose, shares, threshold; officers or print */
	PLAN_RESTORE_KEY,  /* purpose, from: onto each token without it */
	PLAN_MAKE_CSR,	   /* ca, template; to */
	PLAN_SIGN_CSR,	   /* ca, issuer, template, from */
	PLAN_IMPORT_CA,	   /* ca, issuer, from; root */
	PLAN_SIGN_CRL,	   /* ca: its revocation lists, due or not */
	PLAN_TRANSPORT,	   /* makes the key that another key is sent to */
	PLAN_SEND_KEY,	   /* purpose, to; other_spki */
	PLAN_TAKE_KEY,	   /* purpose, from; other_spki */
	/* Of later plans alone: */
	PLAN_CROSS_SIGN, /* ca: its two newest generations, each by the other */
	PLAN_ROTATE_PIN, /* of the tokens' user */
	PLAN_DESTROY_KEY /* purpose, generation */
};

enum plan_key {
	PLAN_KEY_P256,		  /* "P-256" */
	PLAN_KEY_ED25519,	  /* "Ed25519" */
	PLAN_KEY_ED25519_OR_P256, /* "Ed25519 or P-256": what the token can */
	PLAN_KEY_KDF,		  /* "AES-256", purpose kdf */
	PLAN_KEY_STORE		  /* "AES-256", purpose store */
};

struct plan_step {
	enum plan_kind kind;
	char present[PLAN_PRESENT_MAX + 1]; /* roles or names; "": nobody */
	char purpose[PLAN_NAME_MAX + 1];    /* a CA's key has its name */
	char text[PLAN_TEXT_MAX + 1];
	uint8_t roster[32];  /* SHA-256 of its bytes */
	int64_t not_after_s; /* of a CA's certificate; 0: the template's */
	int64_t active_s; /* a CA's next generation issues then; 0: at once */
	uint32_t generation; /* DESTROY_KEY */
	enum plan_key key;
	bool backup; /* GENERATE_KEY: it may be backed up */
	uint32_t shares, threshold;
	/* One a share, or "" of printed ones; SHA-256 of the SPKI for it. */
	char officers[PLAN_SHARES_MAX][PLAN_NAME_MAX + 1];
	uint8_t officer_keys[PLAN_SHARES_MAX][32];
	bool print; /* and these go on paper */
	char ca[PLAN_NAME_MAX + 1];
	char issuer[PLAN_NAME_MAX + 1];
	char template_name[PLAN_NAME_MAX + 1];
	bool bound; /* to these bytes of it: */
	uint8_t template_sha256[32];
	/* Another authority, that gave or will sign; "": this one. */
	char from[PLAN_NAME_MAX + 1], to[PLAN_NAME_MAX + 1];
	bool has_root;
	uint8_t root[32]; /* SHA-256 of the imported root (DER) */
	bool has_other; /* SHA-256 of the SPKI that is sent to, or is taken: */
	uint8_t other_spki[32];
};

struct plan {
	char name[PLAN_NAME_MAX + 1];
	uint32_t version;
	uint8_t sha256[32]; /* of the plan's bytes */
	/* When it may be run; 0 and PVTIME_MAX where the plan says nothing. */
	int64_t not_before_s, not_after_s;
	struct plan_step steps[PLAN_STEPS_MAX];
	size_t steps_n;
};

/*
 * Parses a plan. *out is owned by the caller, NULL on failure. PV_INPUT with
 * rule "json.*" or "plan.*" and pointer, line and column in the message.
 */
PV_MUST enum pv_code plan_parse(struct span text, struct plan **out,
				struct err *err);
void plan_free(struct plan *plan);

/* It makes an authority: it begins with init-token. */
PV_MUST bool plan_is_first(const struct plan *plan);

/* A step of it makes a certificate of that CA here, or takes one in. */
PV_MUST bool plan_makes_ca(const struct plan *plan, const char *ca);

/* The step that sets the roster, or NULL. */
const struct plan_step *plan_roster(const struct plan *plan);

/* "generate-key" and so on. */
const char *plan_kind_name(enum plan_kind kind);
/* A purpose, a CA, a template; "" where it is about the token or people. */
const char *plan_step_about(const struct plan_step *step);

#endif
