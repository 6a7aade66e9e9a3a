/*
 * acts: entries of what people have to approve that are none of the chain
 * (govern.h), since one approval may be for very many: certificates revoked,
 * devices retired, a key put in another's place, another authority's key
 * certified as a CA's, device keys exported, keys enrolled that devices attest
 * with. Under a roster each has the approval's nonce as a fact, all of one
 * approval come one behind the other, and right behind them comes one
 * people.decide, which is of the chain and says how many they are.
 *
 * Constructors fill *e as those of events.h do.
 */
#ifndef PV_LOG_ACTS_H
#define PV_LOG_ACTS_H

#include "lib/log/entry.h"

#define LOG_PEOPLE_DECIDE "people.decide"
#define LOG_SUBJECT "text"  /* of it: the bytes that were approved */
#define LOG_COVERS "covers" /* how many entries before it */
/* Of a cert.revoke that nobody approves, as superseded: the serial of the
 * credential in its place. */
#define LOG_BY "by"
#define LOG_ENDS                                                               \
	"ends" /* 1: of a key.rotate, when the old key signs no more           \
		*/
#define LOG_CA_TEMPLATE "template hash" /* of a key.rotate of a CA */
#define LOG_CA_SIGN "ca.sign"
/* Of both: the end in s that was asked for, where it is not the template's. */
#define LOG_CA_UNTIL "not after"
#define LOG_KEK "kek" /* what is exported, of a device's keys */

struct log_who;

struct log_people {
	const char *operation; /* the object */
	struct span text;
	uint64_t covers;
	const char *persons;
};
void log_people_decide(struct log_entry *e, const struct log_who *who,
		       const struct log_people *p);

/* A CA whose key another authority has got a certificate. */
struct log_ca_sign {
	const char *ca;	    /* its name here: the object */
	const char *issuer; /* the CA above */
	const char *to;	    /* the authority that asked */
	uint64_t generation;
	const uint8_t *csr, *template_hash;
	uint64_t until_s;     /* 0: no LOG_CA_UNTIL */
	const uint8_t *nonce; /* of its approvals; or NULL */
};
void log_ca_sign(struct log_entry *e, const struct log_who *who,
		 const struct log_ca_sign *s);

/* One of those that people.decide covers. */
PV_MUST bool log_acts(const struct log_entry *e);
/* Whether an encoded entry is a people.decide or may be one of those, without
 * taking all of it apart: an export may be one of something else. */
PV_MUST bool log_entry_may_act(struct span bytes);

#endif
