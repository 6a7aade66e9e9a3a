/*
 * tokens: the configured tokens, of which one is open at a time, and which of
 * them holds a key: a root may be on another token than what it certifies. All
 * take the same PIN; one that refuses it ends the search, so that a wrong PIN
 * is tried once.
 */
#ifndef PV_FLOW_TOKENS_H
#define PV_FLOW_TOKENS_H

#include "lib/flow/backends.h"
#include "lib/flow/issuekey.h"

struct tokens { /* all of it borrowed */
	const struct authority *a;
	const struct backends *backends;
	struct hsm_login *login; /* its token: the one that is open */
	struct hsm **hsm;	 /* where its user has that */
	unsigned turns; /* how often another was opened: keys of before are gone
			 */
};

/* Closes what is open, and opens that token. Codes of hsm_open(); *hsm is NULL
 * then. */
PV_MUST enum pv_code tokens_open(struct tokens *t, size_t token,
				 struct err *err);
/*
 * Has the token open that holds the key, the one that is open first. Codes of
 * ownkey_find(); PV_HSM_FATAL, "hsm.key-missing": none of them has it.
 * PV_HSM_TEMP: the tokens that answer have it not, and one is away. After a
 * failure another token may be open, or none.
 */
PV_MUST enum pv_code tokens_find(struct tokens *t, const struct issue_key *want,
				 struct err *err);

#endif
