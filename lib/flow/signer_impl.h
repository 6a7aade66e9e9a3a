/* signer_impl: what the signer's files share. */
#ifndef PV_FLOW_SIGNER_IMPL_H
#define PV_FLOW_SIGNER_IMPL_H

#include "lib/flow/signer.h"

enum slot_state {
	SLOT_REFUSED, /* told the writer already */
	SLOT_WAITING, /* intent sent */
	SLOT_HELD,    /* a rate is reached: its intent is sent again later */
	SLOT_GO,      /* durable: sign and seal it */
	SLOT_READY,   /* made and found right (signer_judge()) */
	SLOT_DONE     /* answered from the store, or its result was sent */
};
struct signer_slot {
	enum slot_state state;
	struct signer_group *group;
	struct request req;
	struct approved *approved;
	struct prepared *prepared;
	struct issued *issued; /* made when first needed */
	struct bundled *bundled;
	/* What the worker leaves; read once made is set. */
	enum pv_code rc;
	struct err why;
	struct wrong_signature wrong;
	_Atomic bool made;
};

/* A group goes through these in turn; from held back to sent. */
enum group_state {
	GROUP_FREE,
	GROUP_FILLING, /* its requests come in, its intents go out */
	GROUP_SENT,    /* the writer makes its intents durable */
	GROUP_WORKING, /* the token signs */
	GROUP_HELD     /* the rest of it waits for a rate to fall */
};

struct signer_group {
	enum group_state state;
	uint64_t number;
	struct signer_slot slots[READER_GROUP_MAX];
	size_t n;
	int64_t sent_ms;  /* when results were last sent, monotonic */
	int64_t retry_ms; /* when what is held is sent again */
};

struct signer_numbers {
	uint32_t first, left;
};
/* Two: while one is being signed the next is prepared and made durable. */
#define SIGNER_GROUPS 2

struct signer {
	const struct signer_opts *opts;
	struct hsm_login login;
	struct hsm *hsm;
	struct x509_ctx *x509;
	struct approver approver;
	struct minting minting;
	/* [who][context]: 0 is the signer itself, 1 + w its worker w. */
	struct signing *signings;
	size_t signings_n;
	/* Threads, none for one session: these ask the token, those seal. */
	size_t askers_n, sealers_n;
	struct workers *askers, *sealers; /* with a thread or without */
	struct checkpoint_signer *log;	  /* made when first asked for */
	struct log_point log_last; /* what it signed last, or began with */
	struct atrest *datakey;	   /* this run's, when first needed */
	struct atrest *old_key;	   /* of an earlier run, the one used last */
	struct signer_numbers numbers, spare;
	bool asked; /* for numbers */
	struct signer_group *groups[SIGNER_GROUPS];
	_Atomic bool token_failed; /* a thread met what ends the run */
	_Atomic bool ending;	   /* nothing more is asked or sealed */
	size_t filling;		   /* the group that is filled, or the oldest */
	bool input_ended;
	bool whole;    /* the reader said that it ended */
	bool give_up;  /* the parent said so, or has ended */
	bool given_up; /* requests that were held were let go */
	bool moved;    /* something was done since the last look */
};

/* Of a template's digest, as index; contexts_n when unknown. */
size_t signer_context(const struct signer *s, const uint8_t sha256[32],
		      uint32_t ca_generation);
/* What worker w signs a slot with. */
struct signing *signer_signing(struct signer *s, size_t w,
			       const struct signer_slot *slot);
/* Its descriptor is signed with its group's. */
bool signer_is_batch(const struct signer_slot *slot);

/* Logs in to the first usable token, finds its keys. */
PV_MUST enum pv_code signer_open_token(struct signer *s, struct err *err);
void signer_close_token(struct signer *s);
/* The token has gone (why) and no thread works: goes on with the next, whose
 * keys must be the same, and what was under way is done again. Returns why when
 * there is none. After a failure the run ends. */
PV_MUST enum pv_code signer_next_token(struct signer *s, const struct err *why,
				       struct err *err);
/* Asks the writer for ordered numbers, once. */
void signer_ask_numbers(struct signer *s);
PV_MUST enum pv_code signer_next_number(struct signer *s, uint32_t *number,
					struct err *err);
/* Takes the answers; an answered group goes to the workers. PV_INTERRUPTED. */
PV_MUST enum pv_code signer_take_answers(struct signer *s, struct err *err);
/* Takes what the reader sent into the free group and sends its intents. */
PV_MUST enum pv_code signer_fill(struct signer *s, struct err *err);
/* The threads' jobs: the token signs a slot's TBS; the rest of its device. */
void signer_ask(void *signer, size_t worker, void *slot);
void signer_seal(void *signer, size_t worker, void *slot);
PV_MUST bool signer_help(struct signer *s); /* does some without threads */
/* Sends what is finished; a whole group becomes free, or held while some is. */
PV_MUST enum pv_code signer_finish(struct signer *s, struct err *err);
/* Sends again what is held, at its time, or lets it go. */
PV_MUST enum pv_code signer_retry(struct signer *s, struct err *err);
/* Milliseconds until then, or until a result has waited long; -1: nothing. */
int signer_retry_in(const struct signer *s);

#endif
