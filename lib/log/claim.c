#include "lib/log/claim.h"

#include "lib/log/events.h"
#include "lib/log/tree.h"

void log_station_claim(struct log_entry *e, const struct log_who *who,
		       const struct log_claim *c)
{
	log_entry_start(e, who, LOG_STATION_CLAIM, c->station);
	log_fact_str(e, LOG_CLAIM_ORDER, c->order);
	log_fact_bytes(e, LOG_CLAIM_INPUT, c->input, LOG_HASH);
	log_fact_bytes(e, LOG_CLAIM_SESSION, c->session, LOG_CLAIM_SESSION_LEN);
	log_fact_bytes(e, "hash", c->text, LOG_HASH);
	log_fact_bytes(e, LOG_NOTE, c->note.p, c->note.len);
}
