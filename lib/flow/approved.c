#include "lib/flow/approved.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/seal/recipient.h"
#include "lib/x509/cert.h"

struct approved {
	const struct request *req;
	const struct approver *who;
	struct csr csr;
	bool has_csr, has_seal;
	bool renewed; /* no CSR: the key that is certified already */
	enum x509_alg renewed_alg;
	bool suspect; /* what it presents is to be held */
	uint8_t spki_sha256[32], seal_sha256[32], asked[32];
	struct policy_facts facts;
	struct err key_err;
	struct policy_field fields[REQUEST_FIELDS_MAX];
};

enum pv_code approved_new(struct approved **a, struct err *err)
{
	*a = mem_new(sizeof(**a), err);
	return *a ? PV_OK : PV_INTERNAL;
}

void approved_free(struct approved *a)
{
	free(a);
}

enum tpl_algorithm approved_algorithm(const struct approved *a)
{
	if (!a->has_csr && !a->renewed)
		return TPL_ALG_NONE;
	switch (a->renewed ? a->renewed_alg : a->csr.key.alg) {
	case X509_ALG_P256:
		return TPL_ALG_P256;
	case X509_ALG_P384:
		return TPL_ALG_P384;
	case X509_ALG_RSA:
		return TPL_ALG_RSA;
	case X509_ALG_OTHER:
		break;
	}
	return TPL_ALG_NONE;
}

struct policy_request request_policy(const struct request *req,
				     const struct issue_context *ctx,
				     struct policy_field *fields)
{
	struct policy_request r = {
		.request = req->id,
		.device = req->device,
		.role = req->role[0] ? req->role : NULL,
		.fields = fields,
		.fields_n = req->fields_n,
		.csr = req->csr.len > 0 || req->spki.len > 0,
		.seal_key = req->seal_key.len > 0,
		.seal_sig = req->seal_sig.len > 0 || req->spki.len > 0,
		.key_sig = req->key_sig.len > 0,
		.rotate = req->replace == REQUEST_ROTATE,
		.renewed = req->spki.len > 0,
		.release = req->replace == REQUEST_RELEASE,
	};

	r.parts = req->parts > 0 && !r.release;

	if (!r.rotate)
		r.replace = request_replace_name(req->replace);

	/* Without a CSR a host-key template makes the key itself. */
	r.host_key =
		req->host_key || (!r.csr && ctx->tmpl->key == TPL_KEY_HOST);
	for (size_t i = 0; i < req->fields_n; i++) {
		fields[i].name = request_text(req, req->fields[i].name);
		fields[i].value = request_text(req, req->fields[i].value);
	}
	return r;
}

/*
 * A bad key is the first thing to say; its signature is not asked. What takes
 * time is spent only on a key that the template could certify: another
 * algorithm is a matter of policy, which denies it.
 */
static enum pv_code look_at_key(struct approved *a)
{
	struct policy_facts *f = &a->facts;
	struct err *key_err = &a->key_err;
	const struct template *t = a->who->ctx->tmpl;
	struct x509_ctx *x509 = a->who->x509;
	struct key_facts key = { .alg = X509_ALG_OTHER };
	struct err why;
	enum pv_code rc = x509_key_check_form(x509, approved_spki(a),
					      X509_ALLOW_ALL, &key, key_err);

	err_init(&why);
	a->renewed_alg = key.alg;
	if (rc == PV_OK && approved_algorithm(a) == t->algorithm)
		rc = x509_key_check_weak(x509, &key, key_err);
	/* Of a key that is certified its device proved that it has it. */
	if (rc == PV_OK && !a->renewed)
		f->csr_signature_ok = csr_verify(x509, &a->csr, &why) == PV_OK;
	f->key_ok = rc == PV_OK;
	f->key_err = key_err;
	return rc == PV_INTERNAL ? rc : PV_OK;
}

/* Key, signature and ownership of the CSR, as facts. PV_OK unless broken. */
static enum pv_code look_at_csr(struct approved *a, struct err *err)
{
	struct policy_facts *f = &a->facts;
	enum pv_code rc;

	a->has_csr = a->req->csr.len > 0;
	a->renewed = !a->has_csr && a->req->spki.len > 0;
	f->key_ok = true;
	f->csr_signature_ok = true;
	f->csr_within = true; /* held against the TBS once that is built */
	if (!a->has_csr && !a->renewed)
		return PV_OK;
	rc = a->has_csr ? csr_decode(buf_span(&a->req->csr), &a->csr, err)
			: PV_OK;
	if (rc != PV_OK)
		return rc;
	rc = look_at_key(a);
	if (rc != PV_OK) {
		*err = a->key_err;
		return rc;
	}
	if (issue_context_own_key(a->who->ctx, approved_spki(a)))
		f->key_authority = POLICY_OWNER_AUTHORITY;
	rc = sha256_kept(x509_ctx_hash(a->who->x509), approved_spki(a),
			 a->spki_sha256, err);
	return rc == PV_OK && a->has_csr
		       ? csr_requested_hash(a->who->x509, &a->csr, a->asked,
					    err)
		       : rc;
}

/* The sealing key and the certified key's signature over it. */
static enum pv_code look_at_seal_key(struct approved *a, struct err *err)
{
	struct policy_facts *f = &a->facts;
	const struct request *req = a->req;
	struct span spki = buf_span(&req->seal_key);
	struct key_facts key;
	struct err why;

