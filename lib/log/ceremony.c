#include "lib/log/ceremony.h"

#include "lib/log/events.h"
#include "lib/log/tree.h"

void log_ceremony_begin(struct log_entry *e, const struct log_who *who,
			const char *plan, uint64_t version, const uint8_t *hash,
			const char *persons)
{
	log_entry_start(e, who, LOG_CEREMONY_BEGIN, plan);
	log_fact_uint(e, "version", version);
	log_fact_bytes(e, "hash", hash, LOG_HASH);
	log_fact_str(e, "persons", persons);
}

void log_ceremony_mode(struct log_entry *e, const char *mode)
{
	log_fact_str(e, "mode", mode);
}

void log_ceremony_rehearsed(struct log_entry *e, const uint8_t *head)
{
	log_fact_bytes(e, "rehearsed", head, LOG_HASH);
}

void log_ceremony_point(struct log_entry *step,
			const struct log_ceremony_point *p)
{
	log_fact_bytes(step, "hash", p->plan, LOG_HASH);
	log_ceremony_mode(step, p->mode);
	log_fact_uint(step, "lines", p->lines);
	log_fact_bytes(step, "head", p->head, LOG_HASH);
}

bool log_ceremony_is_rehearsal(const struct log_entry *step)
{
	const struct log_fact *mode = log_fact_find(step, "mode", LOG_TSTR);

	return mode && span_is(mode->s, "rehearsal");
}

void log_key_send(struct log_entry *e, const struct log_who *who,
		  const struct log_key *key, const char *to,
		  const uint8_t *to_spki)
{
	log_key_generate(e, who, key);
	e->type = log_str(LOG_KEY_SEND);
	log_fact_str(e, "to", to);
	log_fact_bytes(e, "to spki", to_spki, LOG_HASH);
}

void log_key_take(struct log_entry *e, const struct log_who *who,
		  const struct log_key *key, const char *from)
{
	log_key_generate(e, who, key);
	e->type = log_str(LOG_KEY_TAKE);
	log_fact_str(e, "from", from);
}
