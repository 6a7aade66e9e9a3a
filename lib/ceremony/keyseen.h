/*
 * keyseen: the keys that a ceremony's transcript shows, for ceremonycheck.h. A
 * label is one key from its first line to the last, and a public key has the
 * hash that stands beside it.
 *
 * Does not check: which step the lines belong to; that a key is where they say.
 */
#ifndef PV_CEREMONY_KEYSEEN_H
#define PV_CEREMONY_KEYSEEN_H

#include "lib/hsm.h"
#include "lib/log/transcript.h"
#include "policy/plan.h"

#define KEYSEEN_MAX (2 * PLAN_STEPS_MAX)

struct keyseen_key {
	char label[HSM_LABEL_MAX]; /* "": the line has none */
	char purpose[PLAN_NAME_MAX + 1];
	char kind[16];		    /* "": no line says it */
	char sha256[65];	    /* of its SPKI, hex; "": a secret key */
	uint8_t spki[HSM_SPKI_MAX]; /* DER */
	size_t spki_len;
	bool made; /* in this ceremony */
	bool owes; /* it is a CA's that has shown no list yet */
};

struct keyseen { /* zeroed: none was seen */
	size_t n;
	struct keyseen_key key[KEYSEEN_MAX];
};

/* What that line says of a key of that purpose, "" where it does not matter; it
 * was made in this ceremony. PV_INTEGRITY, "ceremony.order". */
PV_MUST enum pv_code keyseen_take(struct keyseen *k,
				  const struct transcript_line *line,
				  const char *purpose, bool made,
				  struct err *err);
/* One of that SPKI, whose bytes are known, and of that purpose; purpose NULL:
 * of any. NULL: none was seen. */
const struct keyseen_key *keyseen_by_hash(const struct keyseen *k,
					  const char *sha256,
					  const char *purpose);
/* The newest one of that purpose that was made in this ceremony, or NULL. */
struct keyseen_key *keyseen_made(struct keyseen *k, const char *purpose);

/* A list of that CA was shown. */
void keyseen_paid(struct keyseen *k, const char *ca);
/* A key that owes a list is there. */
PV_MUST bool keyseen_owes(const struct keyseen *k);

#endif
