#include "lib/flow/attestverify.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/attestverify_impl.h"
#include "lib/flow/challenge.h"

static void verifying_release(struct verifying *w)
{
	attested_release(&w->x);
	buf_release(&w->key_room);
	buf_release(&w->seal);
}

enum pv_code attestverify_needs_token(struct store *store, const char *device,
				      bool *needed, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct store_attkey k;
	bool found = false;
	enum pv_code rc;

	buf_init(&room, ATTESTKEY_ROW_MAX);
	rc = store_attkey_get(store, device, ATTKEY_ENROLLED, &k, &room, &found,
			      err);
	*needed = rc == PV_OK && found && k.mac;
	return rc;
}

/* ---- what is expected ---- */

static enum pv_code load(struct verifying *w, struct err *err)
{
	struct store *store = w->v->store;
	const struct attestverify_in *in = w->in;
	enum evidence_format format;
	enum pv_code rc = attested_load(store, in->device, &w->x, err);

	memcpy(w->said->device, w->x.d.s.device, sizeof(w->said->device));
	if (rc == PV_OK)
		rc = attested_stage(&w->x, in->stage, &w->said->stage, err);
	if (rc == PV_OK)
		rc = attestkey_load(store, in->device, &w->key, &w->key_room,
				    err);
	if (rc != PV_OK)
		return rc;
	format = (enum evidence_format)w->key.format;
	w->said->format = evidence_format_name(format);
	if (!attested_format(&w->x, format))
		return err_fail(err, PV_INTEGRITY, "evidence.type",
				"see its attestation.formats",
				"template %s takes no evidence of format %s",
				w->x.t->name, w->said->format);
	if (in->evidence.len == 0)
		return err_fail(err, PV_INTEGRITY, "evidence.missing",
				"attest on the device", "there is no evidence");
	rc = attested_manifest(store, &w->x, w->said->stage, w->manifest, err);
	if (rc == PV_OK && in->manifest &&
	    memcmp(in->manifest, w->manifest, 32) != 0)
		rc = err_fail(err, PV_DENIED, "evidence.manifest",
			      "ask for a new one: provctl attest challenge",
			      "the challenge is for another manifest than the "
			      "one in effect");
	return rc == PV_OK ? attested_seal_key(store, &w->x, in->seal_key,
					       &w->seal, err)
			   : rc;
}

/*
 * Reference values of that format. Where there are some and none is for it, its
 * measurements would be taken as they are: it is refused.
 */
static enum pv_code references(const struct attested *x,
			       enum evidence_format format,
			       struct evidence_reference out[TPL_LIST_MAX],
			       size_t *n, struct err *err)
{
	static const enum evidence_format of[] = { [TPL_PSA] = EVIDENCE_PSA,
						   [TPL_TPM2] = EVIDENCE_TPM2,
						   [TPL_DICE] = EVIDENCE_DICE };
	const struct tpl_attestation *at = &x->t->attestation;

	*n = 0;
	for (size_t i = 0; i < at->reference_n; i++) {
		const struct tpl_reference *r = &at->reference[i];

		if (of[tpl_reference_of(r)] != format)
			continue;
		out[*n].component = r->component;
		memcpy(out[(*n)++].digest, r->digest, 32);
	}
	if (at->reference_n == 0 || *n > 0)
		return PV_OK;
	return err_fail(err, PV_DENIED, "evidence.reference",
			"adopt a version with a reference value for it",
			"template %s has no reference value for evidence of "
			"format %s",
			x->t->name, evidence_format_name(format));
}

/* Everything but the key; reference has room for it. */
static enum pv_code expect(const struct verifying *w,
			   struct evidence_reference *reference,
			   struct evidence_want *want, struct err *err)
{
	const struct tpl_attestation *at = &w->x.t->attestation;
	enum pv_code rc;

	*want = (struct evidence_want){
		.format = (enum evidence_format)w->key.format,
		.device = w->x.d.s.device,
		.instance = { w->key.instance, w->key.instance_len },
		.anchors = w->x.trust.certs,
		.anchors_n = w->x.trust.certs_n,
		.crls = w->x.trust.crls,
		.crls_n = w->x.trust.crls_n,
		.reference = reference,
		.lifecycle = at->lifecycle,
		.lifecycle_n = at->lifecycle_n,
		.min_svn = at->min_svn,
		.now_s = w->now_ms / 1000
	};
	rc = evidence_a(w->in->nonce, buf_span(&w->seal), w->manifest, want->a,
			err);
	return rc == PV_OK ? references(&w->x, want->format, reference,
					&want->reference_n, err)
			   : rc;
}

/* A nonce that is not good for it refuses it before it is looked at. */
static enum pv_code check_nonce(struct verifying *w, bool *good,
				struct err *err)
{
	struct verdict *v = &w->said->verdict;
	char wrong[64];
	enum pv_code rc =
		challenge_find(w->v->store, w->nonce_hash, w->in->device,
			       w->said->stage, w->now_ms, wrong, err);

	*good = rc == PV_OK && !wrong[0];
	if (rc != PV_OK || *good)
		return rc;
	verdict_add(v, "evidence.nonce", false, "an open one of the device",
		    wrong);
	(void)err_fail(&v->why, PV_DENIED, "evidence.nonce",
		       w->released ? "provctl attest release gives its bundle "
				     "again; for another one ask anew: provctl "
				     "attest challenge"
				   : "ask for a new one: provctl attest "
				     "challenge",
		       "the nonce is %s", wrong);
	return PV_OK;
}

