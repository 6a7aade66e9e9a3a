#include "lib/flow/audit_entries.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/flow/audit_entries_ends.h"
#include "lib/flow/logged.h"
#include "lib/log/attest.h"
#include "lib/log/ceremony.h"
#include "lib/log/factory.h"

enum pv_code audit_fail(struct err *err, const char *object, const char *rule,
			const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_object(err, object);
	return err_fail(err, PV_INTEGRITY, rule,
			"stop issuing and compare with a backup", "%s", text);
}

bool audit_number(struct span hex, uint32_t *number)
{
	char digits[2 * STORE_SERIAL_MAX + 1];
	uint8_t bytes[STORE_SERIAL_MAX];
	size_t len = hex.len / 2;

	if (hex.len % 2 || len < STORE_SERIAL_MIN || len > STORE_SERIAL_MAX)
		return false;
	memcpy(digits, hex.p, hex.len);
	digits[hex.len] = '\0';
	if (!hex_decode(digits, bytes, len))
		return false;
	*number = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
		  (uint32_t)bytes[2] << 8 | bytes[3];
	return true;
}

const char *audit_object(const struct log_entry *e, char out[160])
{
	audit_text(out, 160, e->object);
	return out;
}

bool audit_hash(const struct log_entry *e, const char *key,
		uint8_t out[static STORE_HASH])
{
	const struct log_fact *f = log_fact_find(e, key, LOG_BSTR);

	if (!f || f->s.len != STORE_HASH)
		return false;
	memcpy(out, f->s.p, STORE_HASH);
	return true;
}

uint64_t audit_uint(const struct log_entry *e, const char *key,
		    uint64_t otherwise)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_UINT);

	return f ? f->u : otherwise;
}

void audit_text(char *out, size_t cap, struct span s)
{
	snprintf(out, cap, "%.*s", (int)(s.len >= cap ? cap - 1 : s.len),
		 (const char *)s.p);
}

static enum pv_code full(struct err *err)
{
	return err_fail(err, PV_INTERNAL, "audit.size", NULL,
			"more than %d CAs, keys or templates", AUDIT_LIST_MAX);
}

static enum pv_code take_responder(struct audit_entries *au, uint32_t number,
				   struct err *err)
{
	if (au->responders_n == au->responders_room) {
		size_t room = 2 * au->responders_room + 64;
		uint32_t *list = realloc(au->responders, room * sizeof(*list));

		if (!list)
			return err_fail(err, PV_INTERNAL, "memory", NULL,
					"out of memory for an audit");
		au->responders = list;
		au->responders_room = room;
	}
	au->responders[au->responders_n++] = number;
	return PV_OK;
}

static bool begins(const struct log_fact *f, const char *prefix)
{
	return f && f->s.len > strlen(prefix) &&
	       memcmp(f->s.p, prefix, strlen(prefix)) == 0;
}

/* name: "ca/" and the CA's. */
static enum pv_code take_ca(struct audit_entries *au, const struct log_entry *e,
			    struct span name, struct err *err)
{
	struct audit_ca *ca = &au->cas[au->cas_n];
	size_t head = strlen(LOG_CA_PREFIX);

	if (au->cas_n == AUDIT_LIST_MAX)
		return full(err);
	au->cas_n++;
	audit_text(ca->serial, sizeof(ca->serial), e->object);
	audit_text(ca->name, sizeof(ca->name),
		   (struct span){ name.p + head, name.len - head });
	ca->shards = audit_uint(e, "shards", 0);
	ca->generation = audit_uint(e, LOG_CA_GENERATION, 1);
	ca->signer = audit_uint(e, "generation", 1);
	ca->active_ms = audit_uint(e, LOG_CA_ACTIVE, 0);
	ca->cross = logged_uint_is(e, LOG_CA_CROSS, 1);
	ca->elsewhere = log_fact_find(e, LOG_CA_CSR, LOG_BSTR);
	if (!audit_hash(e, "tbs", ca->tbs) ||
	    !audit_hash(e, "template hash", ca->template_hash))
		return audit_fail(err, ca->serial, "audit.entry",
				  "a CA's intent without TBS or template");
	return PV_OK;
}

