/*
 * authority: one home directory with its configuration (overview.md, "Home of
 * an authority"). Loading checks modes and owners, refuses unknown keys and
 * opens neither store nor token: a verb asks for those by its needs.
 */
#ifndef PV_FLOW_AUTHORITY_H
#define PV_FLOW_AUTHORITY_H

#include "lib/base/err.h"
#include "lib/base/secret.h"

#define AUTHORITY_KEYS_MAX 32
#define AUTHORITY_TOKENS_MAX 8
#define AUTHORITY_NAME_MAX 64
#define AUTHORITY_URI_MAX 256
#define AUTHORITY_PATH_MAX 1024

struct authority_key {
	char purpose[64]; /* "bundle", "kdf", or a CA's name: "issuing-1" */
	char label[128];  /* authority/purpose/generation */
	unsigned generation;
	/* A log key: every checkpoint of that many entries or more has a line
	 * of it. 0: it is as old as the log, or its rotation goes on. */
	uint64_t from;
};

struct authority {
	int home_fd;
	char home[AUTHORITY_PATH_MAX]; /* absolute, resolved */
	char name[AUTHORITY_NAME_MAX];
	char store[AUTHORITY_PATH_MAX]; /* "sqlite:store.db" */
	char module[AUTHORITY_PATH_MAX];
	bool own_module; /* the caller can write it: settings.h */
	bool making;	 /* init is at it: nothing was signed yet */
	char tokens[AUTHORITY_TOKENS_MAX][AUTHORITY_URI_MAX];
	size_t tokens_n;
	char pin_source[AUTHORITY_PATH_MAX];
	struct authority_key keys[AUTHORITY_KEYS_MAX];
	size_t keys_n;
	char templates[AUTHORITY_PATH_MAX];
	char publish[AUTHORITY_PATH_MAX];
	char publish_hook[AUTHORITY_PATH_MAX];
	unsigned publish_hook_timeout_s;
	unsigned jobs;		     /* 0: one per core */
	unsigned sessions_per_token; /* calls at once; 0: one per signer */
	unsigned hsm_timeout_s;
	unsigned clock_max_step_days;
	char origin[AUTHORITY_NAME_MAX];
	unsigned witnesses_required;
	unsigned witness_max_age_s; /* of what approvals are taken under */
};

/*
 * Opens DIR and parses provctl.json. PV_NOT_FOUND (no authority there),
 * PV_DENIED (file or folder writable by others), PV_INPUT (a key unknown, of
 * wrong type or out of range; with JSON pointer, line and column).
 * Sets SOFTHSM2_CONF for this process when the home has softhsm/.
 */
PV_MUST enum pv_code authority_open(const char *dir, struct authority **a,
				    struct err *err);
void authority_close(struct authority *a);
/*
 * The module as a names it: a->own_module. PV_DENIED, "config.module", when
 * somebody else than root and the caller can write it or a folder on its path;
 * PV_HSM_FATAL, "hsm.module", when it is not there.
 */
PV_MUST enum pv_code authority_check_module(struct authority *a,
					    struct err *err);

/* The key of a purpose; PV_NOT_FOUND names the purpose. */
PV_MUST enum pv_code authority_key(const struct authority *a,
				   const char *purpose,
				   const struct authority_key **key,
				   struct err *err);

/* It names a key of that label. */
PV_MUST bool authority_names(const struct authority *a, const char *label);

/*
 * Points SoftHSM at softhsm/softhsm2.conf below the home, when that is there:
 * it finds its token folder only through the environment.
 */
PV_MUST enum pv_code authority_use_softhsm(const struct authority *a,
					   struct err *err);

/* Writes provctl.json anew from a (durably). For init only. */
PV_MUST enum pv_code authority_save(const struct authority *a, struct err *err);

/* In a alone: the purpose gets that key, or is gone when its label is "".
 * PV_DENIED "authority.keys" past AUTHORITY_KEYS_MAX. */
PV_MUST enum pv_code authority_set_key(struct authority *a,
				       const struct authority_key *key,
				       struct err *err);
/*
 * The same for n keys, in a and in provctl.json as it is now (durably): what
 * another process changed there meanwhile stays. Codes of authority_open(),
 * PV_STORAGE.
 */
PV_MUST enum pv_code authority_change_keys(struct authority *a,
					   const struct authority_key *keys,
					   size_t n, struct err *err);
/*
 * What provctl.json names as it is now: read once nobody is changing it; another
 * process may have since a was opened. Of a home that is being made (a->making)
 * what a says. Codes of authority_open().
 */
PV_MUST enum pv_code
authority_keys_now(const struct authority *a,
		   struct authority_key keys[static AUTHORITY_KEYS_MAX],
		   size_t *n, struct err *err);

#endif
