#include "lib/log/factory.h"

#include "lib/log/events.h"
#include "lib/log/tree.h"

void log_factory_event(struct log_entry *e, const struct log_who *who,
		       const struct log_factory *f)
{
	log_entry_start(e, who, LOG_EVENT, f->device ? f->device : f->order);
	log_fact_str(e, "device", f->device);
	log_fact_str(e, "order", f->order);
	log_fact_str(e, "type", f->type);
	log_fact_str(e, "station", f->station);
	if (f->station_signed)
		log_fact_uint(e, "station_signed", 1);
	log_fact_bytes(e, "hash", f->text, LOG_HASH);
}