static enum pv_code take_intent(struct audit_entries *au,
				const struct log_entry *e, struct err *err)
{
	const struct log_fact *device = log_fact_find(e, "device", LOG_TSTR);
	char object[160];
	uint32_t number;
	enum pv_code rc;

	if (!audit_number(e->object, &number) ||
	    !serialset_holds(&au->serials, number))
		return audit_fail(err, audit_object(e, object), "audit.serial",
				  "an intent for a serial that was never lent");
	if (serialset_get(&au->serials, number, SERIAL_INTENT))
		return audit_fail(err, audit_object(e, object), "audit.serial",
				  "two intents for one serial number");
	au->intents++;
	rc = serialset_set(&au->serials, number, SERIAL_INTENT, err);
	if (rc == PV_OK && begins(device, LOG_OCSP_PREFIX))
		return take_responder(au, number, err);
	if (rc != PV_OK || !begins(device, LOG_CA_PREFIX))
		return rc;
	return take_ca(au, e, device->s, err);
}

static enum pv_code take_issue(struct audit_entries *au,
			       const struct log_entry *e, struct err *err)
{
	char object[160];
	uint32_t number;

	if (!audit_number(e->object, &number) ||
	    !serialset_get(&au->serials, number, SERIAL_INTENT))
		return audit_fail(err, audit_object(e, object), "audit.intent",
				  "a certificate without an intent before it");
	if (serialset_get(&au->serials, number, SERIAL_ISSUE))
		return audit_fail(err, audit_object(e, object), "audit.serial",
				  "two certificates with one serial number");
	au->issues++;
	for (size_t i = 0; i < au->cas_n; i++)
		if (span_is(e->object, au->cas[i].serial))
			au->cas[i].issued =
				audit_hash(e, "cert", au->cas[i].cert);
	return serialset_set(&au->serials, number, SERIAL_ISSUE, err);
}

static enum pv_code take_key(struct audit_entries *au,
			     const struct log_entry *e, struct err *err)
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
	    !audit_hash(e, "attributes hash", key->attributes))
		return audit_fail(err, audit_object(e, object), "audit.entry",
				  "a key's entry lacks what identifies it");
	audit_text(key->label, sizeof(key->label), e->object);
	audit_text(key->purpose, sizeof(key->purpose), purpose->s);
	audit_text(key->kind, sizeof(key->kind), kind->s);
	memcpy(key->id, id->s.p, sizeof(key->id));
	key->generation = n->u;
	key->index = au->tree.size - 1;
	key->restored = STORE_NO_INDEX;
	key->generated = logged_uint_is(e, "generated", 1);
	key->secret = !audit_hash(e, "spki", key->spki);
	key->destroyed = STORE_NO_INDEX;
	au->keys_n++;
	return PV_OK;
}

static enum pv_code take_template(struct audit_entries *au,
				  const struct log_entry *e, struct err *err)
{
	struct audit_template *t = &au->templates[au->templates_n];
	char object[160];

	if (au->templates_n == AUDIT_LIST_MAX)
		return full(err);
	if (!log_fact_find(e, "version", LOG_UINT) ||
	    !audit_hash(e, "hash", t->sha256))
		return audit_fail(err, audit_object(e, object), "audit.entry",
				  "an adoption without version or hash");
	au->templates_n++;
	return PV_OK;
}

/* One with a serial holds that intent. */
static enum pv_code take_quarantine(struct audit_entries *au,
				    const struct log_entry *e, struct err *err)
{
	const struct log_fact *serial = log_fact_find(e, "serial", LOG_TSTR);
	char object[160];
	uint32_t number;

	if (log_fact_find(e, "held", LOG_UINT) &&
	    !logged_uint_is(e, "held", ++au->held))
		return audit_fail(err, audit_object(e, object),
				  "audit.quarantine",
				  "what is held is not counted up by one");
	if (!serial)
		return PV_OK;
	if (!audit_number(serial->s, &number) ||
	    !serialset_get(&au->serials, number, SERIAL_INTENT) ||
	    serialset_get(&au->serials, number, SERIAL_ISSUE))
		return audit_fail(err, audit_object(e, object),
				  "audit.quarantine",
				  "it holds an intent that is not open");
	return serialset_set(&au->serials, number, SERIAL_HELD, err);
}

static enum pv_code take_time(struct audit_entries *au,
			      const struct log_entry *e, struct err *err)
{
	char object[160];

	if (e->time_ms < au->last_ms)
		return audit_fail(err, audit_object(e, object), "audit.clock",
				  "an entry is older than the one before it");
	au->before_ms = au->last_ms;
	au->last_ms = e->time_ms;
	return PV_OK;
}

static enum pv_code take_roster(struct audit_entries *au,
				const struct log_entry *e, struct err *err)
{
	if (logged_uint_is(e, "version", ++au->rosters))
		return PV_OK;
	return audit_fail(err, "roster", "audit.roster",
			  "a roster does not follow the one before it");
}

