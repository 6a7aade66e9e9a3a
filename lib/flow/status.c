#include "lib/flow/status.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/cachain.h"
#include "lib/flow/calist.h"
#include "lib/flow/castand.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/people.h"
#include "lib/flow/settings.h"
#include "lib/flow/status_ceremonies.h"
#include "lib/flow/status_tokens.h"
#include "lib/store/store_log.h"
#include "lib/x509/cert.h"

#define DAY_S 86400

CLEANUP_PTR(struct roster, roster_free);

struct ca_pass {
	struct status *st;
	const struct authority *a;
	struct store *store;
	bool imported; /* a root of another authority is there */
	int64_t now_s;
};

/* Those of the same CA that came before it. */
static void leave_earlier(struct status *st, const struct status_ca *by)
{
	for (size_t i = 0; i < st->cas_n; i++)
		if (strcmp(st->cas[i].name, by->name) == 0)
			st->cas[i].followed = true;
}

/* ---- lists that media brought ---- */

/* The first one is told. */
static enum pv_code note_list(struct status *st, const char *ca,
			      const struct err *why, struct err *err)
{
	if (why->code == PV_STORAGE || why->code == PV_INTERNAL) {
		*err = *why;
		return why->code;
	}
	if (st->lists_code != PV_OK)
		return PV_OK;
	st->lists_why = *why;
	err_object(&st->lists_why, ca);
	st->lists_code = st->lists_why.code = PV_DENIED;
	return PV_OK;
}

static enum pv_code look_at_list(struct ca_pass *p, const struct store_ca *row,
				 struct status_ca *ca, struct err *err)
{
	CLEANUP(buf_release) struct buf list;
	struct x509_crl crl;
	bool kept = false;
	struct err why;
	enum pv_code rc;

	buf_init(&list, CALIST_MAX);
	err_init(&why);
	if (!store_ca_imported(row))
		return PV_OK;
	rc = calist_current(p->a, p->store, row->name, row->cert, p->now_s,
			    &list, &crl, &kept, &why);
	if (rc == PV_OK && !kept)
		return PV_OK;
	if (rc != PV_OK)
		return note_list(p->st, row->name, &why, err);
	ca->list_until_s = crl.next_s;
	if (crl.next_s - p->now_s >= DAY_S ||
	    crl.next_s - p->now_s >= (crl.next_s - crl.this_s) / 2)
		return PV_OK;
	(void)err_fail(&why, PV_DENIED, "list.time",
		       "bring the next one: `provctl rotate crl --list FILE'",
		       "the revocation list that a medium brought ends within "
		       "a day");
	return note_list(p->st, row->name, &why, err);
}

/* Of our own CAs below roots of others. */
static enum pv_code look_at_chains(struct ca_pass *p, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && p->imported && i < p->st->cas_n;
	     i++) {
		CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
		const struct status_ca *ca = &p->st->cas[i];
		struct err why;

		if (ca->elsewhere || ca->active_ms == STORE_CA_NEVER)
			continue;
		rc = ca_chain_load_generation(p->store, ca->name,
					      ca->generation, -1, &chain, err);
		err_init(&why);
		if (rc == PV_OK && calist_chain(p->a, p->store, &chain,
						p->now_s, &why) != PV_OK)
			rc = note_list(p->st, ca->name, &why, err);
	}
	return rc;
}

/* One that was made here and sent to who has it: it may leave its token. */
static bool is_sent(const struct ca_pass *p, const struct store_ca *row,
		    const struct x509_cert *cert)
{
	const struct authority_key *named = NULL;
	struct issue_key key;

	return authority_key(p->a, row->name, &named, NULL) == PV_OK &&
	       ownkey_load(p->store, named->label, &key, NULL) == PV_OK &&
	       span_equal(cert->spki,
			  (struct span){ key.spki, key.spki_len });
}

