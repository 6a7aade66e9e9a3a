/*
 * make_bundle: sample devices and bundles for open_bundle.mjs, in the layout of
 * cli.md "The demo", with OpenSSL keys in place of an HSM:
 *
 *     make_bundle DIR
 *
 * writes DIR/devices/<id>/{key.pem, seal.pem | kek.hex, auth.hex; form,
 * evidence.hex, expected.json}, DIR/bundles/<id>.operational.pvb,
 * DIR/keys/bundle.pem and DIR/devices.txt (one id a line). For tests only:
 * secrets are on disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "lib/seal/batch.h"
#include "lib/seal/container.h"
#include "lib/seal/content.h"
#include "lib/seal/manifest.h"
#include "lib/seal/recipient.h"

#define DEVICES 7
#define SPKI_LEN 91
#define MASTER_ID "the KDF master's"

static struct err err;

static void die(const char *what)
{
	fprintf(stderr, "make_bundle: %s: %s\n", what, err.message);
	exit(1);
}

/* Stops at the first failure: a test asks for nothing better. */
static void must(enum pv_code code)
{
	if (code != PV_OK)
		die(err.rule);
}

static void need(bool ok, const char *what)
{
	if (!ok)
		die(what);
}

struct recipe {
	const char *id;
	enum seal_form form;
	enum seal_kind kind;
	bool own_seal_key; /* kind 1: else the certified key */
	uint32_t chunk;
	size_t net_bytes; /* size of a file in component "net" */
};

static const struct recipe recipes[DEVICES] = {
	{ "SEAL-PLAIN-1", SEAL_FORM_PLAIN, SEAL_KIND_KEM, true, 1024, 4001 },
	{ "SEAL-BATCH-1", SEAL_FORM_BATCH, SEAL_KIND_KEM, true, 256, 1000 },
	{ "CERT-PLAIN-1", SEAL_FORM_PLAIN, SEAL_KIND_KEM, false, 512, 1 },
	{ "CERT-BATCH-1", SEAL_FORM_BATCH, SEAL_KIND_KEM, false, 4096, 9000 },
	{ "KDF-PLAIN-1", SEAL_FORM_PLAIN, SEAL_KIND_KEK, false, 1024, 2048 },
	{ "KDF-MAC0-1", SEAL_FORM_MAC0, SEAL_KIND_KEK, false, 256, 777 },
	{ "KDF-BATCH-1", SEAL_FORM_BATCH, SEAL_KIND_KEK, false, 2048, 5000 },
};

struct device {
	const struct recipe *as;
	EVP_PKEY *key, *seal;
	struct secret kek, auth;
	struct secret plain[2];
	struct buf payload, segments;
};

struct maker {
	const char *dir;
	struct seal *seal;
	EVP_PKEY *signer;
	uint8_t kid[8];
	struct buf clear, manifest;
	uint8_t manifest_sha256[32];
};

static FILE *create(const struct maker *m, const char *folder, const char *id,
		    const char *name)
{
	char path[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s%s", m->dir, folder, id, name);
	f = fopen(path, "wx");
	need(f != NULL, path);
	return f;
}

static void folder(const char *dir, const char *name)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	need(mkdir(path, 0700) == 0, path);
}

static void spki_of(EVP_PKEY *key, uint8_t out[SPKI_LEN])
{
	unsigned char *p = out;

	need(i2d_PUBKEY(key, NULL) == SPKI_LEN && i2d_PUBKEY(key, &p) > 0,
	     "public key");
}

static void sign(EVP_PKEY *key, const uint8_t digest[32], uint8_t sig[64])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	uint8_t der[128];
	const unsigned char *p = der;
	size_t len = sizeof(der);
	ECDSA_SIG *s;

	need(ctx && EVP_PKEY_sign_init(ctx) == 1 &&
		     EVP_PKEY_sign(ctx, der, &len, digest, 32) == 1,
	     "signature");
	s = d2i_ECDSA_SIG(NULL, &p, (long)len);
	need(s && BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, 32) == 32 &&
		     BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + 32, 32) == 32,
	     "signature");
	ECDSA_SIG_free(s);
	EVP_PKEY_CTX_free(ctx);
}

