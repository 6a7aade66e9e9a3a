/* rotate_ca_import: what rotate_ca does with a certificate that another
 * authority signed. Private to rotate_ca. */
#ifndef PV_FLOW_ROTATE_CA_IMPORT_H
#define PV_FLOW_ROTATE_CA_IMPORT_H

#include "lib/flow/rotate_ca_impl.h"

/* r->opts->brought, held against key, subject, root and template, in the place
 * of what would be made. Codes: rotate_ca(). */
PV_MUST enum pv_code rotate_ca_take(struct rotate_ca *r, struct err *err);
/* r->authority, by r->import_index. PV_INTEGRITY, "store.edited". */
PV_MUST enum pv_code rotate_ca_signed_by(struct rotate_ca *r, struct err *err);

#endif