static void start(struct verifying *w)
{
	memset(w->said, 0, sizeof(*w->said));
	err_init(&w->said->verdict.why);
	attested_init(&w->x);
	buf_init(&w->key_room, ATTESTKEY_ROW_MAX);
	buf_init(&w->seal, ATTESTKEY_ROW_MAX);
}

/* *open: it is to be looked at, with an open nonce. */
static enum pv_code begin(struct verifying *w, bool *open, struct err *err)
{
	const struct span nonce = { w->in->nonce, EVIDENCE_NONCE_LEN };
	enum pv_code rc = load(w, err);

	*open = false;
	if (rc == PV_OK)
		rc = sha256(w->in->evidence, w->said->sha256, err);
	if (rc == PV_OK)
		rc = sha256(nonce, w->nonce_hash, err);
	if (rc == PV_OK)
		rc = attestverify_known(w, err);
	return rc == PV_OK && !w->said->existing ? check_nonce(w, open, err)
						 : rc;
}

/* ---- first step ---- */

static enum pv_code ask_box(struct verifying *w,
			    struct attestverify_asked *asked, struct err *err)
{
	struct evidence_reference reference[TPL_LIST_MAX];
	SECRET mac = SECRET_INIT;
	struct evidence_want want;
	enum pv_code rc = expect(w, reference, &want, err);

	if (rc == PV_OK && w->key.mac)
		rc = attestkey_open(w->v->a, w->v->store, w->v->hsm, &w->key,
				    &mac, err);
	if (rc != PV_OK)
		return rc;
	if (w->key.mac)
		want.mac_key = &mac;
	else
		want.key = w->key.key;
	rc = evidencebox_verify(w->v->box, w->in->evidence, &want,
				&asked->verdict, err);
	if (rc == PV_OK && asked->verdict.claimed.n > 0)
		rc = attestverify_whose(w, &want, asked, err);
	asked->made = rc == PV_OK;
	memcpy(asked->a, want.a, sizeof(asked->a));
	memcpy(asked->template_sha256, w->x.template_sha256, 32);
	asked->key_index = w->key.log_index;
	return rc;
}

bool attestverify_ends(enum pv_code rc)
{
	return rc == PV_HSM_TEMP || rc == PV_HSM_FATAL || rc == PV_STORAGE ||
	       rc == PV_INTERNAL;
}

enum pv_code attestverify_ask(struct attestverify *v,
			      const struct attestverify_in *in,
			      struct attestverify_asked *asked, struct err *err)
{
	struct attestverify_said said;
	const int64_t now_ms = pvtime_now_ms();
	CLEANUP(verifying_release)
	struct verifying w = { .v = v,
			       .now_ms = now_ms > 0 ? (uint64_t)now_ms : 0,
			       .in = in,
			       .said = &said };
	bool open;
	enum pv_code rc;

	memset(asked, 0, sizeof(*asked));
	err_init(&asked->why);
	start(&w);
	rc = begin(&w, &open, &asked->why);
	if (rc == PV_OK && open)
		rc = ask_box(&w, asked, &asked->why);
	if (!attestverify_ends(rc))
		return PV_OK;
	*err = asked->why;
	return rc;
}

/* ---- second step ---- */

/* The verdict, if it is about what is expected now. */
static enum pv_code take_verdict(struct verifying *w,
				 const struct attestverify_asked *asked,
				 struct err *err)
{
	struct evidence_reference reference[TPL_LIST_MAX];
	struct evidence_want want;
	enum pv_code rc = expect(w, reference, &want, err);

	if (rc != PV_OK)
		return rc;
	if (!asked->made && asked->why.code != PV_OK) {
		*err = asked->why;
		return err->code;
	}
	if (!asked->made || asked->key_index != w->key.log_index ||
	    memcmp(asked->a, want.a, sizeof(want.a)) != 0 ||
	    memcmp(asked->template_sha256, w->x.template_sha256, 32) != 0)
		return err_fail(err, PV_CONFLICT, "evidence.changed",
				"give it again",
				"what is expected of the evidence changed "
				"while it was verified");
	w->said->verdict = asked->verdict;
	return PV_OK;
}

enum pv_code attestverify_take(struct attestverify *v,
			       const struct event_who *who,
			       const struct attestverify_in *in,
			       const struct attestverify_asked *asked,
			       struct attestverify_said *said, struct err *err)
{
	CLEANUP(verifying_release)
	struct verifying w = { .v = v,
			       .who = who,
			       .now_ms = who->who.time_ms,
			       .in = in,
			       .said = said };
	bool open;
	enum pv_code rc;

	start(&w);
	rc = begin(&w, &open, err);
	if (rc == PV_OK && open)
		rc = take_verdict(&w, asked, err);
	if (rc == PV_OK && !said->existing)
		rc = attestverify_record(&w, err);
	if (rc == PV_OK && said->verdict.why.code != PV_OK)
		*err = said->verdict.why;
	return rc == PV_OK ? said->verdict.why.code : rc;
}
