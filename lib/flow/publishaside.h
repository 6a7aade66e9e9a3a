/*
 * publishaside: a revocation list in the publish folder that this CA's key
 * signed and no entry of the log says so. It is older than the store's, so it
 * is replaced; what it was is kept in HOME/aside, and an alarm until somebody
 * has taken it from there: the store was set back once, or somebody else has
 * the key.
 */
#ifndef PV_FLOW_PUBLISHASIDE_H
#define PV_FLOW_PUBLISHASIDE_H

#include "lib/flow/authority.h"
#include "lib/flow/crlissuer.h"

#define ASIDE_FOLDER "aside"
#define ASIDE_NAME_MAX (STORE_ID_MAX + 64)

/* *logged: a crl.issue of that shard and number has its hash. crl: decoded, its
 * signature is i's. PV_STORAGE, PV_INTERNAL. */
PV_MUST enum pv_code aside_is_logged(struct store *store,
				     const struct crl_issuer *i, uint32_t shard,
				     const struct x509_crl *crl, bool *logged,
				     struct err *err);
/* Durable as HOME/aside/CA-SHARD-NUMBER-HASH.crl. PV_STORAGE. */
PV_MUST enum pv_code aside_put(const struct authority *a,
			       const struct crl_issuer *i, uint32_t shard,
			       const struct x509_crl *crl, struct err *err);
/* The name of a file there; "": there is none. PV_STORAGE. */
PV_MUST enum pv_code aside_find(const struct authority *a,
				char name[ASIDE_NAME_MAX], struct err *err);
/* PV_INTEGRITY "publish.aside", when there is one. */
PV_MUST enum pv_code aside_judge(const char *name, struct err *err);

#endif
