#include "tests/unit/people_fix.h"

#include <string.h>

#include "lib/base/sha256.h"
#include "tests/unit/store_fix.h"

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

enum pv_code people_end(struct store *s, struct people_entry *p,
			struct span *entry, struct err *err)
{
	uint64_t prev;
	enum pv_code rc = store_governance_head(s, &prev, err);

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
	log_roster_change(&p.e, &p.who, version, hash, "Alice,Bob");
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
	const struct log_order facts = { name, 1, hash, "Alice,Bob", 10, 1 };
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
					     .note = note_hash,
					     .persons = "Alice" };
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
	struct store_held h = { .bytes = text_span("{}"),
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

static enum pv_code take_device(void *ctx, const struct store_held *h,
				struct err *err)
{
	(void)err;
	fix_name(ctx, h->device);
	return PV_OK;
}

enum pv_code people_decide(struct store *s, uint64_t id, const char *request,
			   enum store_held_state state, struct err *err)
{
	char device[STORE_ID_MAX + 1] = "";
	const struct log_decision facts = { request, device, "key.two", id,
					    "Alice,Bob" };
	const struct store_visit v = { device, { .held = take_device } };
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

	log_clock_accept(&p.e, &p.who, NULL, "Alice,Bob");
	if (rc == PV_OK)
		rc = people_end(s, &p, &entry, err);
	return rc == PV_OK ? store_governance_add(s, entry, NULL, err) : rc;
}
