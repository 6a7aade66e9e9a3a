#include "lib/flow/crlstatus.h"

#include "lib/base/cleanup.h"
#include "lib/flow/crlcollect.h"
#include "lib/flow/logged.h"
#include "lib/store/store_revoke.h"

/* It is on the list, and has no row. */
static enum pv_code check_released(struct store *store,
				   const struct crl_row *list,
				   const struct x509_crl_entry *e,
				   struct err *err)
{
	CRL_TAIL tail;
	struct crl_leaving leaving = { store, &tail, list };
	enum pv_code rc = crl_tail_init(&tail, store, NULL, err);

	if (rc == PV_OK)
		rc = crl_tail_view(&tail, err);
	if (rc == PV_OK)
		rc = crl_tail_to(&tail, list->row.intent_index, err);
	if (rc == PV_OK && !crl_may_leave(&leaving, e))
		rc = logged_edited("what is revoked", err);
	return rc;
}

static enum pv_code check_good(struct store *store, const struct crl_issuer *i,
			       struct span serial, struct err *err)
{
	CRL_ROW list = { .found = false };
	struct x509_crl_entry e;
	enum pv_code rc = crl_row_newest(
		store, i, x509_crl_shard(serial, i->shards), &list, err);

	return rc == PV_OK && list.found && x509_crl_find(&list.crl, serial, &e)
		       ? check_released(store, &list, &e, err)
		       : rc;
}

enum pv_code crl_status(struct store *store, const struct crl_issuer *i,
			struct span serial, struct store_revocation *r,
			bool *revoked, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc = store_begin(store, STORE_READ, &txn, err);

	*revoked = false;
	if (rc == PV_OK)
		rc = store_revocation_get(store, serialset_number(serial.p), r,
					  revoked, err);
	if (rc != PV_OK)
		return rc;
	if (*revoked &&
	    !span_equal(serial, (struct span){ r->serial, r->serial_len }))
		return logged_edited("the row of a revocation", err);
	return *revoked ? logged_revocation(store, r, err)
			: check_good(store, i, serial, err);
}