static enum pv_code take_ca(void *ctx, const struct store_ca *row,
			    struct err *err)
{
	struct ca_pass *p = ctx;
	struct status_ca *ca = &p->st->cas[p->st->cas_n];
	struct store_revocation r;
	struct x509_cert cert;
	enum pv_code rc = x509_cert_decode(row->cert, &cert, err);

	if (rc != PV_OK) {
		err_object(err, row->name);
		err->code = PV_INTEGRITY;
		return PV_INTEGRITY;
	}
	if (p->st->cas_n == STATUS_CAS_MAX)
		return PV_OK;
	snprintf(ca->name, sizeof(ca->name), "%s", row->name);
	ca->generation = row->generation;
	ca->active_ms = row->active_ms;
	if (row->active_ms / 1000 <= (uint64_t)p->now_s)
		leave_earlier(p->st, ca);
	ca->not_after_s = cert.not_after_s;
	rc = ca_is_revoked(p->store, row->cert, &r, &ca->revoked, err);
	if (rc != PV_OK) {
		err_object(err, row->name);
		return rc;
	}
	ca->elsewhere = !row->label[0];
	ca->of_others = ca->elsewhere && row->parent[0];
	ca->sent = ca->elsewhere && is_sent(p, row, &cert);
	p->imported |= ca->elsewhere && !ca->of_others;
	rc = ca->elsewhere ? look_at_list(p, row, ca, err) : PV_OK;
	if (rc != PV_OK)
		return rc;
	ca->expired = p->now_s > cert.not_after_s;
	ca->ending = cert.not_after_s - p->now_s <
		     (int64_t)STATUS_CA_WARN_DAYS * DAY_S;
	p->st->cas_n++;
	return PV_OK;
}

static enum pv_code count_template(void *ctx, const struct store_template *t,
				   struct err *err)
{
	(void)t;
	(void)err;
	(*(uint64_t *)ctx)++;
	return PV_OK;
}

static void look_at_clock(const struct store *store,
			  const struct checkpoint_base *log, struct status *st)
{
	uint64_t last_ms = st->counts.last_event_ms;

	st->newest_s = last_ms / 1000;
	st->witnessed_s = log->witnessed_s;
	if (last_ms && store->step_max_ms)
		st->clock_until_s = (last_ms + store->step_max_ms) / 1000;
	err_init(&st->clock_why);
	st->clock_code = store_clock(store, last_ms, (uint64_t)pvtime_now_ms(),
				     &st->clock_why);
}

static enum pv_code count_decision(void *ctx, const struct store_governance *g,
				   struct err *err)
{
	(void)g;
	(void)err;
	(*(uint64_t *)ctx)++;
	return PV_OK;
}

static enum pv_code look_at_people(struct store *store,
				   const struct checkpoint_base *log,
				   struct status *st, struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *r = NULL;
	const struct store_visit decisions = { .ctx = &st->uncovered,
					       .fn.governance =
						       count_decision };
	enum pv_code rc = store_people_count(store, &st->people, err);

	if (rc == PV_OK)
		rc = people_in_force(store, &r, NULL, err);
	if (rc != PV_OK || !r)
		return rc;
	st->roster = r->version;
	st->officers = r->n;
	st->quorum = r->quorum;
	return log->own_n == 0 ? PV_OK
			       : store_governance_each(store, log->last.size,
						       &decisions, err);
}

