#include <stdio.h>
#include <string.h>

#include "lib/flow/audit_impl.h"
#include "lib/flow/logged.h"
#include "lib/store/store_log.h"

#define CA_PREFIX "ca/"

static const char *object_of(const struct log_entry *e, char out[160])
{
	snprintf(out, 160, "%.*s",
		 (int)(e->object.len > 150 ? 150 : e->object.len),
		 (const char *)e->object.p);
	return out;
}

/* A 32 byte fact into out; false when it is not there. */
static bool get_hash(const struct log_entry *e, const char *key,
		     uint8_t out[32])
{
	const struct log_fact *f = log_fact_find(e, key, LOG_BSTR);

	if (!f || f->s.len != 32)
		return false;
	memcpy(out, f->s.p, 32);
	return true;
}

static void copy_span(char *out, size_t cap, struct span s)
{
	snprintf(out, cap, "%.*s", (int)(s.len >= cap ? cap - 1 : s.len),
		 (const char *)s.p);
}

static enum pv_code full(struct err *err)
{
	return err_fail(err, PV_INTERNAL, "audit.size", NULL,
			"more than %d CAs, keys or templates", AUDIT_LIST_MAX);
}

static enum pv_code take_intent(struct audit *au, const struct log_entry *e,
				struct err *err)
{
	const struct log_fact *device = log_fact_find(e, "device", LOG_TSTR);
	const struct log_fact *shards = log_fact_find(e, "shards", LOG_UINT);
	char object[160];
	uint32_t number;
	uint64_t bit;

	if (!audit_number(e->object, &number) || !audit_bit(au, number, &bit))
		return audit_fail(err, object_of(e, object), "audit.serial",
				  "an intent for a serial that was never lent");
	if (audit_get(au->intents, bit))
		return audit_fail(err, object_of(e, object), "audit.serial",
				  "two intents for one serial number");
	audit_set(au->intents, bit, true);
	if (!device || device->s.len <= strlen(CA_PREFIX) ||
	    memcmp(device->s.p, CA_PREFIX, strlen(CA_PREFIX)) != 0)
		return PV_OK;
	if (au->cas_n == AUDIT_LIST_MAX)
		return full(err);
	struct audit_ca *ca = &au->cas[au->cas_n++];
	copy_span(ca->serial, sizeof(ca->serial), e->object);
	copy_span(ca->name, sizeof(ca->name),
		  (struct span){ device->s.p + strlen(CA_PREFIX),
				 device->s.len - strlen(CA_PREFIX) });
	if (shards)
		ca->shards = shards->u;
	if (!get_hash(e, "tbs", ca->tbs))
		return audit_fail(err, ca->serial, "audit.entry",
				  "a CA's intent without a TBS");
	return PV_OK;
}

static enum pv_code take_issue(struct audit *au, const struct log_entry *e,
			       struct err *err)
{
	char object[160];
	uint32_t number;
	uint64_t bit;

	if (!audit_number(e->object, &number) || !audit_bit(au, number, &bit) ||
	    !audit_get(au->intents, bit))
		return audit_fail(err, object_of(e, object), "audit.intent",
				  "a certificate without an intent before it");
	if (audit_get(au->issues, bit))
		return audit_fail(err, object_of(e, object), "audit.serial",
				  "two certificates with one serial number");
	audit_set(au->issues, bit, true);
	for (size_t i = 0; i < au->cas_n; i++)
		if (span_is(e->object, au->cas[i].serial))
			au->cas[i].issued =
				get_hash(e, "cert", au->cas[i].cert);
	return PV_OK;
}

static enum pv_code take_key(struct audit *au, const struct log_entry *e,
			     struct err *err)
{
	const struct log_fact *id = log_fact_find(e, "key id", LOG_BSTR);
	const struct log_fact *purpose = log_fact_find(e, "purpose", LOG_TSTR);
	const struct log_fact *kind = log_fact_find(e, "kind", LOG_TSTR);
	const struct log_fact *n = log_fact_find(e, "generation", LOG_UINT);
	struct audit_key *key = &au->keys[au->keys_n];
	char object[160];

	if (au->keys_n == AUDIT_LIST_MAX)
		return full(err);
	if (!id || id->s.len != sizeof(key->id) || !purpose || !kind || !n ||
	    !get_hash(e, "attributes hash", key->attributes))
		return audit_fail(err, object_of(e, object), "audit.entry",
				  "a key's entry lacks what identifies it");
	copy_span(key->label, sizeof(key->label), e->object);
	copy_span(key->purpose, sizeof(key->purpose), purpose->s);
	copy_span(key->kind, sizeof(key->kind), kind->s);
	memcpy(key->id, id->s.p, sizeof(key->id));
	key->generation = n->u;
	key->generated = logged_uint_is(e, "generated", 1);
	key->secret = !get_hash(e, "spki", key->spki);
	au->keys_n++;
	return PV_OK;
}

