#include "lib/log/events.h"

#include <string.h>

#include "lib/log/tree.h"

void log_cert_intent(struct log_entry *e, const struct log_who *who,
		     const struct log_intent *intent)
{
	log_entry_start(e, who, LOG_CERT_INTENT, intent->serial);
	log_fact_str(e, "device", intent->device);
	log_fact_bytes(e, "template hash", intent->template_hash, LOG_HASH);
	log_fact_str(e, "order", intent->order);
	log_fact_bytes(e, "tbs", intent->tbs, LOG_HASH);
	log_fact_bytes(e, "spki", intent->spki, LOG_HASH);
	log_fact_str(e, "request", intent->request);
	log_fact_str(e, "role", intent->role);
	log_fact_str(e, "station", intent->station);
	log_fact_bytes(e, "body", intent->body, LOG_HASH);
	log_fact_bytes(e, "seal", intent->seal, LOG_HASH);
	log_fact_bytes(e, "secrets hash", intent->secrets, LOG_HASH);
	log_fact_bytes(e, "kept hash", intent->kept, LOG_HASH);
	log_fact_str(e, "stored", intent->stored);
	if (intent->created_ms)
		log_fact_uint(e, "created", intent->created_ms);
	if (intent->seq)
		log_fact_uint(e, "seq", intent->seq);
	if (intent->shards)
		log_fact_uint(e, "shards", intent->shards);
	log_fact_str(e, "replaces", intent->replaces);
	log_fact_str(e, "why", intent->why);
	log_fact_str(e, "changed", intent->changed);
	if (intent->generation > 1)
		log_fact_uint(e, "generation", intent->generation);
	if (intent->station_signed)
		log_fact_uint(e, "station_signed", 1);
}

void log_cert_issue(struct log_entry *e, const struct log_who *who,
		    const char *serial, const uint8_t *cert)
{
	log_entry_start(e, who, LOG_CERT_ISSUE, serial);
	log_fact_bytes(e, "cert", cert, LOG_HASH);
}

void log_bundle_seal(struct log_entry *e, const struct log_who *who,
		     const struct log_seal *seal)
{
	log_entry_start(e, who, LOG_BUNDLE_SEAL, seal->bundle);
	log_fact_str(e, "device", seal->device);
	log_fact_str(e, "stage", seal->stage);
	log_fact_uint(e, "seq", seal->seq);
	log_fact_bytes(e, "bh", seal->bh, LOG_HASH);
	log_fact_bytes(e, "descriptor payload hash", seal->payload, LOG_HASH);
	log_fact_bytes(e, "container hash", seal->container, LOG_HASH);
	log_fact_bytes(e, "escrow hash", seal->escrow, LOG_HASH);
	log_fact_bytes(e, "template hash", seal->template_hash, LOG_HASH);
	log_fact_str(e, "serial", seal->serial);
	if (seal->anchors_n > 0)
		log_fact_bytes(e, "anchors", seal->anchors,
			       LOG_HASH * seal->anchors_n);
	log_fact_str(e, "components", seal->components);
	log_fact_str(e, "stored", seal->stored);
	log_fact_bytes(e, "evidence", seal->evidence, LOG_HASH);
}

void log_export(struct log_entry *e, const struct log_who *who,
		const char *object, const char *what, const char *to)
{
	log_entry_start(e, who, LOG_EXPORT, object);
	log_fact_str(e, "what", what);
	log_fact_str(e, "to", to);
}

void log_request_deny(struct log_entry *e, const struct log_who *who,
		      const char *request, const char *device, const char *rule,
		      const uint8_t *bytes)
{
	log_entry_start(e, who, LOG_REQUEST_DENY, request);
	log_fact_str(e, "device", device);
	log_fact_str(e, "rule", rule);
	log_fact_bytes(e, "bytes hash", bytes, LOG_HASH);
}

void log_quarantine_put(struct log_entry *e, const struct log_who *who,
			const struct log_quarantine *q)
{
	log_entry_start(e, who, LOG_QUARANTINE_PUT, q->request);
	log_fact_str(e, "device", q->device);
	log_fact_str(e, "rule", q->rule);
	log_fact_bytes(e, "bytes hash", q->bytes, LOG_HASH);
	log_fact_str(e, "serial", q->serial);
	log_fact_str(e, "key", q->key);
	if (q->held)
		log_fact_uint(e, "held", q->held);
	log_fact_str(e, "source", q->source);
}

void log_template_adopt(struct log_entry *e, const struct log_who *who,
			const char *name, uint64_t version, const uint8_t *hash,
			const uint8_t *escrow, const char *persons)
{
	log_entry_start(e, who, LOG_TEMPLATE_ADOPT, name);
	log_fact_uint(e, "version", version);
	log_fact_bytes(e, "hash", hash, LOG_HASH);
	log_fact_bytes(e, "escrow", escrow, LOG_HASH);
	log_fact_str(e, "persons", persons);
}

void log_key_generate(struct log_entry *e, const struct log_who *who,
		      const struct log_key *key)
{
	log_entry_start(e, who, LOG_KEY_GENERATE, key->label);
	log_fact_str(e, "purpose", key->purpose);
	log_fact_uint(e, "generation", key->generation);
	log_fact_bytes(e, "spki", key->spki, LOG_HASH);
	log_fact_bytes(e, "key id", key->id, key->id_len);
	log_fact_bytes(e, "attributes hash", key->attributes, LOG_HASH);
	log_fact_str(e, "kind", key->kind);
	log_fact_uint(e, "generated", key->generated);
}

void log_approval_ask(struct log_entry *e, const struct log_who *who,
		      const char *operation, const uint8_t *subject,
		      const uint8_t *nonce)
{
	log_entry_start(e, who, LOG_APPROVAL_ASK, operation);
	log_fact_bytes(e, "subject", subject, LOG_HASH);
	log_fact_bytes(e, "nonce", nonce, LOG_NONCE);
}

void log_ceremony_step(struct log_entry *e, const struct log_who *who,
		       const char *object, const char *plan, const char *step,
		       const char *result)
{
	log_entry_start(e, who, LOG_CEREMONY_STEP, object);
	log_fact_str(e, "plan", plan);
	log_fact_str(e, "step", step);
	log_fact_str(e, "result", result);
}
