/*
 * issued: the fourth stage of a device's way: the HSM signed exactly the bytes
 * of a prepared TBS whose intent is durable, and the signature was verified
 * against them. Made by issue_ask() and issue_check() only, in that order.
 */
#ifndef PV_FLOW_ISSUED_H
#define PV_FLOW_ISSUED_H

#include "lib/flow/prepared.h"
#include "lib/flow/signing.h"

struct issued;

PV_MUST enum pv_code issued_new(struct issued **i, struct err *err);
void issued_free(struct issued *i);

/*
 * Call only once the writer said that the intent of p is durable. i borrows p.
 * Asks the token and nothing else. PV_HSM_FATAL, from issue_check() when the
 * token's signature does not verify; other PV_HSM_*.
 */
PV_MUST enum pv_code issue_ask(struct issued *i, struct signing *s,
			       const struct prepared *p, struct err *err);
/*
 * What the checks of n devices, asked for and not yet checked, can share; n is
 * at most X509_AHEAD_MAX. Makes no difference but in time. PV_INTERNAL.
 */
PV_MUST enum pv_code issue_check_ahead(struct issued *const *list, size_t n,
				       struct signing *s, struct err *err);
/* issue_check_ahead() has passed since issue_ask(). */
PV_MUST bool issued_is_ahead(const struct issued *i);
/* Verifies what the token gave; only now there is a certificate. */
PV_MUST enum pv_code issue_check(struct issued *i, struct signing *s,
				 struct err *err);

const struct prepared *issued_prepared(const struct issued *i);
/* Empty: key "none". Of components alone it is the one that the device has. */
struct span issued_certificate(const struct issued *i);

#endif
