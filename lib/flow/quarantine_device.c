#include "lib/flow/quarantine_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/flow/governance.h"
#include "lib/flow/logged.h"
#include "lib/store/store_log.h"

struct finding {
	struct store *store;
	struct quarantine_devices *to;
	size_t room;
};

static enum pv_code grow(struct finding *f, struct err *err)
{
	struct quarantine_devices *to = f->to;
	size_t room = f->room ? 2 * f->room : 16;
	struct quarantine_device *more = mem_array(room, sizeof(*more), err);

	if (!more)
		return PV_INTERNAL;
	if (to->n)
		memcpy(more, to->list, to->n * sizeof(*more));
	free(to->list);
	to->list = more;
	f->room = room;
	return PV_OK;
}

static enum pv_code add(struct finding *f, const struct store_device *d,
			struct err *err)
{
	struct quarantine_device *one;
	enum pv_code rc = f->to->n == f->room ? grow(f, err) : PV_OK;

	if (rc != PV_OK)
		return rc;
	one = &f->to->list[f->to->n++];
	one->d = *d;
	one->put_index = STORE_NO_INDEX;
	hex_encode(d->s.serial, d->s.serial_len, one->serial);
	return PV_OK;
}

/* A held intent keeps its row, without what there was to sign. */
static enum pv_code take_intent(void *ctx, const struct store_intent *i,
				struct err *err)
{
	struct finding *f = ctx;
	struct store_device d;
	bool found;
	enum pv_code rc =
		store_number_get(f->store, i->s.number, &d, &found, err);

	if (rc != PV_OK || !found || d.state != STORE_QUARANTINED)
		return rc;
	rc = logged_device(f->store, &d, err);
	return rc == PV_OK ? add(f, &d, err) : rc;
}

static void copy(char *to, size_t cap, const struct log_fact *f)
{
	if (f)
		snprintf(to, cap, "%.*s", (int)f->s.len, (const char *)f->s.p);
}

static enum pv_code take_entry(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	struct quarantine_devices *to = ctx;
	const struct log_fact *serial;
	struct log_entry e;
	enum pv_code rc;

	/* Most entries are others: few are taken apart. */
	if (!memmem(bytes.p, bytes.len, LOG_QUARANTINE_PUT,
		    strlen(LOG_QUARANTINE_PUT)))
		return PV_OK;
	rc = log_entry_decode(bytes, &e, err);
	if (rc != PV_OK || !span_is(e.type, LOG_QUARANTINE_PUT))
		return rc;
	serial = log_fact_find(&e, "serial", LOG_TSTR);
	for (size_t i = 0; serial && i < to->n; i++) {
		struct quarantine_device *q = &to->list[i];

		if (!span_is(serial->s, q->serial) ||
		    !logged_text_is(&e, "device", q->d.s.device))
			continue;
		q->put_index = index;
		copy(q->rule, sizeof(q->rule),
		     log_fact_find(&e, "rule", LOG_TSTR));
		copy(q->key, sizeof(q->key),
		     log_fact_find(&e, "key", LOG_TSTR));
	}
	return PV_OK;
}

static enum pv_code find_entries(struct finding *f, struct err *err)
{
	struct quarantine_devices *to = f->to;
	const struct store_visit v = { .ctx = to, .fn.entry = take_entry };
	uint64_t first = to->list[0].d.intent_index;
	enum pv_code rc;

	for (size_t i = 1; i < to->n; i++)
		if (to->list[i].d.intent_index < first)
			first = to->list[i].d.intent_index;
	rc = store_log_each(f->store, first, UINT64_MAX - first, &v, err);
	for (size_t i = 0; rc == PV_OK && i < to->n; i++)
		if (to->list[i].put_index == STORE_NO_INDEX)
			rc = governance_wrong(LOG_QUARANTINE_PUT,
					      to->list[i].d.s.device,
					      "the log does not hold this "
					      "device",
					      err);
	return rc;
}

enum pv_code quarantine_devices(struct store *store,
				struct quarantine_devices *to, struct err *err)
{
	struct finding f = { .store = store, .to = to };
	const struct store_visit v = { .ctx = &f, .fn.intent = take_intent };
	enum pv_code rc;

	memset(to, 0, sizeof(*to));
	rc = store_intent_each(store, &v, err);
	return rc == PV_OK && to->n > 0 ? find_entries(&f, err) : rc;
}

void quarantine_devices_release(struct quarantine_devices *to)
{
	free(to->list);
	memset(to, 0, sizeof(*to));
}