static void make_clear(struct maker *m)
{
	json_t *j = json_pack("{s:s, s:[i,f,b,n]}", "ntp", "ntp.example",
			      "list", 1, 1.5, 1);
	struct content_config *config;
	struct content c = { 0 };

	must(content_config_compile(j, NULL, 0, &config, &err));
	c.config = config;
	must(content_encode_clear(&c, &m->clear, &err));
	content_config_free(config);
	json_decref(j);
}

static void make_manifest(struct maker *m)
{
	struct manifest man = {
		.sequence = 6,
		.not_after_s = 4000000000,
		.components = { { "identity", "3", "1", true, { 0 }, 65536 },
				{ "site", "3", "1", false, { 0 }, 4096 },
				{ "net",
				  "2.1.0",
				  "2.0.0",
				  true,
				  { 0 },
				  65536 } },
		.components_n = 3,
		.origin = "acme.example/log",
		.roles = { { "sensor", 1 }, { "gateway", 7 } },
		.roles_n = 2,
		.stage = "operational"
	};
	struct manifest_parts parts;
	uint8_t digest[32], sig[64];
	struct buf payload;

	memset(man.vendor, 0x11, 16);
	memset(man.class_id, 0x22, 16);
	SHA256(m->clear.data, m->clear.len, man.components[1].digest);
	buf_init(&payload, MANIFEST_SIZE_MAX);
	must(manifest_payload(&man, &payload, &err));
	must(manifest_digest(buf_span(&payload), m->kid, digest, &err));
	sign(m->signer, digest, sig);
	must(manifest_finish(buf_span(&payload), m->kid, sig, &m->manifest,
			     &err));
	must(manifest_parse(buf_span(&m->manifest), NULL, &parts, &err));
	memcpy(m->manifest_sha256, parts.payload_sha256, 32);
	buf_release(&payload);
}

/* "identity": a stand-in certificate; "net": config, a secret and a file. */
static void make_plain(struct device *d)
{
	static const uint8_t cert[1500] = "stands for a certificate";
	struct text_vars vars = { .device_id = d->as->id };
	struct span chain = { cert, 10 };
	struct content id = { .certificate = { cert, sizeof(cert) },
			      .chain = &chain,
			      .chain_n = 1 };
	json_t *j = json_pack("{s:{s:s, s:i}, s:s, s:f}", "mqtt", "host",
			      "mqtt.example", "port", 8883, "client",
			      "${device.id}", "gain", 0.1);
	SECRET psk = SECRET_INIT, file = SECRET_INIT;
	struct content_secret secrets[] = { { "wifi_psk", &psk } };
	struct content_file files[] = { { "firmware.cfg", { NULL, 0 } } };
	struct content net = { .vars = &vars,
			       .secrets = secrets,
			       .secrets_n = 1,
			       .files = files,
			       .files_n = 1 };
	struct content_config *config;

	must(secret_random(&psk, 32, &err));
	must(secret_random(&file, d->as->net_bytes, &err));
	files[0].bytes = (struct span){ file.data, file.len };
	must(content_config_compile(j, NULL, 0, &config, &err));
	net.config = config;
	must(content_encode(&id, &d->plain[0], &err));
	must(content_encode(&net, &d->plain[1], &err));
	content_config_free(config);
	json_decref(j);
}

static void recipient(struct maker *m, struct device *d, struct seal_job *job)
{
	struct seal_recipient r;
	uint8_t spki[SPKI_LEN];

	job->kind = d->as->kind;
	if (d->as->kind == SEAL_KIND_KEK) {
		must(secret_random(&d->kek, 32, &err));
		must(secret_random(&d->auth, 32, &err));
		job->kek = &d->kek;
		memcpy(job->key_id, MASTER_ID, SEAL_MASTER_ID_LEN);
		return;
	}
	d->key = EVP_EC_gen("P-256");
	d->seal = d->as->own_seal_key ? EVP_EC_gen("P-256") : NULL;
	spki_of(d->seal ? d->seal : d->key, spki);
	must(seal_recipient_from_spki(m->seal, (struct span){ spki, SPKI_LEN },
				      &r, &err));
	memcpy(job->point, r.point, sizeof(r.point));
	memcpy(job->key_id, r.id, sizeof(r.id));
}

