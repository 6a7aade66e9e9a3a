/*
 * audit_show: the log's entries, or the story of one thing in it
 * (audit_story.h), in log order and one at a time. The log is read in short
 * pieces with no transaction open in between, so that a slow reader of the
 * output holds up nobody who writes; entries that are added meanwhile are not
 * shown.
 *
 * Does not check: that the entries are those of the log's tree and that their
 * times are in order (audit verify).
 */
#ifndef PV_FLOW_AUDIT_SHOW_H
#define PV_FLOW_AUDIT_SHOW_H

#include "lib/flow/audit_story.h"
#include "lib/log/attest.h"
#include "lib/log/ceremony.h"
#include "lib/log/claim.h"
#include "lib/log/factory.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store.h"

/* Is there an entry of that type? It need not end in NUL. */
bool audit_type_known(const char *type, size_t len);
/* All of them, with a space between. */
#define AUDIT_TYPES                                                            \
	LOG_CERT_INTENT                                                        \
	" " LOG_BUNDLE_RELEASE " " LOG_CERT_ISSUE " " LOG_BUNDLE_SEAL          \
	" " LOG_EXPORT " " LOG_REQUEST_DENY " " LOG_QUARANTINE_PUT             \
	" " LOG_QUARANTINE_RELEASE " " LOG_QUARANTINE_REJECT                   \
	" " LOG_KEY_GENERATE " " LOG_KEY_ROTATE " " LOG_PIN_ROTATE             \
	" " LOG_CEREMONY_STEP " " LOG_ROSTER_CHANGE " " LOG_APPROVAL_ASK       \
	" " LOG_APPROVAL_USE " " LOG_ORDER_OPEN " " LOG_ORDER_CLOSE            \
	" " LOG_CLOCK_ACCEPT " " LOG_CONFIG_ACCEPT " " LOG_TEMPLATE_ADOPT      \
	" " LOG_SECRET_ADD " " LOG_SECRET_ROTATE " " LOG_SECRET_DESTROY        \
	" " LOG_PEOPLE_DECIDE " " LOG_CERT_REVOKE " " LOG_DEVICE_RETIRE        \
	" " LOG_RECEIPT " " LOG_DEVICE_ROLLBACK " " LOG_CRL_INTENT             \
	" " LOG_CRL_ISSUE " " LOG_CRL_VOID " " LOG_OCSP_INTENT                 \
	" " LOG_OCSP_ISSUE " " LOG_OCSP_VOID " " LOG_STATION_CLAIM             \
	" " LOG_ATTEST_ENROL " " LOG_ATTEST_CHALLENGE " " LOG_ATTEST_VERIFY    \
	" " LOG_ATTEST_WITHDRAW " " LOG_EVENT " " LOG_CEREMONY_BEGIN           \
	" " LOG_KEY_RESTORE " " LOG_CA_IMPORT " " LOG_CA_LIST                  \
	" " LOG_KEY_DESTROY " " LOG_KEY_SEND " " LOG_KEY_TAKE                  \
	" " LOG_CA_SIGN

struct audit_show_opts {
	enum audit_subject subject;
	const char *name;  /* of the subject */
	const char *types; /* only these, separated by commas; NULL: all */
	uint64_t since_ms; /* only entries of this time or later */
	uint64_t until_ms; /* and before this; UINT64_MAX: no end */
	uint64_t last;	   /* only the last so many of them; 0: all */
	/* Each entry; e is borrowed. A failure ends it and is returned. */
	enum pv_code (*entry)(void *ctx, uint64_t index,
			      const struct log_entry *e, struct err *err);
	/* done of total entries are read. May be NULL. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

/*
 * *shown: how many were given to opts->entry. PV_INTEGRITY, "log.entry" and
 * the entry's number as object, when one does not decode or has a time past
 * the year 9999; PV_INPUT "audit.size"; PV_STORAGE.
 */
PV_MUST enum pv_code audit_show(struct store *store,
				const struct audit_show_opts *opts,
				uint64_t *shown, struct err *err);

#endif
