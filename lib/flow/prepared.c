#include "lib/flow/prepared_impl.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/flow/contents.h"
#include "lib/flow/hostkey.h"
#include "lib/x509/crl.h"
#include "lib/x509/tbs_lint.h"

#define ROW_MAX 65536
#define SECURE_BLOCK 32 /* smallest block of the secure heap */

enum pv_code prepared_new(struct prepared **p, struct err *err)
{
	*p = mem_new(sizeof(**p), err);
	if (!*p)
		return PV_INTERNAL;
	buf_init(&(*p)->tbs, X509_TBS_MAX);
	buf_init(&(*p)->row, ROW_MAX);
	return PV_OK;
}

void prepared_set_seq(struct prepared *p, uint64_t seq)
{
	p->seq = seq;
}

void prepared_reset(struct prepared *p)
{
	secret_release(&p->host_key);
	for (size_t i = 0; i < TPL_COMPONENTS_MAX; i++) {
		/* Others have none: prepared_is_random(). */
		if (!(p->components >> i & 1))
			continue;
		for (size_t j = 0; j < TPL_SECRETS_MAX; j++)
			secret_release(&p->secrets[i][j]);
	}
	if (p->has_stored) {
		memset(p->stored, 0, sizeof(p->stored));
		memset(p->versions, 0, sizeof(p->versions));
		p->has_stored = false;
	}
	buf_reset(&p->tbs);
	buf_reset(&p->row);
	p->has_spki = false;
	p->has_kdf = false;
	p->components = 0;
	p->named = 0;
}

void prepared_free(struct prepared *p)
{
	if (!p)
		return;
	prepared_reset(p);
	buf_release(&p->tbs);
	buf_release(&p->row);
	free(p);
}

/* Stages that wait for attestation get neither bundle nor secrets now. */
uint32_t prepared_components_now(const struct template *t, size_t role)
{
	uint32_t bits = 0;

	for (size_t s = 0; s < t->stages_n; s++)
		if (!t->stages[s].requires_attestation)
			bits |= t->stages[s].components;
	return bits & t->roles[role].components;
}

bool prepared_bind(struct prepared *p, const struct approved *a,
		   const struct issue_context *ctx)
{
	const struct template *t = ctx->tmpl;

	p->a = a;
	p->ctx = ctx;
	if (!template_role(t, approved_request(a)->role, &p->role))
		return false;
	p->vars = approved_vars(a, t, p->values);
	p->recipient = approved_recipient(a, t);
	p->components = prepared_components_now(t, p->role);
	return true;
}

static enum pv_code draw_serial(struct prepared *p, struct minting *m,
				uint32_t number, struct err *err)
{
	enum pv_code rc;

	if (m->random_left < PREPARED_RANDOM_LEN) {
		rc = hsm_random(m->hsm, m->random, sizeof(m->random), err);
		if (rc != PV_OK)
			return rc;
		m->random_left = sizeof(m->random);
	}
	p->number = number;
	for (int i = 0; i < 4; i++)
		p->serial[i] = (uint8_t)(number >> (24 - 8 * i));
	m->random_left -= PREPARED_RANDOM_LEN;
	memcpy(p->serial + 4, m->random + m->random_left, PREPARED_RANDOM_LEN);
	return PV_OK;
}

/* Serial modulo the number of shards of the issuer's CRL, behind those of its
 * earlier generations: none of them shares one. */
static uint32_t shard_of(const struct prepared *p)
{
	uint32_t before =
		p->ctx->ca_generation > 1 ? p->ctx->ca_generation - 1 : 0;
	struct span serial = { p->serial, X509_SERIAL_LEN };

	return before * p->ctx->crl_shards +
	       x509_crl_shard(serial, p->ctx->crl_shards);
}

/* Of the CSR's key it is known. */
static enum pv_code hash_spki(struct prepared *p, struct span spki,
			      struct err *err)
{
	if (!approved_spki_sha256(p->a) ||
	    !span_equal(approved_spki(p->a), spki))
		return x509_spki_sha256(spki, p->spki_sha256, err);
	memcpy(p->spki_sha256, approved_spki_sha256(p->a),
	       sizeof(p->spki_sha256));
	return PV_OK;
}

enum pv_code prepared_build_tbs(struct prepared *p, struct span spki,
				struct buf *tbs, struct err *err)
{
	const struct issue_context *ctx = p->ctx;
	const struct x509_profile *profile = &ctx->tmpl->profile;
	int64_t now_s = (int64_t)(p->created_ms / 1000);
	const struct csr *csr = approved_csr(p->a);
	enum pv_code rc;

	p->vars.shard = shard_of(p);
	rc = x509_tbs_build(profile, ctx->issuer, &p->vars, p->serial, spki,
			    now_s, tbs, err);
	if (rc == PV_OK)
		rc = x509_tbs_lint(profile, ctx->issuer, buf_span(tbs), spki,
				   p->serial, now_s, err);
	if (rc == PV_OK && csr)
		rc = csr_within(csr, buf_span(tbs), err);
	if (rc == PV_OK)
		rc = hash_spki(p, spki, err);
	p->has_spki = rc == PV_OK;
	return rc;
}

static enum pv_code make_certificate(struct prepared *p, struct err *err)
{
	uint8_t host_spki[X509_P256_SPKI_LEN];
	struct span spki = { host_spki, sizeof(host_spki) };
	enum pv_code rc = PV_OK;

