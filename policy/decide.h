/*
 * decide: may this device be issued? A pure function of template, order,
 * request and facts, with no clock, store or file behind it. The verdict
 * starts as denied and is set to allow once, last.
 *
 * It is asked twice: by a signer with store_known false (template, request,
 * clock) before the TBS is built, and by the writer with store_known true
 * inside the intent's transaction. What a signer denies by the template's
 * rules goes to the writer all the same: a stored answer stands even when a
 * newer template would deny the request (policy_decide_stored()).
 *
 * Does not check: keys, signatures and CSRs itself (facts say so), the bytes
 * of the certificate (lib/x509 lints them).
 * Specification: policy.md, "Deciding"; reliability.md, cases 1 to 22.
 */
#ifndef PV_POLICY_DECIDE_H
#define PV_POLICY_DECIDE_H

#include "policy/facts.h"
#include "policy/order.h"
#include "policy/template.h"

enum policy_answer {
	POLICY_DENIED, /* zero: what a verdict starts as */
	POLICY_APPROVED,
	POLICY_EXISTING, /* give (or complete) the stored answer */
	POLICY_WAIT	 /* rate reached: ask again later */
};

struct policy_verdict {
	enum policy_answer answer;
	enum pv_code code; /* PV_OK when allowed; PV_DENIED (also to wait),
			      PV_INPUT, PV_CONFLICT */
	bool quarantine;   /* denied and to be kept (limits.on_anomaly) */
	bool replaces;	 /* POLICY_APPROVED: supersedes the stored device; only
			    with store_known */
	char rule[64];	 /* "device.id"; also for POLICY_WAIT */
	char field[64];	 /* what was wrong, may be empty */
	char value[128]; /* as given, cut and cleaned, may be empty */
	char message[256]; /* one sentence */
	char fix[256];	   /* what to do next */
};

/*
 * Decides. order is NULL when none is named or found. t, r, f, out are not
 * NULL; strings in r and f may be unless said otherwise, which is refused.
 * Rules: request.type, request.replace, request.id, request.conflict,
 * template.ca, device.id, device.field, device.role, device.key,
 * device.algorithm, device.seal_key, device.seal_key_sig, device.key_changed,
 * device.revoked, device.retired, csr.signature, csr.excess, key.* (as the key
 * check named it), key.seal_key, key.reused, key.authority, key.dual_use,
 * quarantine.held,
 * actor.unknown, clock.witness, clock.backwards, clock.step, limits.order,
 * limits.hours,
 * limits.stations, limits.per_order, limits.per_hour, order.unknown,
 * order.closed, order.template, order.window, order.stations,
 * order.station_key, order.hours, order.quantity, order.rework, order.per_hour,
 * order.offline, replace.unknown, replace.pending, key.superseded,
 * rotate.unknown, rotate.pending, rotate.key_sig, request.key_sig,
 * rotation.missing, rotation.same_key, device.suspended, rotate.evidence,
 * release.unknown, release.pending, release.evidence, release.changed,
 * release.manifest, release.recipient, release.expired.
 *
 * Both template and order bind: of two limits the tighter one holds. A
 * replacement counts against order.rework instead of order.quantity. What is
 * rotated is in the field: order, stations, hours and rates do not bind it. The
 * first release of a device is bound by the order that it was issued under, but
 * for that one's version of the template: evidence names a manifest, and that
 * is the one in effect.
 */
void policy_decide(const struct template *t, const struct order *order,
		   const struct policy_request *r, const struct policy_facts *f,
		   struct policy_verdict *out);

/*
 * The first part of it, which no template's rules can change: form, what the
 * keys prove, and with store_known what is stored already. True: *out is the
 * verdict, denied or POLICY_EXISTING. False: it is the template's turn, and
 * *out stays denied.
 */
PV_MUST bool policy_decide_stored(const struct template *t,
				  const struct policy_request *r,
				  const struct policy_facts *f,
				  struct policy_verdict *out);

/*
 * The part that may have changed while a bundle was sealed, of r->release:
 * state, evidence, order, station, hours and rate, by the store's facts.
 */
void policy_decide_release(const struct template *t, const struct order *order,
			   const struct policy_request *r,
			   const struct policy_facts *f,
			   struct policy_verdict *out);

/* Evidence that was verified then is not older than attestation.nonce_ttl_s. */
PV_MUST bool policy_evidence_fresh(const struct template *t,
				   uint64_t verified_ms, uint64_t now_ms);

/* A denied (or waiting) verdict as an error record; returns its code. */
enum pv_code policy_verdict_fail(const struct policy_verdict *v,
				 struct err *err);

#endif
