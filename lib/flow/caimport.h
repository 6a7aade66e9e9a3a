/*
 * caimport: the certificate of a CA of ours that another authority signed, and
 * that authority's root, taken into the store. The root has no key here: it is
 * what devices trust, and signs nothing. The CA's next generations come under
 * the same root: rotate_ca.h puts those to use.
 *
 * Does not check: that the root is the one that people mean (they compare its
 * hash, or the plan has it: ceremony_gap.c).
 * Specification: RFC 5280 6.1.
 */
#ifndef PV_FLOW_CAIMPORT_H
#define PV_FLOW_CAIMPORT_H

#include "lib/flow/authority.h"
#include "lib/flow/context.h"
#include "lib/log/events.h"
#include "lib/store/store.h"
#include "policy/template.h"

/* A certificate for a CA's next key, or its first, which another authority
 * signed. */
struct ca_brought {
	struct span cert;  /* DER */
	struct span root;  /* DER: the one that this authority trusts */
	struct span asked; /* of a first one: the request's subject */
	const char *from;  /* that authority */
};

struct ca_import { /* all of it borrowed */
	const struct authority *a;
	struct store *store;
	const char *ca, *issuer;     /* names here: ours, and the root's */
	const char *from;	     /* the authority that signed */
	const struct template *tmpl; /* of ca, adopted */
	const struct issue_key *key; /* the CA's own */
	struct span root, cert;	     /* DER */
	struct span asked; /* the request's subject, with its header */
	struct span list;  /* of the root, DER; empty: it signs none */
};

/*
 * Checks all of it, keeps the list (calist.h), then records both rows with
 * their ca.import, and its ca.list, in one transaction. PV_INPUT: "plan.issuer"
 * (the template is for another issuer), what does not parse. PV_DENIED:
 * "import.root" (not signed by itself), "validity.issuer" (one of the two is
 * not in its time), "import.key" (the certificate is for another key),
 * "import.subject" (not what was asked for), "import.signature" (another
 * root's), "lint.*" and "validity.template" (not the template's), codes of
 * x509_issuer_load() and calist_check(), "ca.revoked". PV_CONFLICT:
 * "crl.backwards" (a newer list is kept), "store.ca" (one of these names is
 * taken). PV_STORAGE. Nothing is recorded after a failure; the list may be kept
 * by then.
 */
PV_MUST enum pv_code ca_import(const struct ca_import *in, struct err *err);
/* Root and certificate alone, as ca_import() checks them; the list is not
 * looked at, and nothing is recorded. */
PV_MUST enum pv_code ca_import_check(const struct ca_import *in,
				     struct err *err);
/* The ca.import of such a certificate and its row, whose indices it fills, in
 * the caller's transaction; from: the authority that gave it. PV_STORAGE,
 * PV_CONFLICT "store.ca". */
PV_MUST enum pv_code ca_import_put(struct store *store, const char *from,
				   const struct log_who *who,
				   struct store_ca *row, struct err *err);

#endif
