/*
 * cacert: one CA certificate, made as every certificate is made (promise 1):
 * TBS built and linted, its intent logged and durable, signed by the token,
 * verified, then recorded with its cert.issue entry and put on the token, if
 * that has its key.
 *
 * A request of another authority is signed as people approve it (rotate_ca),
 * where a roster is in force; its ca.sign says so (lib/log/acts.h). One
 * certificate for one approval: who comes with the same ones has the same bytes
 * signed.
 *
 * A crash in between leaves a cert.intent without cert.issue; its serial is
 * never used again and audit names it.
 */
#ifndef PV_FLOW_CACERT_H
#define PV_FLOW_CACERT_H

#include "lib/flow/approvals.h"
#include "lib/flow/authority.h"
#include "lib/flow/camake.h"
#include "lib/hsm.h"
#include "lib/store/store.h"
#include "lib/x509/keycheck.h"
#include "policy/template.h"

struct cacert_job {
	const struct authority *a;
	struct store *store;
	struct hsm *hsm;
	const struct template *tmpl; /* of a CA, adopted */
	const char *ca;		     /* its name; its key has it as purpose */
	/* P-256 key (DER) of another authority that has proven possession of it
	 * by a request, and the hash of that request's DER; NULL: the key is
	 * ours. */
	const uint8_t *spki; /* P256_SPKI_LEN bytes */
	const uint8_t *csr_sha256;
	const char *to; /* that authority */
	/* Of a request: files and request_out; and what templates ask that will
	 * be adopted before it is signed. NULL: none. */
	const struct approvals_want *want;
	const struct tpl_approvals *ahead;
	const char *sent;   /* label of the key that was sent there; or NULL */
	const char *issuer; /* name of the CA above; NULL: a root */
	int64_t until_s;    /* it ends then; 0: as the template says */
	/* Told, or asked, before the intent is recorded; may be NULL. A failure
	 * ends it: nothing is recorded then but the serial. */
	enum pv_code (*before)(void *ctx, const struct camake *m,
			       struct err *err);
	void *ctx;
};

/*
 * Of a request for a CA that the same issuer signed for that authority before
 * it is the next generation: the same name, another key. Any other CA of that
 * name is PV_CONFLICT "store.ca". PV_INPUT "plan.issuer"
 * (the template names another issuer), PV_NOT_FOUND (key or issuer), PV_DENIED
 * (lint, validity; "validity.template": until_s is too late; "ca.elsewhere":
 * the issuer's key is), PV_HSM_*, PV_STORAGE. Of a key that is not ours:
 * PV_DENIED, "key.*" (not P-256, or a bad one), "key.used" (a device, a key of
 * ours or a CA has that one), "csr.key" (it is not the one that was sent); of a
 * next generation "rotate.subject", "rotate.shards", "ca.other" (it is another
 * authority's); PV_CONFLICT, "rotate.intent": these approvals were for another
 * request, or for a certificate that cannot be made any more; codes of
 * approvals_gate(). PV_INTEGRITY, "store.edited": a CA's row. serial gets 32
 * hex digits.
 */
PV_MUST enum pv_code cacert_issue(const struct cacert_job *job, char serial[41],
				  struct err *err);
/* PV_DENIED, "ca.other". */
enum pv_code cacert_anothers(const char *ca, const char *to, struct err *err);
/* Whether people have approved that a request for it is signed: asked as
 * cacert_issue() will ask, with no request yet, and nothing is done or used up.
 * Codes of approvals_gate(), "store.ca", "rotate.shards". */
PV_MUST enum pv_code cacert_ask(const struct cacert_job *job, struct err *err);

#endif
