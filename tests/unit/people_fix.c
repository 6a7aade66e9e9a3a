#include "tests/unit/people_fix.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/pairing.h"
#include "lib/flow/people.h"
#include "lib/flow/subject.h"
#include "lib/log/tree.h"
#include "lib/store/store_log.h"
#include "policy/approval.h"
#include "tests/unit/store_fix.h"

#define HELD "{}" /* what is held of each */

static struct span text_span(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

enum pv_code people_start(struct store *s, struct people_entry *p,
			  struct err *err)
{
	struct store_counts c;
	enum pv_code rc = store_counts(s, &c, err);

	p->who.actor = "alice";
	p->who.time_ms = c.last_event_ms ? c.last_event_ms : FIX_TIME;
	return rc;
}

static enum pv_code encode(struct people_entry *p, struct span *entry,
			   struct err *err)
{
	struct buf b;
	enum pv_code rc;

	buf_init(&b, sizeof(p->bytes));
	rc = log_entry_encode(&p->e, &b, err);
	p->len = rc == PV_OK ? b.len : 0;
	if (rc == PV_OK)
		memcpy(p->bytes, b.data, b.len);
	buf_release(&b);
	*entry = (struct span){ p->bytes, p->len };
	return rc;
}

void people_nonce(uint64_t prev, uint8_t nonce[LOG_NONCE])
{
	memset(nonce, 0xa5, LOG_NONCE);
	memcpy(nonce, &prev, sizeof(prev));
}

/* Under a roster: by whom, and a nonce that no other decision has. */
static void say_approved(struct store *s, struct people_entry *p, uint64_t prev)
{
	CLEANUP(buf_release) struct buf bytes;
	struct store_roster r;
	enum quorum_op op;
	bool found = false;
	struct err why;

	err_init(&why);
	buf_init(&bytes, SIZE_MAX / 2);
	if (!pairing_op(&p->e, &op) ||
	    store_roster_get(s, 0, &r, &bytes, &found, &why) != PV_OK || !found)
		return;
	people_nonce(prev, p->nonce);
	log_fact_str(&p->e, "persons", PEOPLE_APPROVER);
	log_fact_bytes(&p->e, LOG_NONCE_FACT, p->nonce, LOG_NONCE);
}

enum pv_code people_end(struct store *s, struct people_entry *p,
			struct span *entry, struct err *err)
{
	uint64_t prev;
	enum pv_code rc = store_governance_head(s, &prev, err);

	if (rc == PV_OK && !p->alone)
		say_approved(s, p, prev);
	log_fact_prev(&p->e, prev);
	return rc == PV_OK ? encode(p, entry, err) : rc;
}

enum pv_code people_roster(struct store *s, uint64_t version, const char *text,
			   struct err *err)
{
	struct people_entry p;
	uint8_t hash[32];
	struct span entry;
	enum pv_code rc = people_start(s, &p, err);

	if (rc == PV_OK)
		rc = sha256(text_span(text), hash, err);
	log_roster_change(&p.e, &p.who, version, hash, NULL);
	if (rc == PV_OK)
		rc = people_end(s, &p, &entry, err);
	return rc == PV_OK ? store_roster_put(s, version, text_span(text),
					      entry, err)
			   : rc;
}

enum pv_code people_approval(struct store *s, uint8_t nonce, const char *note,
			     struct err *err)
{
	uint8_t bytes[STORE_NONCE], hash[32];
	const struct log_approval a = { "order", hash,	  hash,
					hash,	 "Alice", bytes };
	struct people_entry p;
	struct span entry;
	enum pv_code rc = people_start(s, &p, err);

	memset(bytes, nonce, sizeof(bytes));
	if (rc == PV_OK)
		rc = sha256(text_span(note), hash, err);
	log_approval_use(&p.e, &p.who, &a);
	if (rc == PV_OK)
		rc = people_end(s, &p, &entry, err);
	return rc == PV_OK ? store_approval_use(s, bytes, text_span(note),
						entry, err)
			   : rc;
}

enum pv_code people_order(struct store *s, const char *name,
			  const uint8_t template_sha256[32], const char *text,
			  struct err *err)
{
	uint8_t hash[32];
	const struct log_order facts = { name, 1, hash, NULL, 10, 0 };
	struct store_order o = { .bytes = text_span(text) };
	struct people_entry p;
	struct span entry;
	enum pv_code rc = people_start(s, &p, err);

	fix_name(o.name, name);
	memcpy(o.template_sha256, template_sha256, 32);
	if (rc == PV_OK)
		rc = sha256(text_span(text), hash, err);
	log_order_open(&p.e, &p.who, &facts);
	if (rc == PV_OK)
		rc = people_end(s, &p, &entry, err);
	return rc == PV_OK ? store_order_open(s, &o, entry, err) : rc;
}

enum pv_code people_order_end(struct store *s, const char *name,
			      const char *text, const char *note,
			      struct err *err)
{
	uint8_t hash[32], note_hash[32], none[32] = { 0 };
	const struct log_order_end facts = { .name = name,
					     .hash = hash,
					     .first = 1,
					     .last = 30,
					     .certificates = none,
					     .note = note_hash };
	struct people_entry p;
	struct span entry;
	enum pv_code rc = people_start(s, &p, err);

	if (rc == PV_OK)
		rc = sha256(text_span(text), hash, err);
	if (rc == PV_OK)
		rc = sha256(text_span(note), note_hash, err);
	log_order_close(&p.e, &p.who, &facts);
	if (rc == PV_OK)
		rc = people_end(s, &p, &entry, err);
	return rc == PV_OK
		       ? store_order_close(s, name, text_span(note), entry, err)
		       : rc;
}

enum pv_code people_secret(struct store *s, const char *name, uint64_t version,
			   const char *sealed, struct err *err)
{
	struct people_entry p;
	uint8_t hash[32];
	struct span entry;
	enum pv_code rc = people_start(s, &p, err);

	if (rc == PV_OK)
		rc = sha256(text_span(sealed), hash, err);
	log_secret(&p.e, &p.who,
		   version == 1 ? LOG_SECRET_ADD : LOG_SECRET_ROTATE, name,
		   version, hash, NULL);
	log_fact_bytes(&p.e, LOG_VALUE, hash, LOG_HASH);
	if (rc == PV_OK)
		rc = people_end(s, &p, &entry, err);
	return rc == PV_OK ? store_secret_put(s, name, version,
					      text_span(sealed), entry, err)
			   : rc;
}

enum pv_code people_secret_end(struct store *s, const char *name,
			       uint64_t version, struct err *err)
{
	struct people_entry p;
	struct span entry;
	enum pv_code rc = people_start(s, &p, err);

	log_secret(&p.e, &p.who, LOG_SECRET_DESTROY, name, version, NULL, NULL);
	if (rc == PV_OK)
		rc = people_end(s, &p, &entry, err);
	return rc == PV_OK ? store_secret_destroy(s, name, version, entry, err)
			   : rc;
}

enum pv_code people_held(struct store *s, const char *request,
			 const char *device, uint64_t *id, struct err *err)
{
	struct store_held h = { .bytes = text_span(HELD),
				.rule = "key.two",
				.source = "line-1" };
	uint8_t hash[32];
	struct log_quarantine facts = { .request = request,
					.device = device,
					.rule = h.rule,
					.source = h.source,
					.bytes = hash };
	struct people_entry p;
	struct span entry;
	enum pv_code rc = people_start(s, &p, err);

	fix_name(h.request, request);
	fix_name(h.device, device);
	if (rc == PV_OK)
		rc = sha256(h.bytes, hash, err);
	if (rc == PV_OK)
		rc = store_held_next(s, &facts.held, err);
	log_quarantine_put(&p.e, &p.who, &facts);
	if (rc == PV_OK)
		rc = encode(&p, &entry, err);
	return rc == PV_OK ? store_held_put(s, &h, entry, id, err) : rc;
}

struct held_item {
	char device[STORE_ID_MAX + 1], rule[STORE_ID_MAX + 1];
	uint8_t bytes[32];
};

static enum pv_code take_item(void *ctx, const struct store_held *h,
			      struct err *err)
{
	struct held_item *i = ctx;

	fix_name(i->device, h->device);
	fix_name(i->rule, h->rule);
	return sha256(h->bytes, i->bytes, err);
}

enum pv_code people_decide(struct store *s, uint64_t id, const char *request,
			   enum store_held_state state, struct err *err)
{
	struct held_item i = { .rule = "key.two" };
	const struct log_decision facts = { request, i.device, i.rule,
					    id,	     i.bytes,  NULL };
	const struct store_visit v = { &i, { .held = take_item } };
	struct people_entry p;
	struct span entry;
	bool found;
	enum pv_code rc = people_start(s, &p, err);

	if (rc == PV_OK && id > 0)
		rc = store_held_get(s, id, &v, &found, err);
	log_quarantine_decide(&p.e, &p.who,
			      state == STORE_RELEASED ? LOG_QUARANTINE_RELEASE
						      : LOG_QUARANTINE_REJECT,
			      &facts);
	if (rc == PV_OK)
		rc = people_end(s, &p, &entry, err);
	return rc == PV_OK ? store_held_decide(s, id, state, entry, err) : rc;
}

enum pv_code people_clock(struct store *s, struct err *err)
{
	struct people_entry p;
	struct span entry;
	enum pv_code rc = people_start(s, &p, err);

	log_clock_accept(&p.e, &p.who, NULL, NULL);
	log_fact_uint(&p.e, LOG_NEWEST, p.who.time_ms / 1000);
	log_fact_uint(&p.e, LOG_UNTIL, p.who.time_ms / 1000 + 1);
	if (rc == PV_OK)
		rc = people_end(s, &p, &entry, err);
	return rc == PV_OK ? store_governance_add(s, entry, NULL, err) : rc;
}

enum pv_code people_config(struct store *s, struct err *err)
{
	static const char text[] = "config accept|clock_max_step_days 3650|";
	static const char signed_text[] =
		"config accept\nclock_max_step_days 3650\n";
	struct people_entry p;
	struct span entry;
	uint8_t hash[32];
	enum pv_code rc = people_start(s, &p, err);

	if (rc == PV_OK)
		rc = sha256((struct span){ (const uint8_t *)signed_text,
					   sizeof(signed_text) - 1 },
			    hash, err);
	log_config_accept(&p.e, &p.who, hash, text, NULL);
	if (rc == PV_OK)
		rc = people_end(s, &p, &entry, err);
	return rc == PV_OK ? store_governance_add(s, entry, NULL, err) : rc;
}

/* ---- approved ---- */

struct use {
	struct log_entry e; /* the decision */
	struct buf entry;   /* its bytes */
	struct approval asked;
	struct buf text, note;
};

static void use_release(struct use *u)
{
	buf_release(&u->entry);
	buf_release(&u->text);
	buf_release(&u->note);
}

/* *needed: the newest entry is a decision that says it was approved. */
static enum pv_code read_newest(struct store *s, struct use *u, bool *needed,
				struct err *err)
{
	uint64_t head = LOG_NO_PREV;
	enum pv_code rc = store_governance_head(s, &head, err);

	*needed = false;
	if (rc != PV_OK || head == LOG_NO_PREV)
		return rc;
	rc = store_log_read(s, head, &u->entry, err);
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&u->entry), &u->e, err);
	*needed = rc == PV_OK && pairing_op(&u->e, &u->asked.operation) &&
		  log_nonce(&u->e);
	return rc;
}

