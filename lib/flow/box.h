/*
 * box: a process that takes apart what strangers wrote, and can do nothing
 * else. Each piece has a box of its own, so that bytes which take a box over
 * have a say in their own answer alone, and a secret goes only to where nothing
 * else was parsed. A keeper forks them: it is forked before PIN, token and
 * store are opened, sees no such bytes and has no file open. A box has two
 * descriptors, bounded memory and time, and confines itself (sandbox.h) before
 * the first byte. A secret goes to it, or comes back, on a socket of its own,
 * into memory that is wiped. The caller has SIGPIPE ignored.
 *
 * Does not check: what a box says, which is its user's to bound, clean and
 * believe only as that (evidencebox.h, mediabox.h).
 */
#ifndef PV_FLOW_BOX_H
#define PV_FLOW_BOX_H

#include <sys/types.h>

#include "lib/base/secret.h"
#include "lib/flow/wire.h"

#define BOX_TIME_S 60u /* by the clock, for one piece */
/* Boxes in a row: then it is not the pieces any more, but the machine. */
#define BOX_DEATHS_MAX 32u

/* In the box: the answer to a record, which is flushed then. secrets: the
 * socket. A failure ends the box without an answer. */
typedef enum pv_code box_answer(struct wire *w, int secrets,
				struct wire_rec *rec, struct err *err);
struct box_work { /* what the boxes of one keeper do; constant */
	struct box_task {
		enum wire_type type;
		box_answer *answer;
	} tasks[2];
	/* What it is when nobody is to blame but the process: "evidence.box",
	 * "verifies evidence"; and when what it was given is: "the evidence",
	 * "evidence.parser", and what next. */
	const char *rule, *does, *what, *blame, *next;
};

struct box_keeper {
	pid_t pid; /* 0: there is none */
	int ctl;   /* to it */
	unsigned time_s;
	unsigned deaths; /* boxes without an answer since the last one */
	const struct box_work *work;
};
#define BOX_KEEPER_INIT(of)                                                    \
	{                                                                      \
		.pid = 0, .ctl = -1, .time_s = BOX_TIME_S, .work = (of)        \
	}

/* Forks; before anything is open that it must not have. PV_INTERNAL. */
PV_MUST enum pv_code box_keeper_start(struct box_keeper *k, struct err *err);
/* Ends it and waits for it. Takes one that was not started. */
void box_keeper_stop(struct box_keeper *k);

struct box_talk { /* one question, and what is said to it */
	enum pv_code (*put)(struct wire *w, const void *question,
			    struct err *err);
	/* PV_INPUT: what cannot be an answer. secrets: the socket. */
	enum pv_code (*get)(struct wire_rec *rec, int secrets, void *answer,
			    struct err *err);
	const void *question;
	void *answer;
	const struct secret *secret; /* goes by the other way; NULL: none */
};
struct box_blame {	   /* where what it was given is to blame */
	struct err why;	   /* PV_INPUT, with the work's rule */
	const char *found; /* in a few words; NULL: there was an answer */
};
/*
 * Asks a box of its own. PV_OK: talk->get took the answer, or to->found says
 * what the bytes did instead: crash the process, keep it for longer than
 * time_s, have it end without an answer (they take it over, or ask for more
 * memory than it may have), or make it say what none says; other pieces are
 * asked about after it. PV_INTERNAL, with the work's rule, which is nobody's
 * fault: the keeper has ended; the box cannot be confined, or was killed by
 * SIGKILL; BOX_DEATHS_MAX in a row ended so by no signal; talk->put or
 * talk->get failed. That ends what its user does.
 */
PV_MUST enum pv_code box_ask_one(struct box_keeper *k,
				 const struct box_talk *talk,
				 struct box_blame *to, struct err *err);

#endif
