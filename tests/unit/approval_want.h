/* approval_want: an approval that tests ask for. */
#ifndef PV_TESTS_APPROVAL_WANT_H
#define PV_TESTS_APPROVAL_WANT_H

#include <stdio.h>
#include <string.h>

#include "policy/approval.h"

#define WANT_NOW 1800000000u

static inline void want_init(struct approval *a)
{
	memset(a, 0, sizeof(*a));
	snprintf(a->log, sizeof(a->log), "example.org/factory");
	memset(a->root, 0x11, sizeof(a->root));
	a->operation = QUORUM_ADOPT;
	memset(a->subject, 0x22, sizeof(a->subject));
	snprintf(a->requester, sizeof(a->requester), "os:1000");
	memset(a->nonce, 0x33, sizeof(a->nonce));
	a->expires_s = WANT_NOW + 3600;
}

#endif
