#include "lib/flow/quarantine.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/decision.h"
#include "lib/flow/governance.h"
#include "lib/flow/raised.h"
#include "lib/flow/subject.h"

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

static void put_subject(const struct item *i, uint64_t id, bool release,
			struct buf *out)
{
	const struct subject_held held = {
		.release = release,
		.number = id,
		.request = log_str(i->report->request),
		.device = log_str(i->report->device),
		.rule = log_str(i->report->rule),
		.bytes = i->bytes_sha256,
	};

	subject_held(out, &held);
}

/* What people decide makes no key or evidence right: what to do instead. */
static enum pv_code check_release(const struct item *i, uint64_t id,
				  struct err *err)
{
	static const struct {
		const char *rule, *instead;
	} keys[] = {
		{ "device.key_changed",
		  "if the new key is the device's, `provctl issue --replace "
		  "--reason rework' (or scrap) takes it" },
		{ "key.reused", "make the key on the device itself" },
		{ "key.authority", "find out who sent this" },
		{ "evidence.", "have the device attest again" },
	};
	const char *rule = i->report->rule;

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		char hint[sizeof(err->hint)];

		if (strncmp(rule, keys[k].rule, strlen(keys[k].rule)) != 0)
			continue;
		snprintf(hint, sizeof(hint),
			 "%s; end this with `provctl quarantine reject %llu'",
			 keys[k].instead, (unsigned long long)id);
		return err_fail(err, PV_DENIED, "quarantine.key", hint,
				"number %llu is held for %s, which no release "
				"changes",
				(unsigned long long)id, rule);
	}
	return PV_OK;
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
	if (rc == PV_OK && release)
		rc = check_release(i, id, err);
	if (rc == PV_OK)
		rc = raised_of_held(i->store, i->put_index, i->report->request,
				    &i->raised, err);
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

static enum pv_code record(const struct item *i, uint64_t id, bool release,
			   const struct approvals *got, struct err *err)
{
	const struct quarantine_report *report = i->report;
	const struct log_decision facts = { .held = id,
					    .request = report->request,
					    .device = report->device[0]
							      ? report->device
							      : NULL,
					    .rule = report->rule,
					    .bytes = i->bytes_sha256,
					    .persons = approvals_persons(got) };
	DECISION d = DECISION_INIT;
	struct log_entry e;
	enum pv_code rc = decision_begin(&d, i->store, got, err);

	if (rc != PV_OK)
		return rc;
	log_quarantine_decide(&e, &d.who.who,
			      release ? LOG_QUARANTINE_RELEASE
				      : LOG_QUARANTINE_REJECT,
			      &facts);
	rc = decision_entry(&d, &e, err);
	if (rc == PV_OK)
		rc = store_held_decide(
			i->store, id, release ? STORE_RELEASED : STORE_REJECTED,
			buf_span(&d.entry), err);
	return rc == PV_OK ? decision_commit(&d, err) : rc;
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
		rc = record(&i, id, release, &got, err);
	if (rc == PV_OK)
		snprintf(report->persons, sizeof(report->persons), "%s",
			 got.persons);
	return rc;
}
