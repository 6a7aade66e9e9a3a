/*
 * store_people_types: rows of what people decide, as plain data. Strings and
 * spans as in store_types.h.
 */
#ifndef PV_STORE_PEOPLE_TYPES_H
#define PV_STORE_PEOPLE_TYPES_H

#include "lib/store/store_types.h"

#define STORE_NONCE 16u
#define STORE_KIND_MAX 31u /* bytes of an entry's type */

/* One governance entry of the log (lib/log/govern.h). */
struct store_governance {
	uint64_t index; /* in the log */
	char kind[STORE_KIND_MAX + 1];
	char name[STORE_ID_MAX + 1]; /* its object */
};

struct store_roster {
	uint64_t version;
	uint64_t index;	   /* of its roster.change; filled by reads */
	struct span bytes; /* the JSON file as approved */
};

struct store_approval { /* one that was used */
	uint8_t nonce[STORE_NONCE];
	uint64_t index;	  /* of its approval.use; filled by reads */
	struct span note; /* signed */
};

enum store_order_state {
	STORE_ORDER_COUNTED, /* a name that devices were issued under */
	STORE_ORDER_OPEN,
	STORE_ORDER_CLOSED
};

struct store_order {
	char name[STORE_ID_MAX + 1];
	uint8_t template_sha256[STORE_HASH];
	struct span bytes; /* the JSON file as approved */
	/* Filled by reads, as the log indices of its two entries are: */
	enum store_order_state state;
	uint64_t devices, reworked; /* without, and only, replacements */
	uint64_t opened_index, closed_index; /* STORE_NO_INDEX: not yet */
	struct span note;		     /* of its end; empty before */
};

struct store_order_count {
	uint64_t devices;  /* without replacements */
	uint64_t reworked; /* replacements */
};

enum store_held_state { STORE_HELD, STORE_RELEASED, STORE_REJECTED };

/* A request, evidence or a receipt that waits for people. */
struct store_held {
	uint64_t id; /* given by the store: 1, 2, ... */
	char request[STORE_ID_MAX + 1];
	char device[STORE_ID_MAX + 1]; /* "": none */
	char rule[STORE_ID_MAX + 1];   /* why */
	char source[STORE_TEXT_MAX + 1];
	struct span bytes; /* as they came */
	/* Filled by reads: */
	enum store_held_state state;
	uint64_t put_index;	/* of its quarantine.put */
	uint64_t decided_index; /* STORE_NO_INDEX while it is held */
};

struct store_secret {
	char name[STORE_ID_MAX + 1];
	uint64_t version;	  /* 1, 2, ... */
	uint64_t add_index;	  /* of its secret.add or secret.rotate */
	uint64_t destroyed_index; /* STORE_NO_INDEX: it is there */
	struct span sealed;	  /* formats.md 9; empty once destroyed */
};

/* How many rows of each kind there are: as many as entries. */
struct store_people_counts {
	uint64_t rosters, approvals;
	uint64_t opened, closed; /* orders */
	uint64_t secrets, destroyed;
	uint64_t held, decided; /* held: all that ever were */
	uint64_t waiting;	/* as the store keeps count of them */
	uint64_t templates;
};

#endif
