#include "lib/flow/quarantine.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/event.h"
#include "lib/flow/governance.h"
#include "lib/flow/logged.h"
#include "lib/flow/logged_authority.h"
#include "policy/template.h"

CLEANUP_PTR(struct template, template_free);

#define SUBJECT_MAX 1024u

const char *quarantine_state(enum store_held_state state)
{
	switch (state) {
	case STORE_HELD:
		return "held";
	case STORE_RELEASED:
		return "released";
	case STORE_REJECTED:
		break;
	}
	return "rejected";
}

struct looking {
	struct store *store;
	bool all;
	const struct store_visit *v;
};

static enum pv_code take(void *ctx, const struct store_held *h, struct err *err)
{
	const struct looking *l = ctx;
	enum pv_code rc;

	if (!l->all && h->state != STORE_HELD)
		return PV_OK;
	rc = governance_held(l->store, h, err);
	return rc == PV_OK ? l->v->fn.held(l->v->ctx, h, err) : rc;
}

enum pv_code quarantine_each(struct store *store, bool all,
			     const struct store_visit *v, struct err *err)
{
	struct looking l = { store, all, v };
	const struct store_visit each = { .ctx = &l, .fn.held = take };

	return store_held_each(store, &each, err);
}

enum pv_code quarantine_get(struct store *store, uint64_t id,
			    const struct store_visit *v, struct err *err)
{
	struct looking l = { store, true, v };
	const struct store_visit one = { .ctx = &l, .fn.held = take };
	bool found = false;
	enum pv_code rc = PV_OK;

	if (id > 0 && id <= INT64_MAX)
		rc = store_held_get(store, id, &one, &found, err);
	if (rc == PV_OK && !found)
		return err_fail(err, PV_NOT_FOUND, "quarantine.none",
				"see provctl quarantine list",
				"nothing is held under number %llu",
				(unsigned long long)id);
	return rc;
}

/* What is decided on, by its row, and what its template asks for. */
struct item {
	struct store *store;
	struct quarantine_report *report;
	uint8_t bytes_sha256[32];
	enum store_held_state state;
	uint64_t put_index;
	struct tpl_approvals raised;
};

static enum pv_code take_item(void *ctx, const struct store_held *h,
			      struct err *err)
{
	struct item *i = ctx;
	struct quarantine_report *r = i->report;

	memcpy(r->request, h->request, sizeof(r->request));
	memcpy(r->device, h->device, sizeof(r->device));
	memcpy(r->rule, h->rule, sizeof(r->rule));
	i->state = h->state;
	i->put_index = h->put_index;
	return sha256(h->bytes, i->bytes_sha256, err);
}

static enum pv_code take_template(void *ctx, const struct store_template *t,
				  struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *parsed = NULL;
	struct item *i = ctx;
	enum pv_code rc = logged_template_parse(t, &parsed, err);

	if (rc == PV_OK)
		i->raised = parsed->approvals;
	return rc;
}

/* Its quarantine.put names the template. */
static enum pv_code find_raised(struct item *i, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	const struct store_visit v = { i, { .template = take_template } };
	const struct log_fact *hash;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(i->store, i->put_index, LOG_QUARANTINE_PUT,
			  i->report->request, &room, &e, err);
	if (rc != PV_OK)
		return rc;
	hash = log_fact_find(&e, "template hash", LOG_BSTR);
	return hash && hash->s.len == STORE_HASH
		       ? store_template_digest(i->store, hash->s.p, &v, err)
		       : PV_OK;
}

static void put_subject(const struct item *i, uint64_t id, bool release,
			struct buf *out)
{
	char hex[65];

	hex_encode(i->bytes_sha256, 32, hex);
	buf_printf(out, "quarantine %s\nnumber %llu\nrequest %s\n",
		   release ? "release" : "reject", (unsigned long long)id,
		   i->report->request);
	if (i->report->device[0])
		buf_printf(out, "device %s\n", i->report->device);
	buf_printf(out, "rule %s\nbytes sha256:%s\n", i->report->rule, hex);
}

/* Says what stands in the way before anybody is asked. */
static enum pv_code ask(const struct authority *a, struct item *i, uint64_t id,
			bool release, const struct approvals_want *from,
			struct approvals *got, struct err *err)
{
	CLEANUP(buf_release) struct buf subject;
	const struct store_visit v = { i, { .held = take_item } };
	struct approvals_want want = *from;
	char what[64];
	enum pv_code rc = quarantine_get(i->store, id, &v, err);

	if (rc == PV_OK && i->state != STORE_HELD)
		rc = err_fail(err, PV_CONFLICT, "store.held", NULL,
			      "number %llu was %s before",
			      (unsigned long long)id,
			      quarantine_state(i->state));
	if (rc == PV_OK)
		rc = find_raised(i, err);
	buf_init(&subject, SUBJECT_MAX);
	if (rc != PV_OK)
		return rc;
	put_subject(i, id, release, &subject);
	snprintf(what, sizeof(what), "quarantine %s %llu",
		 release ? "release" : "reject", (unsigned long long)id);
	want.op = QUORUM_RELEASE_QUARANTINE;
	want.subject = buf_span(&subject);
	want.what = what;
	want.raised = &i->raised;
	rc = buf_check(&subject, err);
	return rc == PV_OK ? approvals_gate(a, i->store, &want, got, err) : rc;
}

static enum pv_code record(struct store *store, uint64_t id, bool release,
			   const struct quarantine_report *report,
			   const struct approvals *got, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	CLEANUP(buf_release) struct buf entry;
	const struct log_decision facts = { .held = id,
					    .request = report->request,
					    .device = report->device[0]
							      ? report->device
							      : NULL,
					    .rule = report->rule,
					    .persons = approvals_persons(got) };
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	buf_init(&entry, LOG_ENTRY_MAX);
	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc != PV_OK)
		return rc;
	log_quarantine_decide(&e, &who.who,
			      release ? LOG_QUARANTINE_RELEASE
				      : LOG_QUARANTINE_REJECT,
			      &facts);
	rc = event_decision(store, &e, &entry, err);
	if (rc == PV_OK)
		rc = store_held_decide(
			store, id, release ? STORE_RELEASED : STORE_REJECTED,
			buf_span(&entry), err);
	if (rc == PV_OK)
		rc = approvals_use(store, &who.who, got, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

enum pv_code quarantine_decide(const struct authority *a, struct store *store,
			       uint64_t id, enum store_held_state state,
			       const struct approvals_want *from,
			       struct quarantine_report *report,
			       struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	struct item i = { .store = store, .report = report };
	bool release = state == STORE_RELEASED;
	enum pv_code rc;

	memset(report, 0, sizeof(*report));
	rc = ask(a, &i, id, release, from, &got, err);
	if (rc == PV_OK)
		rc = record(store, id, release, report, &got, err);
	if (rc == PV_OK)
		snprintf(report->persons, sizeof(report->persons), "%s",
			 got.persons);
	return rc;
}
