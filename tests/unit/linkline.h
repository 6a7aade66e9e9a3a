/* linkline: a line to the sender of a link (lib/seal/link.h) in memory, with a
 * clock that only waiting moves. For the tests of both ends. */
#ifndef PV_TESTS_LINKLINE_H
#define PV_TESTS_LINKLINE_H

#include <string.h>

#include "lib/seal/link.h"

#define LINKLINE_MAX (1u << 20)

struct linkline {
	size_t from, to; /* of bytes: said and not received yet */
	uint64_t now;	 /* ms */
	uint8_t bytes[LINKLINE_MAX];
};

static inline void linkline_reset(struct linkline *l)
{
	l->from = l->to = 0;
	l->now = 0;
}

/* All of it or, where it does not fit, nothing: false. */
static inline bool linkline_say(struct linkline *l, const uint8_t *p,
				size_t len)
{
	if (len > sizeof(l->bytes) - l->to)
		return false;
	memcpy(l->bytes + l->to, p, len);
	l->to += len;
	return true;
}

/* As the port's receive: what is there, or the wait is over. */
static inline size_t linkline_receive(struct linkline *l, uint8_t *p,
				      size_t cap, uint64_t wait_ms)
{
	size_t n = l->to - l->from < cap ? l->to - l->from : cap;

	if (n == 0)
		l->now += wait_ms;
	memcpy(p, l->bytes + l->from, n);
	l->from += n;
	if (l->from == l->to)
		l->from = l->to = 0;
	return n;
}

#endif
