/* box_impl: what crosses between keeper, box and who asks. */
#ifndef PV_FLOW_BOX_IMPL_H
#define PV_FLOW_BOX_IMPL_H

#include "lib/flow/box.h"

struct box {	   /* of one piece, as who asks has it */
	pid_t pid; /* 0: there is none */
	struct wire wire;
	int secrets; /* socket */
};
#define BOX_INIT                                                               \
	{                                                                      \
		.pid = 0, .wire = { .fd = -1 }, .secrets = -1                  \
	}
struct box_ends { /* as the box has it */
	int wire, secrets;
};

/* A new box; box_talk() ends it. PV_INTERNAL. */
PV_MUST enum pv_code box_open(struct box_keeper *k, struct box *x,
			      struct err *err);
/* Codes of box_ask_one(). x is ended then. */
PV_MUST enum pv_code box_talk(struct box_keeper *k, struct box *x,
			      const struct box_talk *t, struct box_blame *to,
			      struct err *err);
PV_MUST enum pv_code box_send_ends(const struct box_keeper *k,
				   const struct box_ends *ends,
				   struct err *err);
/* Leaves open a and b (both past 2; may be the same), and /dev/null as 0 to 2.
 * False: it could not. */
PV_MUST bool box_leave_files(int a, int b);
/* The keeper's process. */
__attribute__((noreturn)) void box_keep(const struct box_keeper *k, int ctl,
					pid_t parent);

#endif
