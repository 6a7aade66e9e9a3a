#include "lib/flow/logged.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/ownkey.h"
#include "lib/seal/container.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"

/* ---- an entry and a row ---- */

bool logged_text_is(const struct log_entry *e, const char *key, const char *s)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_TSTR);

	return *s ? f && span_is(f->s, s) : !f;
}

bool logged_uint_is(const struct log_entry *e, const char *key, uint64_t v)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_UINT);

	return f && f->u == v;
}

bool logged_hash_is(const struct log_entry *e, const char *key,
		    const uint8_t *hash)
{
	return hash ? log_fact_is(e, key, hash, STORE_HASH)
		    : !log_fact_find(e, key, LOG_BSTR);
}

const char *logged_why(enum store_why why)
{
	switch (why) {
	case STORE_REWORK:
		return "rework";
	case STORE_SCRAP:
		return "scrap";
	case STORE_ROTATE:
		return "rotate";
	case STORE_NEW:
		break;
	}
	return "";
}

/* The fact is the serial of what is replaced: its first bytes say which. */
static bool replaces_fits(const struct log_entry *e,
			  const struct store_subject *s)
{
	const struct log_fact *f = log_fact_find(e, "replaces", LOG_TSTR);
	char number[9];

	if (s->replaces == 0 || !f)
		return s->replaces == 0 && !f;
	snprintf(number, sizeof(number), "%08lx", (unsigned long)s->replaces);
	return f->s.len >= 2 * STORE_SERIAL_MIN &&
	       f->s.len <= 2 * STORE_SERIAL_MAX &&
	       memcmp(f->s.p, number, 8) == 0;
}

static bool generation_fits(const struct log_entry *e,
			    const struct store_subject *s)
{
	return s->ca_generation > 1
		       ? logged_uint_is(e, "generation", s->ca_generation)
		       : !log_fact_find(e, "generation", LOG_UINT);
}

/* Which credential it is of its device, by which generation of the CA. */
static bool chain_fits(const struct log_entry *e, const struct store_subject *s)
{
	return replaces_fits(e, s) && generation_fits(e, s) &&
	       logged_text_is(e, "why", logged_why(s->why));
}

bool logged_subject_fits(const struct log_entry *e,
			 const struct store_subject *s)
{
	const uint8_t *p = s->serial;
	uint32_t head = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			(uint32_t)p[2] << 8 | p[3];
	bool own_id = strcmp(s->request, s->device) == 0;

	return head == s->number && chain_fits(e, s) &&
	       logged_text_is(e, "device", s->device) &&
	       logged_text_is(e, "request", own_id ? "" : s->request) &&
	       logged_text_is(e, "order", s->order) &&
	       logged_text_is(e, "role", s->role) &&
	       logged_text_is(e, "station", s->station) &&
	       logged_hash_is(e, "template hash", s->template_sha256) &&
	       logged_hash_is(e, "body", s->body_sha256) &&
	       logged_hash_is(e, "spki", s->has_spki ? s->spki_sha256 : NULL) &&
	       logged_hash_is(e, "seal", s->has_seal ? s->seal_sha256 : NULL) &&
	       logged_uint_is(e, "created", s->created_ms) &&
	       e->time_ms == s->reserved_ms;
}

/* No bytes, no fact; else the fact is their hash. */
static enum pv_code bytes_fit(const struct log_entry *e, const char *key,
			      struct span bytes, bool *fits, struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc = PV_OK;

	if (bytes.len > 0)
		rc = sha256(bytes, hash, err);
	*fits = rc == PV_OK &&
		logged_hash_is(e, key, bytes.len > 0 ? hash : NULL);
	return rc;
}

enum pv_code logged_open_fits(const struct log_entry *e,
			      const struct store_intent *i, bool *fits,
			      struct err *err)
{
	enum pv_code rc = bytes_fit(e, "tbs", i->tbs, fits, err);

	if (rc == PV_OK && *fits)
		rc = bytes_fit(e, "secrets hash", i->secrets, fits, err);
	*fits = *fits && logged_uint_is(e, "seq", i->seq);
	return rc;
}

/* What has no certificate has its serial here, or nowhere but its intent. */
static bool sealed_for(const struct log_entry *e, const struct store_subject *s)
{
	const struct log_fact *f = log_fact_find(e, "serial", LOG_TSTR);
	char serial[2 * STORE_SERIAL_MAX + 1];

	hex_encode(s->serial, s->serial_len, serial);
	return f ? span_is(f->s, serial) : s->has_spki;
}