/* Every other device attested. */
static const uint8_t *evidence_of(const struct device *d)
{
	static const uint8_t evidence[32] = { 0xee };

	return d->as->net_bytes & 1 ? evidence : NULL;
}

static void seal_device(struct maker *m, struct device *d)
{
	struct seal_job job = {
		.device_id = d->as->id,
		.role = "gateway",
		.seq = 1,
		.sealed = { { "identity", d->as->chunk, 65536, &d->plain[0] },
			    { "net", d->as->chunk, 65536, &d->plain[1] } },
		.sealed_n = 2,
		.clear = { { "site", 4096, buf_span(&m->clear) } },
		.clear_n = 1
	};
	uint8_t bh[32];

	make_plain(d);
	need(RAND_bytes(job.bundle_id, sizeof(job.bundle_id)) == 1, "random");
	memcpy(job.manifest_sha256, m->manifest_sha256, 32);
	job.evidence_sha256 = evidence_of(d);
	recipient(m, d, &job);
	buf_init(&d->payload, SEAL_DESCRIPTOR_MAX);
	buf_init(&d->segments, 1u << 20);
	must(seal_bundle_make(m->seal, &job, &d->payload, &d->segments, bh,
			      &err));
}

static void write_pem(const struct maker *m, const struct device *d,
		      EVP_PKEY *key, const char *name)
{
	FILE *f = create(m, "devices", d->as->id, name);

	need(PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1,
	     name);
	need(fclose(f) == 0, name);
}

static void write_hex(FILE *f, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(f, "%02x", p[i]);
}

static void write_key(const struct maker *m, const struct device *d,
		      const struct secret *key, const char *name)
{
	FILE *f = create(m, "devices", d->as->id, name);

	write_hex(f, key->data, key->len);
	fputc('\n', f);
	need(fclose(f) == 0, name);
}

static void write_device(const struct maker *m, const struct device *d)
{
	static const char *const forms[] = { "plain", "mac0", "batch" };
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "devices/%s", d->as->id);
	folder(m->dir, path);
	if (d->key)
		write_pem(m, d, d->key, "/key.pem");
	if (d->seal)
		write_pem(m, d, d->seal, "/seal.pem");
	if (d->kek.len) {
		write_key(m, d, &d->kek, "/kek.hex");
		write_key(m, d, &d->auth, "/auth.hex");
	}
	if (evidence_of(d)) {
		f = create(m, "devices", d->as->id, "/evidence.hex");
		write_hex(f, evidence_of(d), 32);
		fputc('\n', f);
		need(fclose(f) == 0, "evidence.hex");
	}
	f = create(m, "devices", d->as->id, "/form");
	fprintf(f, "%s\n", forms[d->as->form]);
	need(fclose(f) == 0, "form");
	f = create(m, "devices", d->as->id, "/expected.json");
	fputs("{\"identity\":\"", f);
	write_hex(f, d->plain[0].data, d->plain[0].len);
	fputs("\",\"net\":\"", f);
	write_hex(f, d->plain[1].data, d->plain[1].len);
	fputs("\",\"site\":\"", f);
	write_hex(f, m->clear.data, m->clear.len);
	fputs("\"}\n", f);
	need(fclose(f) == 0, "expected.json");
}

static void write_bundle(const struct maker *m, const struct device *d,
			 const struct buf *descriptor)
{
	const struct seal_clear clear = { "site", 4096, buf_span(&m->clear) };
	struct seal_container_view view;
	struct buf file;
	FILE *f;

	buf_init(&file, 1u << 20);
	must(seal_container(buf_span(&m->manifest), buf_span(descriptor),
			    &clear, 1, buf_span(&d->segments), &file, &err));
	must(seal_container_parse(buf_span(&file), &view, &err));
	f = create(m, "bundles", d->as->id, ".operational.pvb");
	need(fwrite(file.data, 1, file.len, f) == file.len, "bundle");
	need(fclose(f) == 0, "bundle");
	buf_release(&file);
}

