/*
 * ctl: the channel between the parent of a run and one child, besides the
 * pipeline: that a signer has logged in, that its memory is not locked, and
 * what a child failed with. The parent sends bytes on it (PIN, go).
 *
 * What comes from a child is not trusted: the reader parses what strangers
 * wrote, a signer runs a vendor's module. Records are bounded, texts are
 * cleaned, and a code that the child's role cannot have is an internal error.
 */
#ifndef PV_FLOW_CTL_H
#define PV_FLOW_CTL_H

#include "lib/flow/wire.h"

/* The child's side; fd stays the caller's. PV_INTERRUPTED: the parent left. */
PV_MUST enum pv_code ctl_say_ready(int fd, struct err *err);
PV_MUST enum pv_code ctl_say_unlocked(int fd, struct err *err);
/* Another token took the place of the one that failed with what. */
PV_MUST enum pv_code ctl_say_switched(int fd, const struct err *what,
				      struct err *err);
PV_MUST enum pv_code ctl_say_failed(int fd, const struct err *what,
				    struct err *err);

struct ctl_news {
	bool ready, unlocked;
	struct err failed;   /* code PV_OK while it did not */
	struct err switched; /* why it went on with another token; the last */
};

/*
 * The parent's side: takes what has come, without waiting, into news (which is
 * added to). from the reader only PV_INPUT, PV_INTERNAL and PV_INTERRUPTED are
 * believed: other codes become PV_INTERNAL.
 */
void ctl_listen(struct wire *w, bool reader, struct ctl_news *news);

#endif