/* What people decided is one chain, wherever else it counts. */
static enum pv_code take_decision(struct audit_entries *au, struct span bytes,
				  const struct log_entry *e, struct err *err)
{
	const uint64_t index = au->tree.size - 1;
	enum pv_code rc = governance_take(&au->governance, &au->hasher, bytes,
					  e, index, err);

	if (rc == PV_OK)
		rc = pairing_take(&au->pairing, e, index, err);
	return rc == PV_OK
		       ? acts_take(&au->acts, e, index, au->rosters > 0, err)
		       : rc;
}

/* From the entry before it, no further than was accepted. */
static enum pv_code take_clock(struct audit_entries *au,
			       const struct log_entry *e, struct err *err)
{
	const struct log_fact *until = log_fact_find(e, LOG_UNTIL, LOG_UINT);
	char object[160];

	if (until && e->time_ms / 1000 <= until->u &&
	    logged_uint_is(e, LOG_NEWEST, au->before_ms / 1000))
		return PV_OK;
	return audit_fail(err, audit_object(e, object), "audit.clock",
			  "another step of the clock was accepted");
}

static bool is_ca(const struct audit_entries *au, const uint8_t cert[32])
{
	for (size_t i = 0; i < au->cas_n; i++)
		if (au->cas[i].issued &&
		    memcmp(au->cas[i].cert, cert, STORE_HASH) == 0)
			return true;
	return false;
}

/* A release is the next entry. */
static void keep_seal(struct audit_entries *au, const struct log_entry *e)
{
	au->seal_index = au->tree.size;
	audit_text(au->seal, sizeof(au->seal), e->object);
	if (!audit_hash(e, "evidence", au->seal_evidence))
		au->seal_index = 0;
}

static enum pv_code take_release(struct audit_entries *au,
				 const struct log_entry *e, struct err *err)
{
	char object[160];

	au->releases++;
	if (au->seal_index > 0 && au->seal_index == au->tree.size - 1 &&
	    span_is(e->object, au->seal) &&
	    logged_hash_is(e, "evidence", au->seal_evidence))
		return PV_OK;
	return audit_fail(err, audit_object(e, object), "audit.release",
			  "a release of another bundle than the one sealed "
			  "before it, or for other evidence");
}

static enum pv_code take_seal(struct audit_entries *au,
			      const struct log_entry *e, struct err *err)
{
	const struct log_fact *anchors = log_fact_find(e, "anchors", LOG_BSTR);
	char object[160];
	bool known = true;

	au->seals++;
	keep_seal(au, e);
	if (!anchors)
		return PV_OK;
	known = anchors->s.len > 0 && anchors->s.len % STORE_HASH == 0;
	for (size_t at = 0; known && at < anchors->s.len; at += STORE_HASH)
		known = is_ca(au, anchors->s.p + at);
	return known ? PV_OK
		     : audit_fail(err, audit_object(e, object), "audit.anchors",
				  "a device got a trust anchor that is no CA "
				  "of the log");
}

/* A factory event: of what it says that it is, with what was signed. */
static enum pv_code take_event(struct audit_entries *au,
			       const struct log_entry *e, struct err *err)
{
	const struct log_fact *of = log_fact_find(e, "device", LOG_TSTR);
	uint8_t hash[32];
	char object[160];

	(void)au;
	if (!of)
		of = log_fact_find(e, "order", LOG_TSTR);
	if (of && span_equal(of->s, e->object) && audit_hash(e, "hash", hash) &&
	    log_fact_find(e, "type", LOG_TSTR) &&
	    log_fact_find(e, "station", LOG_TSTR))
		return PV_OK;
	return audit_fail(err, audit_object(e, object), "audit.event",
			  "an event of a factory without what was signed");
}

static enum pv_code take_crl(struct audit_entries *au,
			     const struct log_entry *e, struct err *err)
{
	return audit_crls_take(&au->crls, e, err);
}

#define TYPE(s)                                                                \
	{                                                                      \
		(const uint8_t *)(s), sizeof(s) - 1                            \
	}

