/*
 * crew: the child processes of one run and the parent's end of each. A child
 * that fails sends its error record before it ends; one that is killed leaves
 * an error by its role. When the parent ends, the children are killed.
 */
#ifndef PV_FLOW_CREW_H
#define PV_FLOW_CREW_H

#include <sys/types.h>

#include "lib/base/secret.h"
#include "lib/flow/signer.h"

#define CREW_MAX 66 /* 64 signers, a reader and a writer */

enum crew_role { CREW_READER, CREW_SIGNER, CREW_WRITER };

struct crew_member {
	enum crew_role role;
	pid_t pid;		    /* 0: not started or reaped */
	int ctl;		    /* parent's end; -1 */
	struct signer_watch *watch; /* signers, in shared memory */
	struct err err;		    /* code PV_OK until it failed */
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
	struct signer_watch *watch;
};

/* Forks one child. PV_INTERNAL. SIGINT is ignored in it. */
PV_MUST enum pv_code crew_start(struct crew *c, const struct crew_job *job,
				struct err *err);
/* Sends be16 length and PIN to every signer and closes nothing. */
PV_MUST enum pv_code crew_send_pin(struct crew *c, const struct secret *pin,
				   struct err *err);
/* Reaps who has ended. True while someone runs. */
PV_MUST bool crew_reap(struct crew *c);
/* Kills signers that are in the token for longer than timeout_s. */
void crew_watch(struct crew *c, unsigned timeout_s);
void crew_signal(struct crew *c, enum crew_role role, int signal);
/* Waits for all; after grace_ms it kills. */
void crew_end(struct crew *c, int grace_ms);

#endif
