/*
 * calist: the revocation list of a CA whose key another authority has, as a
 * medium brought it: held against that CA's certificate, and kept in the home
 * as lists/<ca>.crl (DER). A run that publishes copies it beside our own
 * (publish.h). The log has the number and hash of each that was taken
 * (ca.list): one that was put back, or taken away, is found.
 *
 * Only lists that speak for all of their CA are taken: which shard is whose
 * is their authority's to know.
 *
 * Does not check: that there is no newer one.
 * Specification: RFC 5280 5 and 6.3.3.
 */
#ifndef PV_FLOW_CALIST_H
#define PV_FLOW_CALIST_H

#include "lib/flow/authority.h"
#include "lib/flow/cachain.h"
#include "lib/log/lifecycle.h"
#include "lib/x509/crl_read.h"

#define CALIST_FOLDER "lists"
#define CALIST_MAX (1024u * 1024u) /* bytes: of CAs, not of devices */
#define CALIST_SKEW_S 300	   /* between the clocks of two machines */

/*
 * list (DER) is that CA's (certificate, DER), in its time, and complete; crl
 * points into it. now_s -1: dates are not looked at. PV_INPUT, "crl.malformed",
 * and codes of x509_issuer_load(); PV_DENIED: "list.foreign" (another CA's, or
 * another key's), "list.shard", "list.time" (not begun, or ended).
 */
PV_MUST enum pv_code calist_check(struct span ca, struct span list,
				  int64_t now_s, struct x509_crl *crl,
				  struct err *err);
/* PV_DENIED, "ca.revoked": the list has that certificate (DER). */
PV_MUST enum pv_code calist_stands(const struct x509_crl *crl, struct span cert,
				   struct err *err);
/*
 * Keeps one that was checked in the place of an earlier one; durable.
 * PV_CONFLICT, "crl.backwards": a list with a higher number is there.
 */
PV_MUST enum pv_code calist_keep(const struct authority *a, const char *ca,
				 const struct x509_crl *crl, struct err *err);
/* What is kept, appended; PV_NOT_FOUND: nothing is. */
PV_MUST enum pv_code calist_load(const struct authority *a, const char *ca,
				 struct buf *list, struct err *err);

/*
 * Takes a newer list (DER) of whichever of these CAs it is, and says of which;
 * its ca.list is in the log then. Outside of a transaction. Codes of
 * calist_check() and calist_keep(), the latter also of one that is older than
 * the log's last; PV_DENIED, "list.foreign": of none of them; PV_INTEGRITY,
 * "store.edited": the CA's row. It may be kept where its entry failed: taken
 * again, it is recorded.
 * One that names a certificate of ours is taken all the more.
 */
PV_MUST enum pv_code calist_take(const struct authority *a, struct store *store,
				 struct span list, int64_t now_s,
				 char ca[static STORE_ID_MAX + 1],
				 struct err *err);
/*
 * Each CA of the chain whose key is elsewhere, and that signs lists, has its
 * last one here, none of them names a certificate of the chain, and none has
 * ended. PV_DENIED: "ca.revoked", also by one that has ended; "list.time",
 * "list.foreign", or what does not parse. PV_INTEGRITY: "list.missing",
 * "list.older".
 */
PV_MUST enum pv_code calist_chain(const struct authority *a,
				  struct store *store,
				  const struct ca_chain *chain, int64_t now_s,
				  struct err *err);

/* ---- calist_log.c: the log's word on them ---- */

/* The ca.list of one that is kept, in the caller's transaction. */
PV_MUST enum pv_code calist_put(struct store *store, const struct log_who *who,
				const char *ca, const struct x509_crl *crl,
				struct err *err);
/* The same in a transaction of its own. */
PV_MUST enum pv_code calist_record(struct store *store, const char *ca,
				   const struct x509_crl *crl, struct err *err);
/* *newest: none with a higher number, and no other of its number, was taken of
 * that CA. Reads the log's entries since the list began: of 300,000 some 45 ms
 * of CPU, in each start of what issues under that CA. */
PV_MUST enum pv_code calist_is_newest(struct store *store, const char *ca,
				      const struct x509_crl *crl, bool *newest,
				      struct err *err);
/*
 * What is kept of the CA with that certificate (DER), into the empty list,
 * which crl points into; *kept is false when there is none, and the CA signs
 * none. Codes of calist_check(); PV_INTEGRITY: "list.missing", "list.older".
 */
PV_MUST enum pv_code calist_current(const struct authority *a,
				    struct store *store, const char *ca,
				    struct span cert, int64_t now_s,
				    struct buf *list, struct x509_crl *crl,
				    bool *kept, struct err *err);

#endif