static enum pv_code fill_text(struct store *s, struct use *u,
			      void (*edit)(struct approval *a), struct err *err)
{
	struct approval *a = &u->asked;
	struct approval edited;
	struct store_meta meta;
	bool says = false;
	enum pv_code rc = store_meta(s, &meta, err);

	if (rc == PV_OK)
		rc = people_root(s, a->root, err);
	if (rc == PV_OK)
		rc = subject_of(&u->e, 1, a->subject, &says, err);
	if (rc != PV_OK)
		return rc;
	snprintf(a->log, sizeof(a->log), "%s", meta.origin);
	snprintf(a->requester, sizeof(a->requester), "%.*s",
		 (int)u->e.actor.len, (const char *)u->e.actor.p);
	memcpy(a->nonce, log_nonce(&u->e), sizeof(a->nonce));
	a->expires_s = u->e.time_ms / 1000 + 60;
	edited = *a;
	if (edit)
		edit(&edited);
	return approval_text_put(&u->text, &edited, err);
}

static enum pv_code put_use(struct store *s, struct use *u, struct err *err)
{
	uint8_t text[32], note[32];
	const struct log_approval facts = {
		quorum_op_name(u->asked.operation),
		text,
		note,
		u->asked.subject,
		PEOPLE_APPROVER,
		u->asked.nonce,
	};
	struct people_entry p;
	struct span entry;
	enum pv_code rc = sha256(buf_span(&u->text), text, err);