static enum pv_code take_template(struct audit *au, const struct log_entry *e,
				  struct err *err)
{
	struct audit_template *t = &au->templates[au->templates_n];
	const struct log_fact *version = log_fact_find(e, "version", LOG_UINT);
	char object[160];

	if (au->templates_n == AUDIT_LIST_MAX)
		return full(err);
	copy_span(t->name, sizeof(t->name), e->object);
	if (!version || !get_hash(e, "hash", t->sha256))
		return audit_fail(err, object_of(e, object), "audit.entry",
				  "an adoption without version or hash");
	t->version = version->u;
	t->time_ms = e->time_ms;
	copy_span(t->actor, sizeof(t->actor), e->actor);
	au->templates_n++;
	return PV_OK;
}

/* One with a serial holds that intent. */
static enum pv_code take_quarantine(struct audit *au, const struct log_entry *e,
				    struct err *err)
{
	const struct log_fact *serial = log_fact_find(e, "serial", LOG_TSTR);
	char object[160];
	uint32_t number;
	uint64_t bit;

	if (!serial)
		return PV_OK;
	if (!audit_number(serial->s, &number) || !audit_bit(au, number, &bit) ||
	    !audit_get(au->intents, bit) || audit_get(au->issues, bit))
		return audit_fail(err, object_of(e, object), "audit.quarantine",
				  "it holds an intent that is not open");
	audit_set(au->held, bit, true);
	return PV_OK;
}

static enum pv_code take_time(struct audit *au, const struct log_entry *e,
			      struct err *err)
{
	char object[160];

	if (e->time_ms < au->last_ms)
		return audit_fail(err, object_of(e, object), "audit.clock",
				  "an entry is older than the one before it");
	au->last_ms = e->time_ms;
	return PV_OK;
}

static enum pv_code take_entry(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	struct audit *au = ctx;
	struct log_entry e;
	uint8_t leaf[LOG_HASH];
	char place[32];
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	if (rc == PV_OK)
		rc = take_time(au, &e, err);
	if (rc == PV_OK)
		rc = log_hash_leaf(&au->hasher, bytes, leaf, err);
	if (rc == PV_OK)
		rc = log_tree_append(&au->tree, &au->hasher, leaf, NULL, err);
	if (rc == PV_OK && span_is(e.type, LOG_CERT_INTENT))
		rc = take_intent(au, &e, err);
	else if (rc == PV_OK && span_is(e.type, LOG_CERT_ISSUE))
		rc = take_issue(au, &e, err);
	else if (rc == PV_OK && span_is(e.type, LOG_KEY_GENERATE))
		rc = take_key(au, &e, err);
	else if (rc == PV_OK && span_is(e.type, LOG_TEMPLATE_ADOPT))
		rc = take_template(au, &e, err);
	else if (rc == PV_OK && span_is(e.type, LOG_QUARANTINE_PUT))
		rc = take_quarantine(au, &e, err);
	else if (rc == PV_OK && span_is(e.type, LOG_BUNDLE_SEAL))
		au->seals++;
	if (rc != PV_OK) {
		snprintf(place, sizeof(place), "log entry %llu",
			 (unsigned long long)index);
		err_object(err, place);
		return rc;
	}
	audit_progress(au);
	return PV_OK;
}

enum pv_code audit_log(struct audit *au, struct err *err)
{
	const struct store_visit v = { .ctx = au, .fn.entry = take_entry };
	struct store_counts c;
	uint8_t kept[LOG_HASH];
	uint64_t size = 0;
	enum pv_code rc = store_log_root(au->store, &size, kept, err);

	if (rc == PV_OK)
		rc = store_counts(au->store, &c, err);
	if (rc == PV_OK)
		rc = store_log_each(au->store, 0, size, &v, err);
	if (rc == PV_OK)
		rc = log_tree_root(&au->tree, &au->hasher, au->counts->root,
				   err);
	if (rc == PV_OK)
		rc = store_counts(au->store, &c, err);
	if (rc != PV_OK)
		return rc;
	au->counts->entries = au->tree.size;
	if (au->tree.size != size)
		return audit_fail(err, "log", "audit.log",
				  "the log has %llu entries, the tree %llu",
				  (unsigned long long)au->tree.size,
				  (unsigned long long)size);
	if (memcmp(kept, au->counts->root, LOG_HASH) != 0)
		return audit_fail(err, "log", "audit.log",
				  "the entries do not give the kept root");
	if (c.last_event_ms != au->last_ms)
		return audit_fail(err, "log", "audit.clock",
				  "the kept time is not that of the newest "
				  "entry");
	return PV_OK;
}
