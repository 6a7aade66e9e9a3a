/* keystand_rows: rows of our own keys, copied. Private to keystand. */
#ifndef PV_FLOW_KEYSTAND_ROWS_H
#define PV_FLOW_KEYSTAND_ROWS_H

#include "lib/flow/keystand.h"

struct keystand_rows { /* in order of creation; row[i].spki is in spki[i] */
	struct store_key row[CONTEXT_OWN_KEYS_MAX];
	uint8_t spki[CONTEXT_OWN_KEYS_MAX][HSM_SPKI_MAX];
	size_t n;
};

/* Those of which take says so; NULL: all. PV_INTEGRITY, "store.corrupt", past
 * our limits. */
PV_MUST enum pv_code keystand_rows_load(struct store *store,
					bool (*take)(const char *purpose),
					struct keystand_rows *rows,
					struct err *err);
/* That of a label; NULL. */
PV_MUST const struct store_key *
keystand_rows_find(const struct keystand_rows *rows, const char *label);

#endif
