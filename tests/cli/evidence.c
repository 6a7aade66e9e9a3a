/*
 * evidence HOME DEVICE [SEAL.pem]: puts evidence that is verified now into an
 * authority's store, with its nonce and both entries, as `provctl attest'
 * records it: for the manifest in effect and the device's sealing key, or
 * SEAL.pem. Prints the nonce in hex; that line is the evidence. Exit 1 when the
 * store refuses. Nothing is verified here: what follows from evidence is
 * tested.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "cmd/backends.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/attested.h"
#include "lib/log/attest.h"
#include "lib/store/store_attest.h"
#include "lib/store/store_evidence.h"

CLEANUP_PTR(struct authority, authority_close);

struct row {
	struct store_nonce n;
	struct store_evidence x;
	struct attested device;
	struct buf seal, entry;
	uint8_t seal_hash[32];
	char line[2 * STORE_HASH + 1]; /* what is printed */
	struct log_who who;
};

static enum pv_code put_nonce(struct store *s, struct row *r, struct err *err)
{
	const struct log_challenge facts = { .device = r->n.device,
					     .stage = r->n.stage,
					     .nonce = r->n.hash,
					     .until_ms = r->n.until_ms };
	struct log_entry e;
	enum pv_code rc;

	buf_reset(&r->entry);
	log_attest_challenge(&e, &r->who, &facts);
	rc = log_entry_encode(&e, &r->entry, err);
	return rc == PV_OK ? store_nonce_put(s, &r->n, buf_span(&r->entry), err)
			   : rc;
}

static enum pv_code put_evidence(struct store *s, struct row *r,
				 struct err *err)
{
	const struct log_verify facts = {
		.device = r->x.device,
		.stage = r->x.stage,
		.format = "psa",
		.result = LOG_VERIFIED,
		.evidence = r->x.sha256,
		.nonce = r->x.nonce,
		.nonce_value = r->x.nonce_value,
		.manifest = r->x.manifest,
		.seal = r->x.seal_spki.len > 0 ? r->seal_hash : NULL,
		.template_hash = r->device.template_sha256
	};
	struct log_entry e;
	enum pv_code rc;

	buf_reset(&r->entry);
	log_attest_verify(&e, &r->who, &facts);
	rc = log_entry_encode(&e, &r->entry, err);
	return rc == PV_OK
		       ? store_evidence_put(s, &r->x, buf_span(&r->entry), err)
		       : rc;
}

static enum pv_code read_key(const char *path, struct buf *der, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, 4096);
	rc = file_read(AT_FDCWD, path, 0, &text, err);
	return rc == PV_OK ? pem_decode(buf_span(&text), "PUBLIC KEY", der, err)
			   : rc;
}

static enum pv_code fill(struct store *s, struct row *r, const char *seal,
			 struct err *err)
{
	struct span none = { NULL, 0 };
	struct span value = { r->x.nonce_value, STORE_HASH };
	const char *stage = NULL;
	enum pv_code rc = attested_stage(&r->device, NULL, &stage, err);

	if (rc == PV_OK)
		rc = attested_manifest(s, &r->device, stage, r->x.manifest,
				       err);
	if (rc == PV_OK)
		rc = seal ? read_key(seal, &r->seal, err)
			  : attested_seal_key(s, &r->device, none, &r->seal,
					      err);
	if (rc == PV_OK && r->seal.len > 0)
		rc = sha256(buf_span(&r->seal), r->seal_hash, err);
	if (rc != PV_OK)
		return rc;
	snprintf(r->x.stage, sizeof(r->x.stage), "%s", stage);
	memcpy(r->n.stage, r->x.stage, sizeof(r->n.stage));
	memcpy(r->x.device, r->device.d.s.device, sizeof(r->x.device));
	memcpy(r->n.device, r->device.d.s.device, sizeof(r->n.device));
	r->x.seal_spki = buf_span(&r->seal);
	if (getrandom(r->x.nonce_value, STORE_HASH, 0) != STORE_HASH)
		return PV_INTERNAL;
	hex_encode(r->x.nonce_value, STORE_HASH, r->line);
	r->line[2 * STORE_HASH] = '\n'; /* in place of the NUL */
	rc = sha256((struct span){ (const uint8_t *)r->line, sizeof(r->line) },
		    r->x.sha256, err);
	if (rc == PV_OK)
		rc = sha256(value, r->x.nonce, err);
	memcpy(r->n.hash, r->x.nonce, sizeof(r->n.hash));
	return rc;
}

static enum pv_code put(struct store *s, const char *device, const char *seal,
			struct row *r, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc = store_begin(s, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = attested_load(s, device, &r->device, err);
	if (rc == PV_OK)
		rc = fill(s, r, seal, err);
	if (rc == PV_OK)
		rc = put_nonce(s, r, err);
	if (rc == PV_OK)
		rc = put_evidence(s, r, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

int main(int argc, char **argv)
{
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;
	CLEANUP(cleanup_store_close) struct store *s = NULL;
	struct row r = { .x = { .state = EVIDENCE_VERIFIED,
				.uses_nonce = true } };
	struct err err;
	enum pv_code rc;

	err_init(&err);
	if (argc < 3)
		return 2;
	attested_init(&r.device);
	buf_init(&r.seal, 4096);
	buf_init(&r.entry, LOG_ENTRY_MAX);
	r.who = (struct log_who){ (uint64_t)pvtime_now_ms(), "os:test" };
	r.x.verified_ms = r.n.issued_ms = r.who.time_ms;
	r.n.until_ms = r.n.issued_ms + 1;
	rc = authority_open(argv[1], &a, &err);
	if (rc == PV_OK)
		rc = app_backends.store_open(a, false, &s, &err);
	if (rc == PV_OK)
		rc = put(s, argv[2], argc > 3 ? argv[3] : NULL, &r, &err);
	if (rc == PV_OK)
		fwrite(r.line, 1, sizeof(r.line), stdout);
	else
		fprintf(stderr, "%s: %s\n", err.rule, err.message);
	attested_release(&r.device);
	buf_release(&r.seal);
	buf_release(&r.entry);
	return rc == PV_OK ? 0 : 1;
}
