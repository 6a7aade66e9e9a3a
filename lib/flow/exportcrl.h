/*
 * exportcrl: a signed revocation list or OCSP answer for who fetches it here
 * and not from the publish folder. What has ended, was never made or says what
 * is no longer so is not given out: a verifier that trusts it would take a
 * revoked certificate.
 */
#ifndef PV_FLOW_EXPORTCRL_H
#define PV_FLOW_EXPORTCRL_H

#include "lib/flow/authority.h"
#include "lib/store/store.h"
#include "lib/x509/crl_read.h"

/*
 * Appends the DER of the list of that CA and shard (its number in URLs; -1: the
 * CA's only one). PV_NOT_FOUND "crl.ca"; PV_INPUT "crl.shard" (none given and
 * there are several, or no such one); PV_INTEGRITY "crl.absent",
 * "crl.expired", "crl.behind", and as crl_row_newest() and crl_collect().
 * former: DER of what the reader has, may be empty; *older: it is an earlier
 * list of that shard, signed by the same key.
 */
PV_MUST enum pv_code export_crl(const struct authority *a, struct store *store,
				const char *ca, int64_t shard, int64_t now_s,
				struct span former, bool *older,
				struct buf *der, struct err *err);
struct export_crl_list {
	const char *ca;
	uint32_t generation, shard; /* its number in URLs */
	const struct x509_crl *crl;
};
typedef enum pv_code export_crl_fn(void *ctx, const struct export_crl_list *l,
				   struct err *err);

/* The list of that shard, or of all of the CA's (shard -1), in every generation
 * that signs lists; codes as export_crl(). */
PV_MUST enum pv_code export_crl_each(const struct authority *a,
				     struct store *store, const char *ca,
				     int64_t shard, int64_t now_s,
				     export_crl_fn *take, void *ctx,
				     struct err *err);
/*
 * Appends the published OCSP answer about that device's current certificate.
 * PV_NOT_FOUND "device.unknown", "cert.none", "crl.ca"; PV_INTEGRITY:
 * "ocsp.absent", "ocsp.expired", "ocsp.behind" (it says what is no longer so),
 * "publish.foreign".
 */
PV_MUST enum pv_code export_ocsp(const struct authority *a, struct store *store,
				 const char *device, int64_t now_s,
				 struct buf *der, struct err *err);

#endif
