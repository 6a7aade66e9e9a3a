/* log_event: what a constructor of an entry puts into it. */
#ifndef PV_TESTS_LOG_EVENT_H
#define PV_TESTS_LOG_EVENT_H

#include <stdio.h>
#include <string.h>

#include "lib/log/events.h"
#include "tests/unit/unit.h"

/* Type, object and the keys of the facts, in order, as the log has them. */
static inline void ck_event(const struct log_entry *e, const char *type,
			    const char *object, const char *keys)
{
	struct log_entry d;
	struct buf b;
	struct err err;
	char got[256] = "";

	err_init(&err);
	buf_init(&b, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(e, &b, &err), &err);
	unit_ok(log_entry_decode(buf_span(&b), &d, &err), &err);
	ck_assert(span_is(d.type, type));
	ck_assert(span_is(d.object, object));
	ck_assert(span_is(d.actor, "a"));
	for (size_t i = 0; i < d.facts_n; i++) {
		const struct log_fact *f = &d.facts[i];

		snprintf(got + strlen(got), sizeof(got) - strlen(got),
			 "%s%.*s:%c", i ? "," : "", (int)f->key.len,
			 (const char *)f->key.p, "utb"[f->kind]);
	}
	ck_assert_str_eq(got, keys);
	ck_assert(log_entry_governs(buf_span(&b)) == log_governs(d.type));
	buf_release(&b);
}

#endif
