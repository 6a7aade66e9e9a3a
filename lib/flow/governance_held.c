/* Governance: what is held, its entry, and the one of what was decided. */
#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/governance.h"
#include "lib/flow/logged.h"

struct governance_row governance_decision(const struct store_held *h)
{
	return (struct governance_row){ .kind = h->state == STORE_RELEASED
							? LOG_QUARANTINE_RELEASE
							: LOG_QUARANTINE_REJECT,
					.name = h->request,
					.index = h->decided_index,
					.number = h->id,
					.device = h->device,
					.rule = h->rule,
					.bytes = h->bytes };
}

enum pv_code governance_held(struct store *store, const struct store_held *held,
			     struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	const struct governance_row decided = governance_decision(held);
	uint8_t hash[32];
	struct log_entry e;
	enum pv_code rc = sha256(held->bytes, hash, err);

	buf_init(&room, LOG_ENTRY_MAX);
	if (rc == PV_OK)
		rc = logged_entry(store, held->put_index, LOG_QUARANTINE_PUT,
				  held->request, &room, &e, err);
	if (rc == PV_OK && !(logged_uint_is(&e, "held", held->id) &&
			     logged_text_is(&e, "device", held->device) &&
			     logged_text_is(&e, "rule", held->rule) &&
			     logged_text_is(&e, "source", held->source) &&
			     logged_hash_is(&e, "bytes hash", hash)))
		return governance_wrong(LOG_QUARANTINE_PUT, held->request,
					"what is held is not what was logged",
					err);
	return rc == PV_OK && held->state != STORE_HELD
		       ? governance_row(store, &decided, err)
		       : rc;
}
