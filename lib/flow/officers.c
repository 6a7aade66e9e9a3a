#include "lib/flow/officers.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/decision.h"
#include "lib/flow/logged.h"
#include "lib/flow/people.h"
#include "lib/flow/settings.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"
#include "policy/approval_render.h"

CLEANUP_PTR(struct roster, roster_free);
CLEANUP_PTR(json_t, json_decref);

/* ---- setting one ---- */

/* The roster in force, for who approves: only what changes is new to them. */
static enum pv_code context_of(struct span now, json_t **context,
			       struct err *err)
{
	CLEANUP(mem_cleanup)
	char *base64 = mem_new(BASE64_LEN(now.len) + 1, err);

	if (!base64)
		return PV_INTERNAL;
	base64_encode(now.p, now.len, base64);
	*context = json_pack("{s:s}", APPROVAL_FACT_ROSTER, base64);
	return *context ? PV_OK
			: err_fail(err, PV_INTERNAL, "memory", NULL,
				   "no memory for a request");
}

static enum pv_code record(struct store *store, const struct roster *r,
			   struct span bytes, const struct approvals *got,
			   struct err *err)
{
	DECISION d = DECISION_INIT;
	struct log_entry e;
	enum pv_code rc = decision_begin(&d, store, got, err);

	if (rc != PV_OK)
		return rc;
	log_roster_change(&e, &d.who.who, r->version, r->sha256,
			  approvals_persons(got));
	rc = decision_entry(&d, &e, err);
	if (rc == PV_OK)
		rc = store_roster_put(store, r->version, bytes,
				      buf_span(&d.entry), err);
	return rc == PV_OK ? decision_commit(&d, err) : rc;
}

/* Says so before anybody is asked to approve it. */
static enum pv_code check_next(const struct roster *now,
			       const struct roster *next, struct err *err)
{
	uint64_t want = now ? now->version + 1 : 1;
	char hex[65] = "";

	if (next->version == want &&
	    (!now || !next->replaces_one ||
	     memcmp(next->replaces, now->sha256, 32) == 0))
		return PV_OK;
	if (next->version == want) {
		hex_encode(now->sha256, 32, hex);
		return err_fail(err, PV_CONFLICT, "roster.replaces", NULL,
				"the roster in force has SHA-256 %s, and "
				"\"replaces\" names another one",
				hex);
	}
	return err_fail(err, PV_CONFLICT, "store.roster",
			"give the roster the next version",
			"the roster has version %llu where %llu is next",
			(unsigned long long)next->version,
			(unsigned long long)want);
}

/* A roster that is to be set, and the one before it. */
struct setting {
	struct roster *now, *next; /* now NULL: there is none yet */
	struct buf in_force;	   /* bytes of now */
	struct span bytes;	   /* of next */
};

static void setting_release(struct setting *s)
{
	roster_free(s->now);
	roster_free(s->next);
	buf_release(&s->in_force);
}

static enum pv_code look(struct store *store, struct span bytes,
			 struct setting *s, bool *existing, struct err *err)
{
	enum pv_code rc = roster_parse(bytes, &s->next, err);

	s->bytes = bytes;
	buf_init(&s->in_force, ROSTER_SIZE_MAX);
	if (rc == PV_OK)
		rc = people_in_force(store, &s->now, &s->in_force, err);
	*existing = rc == PV_OK && s->now &&
		    memcmp(s->now->sha256, s->next->sha256, 32) == 0;
	return rc;
}

static enum pv_code gate(const struct authority *a, struct store *store,
			 const struct setting *s,
			 const struct approvals_want *from,
			 struct approvals *got, struct err *err)
{
	CLEANUP(cleanup_json_decref) json_t *context = NULL;
	struct approvals_want want = *from;
	char what[64];
	enum pv_code rc = check_next(s->now, s->next, err);

	if (rc == PV_OK && s->now)
		rc = context_of(buf_span(&s->in_force), &context, err);
	if (rc != PV_OK)
		return rc;
	snprintf(what, sizeof(what), "roster version %llu",
		 (unsigned long long)s->next->version);
	want.op = QUORUM_ROSTER;
	want.subject = s->bytes;
	want.what = what;
	want.context = context;
	return approvals_gate(a, store, &want, got, err);
}

static enum pv_code change(const struct authority *a, struct store *store,
			   const struct setting *s,
			   const struct approvals_want *want,
			   struct officers_report *report, struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	enum pv_code rc = check_next(s->now, s->next, err);

	/* From then on they are what people rely on. */
	if (rc == PV_OK && !s->now)
		rc = settings_record(a, store, err);
	if (rc == PV_OK)
		rc = gate(a, store, s, want, &got, err);
	if (rc == PV_OK)
		rc = record(store, s->next, s->bytes, &got, err);
	if (rc == PV_OK)
		snprintf(report->persons, sizeof(report->persons), "%s",
			 got.persons);
	return rc;
}

