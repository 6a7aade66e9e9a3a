/* signer_impl: what the signer's files share. */
#ifndef PV_FLOW_SIGNER_IMPL_H
#define PV_FLOW_SIGNER_IMPL_H

#include "lib/flow/signer.h"

enum slot_state {
	SLOT_REFUSED, /* told the writer already */
	SLOT_WAITING, /* intent sent */
	SLOT_GO,      /* durable: sign it */
	SLOT_DONE     /* the writer answered it from the store */
};

struct signer_slot {
	enum slot_state state;
	struct request req;
	struct approved *approved;
	struct prepared *prepared;
	struct issued *issued; /* made when first needed */
	struct bundled *bundled;
};

struct signer_group {
	uint64_t number;
	struct signer_slot slots[READER_GROUP_MAX];
	size_t n;
	bool complete; /* all its requests came */
	bool answered; /* all its intents were answered */
};

struct signer_numbers {
	uint32_t first, left;
};

struct signer {
	const struct signer_opts *opts;
	struct hsm *hsm;
	struct x509_ctx *x509;
	struct approver approver;
	struct minting minting;
	struct signing *signings; /* parallel to the contexts */
	struct atrest *datakey;	  /* this run's, when first needed */
	struct atrest *old_key;	  /* of an earlier run, the one used last */
	struct signer_numbers numbers, spare;
	bool asked; /* for numbers */
	struct signer_group *filling,
		*waiting; /* waiting NULL: none under way */
	struct signer_group *groups[2];
	bool input_ended;
};

/* Around every call that may wait for the token (hsm_timeout_s). */
void signer_enter_token(struct signer *s);
void signer_leave_token(struct signer *s);
/* Failures of the token or of ourselves end the run, others one request. */
PV_MUST bool signer_ends_run(enum pv_code rc);
/* Tells the writer that a slot goes no further. */
void signer_refuse(struct signer *s, struct signer_slot *slot,
		   const struct err *why);
/* The context of a template's digest, as index; contexts_n when unknown. */
size_t signer_context(const struct signer *s, const uint8_t sha256[32]);

/* Asks the writer for ordered numbers, once. */
void signer_ask_numbers(struct signer *s);
PV_MUST enum pv_code signer_next_number(struct signer *s, uint32_t *number,
					struct err *err);
/* Waits until every intent of the waiting group is answered. */
PV_MUST enum pv_code signer_await_group(struct signer *s, struct err *err);

/*
 * Takes what the reader has sent and sends its intents. With wait, until a
 * group is complete or the input ends; else only as long as there is something.
 */
PV_MUST enum pv_code signer_fill(struct signer *s, bool wait, struct err *err);
/* Signs and seals the waiting group and sends its results. */
PV_MUST enum pv_code signer_finish(struct signer *s, struct err *err);

#endif
