/*
 * govern: the governance entries of the log: what people decided. Each names
 * the one before it (fact "prev", its index; absent in the first), so that
 * they are one chain and none can be left out of a list unseen.
 *
 * Constructors fill *e as those of events.h do, without "prev": whoever
 * appends knows the chain's end (store_people.h) and adds it last. Arguments
 * said to be optional may be NULL: their fact is left out.
 */
#ifndef PV_LOG_GOVERN_H
#define PV_LOG_GOVERN_H

#include "lib/log/entry.h"

#define LOG_ROSTER_CHANGE "roster.change"
#define LOG_APPROVAL_USE "approval.use"
#define LOG_ORDER_OPEN "order.open"
#define LOG_ORDER_CLOSE "order.close"
#define LOG_CLOCK_ACCEPT "clock.accept"
#define LOG_CONFIG_ACCEPT "config.accept"
#define LOG_TEMPLATE_ADOPT "template.adopt"
#define LOG_SECRET_ADD "secret.add"
#define LOG_SECRET_ROTATE "secret.rotate"
#define LOG_SECRET_DESTROY "secret.destroy"
#define LOG_QUARANTINE_RELEASE "quarantine.release"
#define LOG_QUARANTINE_REJECT "quarantine.reject"

#define LOG_ROSTER_NAME "roster" /* objects of those that have no name */
#define LOG_CLOCK_NAME "clock"
#define LOG_CONFIG_NAME "config"
#define LOG_SETTINGS "settings"
#define LOG_NO_PREV UINT64_MAX
#define LOG_NONCE 16u /* bytes of an approval's */

/* Facts of those that had to be approved, beside "persons". */
#define LOG_NONCE_FACT "nonce"	/* of the approval.use that belongs to it */
#define LOG_VALUE "value"	/* of a secret: what its maker is bound to */
#define LOG_NEWEST "newest"	/* version, when all are destroyed; time in s */
#define LOG_UNTIL "until"	/* time in s that is accepted at most */
#define LOG_GIVEN_UP "given_up" /* 1: an end with what waited held for good */

/* One of the types above. */
PV_MUST bool log_governs(struct span type);
/* The same of an encoded entry, without taking all of it apart. */
PV_MUST bool log_entry_governs(struct span bytes);
/* Nothing for LOG_NO_PREV. */
void log_fact_prev(struct log_entry *e, uint64_t prev);
/* LOG_NO_PREV when it has none. */
PV_MUST uint64_t log_prev(const struct log_entry *e);
/* The nonce of the approvals that e needed or is, LOG_NONCE bytes; or NULL. */
PV_MUST const uint8_t *log_nonce(const struct log_entry *e);

struct log_who;

/* hash: of the roster's bytes; persons: comma-separated, optional. */
void log_roster_change(struct log_entry *e, const struct log_who *who,
		       uint64_t version, const uint8_t *hash,
		       const char *persons);

struct log_approval {
	const char *operation;	/* the object */
	const uint8_t *text;	/* hash of the note's text */
	const uint8_t *note;	/* hash of all of it, signatures too */
	const uint8_t *subject; /* hash of what was approved */
	const char *persons;	/* who signed it */
	const uint8_t *nonce;	/* 16 bytes */
};
void log_approval_use(struct log_entry *e, const struct log_who *who,
		      const struct log_approval *a);

struct log_order {
	const char *name; /* the object */
	uint64_t version; /* of its template */
	const uint8_t *hash;
	const char *persons; /* optional */
	uint64_t quantity, rework;
};
void log_order_open(struct log_entry *e, const struct log_who *who,
		    const struct log_order *o);

struct log_order_end {
	const char *name;	     /* the object */
	const uint8_t *hash;	     /* of the order's bytes */
	uint64_t issued;	     /* devices, replacements not counted */
	uint64_t revoked, receipts;  /* of them and of replacements */
	uint64_t first, last;	     /* entries: from its order.open on */
	const uint8_t *certificates; /* root of their tree */
	const uint8_t *note;	     /* hash of the end-of-order note */
	const char *persons;	     /* optional */
};
void log_order_close(struct log_entry *e, const struct log_who *who,
		     const struct log_order_end *o);

/* type: one of the three; hash: of the sealed bytes, optional (destroy);
 * persons: optional. */
void log_secret(struct log_entry *e, const struct log_who *who,
		const char *type, const char *name, uint64_t version,
		const uint8_t *hash, const char *persons);

struct log_decision {
	const char *request; /* the object */
	const char *device;  /* optional */
	const char *rule;
	uint64_t held;	      /* number of what was held */
	const uint8_t *bytes; /* hash of what was held */
	const char *persons;  /* optional */
};
/* type: release or reject. */
void log_quarantine_decide(struct log_entry *e, const struct log_who *who,
			   const char *type, const struct log_decision *d);

/* hash: of what settings says (lib/flow/settings.h); persons: optional. */
void log_config_accept(struct log_entry *e, const struct log_who *who,
		       const uint8_t *hash, const char *settings,
		       const char *persons);
/* hash: of what was approved, optional; persons: optional. */
void log_clock_accept(struct log_entry *e, const struct log_who *who,
		      const uint8_t *hash, const char *persons);

#endif
