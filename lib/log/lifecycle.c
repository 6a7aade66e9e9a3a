#include "lib/log/lifecycle.h"

#include <string.h>

#include "lib/log/tree.h"

void log_bundle_release(struct log_entry *e, const struct log_who *who,
			const struct log_seal *seal)
{
	log_entry_start(e, who, LOG_BUNDLE_RELEASE, seal->bundle);
	log_fact_str(e, "device", seal->device);
	log_fact_str(e, "stage", seal->stage);
	log_fact_uint(e, "seq", seal->seq);
	log_fact_bytes(e, "evidence", seal->evidence, LOG_HASH);
}

void log_cert_revoke(struct log_entry *e, const struct log_who *who,
		     const struct log_revoke *r)
{
	log_entry_start(e, who, LOG_CERT_REVOKE, r->serial);
	log_fact_str(e, "device", r->device);
	log_fact_uint(e, "reason", r->reason);
	log_fact_str(e, "ca", r->ca);
	if (r->ca)
		log_fact_uint(e, "shard", r->shard);
	if (r->ca && r->generation > 1)
		log_fact_uint(e, "generation", r->generation);
	if (r->invalidity >= 0)
		log_fact_uint(e, "invalidity", (uint64_t)r->invalidity);
	if (r->ends >= 0)
		log_fact_uint(e, "ends", (uint64_t)r->ends);
	if (r->since_ms)
		log_fact_uint(e, "since", r->since_ms);
	log_fact_bytes(e, LOG_NONCE_FACT, r->nonce, LOG_NONCE);
	log_fact_str(e, LOG_BY, r->by);
}

void log_crl_intent(struct log_entry *e, const struct log_who *who,
		    const char *type, const struct log_crl *c)
{
	bool crl = strcmp(type, LOG_CRL_INTENT) == 0;

	log_entry_start(e, who, type, c->object);
	log_fact_uint(e, "number", c->number);
	log_fact_bytes(e, "tbs", c->tbs, LOG_HASH);
	log_fact_uint(e, "this", (uint64_t)c->this_s);
	log_fact_uint(e, "next", (uint64_t)c->next_s);
	log_fact_uint(e, crl ? "entries" : "n", c->entries);
	if (!crl)
		log_fact_uint(e, "upto", c->upto);
	if (!crl && c->more)
		log_fact_uint(e, "more", 1);
}

void log_crl_issue(struct log_entry *e, const struct log_who *who,
		   const char *type, const char *object, uint64_t number,
		   const uint8_t *hash)
{
	bool crl = strcmp(type, LOG_CRL_ISSUE) == 0;

	log_entry_start(e, who, type, object);
	log_fact_uint(e, "number", number);
	log_fact_bytes(e, crl ? "crl" : "answers", hash, LOG_HASH);
}

void log_crl_void(struct log_entry *e, const struct log_who *who,
		  const char *type, const char *object, uint64_t number)
{
	log_entry_start(e, who, type, object);
	log_fact_uint(e, "number", number);
}

void log_receipt(struct log_entry *e, const struct log_who *who,
		 const char *device, const uint8_t *bh, uint64_t seq,
		 uint64_t result)
{
	log_entry_start(e, who, LOG_RECEIPT, device);
	log_fact_bytes(e, "bh", bh, LOG_HASH);
	log_fact_uint(e, "seq", seq);
	log_fact_uint(e, "result", result);
}

void log_device_retire(struct log_entry *e, const struct log_who *who,
		       const char *device, uint64_t serials, uint64_t bundles,
		       uint64_t escrow)
{
	log_entry_start(e, who, LOG_DEVICE_RETIRE, device);
	log_fact_uint(e, "serials", serials);
	log_fact_uint(e, "bundles", bundles);
	log_fact_uint(e, "escrow", escrow);
}

void log_device_rollback(struct log_entry *e, const struct log_who *who,
			 const char *device, const char *from, const char *to)
{
	log_entry_start(e, who, LOG_DEVICE_ROLLBACK, device);
	log_fact_str(e, "serial", from);
	log_fact_str(e, "to", to);
}

void log_key_rotate(struct log_entry *e, const struct log_who *who,
		    const struct log_key *key, const char *from)
{
	log_key_generate(e, who, key);
	e->type = log_str(LOG_KEY_ROTATE);
	if (from[0])
		log_fact_str(e, "from", from);
}

void log_key_restore(struct log_entry *e, const struct log_who *who,
		     const struct log_key *key, const char *token)
{
	log_key_generate(e, who, key);
	e->type = log_str(LOG_KEY_RESTORE);
	log_fact_str(e, "token", token);
}

void log_key_destroy(struct log_entry *e, const struct log_who *who,
		     const struct log_key *key)
{
	log_key_generate(e, who, key);
	e->type = log_str(LOG_KEY_DESTROY);
}

void log_pin_rotate(struct log_entry *e, const struct log_who *who,
		    const char *token)
{
	log_entry_start(e, who, LOG_PIN_ROTATE, token);
}

void log_ca_import(struct log_entry *e, const struct log_who *who,
		   const struct log_import *i)
{
	log_entry_start(e, who, LOG_CA_IMPORT, i->ca);
	log_fact_str(e, "parent", i->parent);
	log_fact_str(e, "key", i->key);
	log_fact_str(e, "from", i->from);
	log_fact_bytes(e, "cert", i->cert, LOG_HASH);
	log_fact_bytes(e, "spki", i->spki, LOG_HASH);
	log_fact_bytes(e, "template hash", i->template_hash, LOG_HASH);
	log_fact_uint(e, "shards", i->shards);
	if (i->generation > 1)
		log_fact_uint(e, LOG_CA_GENERATION, i->generation);
	if (i->active_ms)
		log_fact_uint(e, LOG_CA_ACTIVE, i->active_ms);
}

void log_ca_list(struct log_entry *e, const struct log_who *who, const char *ca,
		 uint64_t number, const uint8_t *hash)
{
	log_entry_start(e, who, LOG_CA_LIST, ca);
	log_fact_uint(e, "number", number);
	log_fact_bytes(e, "hash", hash, LOG_HASH);
}
