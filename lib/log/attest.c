#include "lib/log/attest.h"

#include "lib/log/govern.h"
#include "lib/log/tree.h"

void log_attest_enrol(struct log_entry *e, const struct log_who *who,
		      const struct log_enrol *x)
{
	log_entry_start(e, who, LOG_ATTEST_ENROL, x->device);
	log_fact_str(e, "format", x->format);
	log_fact_bytes(e, "key", x->key, LOG_HASH);
	if (x->instance_len > 0)
		log_fact_bytes(e, "instance", x->instance, x->instance_len);
	log_fact_bytes(e, "ek", x->ek, LOG_HASH);
	log_fact_bytes(e, "pending", x->pending, LOG_HASH);
	log_fact_bytes(e, "template hash", x->template_hash, LOG_HASH);
	if (x->offer != LOG_NO_OFFER)
		log_fact_uint(e, LOG_OFFER, x->offer);
	log_fact_bytes(e, LOG_NONCE_FACT, x->nonce, LOG_NONCE);
}

void log_attest_challenge(struct log_entry *e, const struct log_who *who,
			  const struct log_challenge *x)
{
	log_entry_start(e, who, LOG_ATTEST_CHALLENGE, x->device);
	log_fact_str(e, "stage", x->stage);
	log_fact_bytes(e, "nonce", x->nonce, LOG_HASH);
	log_fact_uint(e, "until", x->until_ms);
	if (x->offline)
		log_fact_uint(e, "offline", 1);
}

void log_attest_withdraw(struct log_entry *e, const struct log_who *who,
			 const char *device, const uint8_t nonce[static 32])
{
	log_entry_start(e, who, LOG_ATTEST_WITHDRAW, device);
	log_fact_bytes(e, "nonce", nonce, LOG_HASH);
}

void log_attest_verify(struct log_entry *e, const struct log_who *who,
		       const struct log_verify *x)
{
	log_entry_start(e, who, LOG_ATTEST_VERIFY, x->device);
	log_fact_str(e, "stage", x->stage);
	log_fact_str(e, "format", x->format);
	log_fact_str(e, "result", x->result);
	log_fact_bytes(e, "evidence", x->evidence, LOG_HASH);
	log_fact_bytes(e, "nonce", x->nonce, LOG_HASH);
	log_fact_bytes(e, "nonce value", x->nonce_value, LOG_HASH);
	log_fact_bytes(e, "manifest", x->manifest, LOG_HASH);
	log_fact_bytes(e, "seal", x->seal, LOG_HASH);
	log_fact_bytes(e, "template hash", x->template_hash, LOG_HASH);
	log_fact_str(e, "order", x->order);
	log_fact_str(e, "lot", x->lot);
}
