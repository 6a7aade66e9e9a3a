#include "lib/seal/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/seal/bundle_impl.h"
#include "lib/seal/hpke_impl.h"
#include "lib/seal/ossl.h"
#include "lib/seal/sign1.h"
#include "lib/seal/wrap.h"

/* With the 00 behind them that formats.md 1 puts there. */
static const char seal_label[] = "provctl/seal/v1";
static const char kem_label[] = "provctl/seal-kem/v1";

struct seal {
	struct sha256 *hash;
	struct hpke *hpke;
	struct kdf *kdf;
	struct gcm *gcm;
	struct wrap *wrap;
	struct secret fixed_bs; /* for one bundle, in tests; else empty */
};

/* One bundle while it is made; wiped at the end. */
struct making {
	const struct seal_job *job;
	struct secret bs;
	uint8_t binding[SEAL_BINDING_MAX];
	size_t binding_len;
	uint8_t bh[SEAL_HASH_LEN];
	uint8_t envelope[SEAL_ENVELOPE_KEM];
	size_t envelope_len;
	struct {
		uint8_t commit[SEAL_HASH_LEN], mac[SEAL_HASH_LEN];
	} check[SEAL_COMPONENTS_MAX];
};

CLEANUP_PTR(struct seal, seal_free);

enum pv_code seal_new(struct seal **s, struct err *err)
{
	CLEANUP(cleanup_seal_free) struct seal *n = NULL;
	enum pv_code rc;

	*s = NULL;
	n = mem_new(sizeof(*n), err);
	if (!n)
		return PV_INTERNAL;
	rc = sha256_new(&n->hash, err);
	if (rc == PV_OK)
		rc = hpke_new(&n->hpke, err);
	if (rc == PV_OK)
		rc = kdf_new(&n->kdf, err);
	if (rc == PV_OK)
		rc = gcm_new(&n->gcm, err);
	if (rc == PV_OK)
		rc = wrap_new(&n->wrap, err);
	if (rc == PV_OK)
		*s = TAKE(n);
	return rc;
}

void seal_free(struct seal *s)
{
	if (!s)
		return;
	sha256_free(s->hash);
	hpke_free(s->hpke);
	kdf_free(s->kdf);
	gcm_free(s->gcm);
	wrap_free(s->wrap);
	secret_release(&s->fixed_bs);
	free(s);
}

struct sha256 *seal_hash(struct seal *s)
{
	return s->hash;
}

struct hpke *seal_hpke(struct seal *s)
{
	return s->hpke;
}

struct kdf *seal_kdf(struct seal *s)
{
	return s->kdf;
}

enum pv_code seal_set_secrets(struct seal *s, const struct secret *bs,
			      const struct secret *ephemeral, struct err *err)
{
	uint8_t point[HPKE_POINT_LEN];
	EVP_PKEY *key;
	enum pv_code rc = secret_copy(&s->fixed_bs, bs->data, bs->len, err);

	if (rc != PV_OK || !ephemeral)
		return rc;
	rc = hpke_key(ephemeral, &key, point, err);
	if (rc == PV_OK)
		hpke_set_ephemeral(s->hpke, key);
	return rc;
}

static enum pv_code bind(struct seal *s, struct making *m, struct err *err)
{
	struct cbor_writer w;
	struct span binding;

	cbor_writer_init(&w, m->binding, sizeof(m->binding));
	seal_binding_put(&w, m->job);
	if (!cbor_writer_ok(&w))
		return err_fail(err, PV_INTERNAL, "seal.binding", NULL,
				"a binding of %zu bytes is too long", w.len);
	m->binding_len = w.len;
	binding = (struct span){ m->binding, w.len };
	return sha256_kept(s->hash, binding, m->bh, err);
}

/* Draws BS and closes it for the recipient. */
static enum pv_code envelope(struct seal *s, struct making *m, struct err *err)
{
	const struct seal_job *job = m->job;
	uint8_t info[sizeof(kem_label) + SEAL_HASH_LEN];
	struct span i = { info, sizeof(info) }, none = { NULL, 0 };
	struct span bs;
	enum pv_code rc = PV_OK;

	if (s->fixed_bs.len)
		secret_move(&m->bs, &s->fixed_bs);
	else
		rc = secret_random(&m->bs, SEAL_BS_LEN, err);
	if (rc != PV_OK)
		return rc;
	if (job->kind == SEAL_KIND_KEK) {
		m->envelope_len = SEAL_ENVELOPE_KEK;
		return wrap_kek(s->wrap, job->kek, &m->bs, m->envelope, err);
	}
	bs = (struct span){ m->bs.data, m->bs.len };
	memcpy(info, kem_label, sizeof(kem_label));
	memcpy(info + sizeof(kem_label), m->bh, SEAL_HASH_LEN);
	m->envelope_len = SEAL_ENVELOPE_KEM;
	return hpke_seal(s->hpke, job->point, i, none, bs, m->envelope,
			 m->envelope + HPKE_ENC_LEN, err);
}