	a->has_seal = spki.len > 0;
	if (!a->has_seal)
		return PV_OK;
	err_init(&why);
	f->seal_key_ok =
		x509_key_check(a->who->x509, spki, X509_ALLOW(X509_ALG_P256),
			       &key, &why) == PV_OK;
	if (issue_context_own_key(a->who->ctx, spki))
		f->key_authority = POLICY_OWNER_AUTHORITY;
	f->seal_is_certified = (a->has_csr || a->renewed) &&
			       span_equal(spki, approved_spki(a));
	err_init(&why);
	/* Of a rotation both keys are the stored ones, says the writer: the one
	 * vouched for the other then. Of a release the sealing key is the one
	 * that evidence of this very credential binds (writer_release.c). */
	f->seal_sig_ok = a->renewed && f->key_ok && f->seal_key_ok;
	if (!a->renewed)
		f->seal_sig_ok =
			f->key_ok && f->seal_key_ok && a->has_csr &&
			seal_recipient_verify(a->csr.spki, req->device, spki,
					      buf_span(&req->seal_sig),
					      &why) == PV_OK;
	return x509_spki_sha256(spki, a->seal_sha256, err);
}

static struct policy_request question(struct approved *a)
{
	const struct approver *who = a->who;
	struct policy_request ask = request_policy(a->req, who->ctx, a->fields);

	ask.algorithm = approved_algorithm(a);
	ask.order = who->order ? who->order->id : NULL;
	ask.batch = who->batch;
	return ask;
}

enum pv_code prove(struct approved *a, const struct approver *who,
		   const struct request *req, struct err *err)
{
	struct policy_request ask;
	struct policy_verdict v;
	enum pv_code rc;

	err_init(&a->key_err);
	a->req = req;
	a->who = who;
	a->suspect = false;
	memset(a->asked, 0, sizeof(a->asked));
	a->facts =
		(struct policy_facts){ .actor = who->actor,
				       .station = who->station,
				       .station_signed = who->station_signed };
	rc = look_at_csr(a, err);
	if (rc == PV_OK)
		rc = look_at_seal_key(a, err);
	if (rc != PV_OK)
		return rc;
	ask = question(a);
	if (!policy_decide_stored(who->ctx->tmpl, &ask, &a->facts, &v))
		return PV_OK;
	a->suspect = v.quarantine;
	return policy_verdict_fail(&v, err);
}

enum pv_code approve(struct approved *a, uint64_t now_ms, struct err *err)
{
	const struct template *t = a->who->ctx->tmpl;
	struct policy_request ask = question(a);
	struct policy_verdict v;

	a->facts.now_ms = now_ms;
	a->facts.held_later = true;
	policy_decide(t, a->who->order, &ask, &a->facts, &v);
	if (v.answer != POLICY_APPROVED)
		return policy_verdict_fail(&v, err);
	return issue_context_manifests(a->who->ctx, ask.release,
				       (int64_t)(now_ms / 1000), err);
}

bool approved_suspect(const struct approved *a)
{
	return a->suspect;
}

const struct request *approved_request(const struct approved *a)
{
	return a->req;
}

const struct issue_context *approved_context(const struct approved *a)
{
	return a->who->ctx;
}

const struct csr *approved_csr(const struct approved *a)
{
	return a->has_csr ? &a->csr : NULL;
}

struct span approved_spki(const struct approved *a)
{
	struct span none = { NULL, 0 };

	if (a->renewed)
		return buf_span(&a->req->spki);
	return a->has_csr ? a->csr.spki : none;
}

bool approved_renewed(const struct approved *a)
{
	return a->renewed;
}

const uint8_t *approved_spki_sha256(const struct approved *a)
{
	return a->has_csr || a->renewed ? a->spki_sha256 : NULL;
}

const uint8_t *approved_seal_sha256(const struct approved *a)
{
	return a->has_seal ? a->seal_sha256 : NULL;
}

struct span approved_recipient(const struct approved *a,
			       const struct template *t)
{
	struct span none = { NULL, 0 };

	switch (t->recipient) {
	case TPL_RECIPIENT_SEALING_KEY:
		return buf_span(&a->req->seal_key);
	case TPL_RECIPIENT_CERTIFIED_KEY:
		return approved_spki(a);
	case TPL_RECIPIENT_KDF:
	case TPL_RECIPIENT_NONE:
		break;
	}
	return none;
}

const uint8_t *approved_asked(const struct approved *a)
{
	return a->asked;
}

/* A renewed device stays one of the order that it was made under. */
static const char *order_of(const struct approved *a)
{
	if (a->who->order)
		return a->who->order->id;
	return a->req->order[0] ? a->req->order : NULL;
}

struct text_vars approved_vars(const struct approved *a,
			       const struct template *t,
			       const char *values[TEXT_FIELDS_MAX])
{
	struct text_vars v = {
		.device_id = a->req->device,
		.order_id = order_of(a),
		.authority = a->who->authority,
		.fields = values,
		.fields_n = t->fields_n,
	};

	for (size_t i = 0; i < t->fields_n; i++)
		values[i] = request_field(a->req, t->field_names[i]);
	return v;
}
