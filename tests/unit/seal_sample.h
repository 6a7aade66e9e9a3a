/*
 * seal_sample: a small finished bundle for tests of descriptors and containers:
 * two sealed components (700 bytes in 256-byte chunks, 5 bytes), one clear one
 * and the manifest that lists them.
 */
#ifndef PV_TESTS_SEAL_SAMPLE_H
#define PV_TESTS_SEAL_SAMPLE_H

#include "lib/seal/bundle.h"
#include "lib/seal/manifest.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/seal_vec.h"

struct sample {
	struct seal *s;
	EVP_PKEY *signer; /* the bundle key */
	uint8_t kid[8];
	struct secret plain[2], kek, auth;
	struct seal_job job;
	struct buf manifest, payload, segments;
	uint8_t bh[32];
};

#define SAMPLE_CLEAR "\xa1\x05\x81\x01"

static inline void sample_manifest(struct sample *x, struct err *err)
{
	static const struct manifest m = {
		.sequence = 2,
		.not_after_s = 2000000000,
		.components = { { "identity", "1", "1", true, { 0 }, 65536 },
				{ "net", "1", "1", true, { 0 }, 65536 },
				{ "site", "1", "1", false, { 0 }, 64 } },
		.components_n = 3,
		.origin = "acme.example/log",
		.roles = { { "device", 7 } },
		.roles_n = 1,
		.stage = "operational"
	};
	struct manifest_parts parts;
	uint8_t digest[32], sig[64];
	struct manifest own = m;
	struct buf payload;

	SHA256((const uint8_t *)SAMPLE_CLEAR, 4, own.components[2].digest);
	buf_init(&payload, MANIFEST_SIZE_MAX);
	unit_ok(manifest_payload(&own, &payload, err), err);
	unit_ok(manifest_digest(buf_span(&payload), x->kid, digest, err), err);
	keys_sign(x->signer, digest, sig);
	unit_ok(manifest_finish(buf_span(&payload), x->kid, sig, &x->manifest,
				err),
		err);
	unit_ok(manifest_parse(buf_span(&x->manifest), NULL, &parts, err), err);
	memcpy(x->job.manifest_sha256, parts.payload_sha256, 32);
	buf_release(&payload);
}

/* Seals the sample's job again, as it stands. */
static inline void sample_seal(struct sample *x, struct err *err)
{
	buf_reset(&x->payload);
	buf_reset(&x->segments);
	unit_ok(seal_bundle_make(x->s, &x->job, &x->payload, &x->segments,
				 x->bh, err),
		err);
}

static inline void sample_init(struct sample *x, enum seal_kind kind,
			       struct err *err)
{
	uint8_t spki[KEYS_SPKI_LEN];

	memset(x, 0, sizeof(*x));
	buf_init(&x->manifest, MANIFEST_SIZE_MAX);
	buf_init(&x->payload, SEAL_DESCRIPTOR_MAX);
	buf_init(&x->segments, 1u << 20);
	unit_ok(seal_new(&x->s, err), err);
	x->signer = keys_new();
	keys_kid(x->signer, x->kid);
	keys_spki(x->signer, spki);
	unit_ok(secret_random(&x->plain[0], 700, err), err);
	unit_ok(secret_random(&x->plain[1], 5, err), err);
	unit_ok(secret_random(&x->kek, 32, err), err);
	unit_ok(secret_random(&x->auth, 32, err), err);
	x->job = (struct seal_job){
		.device_id = "ACME-01",
		.role = "device",
		.seq = 1,
		.sealed = { { "identity", 256, 65536, &x->plain[0] },
			    { "net", 1024, 65536, &x->plain[1] } },
		.sealed_n = 2,
		.clear = { { "site", 64, vec_span(SAMPLE_CLEAR, 4) } },
		.clear_n = 1,
		.kind = kind,
		.kek = &x->kek
	};
	/* Any point will do: the bundle key's own. */
	memcpy(x->job.point, spki + 26, 65);
	memset(x->job.key_id, 0x77, sizeof(x->job.key_id));
	sample_manifest(x, err);
	sample_seal(x, err);
}

static inline void sample_release(struct sample *x)
{
	seal_free(x->s);
	EVP_PKEY_free(x->signer);
	secret_release(&x->plain[0]);
	secret_release(&x->plain[1]);
	secret_release(&x->kek);
	secret_release(&x->auth);
	buf_release(&x->manifest);
	buf_release(&x->payload);
	buf_release(&x->segments);
}

#endif
