#include "lib/flow/exportcrl.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/crlrow.h"

static enum pv_code no_ca(struct err *err)
{
	return err_fail(err, PV_NOT_FOUND, "crl.ca",
			"provctl status lists the CAs",
			"no CA of that name signs revocation lists");
}

/* The generation that a shard's number belongs to; they follow each other. */
static enum pv_code find(const struct crl_issuers *all, const char *ca,
			 int64_t number, const struct crl_issuer **i,
			 uint32_t *shard, struct err *err)
{
	const struct crl_issuer *only = NULL;
	size_t lists = 0;

	*i = NULL;
	for (size_t j = 0; j < all->n; j++) {
		const struct crl_issuer *one = &all->list[j];
		int64_t first = crl_shard_number(one, 0);

		if (strcmp(one->ca, ca) != 0)
			continue;
		only = one;
		lists += one->shards;
		if (number >= first && number < first + one->shards) {
			*i = one;
			*shard = (uint32_t)(number - first);
		}
	}
	if (!only)
		return no_ca(err);
	if (number < 0 && lists == 1) {
		*i = only;
		*shard = 0;
	}
	if (*i)
		return PV_OK;
	return err_fail(err, PV_INPUT, "crl.shard",
			"give --shard, the number in the list's URL",
			number < 0 ? "the CA has several revocation lists"
				   : "the CA has no such revocation list");
}

static enum pv_code check_time(const struct crl_row *row, int64_t now_s,
			       struct err *err)
{
	char when[PVTIME_RFC3339_LEN + 1];

	if (!row->found)
		return err_fail(err, PV_INTEGRITY, "crl.absent",
				"run `provctl rotate crl'",
				"the revocation list was never made");
	if (now_s <= row->crl.next_s)
		return PV_OK;
	if (!pvtime_format(row->crl.next_s, when))
		when[0] = '\0';
	return err_fail(err, PV_INTEGRITY, "crl.expired",
			"run `provctl rotate crl'",
			"the revocation list ended at %s", when);
}

enum pv_code export_crl(const struct authority *a, struct store *store,
			const char *ca, int64_t number, int64_t now_s,
			struct buf *der, struct err *err)
{
	CLEANUP(crl_issuers_release) struct crl_issuers all = { .n = 0 };
	CRL_ROW row = { .found = false };
	const struct crl_issuer *i;
	char object[CRL_OBJECT_MAX];
	uint32_t shard = 0;
	enum pv_code rc = crl_issuers_load(a, store, now_s, &all, err);

	if (rc == PV_OK)
		rc = find(&all, ca, number, &i, &shard, err);
	if (rc != PV_OK) {
		err_object(err, ca);
		return rc;
	}
	crl_object(i, shard, object);
	rc = crl_row_newest(store, i, shard, &row, err);
	if (rc == PV_OK)
		rc = check_time(&row, now_s, err);
	if (rc != PV_OK) {
		err_object(err, object);
		return rc;
	}
	buf_put(der, row.row.der.p, row.row.der.len);
	return buf_check(der, err);
}
