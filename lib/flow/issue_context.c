/* What a run loads from the store, and how its signers come by it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/event.h"
#include "lib/flow/issue_impl.h"
#include "lib/flow/keystand.h"
#include "lib/flow/orders.h"
#include "lib/flow/settings.h"
#include "lib/flow/stationclaim.h"
#include "lib/store/store_people.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

CLEANUP_PTR(struct template, template_free);

struct pinning {
	struct issue_run *r;
	struct store *store;
};

static bool is_loaded(const struct issue_run *r, const uint8_t sha256[32],
		      uint32_t generation)
{
	for (size_t i = 0; i < r->contexts_n; i++)
		if (memcmp(r->contexts[i]->template_sha256, sha256, 32) == 0 &&
		    r->contexts[i]->ca_generation == generation)
			return true;
	return false;
}

/* One that cannot be loaded, or is past what one run takes up, leaves its
 * intents open. */
static void load_one(const struct pinning *p, const uint8_t sha256[32],
		     uint32_t generation)
{
	struct issue_run *r = p->r;
	struct err ignored;

	err_init(&ignored);
	if (r->contexts_n < ISSUE_CONTEXTS_MAX &&
	    !is_loaded(r, sha256, generation) &&
	    issue_context_load_generation(r->a, p->store, sha256, generation,
					  &r->contexts[r->contexts_n],
					  &ignored) == PV_OK)
		r->contexts_n++;
}

struct generations {
	uint32_t list[ISSUE_CONTEXTS_MAX]; /* the newest last */
	size_t n;
};

static enum pv_code take_generation(void *ctx, const struct store_ca *ca,
				    struct err *err)
{
	struct generations *g = ctx;

	(void)err;
	if (g->n == ISSUE_CONTEXTS_MAX)
		memmove(g->list, g->list + 1, --g->n * sizeof(g->list[0]));
	g->list[g->n++] = ca->generation;
	return PV_OK;
}

/* Under whichever generation of its issuer an intent began. */
static enum pv_code load_pinned_one(void *ctx, const struct store_template *t,
				    struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *parsed = NULL;
	const struct pinning *p = ctx;
	struct generations g = { .n = 0 };
	const struct store_visit v = { .ctx = &g, .fn.ca = take_generation };
	struct err ignored;

	(void)err;
	err_init(&ignored);
	if (template_parse(t->bytes, &parsed, NULL, &ignored) != PV_OK)
		return PV_OK;
	if (!parsed->has_certificate)
		load_one(p, t->sha256, 0);
	else if (store_ca_each(p->store, parsed->profile.issuer, &v,
			       &ignored) != PV_OK)
		return PV_OK;
	for (size_t i = g.n; i > 0; i--)
		load_one(p, t->sha256, g.list[i - 1]);
	return PV_OK;
}

/* Versions that open intents began under. */
static enum pv_code load_pinned(struct issue_run *r, struct store *store,
				struct err *err)
{
	struct pinning p = { r, store };
	struct store_visit v = { .ctx = &p, .fn.template = load_pinned_one };

	return store_template_open(store, r->opts->template_name, &v, err);
}

static const char *option(const struct issue_run *r, const char *key)
{
	const struct reader_opts *from = &r->opts->source;

	for (size_t i = 0; i < from->pairs_n; i++)
		if (strcmp(from->pairs[i].key, key) == 0 &&
		    name_is_safe(from->pairs[i].value,
				 strlen(from->pairs[i].value)))
			return from->pairs[i].value;
	return NULL;
}