static const struct {
	struct span type;
	enum pv_code (*take)(struct audit_entries *au,
			     const struct log_entry *e, struct err *err);
} checks[] = {
	{ TYPE(LOG_CERT_INTENT), take_intent },
	{ TYPE(LOG_CERT_ISSUE), take_issue },
	{ TYPE(LOG_BUNDLE_SEAL), take_seal },
	{ TYPE(LOG_BUNDLE_RELEASE), take_release },
	{ TYPE(LOG_KEY_GENERATE), take_key },
	{ TYPE(LOG_KEY_TAKE), take_key },
	{ TYPE(LOG_KEY_SEND), audit_take_send },
	{ TYPE(LOG_KEY_ROTATE), audit_take_rotation },
	{ TYPE(LOG_KEY_RESTORE), audit_take_restore },
	{ TYPE(LOG_CA_IMPORT), audit_take_import },
	{ TYPE(LOG_KEY_DESTROY), audit_take_destroy },
	{ TYPE(LOG_TEMPLATE_ADOPT), take_template },
	{ TYPE(LOG_QUARANTINE_PUT), take_quarantine },
	{ TYPE(LOG_ROSTER_CHANGE), take_roster },
	{ TYPE(LOG_CLOCK_ACCEPT), take_clock },
	{ TYPE(LOG_CERT_REVOKE), audit_take_revoke },
	{ TYPE(LOG_DEVICE_RETIRE), audit_take_retire },
	{ TYPE(LOG_EVENT), take_event },
	{ TYPE(LOG_RECEIPT), audit_take_receipt },
	{ TYPE(LOG_DEVICE_ROLLBACK), audit_take_rollback },
	{ TYPE(LOG_ATTEST_ENROL), audit_take_enrol },
	{ TYPE(LOG_ATTEST_CHALLENGE), audit_take_challenge },
	{ TYPE(LOG_ATTEST_VERIFY), audit_take_verify },
	{ TYPE(LOG_ATTEST_WITHDRAW), audit_take_withdraw },
	{ TYPE(LOG_CRL_INTENT), take_crl },
	{ TYPE(LOG_CRL_ISSUE), take_crl },
	{ TYPE(LOG_CRL_VOID), take_crl },
	{ TYPE(LOG_OCSP_INTENT), take_crl },
	{ TYPE(LOG_OCSP_ISSUE), take_crl },
	{ TYPE(LOG_OCSP_VOID), take_crl },
};

#define CHECKS (sizeof(checks) / sizeof(checks[0]))

static enum pv_code grow(struct audit_entries *au, struct span bytes,
			 struct err *err)
{
	uint8_t leaf[LOG_HASH];
	enum pv_code rc = log_hash_leaf(&au->hasher, bytes, leaf, err);

	if (rc != PV_OK)
		return rc;
	return log_tree_append(&au->tree, &au->hasher, leaf,
			       au->sink.done ? &au->sink : NULL, err);
}

enum pv_code audit_entries_take(struct audit_entries *au, struct span bytes,
				struct err *err)
{
	struct log_entry *e = &au->entry;
	size_t i = 0;
	enum pv_code rc = grow(au, bytes, err);

	if (rc == PV_OK)
		rc = log_entry_decode(bytes, e, err);
	if (rc == PV_OK)
		rc = take_time(au, e, err);
	if (rc == PV_OK)
		rc = take_decision(au, bytes, e, err);
	if (rc == PV_OK)
		rc = quota_take(&au->quota, e, au->tree.size - 1, err);
	while (i < CHECKS && !span_equal(e->type, checks[i].type))
		i++;
	return rc == PV_OK && i < CHECKS ? checks[i].take(au, e, err) : rc;
}

enum pv_code audit_entries_end(const struct audit_entries *au, struct err *err)
{
	enum pv_code rc = pairing_end(&au->pairing, err);

	return rc == PV_OK ? acts_end(&au->acts, err) : rc;
}

enum pv_code audit_entries_init(struct audit_entries *au, uint64_t numbers,
				struct err *err)
{
	enum pv_code rc = log_hasher_init(&au->hasher, err);

	au->governance = (struct governance)GOVERNANCE_INIT;
	if (rc == PV_OK)
		rc = serialset_init(&au->serials, STORE_SERIAL_FIRST, numbers,
				    err);
	if (rc != PV_OK)
		return rc;
	au->cas = mem_array(AUDIT_LIST_MAX, sizeof(*au->cas), err);
	au->keys = mem_array(AUDIT_LIST_MAX, sizeof(*au->keys), err);
	au->templates = mem_array(AUDIT_LIST_MAX, sizeof(*au->templates), err);
	return au->cas && au->keys && au->templates ? PV_OK : PV_INTERNAL;
}

void audit_entries_release(struct audit_entries *au)
{
	log_hasher_release(&au->hasher);
	serialset_release(&au->serials);
	quota_release(&au->quota);
	audit_crls_release(&au->crls);
	acts_release(&au->acts);
	free(au->responders);
	free(au->offers);
	free(au->cas);
	free(au->keys);
	free(au->templates);
}
