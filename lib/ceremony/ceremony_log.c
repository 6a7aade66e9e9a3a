/* What the log has of a ceremony's steps, its keys, and how it ended. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/ceremony/ceremony_kinds.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/event.h"
#include "lib/log/ceremony.h"

enum pv_code ceremony_log_step(struct ceremony *c, const char *result,
			       struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	const struct log_ceremony_point point = { .plan = c->plan->sha256,
						  .mode = c->mode,
						  .lines = c->t.head.lines,
						  .head = c->t.head.sha256 };
	struct event_who who;
	struct log_entry e;
	char step[64];
	enum pv_code rc = store_begin(c->store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(c->store, &who, err);
	if (rc != PV_OK)
		return rc;
	snprintf(step, sizeof(step), "%zu %s", c->steps ? c->n + 1 : 0,
		 c->steps ? plan_kind_name(c->plan->steps[c->n].kind) : "end");
	log_ceremony_step(&e, &who.who, c->object[0] ? c->object : "-",
			  c->plan->name, step, result);
	log_ceremony_point(&e, &point);
	rc = event_append(c->store, &e, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

enum pv_code ceremony_tell_log_keys(struct ceremony *c, struct err *err)
{
	CLEANUP(mem_cleanup)
	struct checkpoint_base *base = mem_new(sizeof(*base), err);
	char der[2 * HSM_SPKI_MAX + 1];
	enum pv_code rc = base ? checkpoint_load(c->a, c->store, base, err)
			       : PV_INTERNAL;

	for (size_t i = 0; rc == PV_OK && i < base->own_n; i++) {
		const struct issue_key *key = &base->own[i];

		hex_encode(key->spki, key->spki_len, der);
		rc = CEREMONY_PUT(c, "log-key", { "label", key->label },
				  { "spki", der });
	}
	return rc;
}

void ceremony_tell_head(const struct ceremony *c)
{
	char lines[24], hex[65];
	const struct transcript_pair pairs[] = { { "lines", lines },
						 { "sha256", hex },
						 { "mode", c->mode } };

	snprintf(lines, sizeof(lines), "%llu",
		 (unsigned long long)c->t.head.lines);
	hex_encode(c->t.head.sha256, sizeof(c->t.head.sha256), hex);
	if (c->opts->told)
		c->opts->told(c->opts->progress_ctx, "head", pairs, 3);
}
