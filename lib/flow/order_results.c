#include "lib/flow/order_results.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define FIRST_SIZE 1024

struct held_result {
	uint64_t line;
	size_t len;
	uint8_t bytes[];
};

enum pv_code order_results_init(struct order_results *o, struct err *err)
{
	memset(o, 0, sizeof(*o));
	o->next = 1;
	o->size = FIRST_SIZE;
	o->ring = mem_array(o->size, sizeof(*o->ring), err);
	return o->ring ? PV_OK : PV_INTERNAL;
}

void order_results_release(struct order_results *o)
{
	for (size_t i = 0; o->ring && i < o->size; i++)
		free(o->ring[i]);
	free(o->ring);
	o->ring = NULL;
}

static enum pv_code grow(struct order_results *o, uint64_t line,
			 struct err *err)
{
	size_t size = o->size;
	struct held_result **ring;

	while (line - o->next >= size)
		size *= 2;
	ring = mem_array(size, sizeof(*ring), err);
	if (!ring)
		return PV_INTERNAL;
	for (size_t i = 0; i < o->size; i++) {
		struct held_result *r = o->ring[i];

		if (r && r->line < o->next)
			free(r); /* given out last */
		else if (r)
			ring[r->line & (size - 1)] = r;
	}
	free(o->ring);
	o->ring = ring;
	o->size = size;
	return PV_OK;
}

enum pv_code order_results_put(struct order_results *o, uint64_t line,
			       struct span record, struct err *err)
{
	struct held_result *r, **slot;
	enum pv_code rc = PV_OK;

	if (line >= o->next && line - o->next >= o->size)
		rc = grow(o, line, err);
	if (rc != PV_OK)
		return rc;
	slot = &o->ring[line & (o->size - 1)];
	if (*slot && (*slot)->line < o->next)
		free(TAKE(*slot)); /* given out last */
	if (line < o->next || *slot)
		return err_fail(err, PV_INTERNAL, "results.line", NULL,
				"two answers for line %llu",
				(unsigned long long)line);
	r = mem_new(sizeof(*r) + record.len, err);
	if (!r)
		return PV_INTERNAL;
	r->line = line;
	r->len = record.len;
	memcpy(r->bytes, record.p, record.len);
	*slot = r;
	o->held++;
	return PV_OK;
}

/* What was given out last is let go when the next one is asked for. */
static void let_go(struct order_results *o)
{
	struct held_result **last = &o->ring[(o->next - 1) & (o->size - 1)];

	if (*last && (*last)->line == o->next - 1)
		free(TAKE(*last));
}

bool order_results_pass(struct order_results *o, uint64_t line)
{
	struct held_result *at = o->ring[line & (o->size - 1)];

	if (line != o->next || (at && at->line == line))
		return false;
	let_go(o);
	o->next++;
	return true;
}

bool order_results_take(struct order_results *o, bool skip, struct span *record)
{
	struct held_result **at;

	let_go(o);
	if (o->held == 0)
		return false;
	at = &o->ring[o->next & (o->size - 1)];
	while (skip && !*at)
		at = &o->ring[++o->next & (o->size - 1)];
	if (!*at)
		return false;
	record->p = (*at)->bytes;
	record->len = (*at)->len;
	o->next++;
	o->held--;
	return true;
}
