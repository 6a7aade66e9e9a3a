#include "lib/flow/prepared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/flow/hostkey.h"
#include "lib/x509/tbs_lint.h"

#define ROW_MAX 65536
#define SLOT_HEAD 4	/* be32 length before each secret of a row */
#define SECURE_BLOCK 32 /* smallest block of the secure heap */

struct prepared {
	const struct approved *a;
	const struct issue_context *ctx;
	uint32_t number;
	uint64_t created_ms, seq;
	uint8_t serial[X509_SERIAL_LEN];
	uint8_t spki_sha256[32];
	bool has_spki;
	uint32_t components;
	struct buf tbs, row;
	struct secret host_key;
	struct secret secrets[TPL_COMPONENTS_MAX][TPL_SECRETS_MAX];
};

enum pv_code prepared_new(struct prepared **p, struct err *err)
{
	*p = mem_new(sizeof(**p), err);
	if (!*p)
		return PV_INTERNAL;
	buf_init(&(*p)->tbs, X509_TBS_MAX);
	buf_init(&(*p)->row, ROW_MAX);
	return PV_OK;
}

void prepared_reset(struct prepared *p)
{
	secret_release(&p->host_key);
	for (size_t i = 0; i < TPL_COMPONENTS_MAX; i++)
		for (size_t j = 0; j < TPL_SECRETS_MAX; j++)
			secret_release(&p->secrets[i][j]);
	buf_reset(&p->tbs);
	buf_reset(&p->row);
	p->has_spki = false;
	p->components = 0;
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
static uint32_t components_now(const struct template *t, size_t role)
{
	uint32_t bits = 0;

	for (size_t s = 0; s < t->stages_n; s++)
		if (!t->stages[s].requires_attestation)
			bits |= t->stages[s].components;
	return bits & t->roles[role].components;
}

static bool is_random(const struct prepared *p, size_t i, size_t j)
{
	const struct tpl_component *c = &p->ctx->tmpl->components[i];

	return (p->components >> i & 1) && j < c->secrets_n &&
	       c->secrets[j].kind == TPL_SECRET_RANDOM;
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

/* Serial modulo the number of shards of the issuer's CRL. */
static uint32_t shard_of(const struct prepared *p)
{
	uint64_t rest = 0;

	for (size_t i = 0; i < X509_SERIAL_LEN; i++)
		rest = (rest << 8 | p->serial[i]) % p->ctx->crl_shards;
	return (uint32_t)rest;
}

static enum pv_code build_tbs(struct prepared *p, struct span spki,
			      int64_t now_s, struct err *err)
{
	const struct issue_context *ctx = p->ctx;
	struct text_vars vars = approved_vars(p->a);
	const struct csr *csr = approved_csr(p->a);
	enum pv_code rc;

	vars.shard = shard_of(p);
	rc = x509_tbs_build(&ctx->tmpl->profile, ctx->issuer, &vars, p->serial,
			    spki, now_s, &p->tbs, err);
	if (rc == PV_OK)
		rc = x509_tbs_lint(&ctx->tmpl->profile, ctx->issuer,
				   buf_span(&p->tbs), spki, p->serial, now_s,
				   err);
	if (rc == PV_OK && csr)
		rc = csr_within(csr, buf_span(&p->tbs), err);
	if (rc == PV_OK)
		rc = x509_spki_sha256(spki, p->spki_sha256, err);
	p->has_spki = rc == PV_OK;
	return rc;
}

static enum pv_code make_certificate(struct prepared *p, int64_t now_s,
				     struct err *err)
{
	uint8_t host_spki[X509_P256_SPKI_LEN];
	struct span spki = { host_spki, sizeof(host_spki) };
	enum pv_code rc = PV_OK;

	if (p->ctx->tmpl->key == TPL_KEY_NONE)
		return PV_OK;
	if (p->ctx->tmpl->key == TPL_KEY_HOST)
		rc = hostkey_generate(&p->host_key, host_spki, err);
	else
		spki = approved_csr(p->a)->spki;
	return rc == PV_OK ? build_tbs(p, spki, now_s, err) : rc;
}

static enum pv_code make_secrets(struct prepared *p, struct err *err)
{
	const struct template *t = p->ctx->tmpl;

	for (size_t i = 0; i < t->components_n; i++) {
		for (size_t j = 0; j < t->components[i].secrets_n; j++) {
			enum pv_code rc;

			if (!is_random(p, i, j))
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

/* The slots of a row in their one order: host key, then random secrets. */
static struct secret *slot(struct prepared *p, size_t n)
{
	const struct template *t = p->ctx->tmpl;

	if (t->key == TPL_KEY_HOST && n-- == 0)
		return &p->host_key;
	for (size_t i = 0; i < t->components_n; i++)
		for (size_t j = 0; j < t->components[i].secrets_n; j++)
			if (is_random(p, i, j) && n-- == 0)
				return &p->secrets[i][j];
	return NULL;
}

static struct atrest_name row_name(const struct prepared *p,
				   const struct minting *m, char object[32])
{
	struct atrest_name name = { m->authority, object, 1 };

	snprintf(object, 32, "intent/%lu", (unsigned long)p->number);
	return name;
}

static enum pv_code seal_row(struct prepared *p, struct minting *m,
			     struct err *err)
{
	SECRET plain = SECRET_INIT;
	struct secret *s;
	char object[32];
	size_t len = 0;
	uint8_t *at;
	enum pv_code rc;

	for (size_t n = 0; (s = slot(p, n)) != NULL; n++)
		len += SLOT_HEAD + s->len;
	if (len == 0)
		return PV_OK;
	rc = secret_alloc(&plain, len, err);
	if (rc != PV_OK)
		return rc;
	at = plain.data;
	for (size_t n = 0; (s = slot(p, n)) != NULL; n++) {
		for (int i = 0; i < SLOT_HEAD; i++)
			*at++ = (uint8_t)(s->len >> (24 - 8 * i));
		memcpy(at, s->data, s->len);
		at += s->len;
	}
	struct atrest_name name = row_name(p, m, object);

	return atrest_seal(m->data, &name, &plain, &p->row, err);
}

enum pv_code prepare(struct prepared *p, struct minting *m,
		     const struct approved *a, uint32_t number, uint64_t now_ms,
		     struct err *err)
{
	enum pv_code rc;

	prepared_reset(p);
	p->a = a;
	p->ctx = approved_context(a);
	p->created_ms = now_ms;
	p->seq = 1;
	p->components = components_now(p->ctx->tmpl, approved_role(a));
	rc = draw_serial(p, m, number, err);
	if (rc == PV_OK)
		rc = make_certificate(p, (int64_t)(now_ms / 1000), err);
	if (rc == PV_OK)
		rc = make_secrets(p, err);
	if (rc == PV_OK)
		rc = seal_row(p, m, err);
	if (rc != PV_OK)
		prepared_reset(p);
	return rc;
}

static enum pv_code bad_row(struct err *err)
{
	return err_fail(
		err, PV_INTEGRITY, "store.sealed",
		"restore the store from a backup",
		"the stored secrets of an intent do not fit its template");
}

static enum pv_code split_row(struct prepared *p, const struct secret *plain,
			      struct err *err)
{
	const uint8_t *at = plain->data;
	size_t left = plain->len;
	struct secret *s;

	for (size_t n = 0; (s = slot(p, n)) != NULL; n++) {
		size_t len;
		enum pv_code rc;

		if (left < SLOT_HEAD)
			return bad_row(err);
		len = (size_t)at[0] << 24 | (size_t)at[1] << 16 |
		      (size_t)at[2] << 8 | at[3];
		if (len == 0 || len > left - SLOT_HEAD)
			return bad_row(err);
		rc = secret_copy(s, at + SLOT_HEAD, len, err);
		if (rc != PV_OK)
			return rc;
		at += SLOT_HEAD + len;
		left -= SLOT_HEAD + len;
	}
	return left == 0 ? PV_OK : bad_row(err);
}

static enum pv_code restore_secrets(struct prepared *p, const struct minting *m,
				    const struct stored_intent *i,
				    struct atrest *data, struct err *err)
{
	SECRET plain = SECRET_INIT;
	char object[32];
	struct atrest_name name = row_name(p, m, object);
	enum pv_code rc;

	if (!slot(p, 0))
		return i->secrets.len == 0 ? PV_OK : bad_row(err);
	if (i->secrets.len == 0 || !data)
		return bad_row(err);
	rc = atrest_open(data, &name, i->secrets, &plain, err);
	return rc == PV_OK ? split_row(p, &plain, err) : rc;
}

/* The SPKI that a host key's PKCS#8 ends with. */
static struct span host_point(const struct prepared *p)
{
	struct span point = { NULL, 0 };

	if (p->host_key.len == HOSTKEY_PKCS8_LEN) {
		point.len = X509_P256_POINT_LEN;
		point.p = p->host_key.data + p->host_key.len - point.len;
	}
	return point;
}

static enum pv_code relint(struct prepared *p, struct err *err)
{
	uint8_t host_spki[X509_P256_SPKI_LEN];
	struct span spki = { host_spki, sizeof(host_spki) };
	int64_t now_s = (int64_t)(p->created_ms / 1000);
	enum pv_code rc;

	if (p->ctx->tmpl->key == TPL_KEY_NONE)
		return p->tbs.len == 0 ? PV_OK : bad_row(err);
	if (p->ctx->tmpl->key == TPL_KEY_CSR)
		spki = approved_csr(p->a)->spki;
	else if (host_point(p).len > 0)
		x509_spki_from_point(host_point(p).p, host_spki);
	else
		return bad_row(err);
	rc = x509_tbs_lint(&p->ctx->tmpl->profile, p->ctx->issuer,
			   buf_span(&p->tbs), spki, p->serial, now_s, err);
	if (rc == PV_OK)
		rc = x509_spki_sha256(spki, p->spki_sha256, err);
	p->has_spki = rc == PV_OK;
	return rc == PV_DENIED ? (err->code = PV_INTEGRITY) : rc;
}

enum pv_code prepared_restore(struct prepared *p, const struct minting *m,
			      const struct approved *a,
			      const struct stored_intent *i,
			      struct atrest *data, struct err *err)
{
	enum pv_code rc;

	prepared_reset(p);
	if (i->serial.len != X509_SERIAL_LEN)
		return bad_row(err);
	p->a = a;
	p->ctx = i->ctx;
	p->number = i->number;
	p->created_ms = i->created_ms;
	p->seq = i->seq;
	p->components = components_now(p->ctx->tmpl, approved_role(a));
	memcpy(p->serial, i->serial.p, X509_SERIAL_LEN);
	buf_put(&p->tbs, i->tbs.p, i->tbs.len);
	rc = buf_check(&p->tbs, err);
	if (rc == PV_OK)
		rc = restore_secrets(p, m, i, data, err);
	if (rc == PV_OK)
		rc = relint(p, err);
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

const struct secret *prepared_host_key(const struct prepared *p)
{
	return p->host_key.len > 0 ? &p->host_key : NULL;
}

const struct secret *prepared_secret(const struct prepared *p, size_t component,
				     size_t secret)
{
	const struct secret *s = &p->secrets[component][secret];

	return s->len > 0 ? s : NULL;
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