	if (p->ctx->tmpl->key == TPL_KEY_NONE)
		return PV_OK;
	if (p->ctx->tmpl->key == TPL_KEY_HOST)
		rc = hostkey_generate(&p->host_key, host_spki, err);
	else
		spki = approved_spki(p->a);
	return rc == PV_OK ? prepared_build_tbs(p, spki, &p->tbs, err) : rc;
}

static enum pv_code make_secrets(struct prepared *p, struct err *err)
{
	const struct template *t = p->ctx->tmpl;

	for (size_t i = 0; i < t->components_n; i++) {
		for (size_t j = 0; j < t->components[i].secrets_n; j++) {
			enum pv_code rc;

			if (!prepared_is(p, TPL_SECRET_RANDOM, i, j))
				continue;
			rc = secret_random(&p->secrets[i][j],
					   t->components[i].secrets[j].bytes,
					   err);
			if (rc != PV_OK)
				return rc;
		}
	}
	return PV_OK;
}

enum pv_code prepare(struct prepared *p, struct minting *m,
		     const struct approved *a, uint32_t number, uint64_t now_ms,
		     struct err *err)
{
	enum pv_code rc;

	prepared_reset(p);
	if (!prepared_bind(p, a, approved_context(a)))
		return err_fail(err, PV_INTERNAL, "device.role", NULL,
				"an approved request has no role");
	if (p->ctx->expired.code != PV_OK) {
		*err = p->ctx->expired;
		return err->code;
	}
	rc = stored_rows_complete(&p->ctx->stored, err);
	if (rc != PV_OK)
		return rc;
	p->created_ms = now_ms;
	p->seq = 1;
	if (request_parts(approved_request(a)))
		rc = prepared_make_parts(p, err);
	else
		rc = draw_serial(p, m, number, err);
	if (rc == PV_OK && !prepared_parts(p))
		rc = make_certificate(p, err);
	if (rc == PV_OK)
		rc = prepared_take_stored(p, m, err);
	if (rc == PV_OK)
		rc = contents_fit(m->signing, p, err);
	if (rc == PV_OK)
		rc = make_secrets(p, err);
	/* Nothing is kept of what begins anew after a crash. */
	if (rc == PV_OK && !prepared_parts(p))
		rc = prepared_seal_row(p, m, err);
	if (rc != PV_OK)
		prepared_reset(p);
	return rc;
}

const struct approved *prepared_approved(const struct prepared *p)
{
	return p->a;
}

const struct issue_context *prepared_context(const struct prepared *p)
{
	return p->ctx;
}

const struct text_vars *prepared_vars(const struct prepared *p)
{
	return &p->vars;
}

size_t prepared_role(const struct prepared *p)
{
	return p->role;
}

const uint8_t *prepared_kdf(const struct prepared *p)
{
	return p->has_kdf ? p->kdf_id : NULL;
}

void prepared_set_kdf(struct prepared *p, const uint8_t id[HSM_ID_LEN])
{
	memcpy(p->kdf_id, id, sizeof(p->kdf_id));
	p->has_kdf = true;
}

struct span prepared_recipient(const struct prepared *p)
{
	return p->recipient;
}

uint32_t prepared_number(const struct prepared *p)
{
	return p->number;
}

uint64_t prepared_created_ms(const struct prepared *p)
{
	return p->created_ms;
}

uint64_t prepared_seq(const struct prepared *p)
{
	return p->seq;
}

struct span prepared_serial(const struct prepared *p)
{
	struct span s = { p->serial, X509_SERIAL_LEN };

	return s;
}

struct span prepared_tbs(const struct prepared *p)
{
	return buf_span(&p->tbs);
}

const uint8_t *prepared_spki_sha256(const struct prepared *p)
{
	return p->has_spki ? p->spki_sha256 : NULL;
}

struct span prepared_sealed(const struct prepared *p)
{
	return buf_span(&p->row);
}

bool prepared_parts(const struct prepared *p)
{
	return request_parts(approved_request(p->a)) != NULL;
}

uint32_t prepared_named(const struct prepared *p)
{
	return p->named;
}

const uint8_t *prepared_evidence(const struct prepared *p)
{
	const struct request *r = approved_request(p->a);

	return r->replace == REQUEST_RELEASE ? r->evidence.data : NULL;
}

struct span prepared_certificate(const struct prepared *p)
{
	struct span none = { NULL, 0 };

	return prepared_parts(p) ? buf_span(&approved_request(p->a)->cert)
				 : none;
}

const struct secret *prepared_host_key(const struct prepared *p)
{
	return p->host_key.len > 0 ? &p->host_key : NULL;
}

const struct secret *prepared_secret(const struct prepared *p, size_t component,
				     size_t secret)
{
	const struct secret *s = &p->secrets[component][secret];

	return s->len > 0 ? s : p->stored[component][secret];
}

uint32_t prepared_components(const struct prepared *p)
{
	return p->components;
}

size_t prepared_secret_bytes(const struct template *t)
{
	size_t bytes = t->key == TPL_KEY_HOST ? 256 : 0;

	for (size_t i = 0; i < t->components_n; i++)
		for (size_t j = 0; j < t->components[i].secrets_n; j++)
			bytes += t->components[i].secrets[j].bytes +
				 SECURE_BLOCK;
	return bytes;
}
