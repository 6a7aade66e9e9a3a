/*
 * crew: the child processes of one run and the parent's end of each. A child
 * that fails sends its error record before it ends; one that is killed leaves
 * an error by its role. When the parent ends, the children are killed.
 */
#ifndef PV_FLOW_CREW_H
#define PV_FLOW_CREW_H

#include <sys/types.h>

#include "lib/base/secret.h"
#include "lib/flow/ctl.h"
#include "lib/flow/signer.h"

#define CREW_MAX 66 /* 64 signers, a reader and a writer */

enum crew_role { CREW_READER, CREW_SIGNER, CREW_WRITER };

struct crew_member {
	enum crew_role role;
	pid_t pid;		 /* 0: not started or reaped */
	struct wire ctl;	 /* parent's end */
	struct hsm_watch *watch; /* signers, in shared memory */
	struct ctl_news news;	 /* failed: what it or its end said */
	bool dismissed;		 /* ended by us: that is no failure */
};

struct crew {
	struct crew_member members[CREW_MAX];
	size_t n;
};

/* The work of a child: fills err and returns its code. ctl is its own end. */
struct crew_job {
	enum crew_role role;
	enum pv_code (*run)(void *ctx, int ctl, struct err *err);
	void *ctx;
	const int *keep; /* descriptors that stay open in the child */
	size_t keep_n;
	struct hsm_watch *watch;
};

/*
 * Forks one child, with /dev/null as standard input and output unless they are
 * kept. PV_INTERNAL. Signals from the terminal or a service manager are for the
 * parent alone: a signer killed inside C_Login can cost SoftHSM its token.
 */
PV_MUST enum pv_code crew_start(struct crew *c, const struct crew_job *job,
				struct err *err);
/* In a signer, before its first secret; bytes is a power of two. Reader and
 * writer hold no secret: without a heap they cannot. */
PV_MUST enum pv_code crew_set_up_heap(int ctl, size_t bytes, struct err *err);
/* Sends len bytes to a child. PV_HSM_TEMP when it has ended. */
PV_MUST enum pv_code crew_send(struct crew_member *m, const void *p, size_t len,
			       struct err *err);
/* The PIN for a signer: be16 length and bytes. */
PV_MUST enum pv_code crew_send_pin(struct crew_member *m,
				   const struct secret *pin, struct err *err);
/* Takes what the children have said on their channels. */
void crew_listen(struct crew *c);
/* Ends a child that has nothing under way. */
void crew_dismiss(struct crew_member *m);
/* Reaps who has ended. True while someone runs. */
PV_MUST bool crew_reap(struct crew *c);
/* Kills signers that are in the token for longer than timeout_s. */
void crew_watch(struct crew *c, unsigned timeout_s);
/* Tells the signers, which have their PIN, to let go what waits for a rate. */
void crew_give_up(struct crew *c);
void crew_dismiss_all(struct crew *c, enum crew_role role);
/* Waits for all; after grace_ms it kills. signals: a signalfd that hears
 * SIGCHLD, or -1. */
void crew_end(struct crew *c, int signals, int grace_ms);

#endif
