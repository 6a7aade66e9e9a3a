/*
 * crlplaces: where the certificates of a CA say that its revocation lists are:
 * the URLs with ${shard} in them of every template version ever adopted, since
 * certificates of each may be out there. A list takes so many
 * (X509_CRL_URIS_MAX); adoption refuses what would be one more. Included by
 * crlissuer.c and adopt.c only.
 */
#ifndef PV_FLOW_CRLPLACES_H
#define PV_FLOW_CRLPLACES_H

#include "lib/flow/crlissuer.h"

#define CRL_SHARD_MARK '\x01' /* stands in no URI */

/* Fills places and ocsp of each of all; of one template that cannot be taken,
 * all->left_out tells, and the others count. PV_STORAGE, PV_INTERNAL. */
PV_MUST enum pv_code crl_places_load(const struct authority *a,
				     struct store *store,
				     struct crl_issuers *all, struct err *err);

/* Do lists of t's issuer, which has several shards, have room for t's places?
 * PV_INPUT "template.places"; PV_STORAGE, PV_INTERNAL. */
PV_MUST enum pv_code crl_places_fit(const struct authority *a,
				    struct store *store,
				    const struct template *t, struct err *err);

#endif