static void name_needs_all(const struct roster *r,
			   struct officers_report *report)
{
	size_t len = 0;

	for (size_t i = 0; i < QUORUM_OPS; i++)
		if (roster_needs_all(r, (enum quorum_op)i))
			len += (size_t)snprintf(
				report->needs_all + len,
				sizeof(report->needs_all) - len, "%s%s",
				len > 0 ? "," : "",
				quorum_op_name((enum quorum_op)i));
}

enum pv_code officers_set(const struct authority *a, struct store *store,
			  struct span bytes, const struct approvals_want *want,
			  struct officers_report *report, struct err *err)
{
	CLEANUP(setting_release) struct setting s = { .now = NULL };
	enum pv_code rc;

	memset(report, 0, sizeof(*report));
	rc = look(store, bytes, &s, &report->existing, err);
	if (rc != PV_OK)
		return rc;
	report->version = s.next->version;
	report->officers = s.next->n;
	memcpy(report->sha256, s.next->sha256, 32);
	name_needs_all(s.next, report);
	return report->existing ? PV_OK
				: change(a, store, &s, want, report, err);
}

enum pv_code officers_ask(const struct authority *a, struct store *store,
			  struct span bytes, const struct approvals_want *want,
			  struct err *err)
{
	CLEANUP(setting_release) struct setting s = { .now = NULL };
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	bool existing = false;
	enum pv_code rc = look(store, bytes, &s, &existing, err);

	return rc == PV_OK && !existing ? gate(a, store, &s, want, &got, err)
					: rc;
}

/* ---- what they did ---- */

struct uses {
	struct store *store;
	const struct roster *roster;
	struct officers_use *list;
	const struct officers_sink *sink; /* may be NULL */
};

static bool named(struct span persons, const char *name)
{
	size_t len = strlen(name);

	while (persons.len >= len) {
		const uint8_t *comma = memchr(persons.p, ',', persons.len);
		size_t n = comma ? (size_t)(comma - persons.p) : persons.len;

		if (n == len && memcmp(persons.p, name, len) == 0)
			return true;
		if (!comma)
			return false;
		persons.p += n + 1;
		persons.len -= n + 1;
	}
	return false;
}

static void count_entry(struct uses *u, const struct log_entry *e)
{
	const struct log_fact *f = log_fact_find(e, "persons", LOG_TSTR);

	for (size_t i = 0; f && i < u->roster->n; i++) {
		struct officers_use *use = &u->list[i];

		if (!named(f->s, u->roster->officers[i].name))
			continue;
		use->count++;
		use->last_ms = e->time_ms;
		snprintf(use->last, sizeof(use->last), "%.*s",
			 (int)(e->object.len < sizeof(use->last)
				       ? e->object.len
				       : sizeof(use->last) - 1),
			 (const char *)e->object.p);
	}
}

static enum pv_code tell(const struct uses *u, uint64_t index,
			 const struct log_entry *e, struct err *err)
{
	const struct log_fact *persons = log_fact_find(e, "persons", LOG_TSTR);
	const struct log_fact *subject = log_fact_find(e, "subject", LOG_BSTR);
	struct officers_used used = { .index = index,
				      .time_ms = e->time_ms,
				      .operation = e->object,
				      .requester = e->actor };

	if (!persons || !subject || subject->s.len != 32)
		return logged_edited("a used approval", err);
	used.persons = persons->s;
	used.subject = subject->s.p;
	return u->sink ? u->sink->used(u->sink->ctx, &used, err) : PV_OK;
}

static enum pv_code count_use(void *ctx, const struct store_approval *row,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct uses *u = ctx;
	struct log_entry e;
	uint8_t hash[32];
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = store_log_read(u->store, row->index, &room, err);
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&room), &e, err);
	if (rc == PV_OK)
		rc = sha256(row->note, hash, err);
	if (rc == PV_OK &&
	    (!span_is(e.type, LOG_APPROVAL_USE) ||
	     !logged_hash_is(&e, "note hash", hash) ||
	     !log_fact_is(&e, "nonce", row->nonce, sizeof(row->nonce))))
		return logged_edited("a used approval", err);
	if (rc != PV_OK)
		return rc;
	count_entry(u, &e);
	return tell(u, row->index, &e, err);
}

enum pv_code officers_uses(struct store *store, const struct roster *roster,
			   struct officers_use uses[static ROSTER_MAX],
			   const struct officers_sink *sink, struct err *err)
{
	struct uses u = { store, roster, uses, sink };
	const struct store_visit v = { .ctx = &u, .fn.approval = count_use };

	memset(uses, 0, ROSTER_MAX * sizeof(*uses));
	return store_approval_each(store, &v, err);
}
