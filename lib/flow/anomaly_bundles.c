/* Anomalies: bundles that no receipt came for. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/flow/anomaly_impl.h"

#define SLOTS_FIRST 1024u
#define HOUR_MS UINT64_C(3600000)

void anomaly_bundles_release(struct anomaly_bundles *b)
{
	free(b->slots);
}

/* A hash, so its first bytes are as good as any; 0: there is none. */
static uint64_t key_of(const struct log_entry *e)
{
	const struct log_fact *bh = log_fact_find(e, "bh", LOG_BSTR);
	uint64_t key = 0;

	if (bh && bh->s.len >= sizeof(key))
		memcpy(&key, bh->s.p, sizeof(key));
	return key;
}

static size_t place_of(const struct anomaly_bundles *b, uint64_t key)
{
	size_t at = key % b->slots_n;

	while (b->slots[at].key && b->slots[at].key != key)
		at = (at + 1) % b->slots_n;
	return at;
}

/* Never more than half of it is taken. */
static enum pv_code make_room(struct anomaly_bundles *b, struct err *err)
{
	struct anomaly_bundles wider = { .slots_n = b->slots_n ? b->slots_n * 2
							       : SLOTS_FIRST };

	if (b->slots_n > 2 * b->n)
		return PV_OK;
	wider.slots = mem_array(wider.slots_n, sizeof(*wider.slots), err);
	if (!wider.slots)
		return PV_INTERNAL;
	for (size_t i = 0; i < b->slots_n; i++)
		if (b->slots[i].key)
			wider.slots[place_of(&wider, b->slots[i].key)] =
				b->slots[i];
	wider.n = b->n;
	free(b->slots);
	*b = wider;
	return PV_OK;
}

enum pv_code anomaly_sealed(struct anomaly_watch *w, size_t of, uint64_t index,
			    const struct log_entry *e, struct err *err)
{
	struct anomaly_bundles *b = &w->bundles;
	uint64_t key = key_of(e);
	enum pv_code rc;
	size_t at;

	if (!w->templates[of].watch[TPL_WATCH_RECEIPTS] || key == 0)
		return PV_OK;
	if (b->n == ANOMALY_BUNDLES_MAX) {
		w->untracked++;
		return PV_OK;
	}
	rc = make_room(b, err);
	if (rc != PV_OK)
		return rc;
	at = place_of(b, key);
	b->n += b->slots[at].key == 0;
	b->slots[at] = (struct anomaly_bundle){ key, index, e->time_ms, of };
	return PV_OK;
}

/* What stands behind a freed slot moves up to where it is looked for. */
static void close_gap(struct anomaly_bundles *b, size_t gap)
{
	for (size_t at = (gap + 1) % b->slots_n; b->slots[at].key;
	     at = (at + 1) % b->slots_n) {
		size_t home = b->slots[at].key % b->slots_n;

		if ((at + b->slots_n - home) % b->slots_n <
		    (at + b->slots_n - gap) % b->slots_n)
			continue;
		b->slots[gap] = b->slots[at];
		gap = at;
	}
	b->slots[gap].key = 0;
}

void anomaly_received(struct anomaly_watch *w, const struct log_entry *e)
{
	struct anomaly_bundles *b = &w->bundles;
	uint64_t key = key_of(e);
	size_t at;

	if (!b->slots || key == 0)
		return;
	at = place_of(b, key);
	if (!b->slots[at].key)
		return;
	close_gap(b, at);
	b->n--;
}

static void add(struct anomaly *a, const struct anomaly_bundle *b)
{
	if (a->count == 0 || b->index < a->first)
		a->first = b->index;
	if (a->count == 0 || b->index > a->last) {
		a->last = b->index;
		a->time_ms = b->time_ms;
	}
	a->count++;
}

enum pv_code anomaly_overdue(struct anomaly_watch *w, uint64_t now_ms,
			     struct err *err)
{
	struct anomaly_bundles *b = &w->bundles;
	struct anomaly *sums;
	enum pv_code rc = PV_OK;

	if (!b->slots || b->n == 0)
		return PV_OK;
	sums = mem_array(w->n, sizeof(*sums), err);
	if (!sums)
		return PV_INTERNAL;
	for (size_t i = 0; i < b->slots_n; i++) {
		const struct anomaly_bundle *s = &b->slots[i];
		uint64_t hours;

		if (!s->key)
			continue;
		hours = w->templates[s->of].watch[TPL_WATCH_RECEIPTS];
		if (now_ms > s->time_ms &&
		    now_ms - s->time_ms > hours * HOUR_MS)
			add(&sums[s->of], s);
	}
	for (size_t i = 0; rc == PV_OK && i < w->n; i++) {
		if (sums[i].count == 0)
			continue;
		sums[i].watch = TPL_WATCH_RECEIPTS;
		sums[i].template_name = sums[i].object = w->templates[i].name;
		sums[i].threshold = w->templates[i].watch[TPL_WATCH_RECEIPTS];
		rc = w->sink.found(w->sink.ctx, &sums[i], err);
	}
	free(sums);
	return rc;
}