bool logged_bundle_fits(const struct log_entry *e,
			const struct store_subject *s,
			const struct store_bundle *b)
{
	const uint8_t *escrow = b->escrow_len > 0 ? b->escrow_sha256 : NULL;
	const uint8_t *evidence = b->released_ms > 0 ? b->evidence : NULL;

	return b->number == s->number && sealed_for(e, s) &&
	       logged_text_is(e, "device", s->device) &&
	       logged_text_is(e, "stage", b->stage) &&
	       logged_uint_is(e, "seq", b->seq) &&
	       logged_hash_is(e, "bh", b->bh) &&
	       logged_hash_is(e, "descriptor payload hash",
			      b->payload_sha256) &&
	       logged_hash_is(e, "template hash", b->template_sha256) &&
	       logged_hash_is(e, "container hash", b->container_sha256) &&
	       logged_hash_is(e, "escrow hash", escrow) &&
	       logged_hash_is(e, "evidence", evidence) &&
	       (!evidence || e->time_ms == b->released_ms);
}

enum pv_code logged_container_fits(struct span container,
				   const struct store_subject *s,
				   const struct store_bundle *b, bool *fits,
				   struct err *err)
{
	struct seal_container_view v;
	struct span evidence;
	uint8_t whole[32];
	uint8_t payload[32];
	struct err why;
	enum pv_code rc = sha256(container, whole, err);

	*fits = false;
	if (rc != PV_OK || memcmp(whole, b->container_sha256, 32) != 0)
		return rc;
	err_init(&why);
	rc = seal_container_parse(container, &v, &why);
	if (rc == PV_INPUT)
		return PV_OK;
	if (rc == PV_OK)
		rc = sha256(v.head.payload, payload, &why);
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	evidence = (struct span){ b->evidence, b->released_ms > 0 ? 32 : 0 };
	*fits = memcmp(payload, b->payload_sha256, 32) == 0 &&
		span_equal(v.head.evidence_sha256, evidence) &&
		memcmp(v.head.bh, b->bh, 32) == 0 &&
		memcmp(v.head.bundle_id, b->id, STORE_UUID) == 0 &&
		v.head.seq == b->seq &&
		strcmp(v.head.device_id, s->device) == 0 &&
		strcmp(v.head.role, s->role) == 0;
	return PV_OK;
}

enum pv_code logged_escrow_fits(struct span escrow,
				const struct store_bundle *b, bool *fits,
				struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc = sha256(escrow, hash, err);

	*fits = rc == PV_OK && memcmp(hash, b->escrow_sha256, 32) == 0;
	return rc;
}

enum pv_code logged_key_fits(const struct log_entry *e,
			     const struct store_key *row, bool *fits,
			     struct err *err)
{
	const char *kind = ownkey_kind_name((enum hsm_key_kind)row->kind);
	enum pv_code rc = bytes_fit(e, "spki", row->spki, fits, err);

	*fits = *fits && logged_text_is(e, "purpose", row->purpose) &&
		logged_uint_is(e, "generation", row->generation) &&
		logged_text_is(e, "kind", kind) &&
		log_fact_is(e, "key id", row->id, STORE_UUID) &&
		logged_hash_is(e, "attributes hash", row->attrs_sha256) &&
		logged_uint_is(e, "generated", row->generated);
	return rc;
}

/* ---- a row and the store's log ---- */

enum pv_code logged_edited(const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "store.edited",
			"run provctl audit verify and restore a backup",
			"%s does not agree with the log", what);
}