/* Everything of form batch shares one signature; the others have their own. */
static struct seal_batch *sign_batch(const struct maker *m, struct device *list,
				     uint8_t sig[64])
{
	const struct seal_batch_claims claims = { "acme", 4000000000,
						  1700000000 };
	uint8_t leaves[DEVICES][32], digest[32];
	struct seal_batch *b;
	size_t n = 0;

	for (size_t i = 0; i < DEVICES; i++)
		if (list[i].as->form == SEAL_FORM_BATCH)
			must(seal_batch_leaf(buf_span(&list[i].payload),
					     leaves[n++], &err));
	must(seal_batch_new((const uint8_t(*)[32])leaves, n, m->kid, &claims,
			    &b, &err));
	must(seal_batch_digest(b, digest, &err));
	sign(m->signer, digest, sig);
	return b;
}

static void sign_device(const struct maker *m, struct device *d,
			struct buf *out)
{
	uint8_t digest[32], sig[64];

	if (d->as->form == SEAL_FORM_MAC0) {
		must(seal_mac0(m->seal, buf_span(&d->payload), &d->auth,
			       (const uint8_t *)MASTER_ID, out, &err));
		return;
	}
	must(seal_plain_digest(buf_span(&d->payload), m->kid, digest, &err));
	sign(m->signer, digest, sig);
	must(seal_plain_finish(buf_span(&d->payload), m->kid, sig, out, &err));
}

static void release(struct device *d)
{
	EVP_PKEY_free(d->key);
	EVP_PKEY_free(d->seal);
	secret_release(&d->kek);
	secret_release(&d->auth);
	secret_release(&d->plain[0]);
	secret_release(&d->plain[1]);
	buf_release(&d->payload);
	buf_release(&d->segments);
}

static void make_all(struct maker *m, struct device *list)
{
	uint8_t sig[64];
	struct seal_batch *batch;
	struct buf descriptor;
	size_t place = 0;
	FILE *ids = create(m, ".", "devices.txt", "");

	for (size_t i = 0; i < DEVICES; i++) {
		list[i].as = &recipes[i];
		seal_device(m, &list[i]);
	}
	batch = sign_batch(m, list, sig);
	buf_init(&descriptor, 2 * SEAL_DESCRIPTOR_MAX);
	for (size_t i = 0; i < DEVICES; i++) {
		struct device *d = &list[i];

		buf_reset(&descriptor);
		if (d->as->form == SEAL_FORM_BATCH)
			must(seal_batch_finish(batch, place++,
					       buf_span(&d->payload), sig,
					       &descriptor, &err));
		else
			sign_device(m, d, &descriptor);
		write_device(m, d);
		write_bundle(m, d, &descriptor);
		fprintf(ids, "%s\n", d->as->id);
		release(d);
	}
	need(fclose(ids) == 0, "devices.txt");
	buf_release(&descriptor);
	seal_batch_free(batch);
}

static void maker_init(struct maker *m, const char *dir)
{
	uint8_t spki[SPKI_LEN], hash[32];
	FILE *f;

	m->dir = dir;
	folder(dir, "devices");
	folder(dir, "bundles");
	folder(dir, "keys");
	must(seal_new(&m->seal, &err));
	m->signer = EVP_EC_gen("P-256");
	need(m->signer != NULL, "key");
	spki_of(m->signer, spki);
	SHA256(spki, sizeof(spki), hash);
	memcpy(m->kid, hash, 8);
	f = create(m, "keys", "bundle.pem", "");
	need(PEM_write_PUBKEY(f, m->signer) == 1 && fclose(f) == 0, "key");
	buf_init(&m->clear, 4096);
	buf_init(&m->manifest, MANIFEST_SIZE_MAX);
	make_clear(m);
	make_manifest(m);
}

int main(int argc, char **argv)
{
	static struct device list[DEVICES];
	struct maker m = { 0 };
	enum secret_heap heap;

	if (argc != 2) {
		fputs("usage: make_bundle DIR\n", stderr);
		return 2;
	}
	err_init(&err);
	must(secret_setup(&heap, &err));
	maker_init(&m, argv[1]);
	make_all(&m, list);
	seal_free(m.seal);
	EVP_PKEY_free(m.signer);
	buf_release(&m.clear);
	buf_release(&m.manifest);
	return 0;
}