static enum pv_code look_at_store(const struct backends *b,
				  const struct authority *a, struct status *st,
				  struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	struct ca_pass pass = { .st = st, .a = a, .now_s = pvtime_now_s() };
	const struct store_visit cas = { .ctx = &pass, .fn.ca = take_ca };
	const struct store_visit templates = { .ctx = &st->templates,
					       .fn.template = count_template };
	struct checkpoint_base log;
	enum pv_code rc = b->store_open(a, false, &store, err);

	if (rc == PV_OK)
		rc = checkpoint_load(a, store, &log, err);
	if (rc == PV_OK)
		rc = settings_look(a, store, err);
	if (rc == PV_OK)
		st->checkpoint = log.last.size;
	if (rc == PV_OK)
		rc = cosigned_load(a, store, &log, &st->cosigned, err);
	if (rc == PV_OK)
		rc = store_counts(store, &st->counts, err);
	if (rc == PV_OK)
		look_at_clock(store, &log, st);
	if (rc == PV_OK)
		rc = look_at_people(store, &log, st, err);
	if (rc == PV_OK)
		rc = store_template_each(store, &templates, err);
	pass.store = store;
	if (rc == PV_OK)
		rc = store_ca_each(store, NULL, &cas, err);
	if (rc == PV_OK)
		rc = look_at_chains(&pass, err);
	if (rc == PV_OK)
		rc = status_crls_load(a, store, pass.now_s, &st->crls, err);
	if (rc == PV_OK)
		rc = status_ceremonies_look(a, st, err);
	return rc == PV_OK ? status_tokens_look(store, st, err) : rc;
}

static enum pv_code judge_cas(const struct status *st, struct err *err)
{
	for (size_t i = 0; i < st->cas_n; i++) {
		const struct status_ca *ca = &st->cas[i];

		/* What becomes of those is their own authority's to say. */
		if (ca->of_others || ca->followed ||
		    ca->active_ms == STORE_CA_NEVER ||
		    (!ca->expired && !ca->revoked))
			continue;
		err_object(err, ca->name);
		if (ca->revoked)
			return err_fail(err, PV_DENIED, "ca.revoked",
					"give it a new key: provctl rotate ca",
					"the CA is revoked and issues nothing");
		return err_fail(err, PV_DENIED, "status.ca", "make a new CA",
				"the CA's certificate has expired");
	}
	return PV_OK;
}

enum pv_code status_collect(const struct backends *b, const struct authority *a,
			    struct status *st, struct err *err)
{
	bool usable = false;

	memset(st, 0, sizeof(*st));
	err_init(&st->store_why);
	/* Before its code runs here. */
	st->store_code = settings_module(b, a, &st->store_why);
	if (st->store_code != PV_OK) {
		*err = st->store_why;
		return st->store_code;
	}
	for (size_t i = 0; i < a->tokens_n; i++) {
		struct status_token *t = &st->tokens[i];
		err_init(&t->why);
		t->code = b->token_facts(a, i, &t->facts, &t->why);
		err_object(&t->why, t->facts.name);
		if (t->code == PV_OK && a->tokens_n > 1 &&
		    b->token_publics(a, i, &t->shown, NULL) != PV_OK)
			t->shown.n = 0;
		usable |= t->code == PV_OK;
	}
	st->tokens_n = a->tokens_n;
	err_init(&st->pin_why);
	st->pin_code = b->pin_check(a, &st->pin_why);
	st->store_code = look_at_store(b, a, st, &st->store_why);
	if (st->store_code != PV_OK) {
		*err = st->store_why;
		return st->store_code;
	}
	if (!usable) {
		*err = st->tokens[0].why;
		return st->tokens[0].code;
	}
	if (st->pin_code != PV_OK) {
		*err = st->pin_why;
		return st->pin_code;
	}
	if (judge_cas(st, err) != PV_OK)
		return err->code;
	if (st->lists_code != PV_OK) {
		*err = st->lists_why;
		return st->lists_code;
	}
	if (st->clock_code != PV_OK) {
		*err = st->clock_why;
		return st->clock_code;
	}
	if (st->uncovered == 0)
		return status_crls_judge(&st->crls, pvtime_now_s(), err);
	return err_fail(err, PV_HSM_TEMP, "log.uncovered",
			"repeat the last of them where the token and its PIN "
			"are at hand",
			"%llu decision%s under no checkpoint yet: whoever "
			"can write the store can still take back what was "
			"decided",
			(unsigned long long)st->uncovered,
			err_s(st->uncovered));
}