/* What refuses the whole run (a CA template, an expired CA) is logged too. */
static enum pv_code log_denial(struct issue_run *r, struct store *store,
			       const struct err *why, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	const char *device = option(r, "device");
	const char *request = option(r, "request");
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc != PV_OK)
		return rc;
	if (!request)
		request = device ? device : "-";
	log_request_deny(&e, &who.who, request, device,
			 why->rule[0] ? why->rule : "-", NULL);
	rc = event_append(store, &e, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

/* Its count is made again where many are asked for: that takes as long as the
 * log has grown since it was opened. An audit counts for all. */
static enum pv_code load_ticket(struct issue_run *r, struct store *store,
				struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct orders_row row;
	enum pv_code rc = store_begin(store, STORE_READ, &txn, err);

	if (rc == PV_OK)
		rc = orders_load(store, r->opts->order, &r->ticket.order, &row,
				 NULL, err);
	if (rc == PV_OK && r->opts->batch)
		rc = orders_recount(store, r->opts->order, &row, err);
	return rc;
}

/* Who acts, and whether they may: anybody does within an open order. */
static enum pv_code admit(struct issue_run *r, struct store *store,
			  struct err *err)
{
	struct err denied;
	struct actor who;
	/* Before: what is decided meanwhile has the writer judge again. */
	enum pv_code rc = store_governance_head(store, &r->judged, err);

	if (rc == PV_OK)
		rc = actor_enter(store, r->opts->claim, &who, err);
	if (rc != PV_OK)
		return rc;
	snprintf(r->actor, sizeof(r->actor), "%s", who.name);
	r->ruled = who.roster;
	if (r->opts->rotate)
		return actor_allow(&who, ROLE_OP_ROTATE, err);
	if (r->opts->release)
		return actor_allow(&who, ROLE_OP_ATTEST, err);
	if (r->opts->order)
		rc = load_ticket(r, store, err);
	if (rc != PV_OK)
		return rc;
	err_init(&denied);
	r->bound = actor_allow(&who, ROLE_OP_ISSUE_FREE, &denied) != PV_OK;
	if (r->bound && r->ticket.order.open)
		return actor_allow(&who, ROLE_OP_ISSUE, err);
	if (r->bound)
		*err = denied;
	return denied.code;
}

/* What the station has proved with its key counts as the order has it. */
static enum pv_code admit_station(struct issue_run *r, struct err *err)
{
	const struct stationclaim *claim = r->opts->station_claim;
	enum pv_code rc;

	if (!claim || !claim->made)
		return PV_OK;
	rc = stationclaim_admit(&r->ticket.order, &claim->key, r->opts->station,
				err);
	r->ticket.station_signed = rc == PV_OK;
	return rc;
}

/* An order keeps the version that it was approved with. */
static enum pv_code load_first(struct issue_run *r, struct store *store,
			       struct err *err)
{
	const struct order *o = &r->ticket.order;

	if (!r->opts->order)
		return issue_context_load(r->a, store, r->opts->template_name,
					  &r->contexts[0], err);
	if (strcmp(o->template_name, r->opts->template_name) != 0) {
		err_object(err, o->id);
		return err_fail(err, PV_DENIED, "order.template",
				"name the order's template",
				"order %s is for template %s", o->id,
				o->template_name);
	}
	return issue_context_load_digest(r->a, store, o->template_sha256,
					 &r->contexts[0], err);
}

enum pv_code issue_load_contexts(struct issue_run *r, struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	enum pv_code rc = r->backends->store_open(r->a, false, &store, err);

	if (rc == PV_OK)
		rc = checkpoint_load(r->a, store, &r->log, err);
	/* Checkpoints of the run are signed without a look at such. */
	if (rc == PV_OK && r->log.own_n > 0)
		rc = keystand_none_since(store, r->log.last.size, err);
	if (rc == PV_OK)
		rc = settings_hold(r->a, store, false, err);
	if (rc == PV_OK)
		rc = admit(r, store, err);
	if (rc == PV_OK)
		rc = admit_station(r, err);
	if (rc == PV_OK)
		rc = load_first(r, store, err);
	if (rc == PV_OK && r->ticket.station_signed)
		rc = stationclaim_log(store, r->opts->station_claim,
				      r->opts->order, r->opts->station, err);
	if (store && (rc == PV_DENIED || rc == PV_INPUT)) {
		struct err unlogged;

		err_init(&unlogged);
		if (log_denial(r, store, err, &unlogged) != PV_OK)
			err_prefix(err, "not logged (%.100s)",
				   unlogged.message);
	}
	if (rc != PV_OK)
		return rc;
	r->contexts_n = 1;
	return load_pinned(r, store, err);
}

/* ---- handed to the signers, which run already ---- */

static enum pv_code cannot_share(struct err *err)
{
	return err_errno(err, PV_INTERNAL, "process", NULL,
			 "cannot hand the signers what was loaded");
}

/* In memory of its own, which never keeps us waiting, and which nobody changes
 * any more once it is sealed. */
static enum pv_code share(int fd, struct wire *w, struct err *err)
{
	enum pv_code rc = buf_check(&w->out, err);

	if (rc == PV_OK)
		rc = fd_write_all(fd, w->out.data, w->out.len, err);
	if (rc == PV_OK && fcntl(fd, F_ADD_SEALS, SEALS) != 0)
		rc = cannot_share(err);
	return rc;
}

enum pv_code issue_hand_contexts(struct issue_run *r, struct err *err)
{
	static const uint8_t word = 1;
	struct wire w;
	enum pv_code rc;

	wire_init(&w, -1);
	record_put_log(&w, &r->log);
	record_put_actor(&w, r->actor);
	record_put_order(&w, &r->ticket);
	for (size_t i = 0; i < r->contexts_n; i++)
		record_put_context(&w, r->contexts[i]);
	rc = share(r->shared, &w, err);
	wire_release(&w);
	for (size_t i = 0; rc == PV_OK && i < r->jobs; i++)
		rc = crew_send(issue_signer(r, i), &word, 1, err);
	fd_cleanup(&r->shared);
	return rc;
}

/* All of it into w, as if it had been received. */
static enum pv_code take_in(int fd, struct wire *w, struct err *err)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0 || st.st_size <= 0)
		return cannot_share(err);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return cannot_share(err);
	buf_put(&w->in, p, (size_t)st.st_size);
	munmap(p, (size_t)st.st_size);
	return buf_check(&w->in, err);
}

static enum pv_code take_records(struct issue_run *r, struct wire *w,
				 struct err *err)
{
	struct wire_rec rec;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && wire_next(w, &rec)) {
		if (rec.type == WIRE_LOG)
			rc = record_get_log(&rec, &r->log, err);
		else if (rec.type == WIRE_ACTOR)
			rc = record_get_actor(&rec, r->actor, err);
		else if (rec.type == WIRE_ORDER)
			rc = record_get_order(&rec, &r->ticket, err);
		else if (rec.type == WIRE_CONTEXT &&
			 r->contexts_n < ISSUE_CONTEXTS_MAX)
			rc = record_get_context(
				&rec, &r->contexts[r->contexts_n++], err);
		else
			rc = cannot_share(err);
	}
	return rc == PV_OK && r->contexts_n == 0 ? cannot_share(err) : rc;
}

enum pv_code issue_take_contexts(struct issue_run *r, int ctl, struct err *err)
{
	struct wire w;
	uint8_t word;
	enum pv_code rc = fd_read_all(ctl, &word, 1, err);

	if (rc != PV_OK)
		return rc;
	wire_init(&w, -1);
	rc = take_in(r->shared, &w, err);
	if (rc == PV_OK)
		rc = take_records(r, &w, err);
	wire_release(&w);
	fd_cleanup(&r->shared);
	return rc;
}
