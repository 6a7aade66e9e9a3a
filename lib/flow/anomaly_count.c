/* Anomalies: counters of one day. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/anomaly_impl.h"

#define SLOTS (2u * ANOMALY_DAY_MAX)

enum pv_code anomaly_day_init(struct anomaly_day *d, struct err *err)
{
	memset(d, 0, sizeof(*d));
	d->list = mem_array(ANOMALY_DAY_MAX, sizeof(*d->list), err);
	if (d->list)
		d->slots = mem_array(SLOTS, sizeof(*d->slots), err);
	return d->slots ? PV_OK : PV_INTERNAL;
}

void anomaly_day_release(struct anomaly_day *d)
{
	free(d->list);
	free(d->slots);
}

/* Whoever chose the names, they do not fall together. */
static enum pv_code key_of(enum tpl_watch watch, size_t of, struct span object,
			   uint64_t *key, struct err *err)
{
	uint8_t hash[32], text[STORE_ID_MAX + 16];
	uint64_t what[2] = { watch, of };
	size_t len = object.len < STORE_ID_MAX ? object.len : STORE_ID_MAX;
	enum pv_code rc;

	memcpy(text, what, sizeof(what));
	if (len > 0)
		memcpy(text + sizeof(what), object.p, len);
	rc = sha256((struct span){ text, sizeof(what) + len }, hash, err);
	memcpy(key, hash, sizeof(*key));
	return rc;
}

/* NULL: there is no room for one more. */
static struct anomaly_counter *counter_of(struct anomaly_day *d, uint64_t key,
					  bool *fresh)
{
	size_t at = key % SLOTS;

	*fresh = false;
	for (; d->slots[at]; at = (at + 1) % SLOTS)
		if (d->list[d->slots[at] - 1].key == key)
			return &d->list[d->slots[at] - 1];
	if (d->n == ANOMALY_DAY_MAX)
		return NULL;
	*fresh = true;
	d->slots[at] = (uint16_t)++d->n;
	return &d->list[d->n - 1];
}

enum pv_code anomaly_day_count(struct anomaly_watch *w, enum tpl_watch watch,
			       size_t of, struct span object, uint64_t index,
			       uint64_t time_ms, struct err *err)
{
	struct anomaly_counter *c;
	uint64_t key;
	bool fresh;
	enum pv_code rc;

	if (!w->templates[of].watch[watch])
		return PV_OK;
	rc = key_of(watch, of, object, &key, err);
	if (rc != PV_OK)
		return rc;
	c = counter_of(&w->today, key, &fresh);
	if (!c) {
		w->untracked++;
		return PV_OK;
	}
	if (fresh) {
		size_t len =
			object.len < STORE_ID_MAX ? object.len : STORE_ID_MAX;

		*c = (struct anomaly_counter){
			.watch = watch, .of = of, .key = key, .first = index
		};
		if (len > 0)
			memcpy(c->object, object.p, len);
	}
	c->count++;
	c->last = index;
	c->time_ms = time_ms;
	return PV_OK;
}

enum pv_code anomaly_day_end(struct anomaly_watch *w, struct err *err)
{
	struct anomaly_day *d = &w->today;
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < d->n; i++) {
		const struct anomaly_counter *c = &d->list[i];
		const struct anomaly_template *t = &w->templates[c->of];
		const struct anomaly a = {
			c->watch,	    t->name,  c->object, c->count,
			t->watch[c->watch], c->first, c->last,	 c->time_ms
		};

		if (a.count >= a.threshold)
			rc = w->sink.found(w->sink.ctx, &a, err);
	}
	d->n = 0;
	memset(d->slots, 0, SLOTS * sizeof(*d->slots));
	return rc;
}
