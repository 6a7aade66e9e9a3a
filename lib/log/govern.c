#include "lib/log/govern.h"

#include <string.h>

#include "lib/log/acts.h"
#include "lib/log/ceremony.h"
#include "lib/log/events.h"
#include "lib/log/tree.h"

#define PREV "prev"

#define TYPE(name)                                                             \
	{                                                                      \
		name, sizeof(name) - 1                                         \
	}

/* With lengths: each entry of a log is held against all of them. */
static const struct {
	const char *name;
	size_t len;
} types[] = {
	TYPE(LOG_ROSTER_CHANGE),     TYPE(LOG_APPROVAL_USE),
	TYPE(LOG_ORDER_OPEN),	     TYPE(LOG_ORDER_CLOSE),
	TYPE(LOG_CLOCK_ACCEPT),	     TYPE(LOG_TEMPLATE_ADOPT),
	TYPE(LOG_SECRET_ADD),	     TYPE(LOG_SECRET_ROTATE),
	TYPE(LOG_SECRET_DESTROY),    TYPE(LOG_QUARANTINE_RELEASE),
	TYPE(LOG_QUARANTINE_REJECT), TYPE(LOG_CONFIG_ACCEPT),
	TYPE(LOG_PEOPLE_DECIDE),     TYPE(LOG_CEREMONY_BEGIN),
};

bool log_governs(struct span type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (type.len == types[i].len &&
		    memcmp(type.p, types[i].name, type.len) == 0)
			return true;
	return false;
}

bool log_entry_governs(struct span bytes)
{
	struct span type;

	return log_entry_type(bytes, &type) && log_governs(type);
}

void log_fact_prev(struct log_entry *e, uint64_t prev)
{
	if (prev != LOG_NO_PREV)
		log_fact_uint(e, PREV, prev);
}

uint64_t log_prev(const struct log_entry *e)
{
	const struct log_fact *f = log_fact_find(e, PREV, LOG_UINT);

	return f ? f->u : LOG_NO_PREV;
}

const uint8_t *log_nonce(const struct log_entry *e)
{
	const struct log_fact *f = log_fact_find(e, LOG_NONCE_FACT, LOG_BSTR);

	return f && f->s.len == LOG_NONCE ? f->s.p : NULL;
}

void log_roster_change(struct log_entry *e, const struct log_who *who,
		       uint64_t version, const uint8_t *hash,
		       const char *persons)
{
	log_entry_start(e, who, LOG_ROSTER_CHANGE, LOG_ROSTER_NAME);
	log_fact_uint(e, "version", version);
	log_fact_bytes(e, "hash", hash, LOG_HASH);
	log_fact_str(e, "persons", persons);
}

void log_approval_use(struct log_entry *e, const struct log_who *who,
		      const struct log_approval *a)
{
	log_entry_start(e, who, LOG_APPROVAL_USE, a->operation);
	log_fact_bytes(e, "hash", a->text, LOG_HASH);
	log_fact_bytes(e, "note hash", a->note, LOG_HASH);
	log_fact_bytes(e, "subject", a->subject, LOG_HASH);
	log_fact_str(e, "persons", a->persons);
	log_fact_bytes(e, LOG_NONCE_FACT, a->nonce, LOG_NONCE);
}

void log_order_open(struct log_entry *e, const struct log_who *who,
		    const struct log_order *o)
{
	log_entry_start(e, who, LOG_ORDER_OPEN, o->name);
	log_fact_uint(e, "version", o->version);
	log_fact_bytes(e, "hash", o->hash, LOG_HASH);
	log_fact_str(e, "persons", o->persons);
	log_fact_uint(e, "quantity", o->quantity);
	log_fact_uint(e, "rework", o->rework);
}

void log_order_close(struct log_entry *e, const struct log_who *who,
		     const struct log_order_end *o)
{
	log_entry_start(e, who, LOG_ORDER_CLOSE, o->name);
	log_fact_bytes(e, "hash", o->hash, LOG_HASH);
	log_fact_uint(e, "issued", o->issued);
	log_fact_uint(e, "revoked", o->revoked);
	log_fact_uint(e, "receipts", o->receipts);
	log_fact_uint(e, "first", o->first);
	log_fact_uint(e, "last", o->last);
	log_fact_bytes(e, "certificates", o->certificates, LOG_HASH);
	log_fact_bytes(e, "note hash", o->note, LOG_HASH);
	log_fact_str(e, "persons", o->persons);
}

void log_secret(struct log_entry *e, const struct log_who *who,
		const char *type, const char *name, uint64_t version,
		const uint8_t *hash, const char *persons)
{
	log_entry_start(e, who, type, name);
	log_fact_uint(e, "version", version);
	log_fact_bytes(e, "hash", hash, LOG_HASH);
	log_fact_str(e, "persons", persons);
}

void log_quarantine_decide(struct log_entry *e, const struct log_who *who,
			   const char *type, const struct log_decision *d)
{
	log_entry_start(e, who, type, d->request);
	log_fact_str(e, "device", d->device);
	log_fact_str(e, "rule", d->rule);
	log_fact_uint(e, "held", d->held);
	log_fact_bytes(e, "bytes hash", d->bytes, LOG_HASH);
	log_fact_str(e, "persons", d->persons);
}

void log_config_accept(struct log_entry *e, const struct log_who *who,
		       const uint8_t *hash, const char *settings,
		       const char *persons)
{
	log_entry_start(e, who, LOG_CONFIG_ACCEPT, LOG_CONFIG_NAME);
	log_fact_bytes(e, "hash", hash, LOG_HASH);
	log_fact_str(e, LOG_SETTINGS, settings);
	log_fact_str(e, "persons", persons);
}

void log_clock_accept(struct log_entry *e, const struct log_who *who,
		      const uint8_t *hash, const char *persons)
{
	log_entry_start(e, who, LOG_CLOCK_ACCEPT, LOG_CLOCK_NAME);
	log_fact_bytes(e, "hash", hash, LOG_HASH);
	log_fact_str(e, "persons", persons);
}
