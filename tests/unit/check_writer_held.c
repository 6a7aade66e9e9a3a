/* What of held requests counts for the one that is looked at. */
#include "lib/flow/checkpoint.h"
#include "lib/flow/governance.h"
#include "lib/flow/writer_held.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/flow/quarantine.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

struct world {
	struct opened o;
	struct issue_context *ctx;
	struct writer_opts opts;
	struct writer w;
	struct wire signer, parent;
	struct err err;
};
#define WORLD CLEANUP(world_close) struct world

static void world_open(struct world *x)
{
	memset(x, 0, sizeof(*x));
	err_init(&x->err);
	fix_open(&x->o, false);
	unit_ok(issue_context_load(x->o.a, x->o.store, "azure-dps", &x->ctx,
				   &x->err),
		&x->err);
	wire_init(&x->signer, -1);
	wire_init(&x->parent, -1);
	x->opts = (struct writer_opts){ .authority = x->o.a,
					.ctx = x->ctx,
					.actor = "os:0",
					.station = "line-1",
					.parent = &x->parent };
	x->w.opts = &x->opts;
	x->w.store = x->o.store;
	unit_ok(checkpoint_load(x->o.a, x->o.store, &x->w.log, &x->err),
		&x->err);
	unit_ok(governance_check(x->o.a, x->o.store, &x->w.log, &x->err),
		&x->err);
	buf_init(&x->w.entry, LOG_ENTRY_MAX);
	request_init(&x->w.req);
	unit_ok(log_hasher_init(&x->w.hasher, &x->err), &x->err);
	snprintf(x->w.req.device, sizeof(x->w.req.device), "dps.dev-1:a");
	snprintf(x->w.req.id, sizeof(x->w.req.id), "r-1");
}

static void world_close(struct world *x)
{
	buf_release(&x->w.entry);
	request_release(&x->w.req);
	log_hasher_release(&x->w.hasher);
	wire_release(&x->signer);
	wire_release(&x->parent);
	issue_context_free(x->ctx);
	fix_close(&x->o);
}

/* Its number. */
static uint64_t hold(struct world *x, const char *rule)
{
	const struct record_intent i = { .req = &x->w.req };
	STORE_TXN t = STORE_TXN_INIT;
	struct err why;
	uint64_t id;

	err_init(&why);
	(void)err_fail(&why, PV_DENIED, rule, NULL, "suspect");
	x->w.event_ms = (uint64_t)pvtime_now_ms();
	unit_ok(store_begin(x->o.store, STORE_WRITE, &t, &x->err), &x->err);
	unit_ok(store_held_next(x->o.store, &id, &x->err), &x->err);
	unit_ok(writer_hold(&x->w, &x->signer, &i, &why, &x->err), &x->err);
	unit_ok(store_commit(&t, &x->err), &x->err);
	return id;
}

static void decide(struct world *x, uint64_t id, enum store_held_state state)
{
	const struct approvals_want want = { .files_n = 0 };
	struct quarantine_report report;

	unit_ok(quarantine_decide(x->o.a, x->o.store, id, state, &want, &report,
				  &x->err),
		&x->err);
}

static enum pv_code find(struct world *x, struct writer_decided *to)
{
	const struct record_intent i = { .req = &x->w.req };

	return writer_decided(&x->w, &i, to, &x->err);
}

/* The request as it is, byte for byte: nothing else of the device. */
START_TEST(waits)
{
	struct writer_decided d;
	uint64_t id;
	WORLD x;

	world_open(&x);
	unit_ok(find(&x, &d), &x.err);
	ck_assert(!d.waits && d.n == 0);
	id = hold(&x, "limits.stations");
	unit_ok(find(&x, &d), &x.err);
	ck_assert(d.waits && d.n == 0);
	x.opts.station = "line-2";
	unit_ok(find(&x, &d), &x.err);
	ck_assert(!d.waits);
	x.opts.station = "line-1";
	snprintf(x.w.req.id, sizeof(x.w.req.id), "r-2");
	unit_ok(find(&x, &d), &x.err);
	ck_assert(!d.waits);
	snprintf(x.w.req.id, sizeof(x.w.req.id), "r-1");
	decide(&x, id, STORE_REJECTED);
	unit_ok(find(&x, &d), &x.err);
	ck_assert(!d.waits && d.n == 1 && d.released_n == 0);
	ck_assert_str_eq(d.rules[0], "limits.stations");
}
END_TEST

/* None of the decisions is overlooked: more than there may be is damage. */
START_TEST(too_many)
{
	struct writer_decided d;
	char rule[16];
	WORLD x;

	world_open(&x);
	snprintf(x.w.req.id, sizeof(x.w.req.id), "r-3");
	for (uint64_t n = 1; n <= WRITER_DECIDED_MAX + 1; n++) {
		snprintf(rule, sizeof(rule), "limits.%u", (unsigned)n);
		decide(&x, hold(&x, rule), STORE_RELEASED);
		if (n > WRITER_DECIDED_MAX)
			break;
		unit_ok(find(&x, &d), &x.err);
		ck_assert_uint_eq(d.n, n);
		ck_assert_uint_eq(d.released_n, n);
		ck_assert_str_eq(d.released[n - 1], rule);
	}
	unit_refused(find(&x, &d), PV_INTEGRITY, "store.governance", &x.err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("writer_held");
	TCase *t = tcase_create("writer_held");

	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_add_test(t, waits);
	tcase_add_test(t, too_many);
	suite_add_tcase(s, t);
	return unit_run(s);
}