/* OKM(i) = HKDF-Expand(BS, label || 00 || bh || be16(i), 108) */
static enum pv_code derive(struct seal *s, const struct making *m, size_t i,
			   struct seal_keys *keys, struct err *err)
{
	const uint8_t be16[2] = { (uint8_t)(i >> 8), (uint8_t)i };
	const struct span info[] = { { (const uint8_t *)seal_label,
				       sizeof(seal_label) },
				     { m->bh, SEAL_HASH_LEN },
				     { be16, 2 } };
	struct span prk = { m->bs.data, m->bs.len };

	return kdf_expand(s->kdf, prk, info, 3, (uint8_t *)keys, sizeof(*keys),
			  err);
}

static enum pv_code component(struct seal *s, struct making *m, size_t i,
			      uint8_t *out, struct err *err)
{
	const struct seal_sealed *c = &m->job->sealed[i];
	struct span plain = { c->plain->data, c->plain->len };
	struct seal_keys keys;
	enum pv_code rc = derive(s, m, i, &keys, err);

	if (rc == PV_OK) {
		memcpy(m->check[i].commit, keys.commit, SEAL_HASH_LEN);
		rc = kdf_hmac(s->kdf, (struct span){ keys.dk, sizeof(keys.dk) },
			      &plain, 1, m->check[i].mac, err);
	}
	if (rc == PV_OK)
		rc = seal_segments_put(s->gcm, &keys, m->bh, (uint16_t)i,
				       c->plain, c->chunk, out, err);
	secret_wipe(&keys, sizeof(keys));
	return rc;
}

static enum pv_code all_segments(struct seal *s, struct making *m,
				 struct buf *segments, struct err *err)
{
	const struct seal_job *job = m->job;
	uint64_t len = 0;
	uint8_t *room;
	enum pv_code rc = PV_OK;

	for (size_t i = 0; i < job->sealed_n; i++)
		len += seal_segments_len(job->sealed[i].plain->len,
					 job->sealed[i].chunk);
	room = buf_room(segments, len);
	if (!room)
		return buf_check(segments, err);
	for (size_t i = 0; i < job->sealed_n && rc == PV_OK; i++) {
		rc = component(s, m, i, room, err);
		room += seal_segments_len(job->sealed[i].plain->len,
					  job->sealed[i].chunk);
	}
	if (rc == PV_OK)
		buf_commit(segments, len);
	return rc;
}

/* [binding, envelope, [[commit, mac], ...]] */
static void write_payload(struct cbor_writer *w, const struct making *m)
{
	cbor_put_array(w, 3);
	cbor_put_raw(w, m->binding, m->binding_len);
	cbor_put_bstr(w, m->envelope, m->envelope_len);
	cbor_put_array(w, m->job->sealed_n);
	for (size_t i = 0; i < m->job->sealed_n; i++) {
		cbor_put_array(w, 2);
		cbor_put_bstr(w, m->check[i].commit, SEAL_HASH_LEN);
		cbor_put_bstr(w, m->check[i].mac, SEAL_HASH_LEN);
	}
}

static enum pv_code put_payload(const struct making *m, struct buf *payload,
				struct err *err)
{
	struct cbor_writer w;
	uint8_t *room;

	cbor_writer_init(&w, NULL, 0);
	write_payload(&w, m);
	room = buf_room(payload, w.len);
	if (!room)
		return buf_check(payload, err);
	cbor_writer_init(&w, room, w.len);
	write_payload(&w, m);
	buf_commit(payload, w.len);
	return PV_OK;
}

enum pv_code seal_bundle_make(struct seal *s, const struct seal_job *job,
			      struct buf *payload, struct buf *segments,
			      uint8_t bh[static 32], struct err *err)
{
	struct making m;
	size_t before = segments->len;
	enum pv_code rc = seal_job_check(job, err);

	if (rc != PV_OK)
		return rc;
	m.job = job;
	m.bs = (struct secret)SECRET_INIT;
	rc = bind(s, &m, err);
	if (rc == PV_OK)
		rc = envelope(s, &m, err);
	if (rc == PV_OK)
		rc = all_segments(s, &m, segments, err);
	if (rc == PV_OK)
		rc = put_payload(&m, payload, err);
	if (rc == PV_OK)
		memcpy(bh, m.bh, SEAL_HASH_LEN);
	else
		segments->len = before;
	secret_release(&m.bs);
	secret_release(&s->fixed_bs);
	kdf_forget(s->kdf);
	gcm_forget(s->gcm);
	return rc;
}
