/*
 * status: how an authority is, without login: token, store, log, templates,
 * CAs. Everything is looked at; the worst thing found decides the code.
 */
#ifndef PV_FLOW_STATUS_H
#define PV_FLOW_STATUS_H

#include "lib/flow/backends.h"
#include "lib/flow/cosigned.h"
#include "lib/flow/status_crl.h"
#include "lib/store/store_people.h"
#include "policy/quorum.h"

#define STATUS_CAS_MAX 64
#define STATUS_LACKS_MAX 16
#define STATUS_CEREMONIES_MAX 8
#define STATUS_CEREMONY_MAX 88 /* a plan's name, its version and a NUL */
#define STATUS_CA_WARN_DAYS 90 /* a CA that ends sooner is named */

struct status_ca {
	char name[STORE_ID_MAX + 1];
	uint32_t generation;
	uint64_t active_ms; /* it issues from then on; 0: from the first;
			     * STORE_CA_NEVER: it was withdrawn */
	int64_t not_after_s;
	bool followed; /* a later generation issues by now: its end is none */
	bool expired, ending, revoked;
	bool elsewhere;	      /* its key: another authority has it */
	bool of_others;	      /* and we signed it for that one */
	bool sent;	      /* the key, which is still here, too */
	int64_t list_until_s; /* end of its list that is kept here; 0: none */
};

struct status_token {
	struct token_facts facts;
	enum pv_code code; /* of asking it */
	struct err why;
	struct hsm_publics shown; /* of several tokens */
	/* Labels of keys of which it has an earlier generation only
	 * (status_tokens.h); the first ones. */
	char lacks[STATUS_LACKS_MAX][STORE_LABEL_MAX + 1];
	size_t lacks_n;
};

struct status {
	struct status_token tokens[AUTHORITY_TOKENS_MAX];
	size_t tokens_n;
	enum pv_code pin_code; /* of a PIN in a file or credential */
	struct err pin_why;
	enum pv_code store_code;
	struct err store_why;
	struct store_counts counts; /* valid when store_code is PV_OK */
	uint64_t checkpoint;	    /* entries under the last one; 0: none */
	uint64_t
		uncovered; /* decisions under a roster that it does not cover */
	struct cosigned cosigned; /* by its witnesses */
	enum pv_code clock_code;  /* whether an entry may have this time */
	struct err clock_why;
	/* Times, since the epoch, that hold the clock: not before the later of
	 * the first two; 0: nothing does. */
	uint64_t newest_s, witnessed_s, clock_until_s;
	uint64_t templates; /* adopted, all versions */
	struct store_people_counts people;
	uint64_t roster; /* version in force; 0: none, and the next two are 0 */
	size_t officers;
	struct roster_quorum quorum;
	struct status_ca cas[STATUS_CAS_MAX];
	size_t cas_n;
	/* What lists that media brought say (calist.h): PV_DENIED "list.*",
	 * also a day before one ends, or "ca.revoked". */
	enum pv_code lists_code;
	struct err lists_why;
	struct status_crls crls;
	/* Plans that were begun and have not ended, as NAME-VERSION
	 * (status_ceremonies.h); the first ones. */
	char ceremonies[STATUS_CEREMONIES_MAX][STATUS_CEREMONY_MAX];
	size_t ceremonies_n;
};

/*
 * Fills *st as far as possible. Returns PV_OK, or the first of: store's code,
 * the code of the tokens when none is usable, the PIN source's code, PV_DENIED
 * "status.ca" when a CA has expired, lists_code, PV_DENIED "clock.*" when the
 * log admits no entry at this time, PV_HSM_TEMP "log.uncovered" when a decision
 * is under no checkpoint, status_crls_judge()'s; err says which. Open intents
 * and ceremonies are no fault.
 */
PV_MUST enum pv_code status_collect(const struct backends *b,
				    const struct authority *a,
				    struct status *st, struct err *err);

#endif
