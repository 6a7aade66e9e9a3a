/* dependants_impl: what its files share. Included by dependants*.c only. */
#ifndef PV_FLOW_DEPENDANTS_IMPL_H
#define PV_FLOW_DEPENDANTS_IMPL_H

#include "lib/flow/crlissuer.h"
#include "lib/flow/dependants.h"

struct dependant_asked { /* one line */
	const char *name, *ca, *file, *url, *ocsp;
	int64_t shard;
	uint8_t serial[STORE_SERIAL_MAX];
	size_t serial_len; /* 0: not given */
};

struct dependants {
	const struct dependants_job *job;
	struct crl_issuers issuers;
	int64_t now_s;
	size_t line, behind, alarms;
	size_t left; /* bytes that places may give yet */
};

/* Bounds got, which is empty, by what is left; PV_INPUT "dependant.bytes":
 * nothing is. */
PV_MUST enum pv_code dependants_room(const struct dependants *c,
				     struct buf *got, struct err *err);
void dependants_took(struct dependants *c, const struct buf *got);

/* A place of a list of that shard (of i, from 0), into d. PV_INTEGRITY,
 * PV_STORAGE of what is ours. */
PV_MUST enum pv_code dependant_list(struct dependants *c,
				    const struct dependant_asked *a,
				    const struct crl_issuer *i, uint32_t shard,
				    struct dependant *d, struct err *err);

#endif
