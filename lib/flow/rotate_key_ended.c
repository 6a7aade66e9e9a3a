/* rotate_key: whether the rotation of a log key was ended already. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/keystand_rows.h"
#include "lib/flow/rotate_key_impl.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_log.h"

/* people.decide and approval.use come behind what was approved. */
#define BEHIND 2u

struct search {
	const char *label;
	uint64_t size;
};

static enum pv_code look(void *ctx, uint64_t index, struct span bytes,
			 struct err *err)
{
	struct search *s = ctx;
	struct log_entry e;
	enum pv_code rc;

	if (!log_entry_may_act(bytes))
		return PV_OK;
	rc = log_entry_decode(bytes, &e, err);
	if (rc == PV_OK && span_is(e.type, LOG_KEY_ROTATE) &&
	    span_is(e.object, s->label) &&
	    log_fact_find(&e, LOG_ENDS, LOG_UINT))
		s->size = index + 1 + (log_nonce(&e) ? BEHIND : 0);
	return rc;
}

enum pv_code rotate_key_ended(struct store *store, const char *label,
			      uint64_t *size, struct err *err)
{
	CLEANUP(mem_cleanup)
	struct keystand_rows *rows = mem_new(sizeof(*rows), err);
	struct search s = { label, 0 };
	const struct store_visit v = { .ctx = &s, .fn.entry = look };
	const struct store_key *key;
	uint64_t n = 0;
	enum pv_code rc =
		rows ? keystand_rows_load(store, NULL, rows, err) : PV_INTERNAL;

	*size = 0;
	if (rc == PV_OK)
		rc = store_log_size(store, &n, err);
	key = rc == PV_OK ? keystand_rows_find(rows, label) : NULL;
	if (!key || key->rotate_index >= n)
		return rc;
	rc = store_log_each(store, key->rotate_index, n - key->rotate_index, &v,
			    err);
	*size = s.size;
	return rc;
}
