/*
 * people_fix: what people decide, put into a store with the entry that belongs
 * to it, as the coordinators do. Each works in the open write transaction.
 *
 * alice does it. Under a roster the entry says that bob approved it, which is
 * true once people_approve() has put that behind it.
 */
#ifndef PV_TESTS_PEOPLE_FIX_H
#define PV_TESTS_PEOPLE_FIX_H

#include "lib/log/events.h"
#include "lib/store/store_held.h"
#include "lib/store/store_order.h"
#include "lib/store/store_people.h"
#include "lib/store/store_secret.h"

struct people_entry { /* an encoded entry, and what it is made of */
	struct log_who who;
	struct log_entry e;
	uint8_t nonce[LOG_NONCE];
	bool alone; /* a decision that does not say that it was approved */
	uint8_t bytes[1024];
	size_t len;
};

#define PEOPLE_APPROVER "bob"

struct note_signer;

/* The time of the newest entry, so that e can be filled. */
enum pv_code people_start(struct store *s, struct people_entry *p,
			  struct err *err);
/* The nonce that the decision after the one at prev has. */
void people_nonce(uint64_t prev, uint8_t nonce[LOG_NONCE]);
/* Adds "prev", and what an approved decision says; encodes p->e. */
enum pv_code people_end(struct store *s, struct people_entry *p,
			struct span *entry, struct err *err);

enum pv_code people_roster(struct store *s, uint64_t version, const char *text,
			   struct err *err);
/* The nonce is 16 times that byte. */
enum pv_code people_approval(struct store *s, uint8_t nonce, const char *note,
			     struct err *err);
enum pv_code people_order(struct store *s, const char *name,
			  const uint8_t template_sha256[32], const char *text,
			  struct err *err);
enum pv_code people_order_end(struct store *s, const char *name,
			      const char *text, const char *note,
			      struct err *err);
enum pv_code people_secret(struct store *s, const char *name, uint64_t version,
			   const char *sealed, struct err *err);
enum pv_code people_secret_end(struct store *s, const char *name,
			       uint64_t version, struct err *err);
/* *id gets its number. */
enum pv_code people_held(struct store *s, const char *request,
			 const char *device, uint64_t *id, struct err *err);
enum pv_code people_decide(struct store *s, uint64_t id, const char *request,
			   enum store_held_state state, struct err *err);
enum pv_code people_clock(struct store *s, struct err *err);
enum pv_code people_config(struct store *s, struct err *err);

/* approval.use of the newest decision, where it needs one, with a note that
 * signer made; signer NULL: a note that nobody signed. */
enum pv_code people_approve(struct store *s, const struct note_signer *signer,
			    struct err *err);
/* The same of a text that edit changed before it was signed. */
struct approval;
enum pv_code people_approve_edited(struct store *s,
				   const struct note_signer *signer,
				   void (*edit)(struct approval *a),
				   struct err *err);

#endif