	if (rc == PV_OK)
		rc = sha256(buf_span(&u->note), note, err);
	if (rc == PV_OK)
		rc = people_start(s, &p, err);
	log_approval_use(&p.e, &p.who, &facts);
	if (rc == PV_OK)
		rc = people_end(s, &p, &entry, err);
	return rc == PV_OK ? store_approval_use(s, u->asked.nonce,
						buf_span(&u->note), entry, err)
			   : rc;
}

enum pv_code people_approve(struct store *s, const struct note_signer *signer,
			    struct err *err)
{
	return people_approve_edited(s, signer, NULL, err);
}

enum pv_code people_approve_edited(struct store *s,
				   const struct note_signer *signer,
				   void (*edit)(struct approval *a),
				   struct err *err)
{
	CLEANUP(use_release) struct use u = { .asked = { .log = "" } };
	bool needed;
	enum pv_code rc;

	buf_init(&u.entry, LOG_ENTRY_MAX);
	buf_init(&u.text, APPROVAL_TEXT_MAX);
	buf_init(&u.note, NOTE_SIZE_MAX);
	rc = read_newest(s, &u, &needed, err);
	if (rc != PV_OK || !needed)
		return rc;
	rc = fill_text(s, &u, edit, err);
	if (rc == PV_OK)
		rc = note_start(&u.note, buf_span(&u.text), err);
	if (rc == PV_OK && signer)
		rc = note_sign(&u.note, buf_span(&u.text), signer, err);
	return rc == PV_OK ? put_use(s, &u, err) : rc;
}