enum pv_code logged_entry(struct store *store, uint64_t index, const char *type,
			  const char *object, struct buf *room,
			  struct log_entry *e, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_reset(room);
	rc = store_log_read(store, index, room, &why);
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(room), e, &why);
	if (rc == PV_NOT_FOUND ||
	    (rc == PV_OK &&
	     (!span_is(e->type, type) || !span_is(e->object, object))))
		return logged_edited("a row", err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

enum pv_code logged_key(struct store *store, const struct store_key *row,
			uint64_t index, const char *type, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	bool fits = false;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	rc = logged_entry(store, index, type, row->label, &room, &e, err);
	if (rc == PV_OK)
		rc = logged_key_fits(&e, row, &fits, err);
	if (rc == PV_OK && !fits)
		rc = logged_edited("the row of a key", err);
	if (rc == PV_INTEGRITY)
		err_object(err, row->label);
	return rc;
}

/* cert.intent of a device; room is the caller's to release. */
static enum pv_code intent_of(struct store *store, const struct store_device *d,
			      struct buf *room, struct log_entry *e,
			      struct err *err)
{
	char serial[2 * STORE_SERIAL_MAX + 1];
	enum pv_code rc;

	buf_init(room, LOG_ENTRY_MAX);
	hex_encode(d->s.serial, d->s.serial_len, serial);
	rc = logged_entry(store, d->intent_index, LOG_CERT_INTENT, serial, room,
			  e, err);
	if (rc == PV_OK && !logged_subject_fits(e, &d->s))
		rc = logged_edited("a device's row", err);
	return rc;
}

/* It has its result. One that is retired may have been open before. */
static bool is_settled(const struct store_device *d)
{
	return d->state == STORE_ISSUED || d->state == STORE_SUSPENDED ||
	       d->state == STORE_REVOKED;
}

enum pv_code logged_device(struct store *store, const struct store_device *d,
			   struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	enum pv_code rc = intent_of(store, d, &room, &e, err);

	/* What was to be signed is, unless the intent is still open. */
	if (rc == PV_OK && is_settled(d) &&
	    d->has_cert != (log_fact_find(&e, "tbs", LOG_BSTR) != NULL))
		rc = logged_edited("a device's row", err);
	return rc == PV_OK ? logged_state(store, d, err) : rc;
}

static enum pv_code any_bundle(void *ctx, const struct store_bundle *b,
			       struct err *err)
{
	(void)b;
	(void)err;
	*(bool *)ctx = true;
	return PV_OK;
}

enum pv_code logged_open(struct store *store, const struct store_device *d,
			 const struct store_intent *i, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	bool done = d->has_cert;
	const struct store_visit v = { .ctx = &done, .fn.bundle = any_bundle };
	struct log_entry e;
	bool fits = false;
	enum pv_code rc = intent_of(store, d, &room, &e, err);

	if (rc == PV_OK)
		rc = logged_open_fits(&e, i, &fits, err);
	if (rc == PV_OK)
		rc = store_bundle_each(store, d->s.number, &v, err);
	if (rc == PV_OK && (!fits || done))
		rc = logged_edited("an intent", err);
	return rc;
}

enum pv_code logged_cert(struct store *store, const struct store_device *d,
			 struct span der, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	char serial[2 * STORE_SERIAL_MAX + 1];
	uint8_t hash[32];
	struct log_entry e;
	enum pv_code rc = sha256(der, hash, err);

	buf_init(&room, LOG_ENTRY_MAX);
	hex_encode(d->s.serial, d->s.serial_len, serial);
	if (rc == PV_OK)
		rc = logged_entry(store, d->issue_index, LOG_CERT_ISSUE, serial,
				  &room, &e, err);
	if (rc == PV_OK && !logged_hash_is(&e, "cert", hash))
		rc = logged_edited("a certificate", err);
	return rc;
}

enum pv_code logged_bundle_row(struct store *store,
			       const struct store_subject *s,
			       const struct store_bundle *b, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	char object[2 * STORE_UUID + 1];
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	hex_encode(b->id, STORE_UUID, object);
	rc = logged_entry(store, b->seal_index, LOG_BUNDLE_SEAL, object, &room,
			  &e, err);
	if (rc == PV_OK && !logged_bundle_fits(&e, s, b))
		rc = logged_edited("the row of a bundle", err);
	return rc;
}

enum pv_code logged_bundle(struct store *store, const struct store_subject *s,
			   const struct store_bundle *b, struct span container,
			   struct err *err)
{
	bool fits = false;
	enum pv_code rc = logged_bundle_row(store, s, b, err);

	if (rc == PV_OK)
		rc = logged_container_fits(container, s, b, &fits, err);
	if (rc == PV_OK && !fits)
		rc = logged_edited("a sealed bundle", err);
	return rc;
}

enum pv_code logged_escrow(struct store *store, const struct store_subject *s,
			   const struct store_bundle *b, struct span escrow,
			   struct err *err)
{
	bool fits = false;
	enum pv_code rc = logged_bundle_row(store, s, b, err);

	if (rc == PV_OK)
		rc = logged_escrow_fits(escrow, b, &fits, err);
	if (rc == PV_OK && !fits)
		rc = logged_edited("what is escrowed", err);
	return rc;
}

static enum pv_code hash_of(void *ctx, unsigned level, uint64_t index,
			    uint8_t out[static LOG_HASH], struct err *err)
{
	return store_log_hash(ctx, level, index, out, err);
}

struct log_reader logged_reader(struct store *store)
{
	return (struct log_reader){ hash_of, store };
}
