/*
 * approved: the second stage of a device's way. A request whose keys prove
 * what they claim (prove(): key quality, proof of possession, sealing key and
 * its signature), and which the template allows as far as a signer process can
 * know (approve(): ids, fields, role, algorithm, limits, clock). What the store
 * knows is asked later, inside the intent's transaction. A proven request that
 * the template denies may still be a stored device's: the writer knows.
 * Specification: policy.md, "Deciding".
 */
#ifndef PV_FLOW_APPROVED_H
#define PV_FLOW_APPROVED_H

#include "lib/flow/context.h"
#include "lib/flow/request.h"
#include "lib/x509/csr.h"
#include "policy/decide.h"

struct approved;

struct approver { /* what stays the same for a whole run */
	const struct issue_context *ctx;
	struct x509_ctx *x509;
	const struct order *order;   /* NULL: none */
	const char *station, *actor; /* station NULL: none named */
	bool station_signed;
	const char *authority; /* name, for ${authority.name} */
	bool batch;
};

/* One slot, reused for one request after another. */
PV_MUST enum pv_code approved_new(struct approved **a, struct err *err);
void approved_free(struct approved *a);

/*
 * Looks at what req proves, whatever the template's rules are; a borrows req
 * and who's members until the next call. PV_INPUT, PV_DENIED with the rule of
 * policy_decide_stored(). On success all of it may be asked below.
 */
PV_MUST enum pv_code prove(struct approved *a, const struct approver *who,
			   const struct request *req, struct err *err);

/* prove() failed by what limits.on_anomaly quarantines: the writer holds it,
 * and all below but approve() may be asked. */
PV_MUST bool approved_suspect(const struct approved *a);

/*
 * Decides on a proven request at now_ms. PV_INPUT, PV_DENIED, PV_CONFLICT with
 * the rule of policy_decide(), or of issue_context_manifests(). What the
 * template quarantines is allowed here: the writer holds it.
 */
PV_MUST enum pv_code approve(struct approved *a, uint64_t now_ms,
			     struct err *err);

const struct request *approved_request(const struct approved *a);
const struct issue_context *approved_context(const struct approved *a);
/* NULL when the template takes no CSR. */
const struct csr *approved_csr(const struct approved *a);
/* The key to certify: the CSR's, or the one that a renewal is for; empty when
 * the request brings none. */
struct span approved_spki(const struct approved *a);
/* It is certified already, and the request is ours (renewal.h). */
PV_MUST bool approved_renewed(const struct approved *a);
/* TPL_ALG_NONE without such a key. */
enum tpl_algorithm approved_algorithm(const struct approved *a);
/* SHA-256 of the SPKI, NULL when the request brought none. */
const uint8_t *approved_spki_sha256(const struct approved *a);
const uint8_t *approved_seal_sha256(const struct approved *a);
/* Hash of what the CSR asks for, as in request_body(); zero without one. */
const uint8_t *approved_asked(const struct approved *a);
/*
 * The two below answer for any version of the template: an intent is finished
 * under the one that it was made under.
 */
/* Whom a bundle is sealed to: SPKI of a P-256 key; empty with a KEK. */
struct span approved_recipient(const struct approved *a,
			       const struct template *t);
/* For texts of t; values is filled and borrowed; the shard is the caller's. */
struct text_vars approved_vars(const struct approved *a,
			       const struct template *t,
			       const char *values[TEXT_FIELDS_MAX]);

/*
 * The question in the form policy_decide() takes, from a request or from what
 * a signer sent on. fields must hold REQUEST_FIELDS_MAX.
 */
struct policy_request request_policy(const struct request *req,
				     const struct issue_context *ctx,
				     struct policy_field *fields);

#endif
