/* PSA attestation tokens (RFC 9783), and the values of a TPM's quote. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/provdev/attest.h"
#include "lib/base/cleanup.h"
#include "lib/base/cose.h"
#include "lib/base/sha256.h"

#define PROFILE "tag:psacertified.org,2023:psa#tfm"
#define UEID_RAND 1
#define CLAIMS_MAX 4096
#define HEAD_MAX 16
#define CLIENT_ID (-1) /* of the non-secure side */
#define TPM_FILE_MAX 4096
#define PCRS_MAX 24

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);

static const uint8_t implementation_id[ATTEST_HASH_LEN] = "provdev";
static const uint8_t signer_id[ATTEST_HASH_LEN] = ATTEST_VENDOR;

static enum pv_code crypto_failed(struct err *err, const char *what)
{
	return err_fail(err, PV_INTERNAL, "crypto", NULL, "OpenSSL: %s", what);
}

/* ECDSA over the Sig_structure, or HMAC over the MAC_structure. */
static bool authenticate(EVP_PKEY *key, const struct secret *mac,
			 struct span tbs, uint8_t out[COSE_SIG_LEN])
{
	struct pvdev_openssl crypto;
	uint8_t hash[ATTEST_HASH_LEN];
	size_t len = 0;
	bool ok;

	if (!key)
		return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, mac->data,
				 mac->len, tbs.p, tbs.len, out, COSE_MAC_LEN,
				 &len) != NULL &&
		       len == COSE_MAC_LEN;
	memset(&crypto, 0, sizeof(crypto));
	if (sha256(tbs, hash, NULL) != PV_OK || !pvdev_openssl_init(&crypto))
		return false;
	crypto.certified = key;
	ok = pvdev_crypto_openssl.p256_sign(&crypto, PVDEV_SLOT_CERTIFIED, hash,
					    out);
	pvdev_openssl_release(&crypto);
	return ok;
}

enum pv_code attest_message(EVP_PKEY *key, const struct secret *mac,
			    struct span payload, struct buf *out,
			    struct err *err)
{
	uint8_t head[HEAD_MAX], tbs[CLAIMS_MAX + 64], all[CLAIMS_MAX + 128];
	uint8_t auth[COSE_SIG_LEN];
	struct cbor_bytes content = { payload.p, payload.len }, prot;
	struct cbor_writer w;

	cbor_writer_init(&w, head, sizeof(head));
	cbor_put_map(&w, 1);
	cbor_put_uint(&w, 1);
	cbor_put_int(&w, key ? COSE_ALG_ES256 : COSE_ALG_HMAC256);
	prot = (struct cbor_bytes){ head, w.len };
	cbor_writer_init(&w, tbs, sizeof(tbs));
	if (key)
		cose_put_sig_structure(&w, prot, content);
	else
		cose_put_mac_structure(&w, prot, content);
	if (!cbor_writer_ok(&w) ||
	    !authenticate(key, mac, (struct span){ tbs, w.len }, auth))
		return crypto_failed(err, "cannot sign the evidence");
	cbor_writer_init(&w, all, sizeof(all));
	cose_put_message(&w, key ? COSE_TAG_SIGN1 : COSE_TAG_MAC0, prot,
			 content, auth, key ? COSE_SIG_LEN : COSE_MAC_LEN);
	if (!cbor_writer_ok(&w))
		return crypto_failed(err, "the evidence is too long");
	buf_put(out, all, w.len);
	return buf_check(out, err);
}

/* 01 and H(IAK), or H(H(IAK)) of a key that is shared. */
enum pv_code attest_instance(EVP_PKEY *key, const struct secret *mac,
			     uint8_t ueid[ATTEST_UEID_LEN], struct err *err)
{
	uint8_t point[PVDEV_POINT_LEN];
	enum pv_code code;

	ueid[0] = UEID_RAND;
	if (key && !pvdev_openssl_point(key, point))
		return crypto_failed(err, "the key is not on P-256");
	if (key)
		return sha256((struct span){ point, sizeof(point) }, ueid + 1,
			      err);
	code = sha256((struct span){ mac->data, mac->len }, ueid + 1, err);
	return code == PV_OK
		       ? sha256((struct span){ ueid + 1, ATTEST_HASH_LEN },
				ueid + 1, err)
		       : code;
}

static void put_component(struct cbor_writer *w, const struct attest_spec *s,
			  const struct attest_measure *m)
{
	char version[16];

	snprintf(version, sizeof(version), "%u.0.0", s->svn);
	cbor_put_map(w, 4);
	cbor_put_uint(w, 1);
	cbor_put_str(w, m->name);
	cbor_put_uint(w, 2);
	cbor_put_bstr(w, m->digest, sizeof(m->digest));
	cbor_put_uint(w, 4);
	cbor_put_str(w, version);
	cbor_put_uint(w, 5);
	cbor_put_bstr(w, signer_id, sizeof(signer_id));
}

static void put_claims(struct cbor_writer *w, const struct attest_spec *s,
		       const uint8_t ueid[ATTEST_UEID_LEN])
{
	cbor_put_map(w, 7);
	cbor_put_uint(w, 10);
	cbor_put_bstr(w, s->a, sizeof(s->a));
	cbor_put_uint(w, 256);
	cbor_put_bstr(w, ueid, ATTEST_UEID_LEN);
	cbor_put_uint(w, 265);
	cbor_put_str(w, PROFILE);
	cbor_put_uint(w, 2394);
	cbor_put_int(w, CLIENT_ID);
	cbor_put_uint(w, 2395);
	cbor_put_uint(w, (uint64_t)s->state->psa);
	cbor_put_uint(w, 2396);
	cbor_put_bstr(w, implementation_id, sizeof(implementation_id));
	cbor_put_uint(w, 2399);
	cbor_put_array(w, s->measure_n);
	for (size_t i = 0; i < s->measure_n; i++)
		put_component(w, s, &s->measure[i]);
}

/* A shared key, which provctl takes as its raw bytes. */
static enum pv_code read_mac(const struct home *h, struct secret *mac,
			     struct err *err)
{
	if (faccessat(h->dirfd, "iak.bin", F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return PV_OK;
	return file_read_secret(h->dirfd, "iak.bin",
				FILEIO_NOFOLLOW | FILEIO_PRIVATE, HOME_KEY_LEN,
				mac, err);
}

enum pv_code attest_psa(struct home *h, const struct attest_spec *s,
			struct buf *out, struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;
	SECRET mac = SECRET_INIT;
	uint8_t ueid[ATTEST_UEID_LEN], claims[CLAIMS_MAX];
	struct cbor_writer w;
	enum pv_code code;

	if (s->state->psa < 0)
		return err_fail(err, PV_INPUT, "device.lifecycle", NULL,
				"a PSA token has no state %s", s->state->name);
	code = s->format == ATTEST_PSA ? home_key(h, "iak.pem", &key, err)
				       : read_mac(h, &mac, err);
	if (code == PV_OK && !key && mac.len == 0)
		code = err_fail(err, PV_NOT_FOUND, "device.key",
				"run provdev attest-key first",
				"the device has no attestation key");
	if (code == PV_OK)
		code = attest_instance(key, &mac, ueid, err);
	if (code != PV_OK)
		return code;
	cbor_writer_init(&w, claims, sizeof(claims));
	put_claims(&w, s, ueid);
	if (!cbor_writer_ok(&w))
		return crypto_failed(err, "the claims are too long");
	return attest_message(key, &mac, (struct span){ claims, w.len }, out,
			      err);
}

static enum pv_code read_file(const char *path, struct buf *b, struct err *err)
{
	buf_init(b, TPM_FILE_MAX);
	return file_read(AT_FDCWD, path, 0, b, err);
}

/* [TPMS_ATTEST, TPMT_SIGNATURE, [value, ...]] of tpm2_quote, tpm2_pcrread. */
enum pv_code attest_tpm2(const struct attest_spec *s, struct buf *out,
			 struct err *err)
{
	CLEANUP(buf_release) struct buf quote, signature, pcrs;
	uint8_t all[3 * TPM_FILE_MAX];
	struct cbor_writer w;
	enum pv_code code;

	buf_init(&signature, TPM_FILE_MAX);
	buf_init(&pcrs, TPM_FILE_MAX);
	code = read_file(s->quote, &quote, err);
	if (code == PV_OK)
		code = read_file(s->signature, &signature, err);
	if (code == PV_OK)
		code = read_file(s->pcrs, &pcrs, err);
	if (code != PV_OK)
		return code;
	if (pcrs.len % ATTEST_HASH_LEN != 0 ||
	    pcrs.len > (size_t)PCRS_MAX * ATTEST_HASH_LEN)
		return err_fail(err, PV_INPUT, "device.pcrs",
				"give what tpm2_pcrread -o wrote",
				"the values are not 32 bytes each");
	cbor_writer_init(&w, all, sizeof(all));
	cbor_put_array(&w, 3);
	cbor_put_bstr(&w, quote.data, quote.len);
	cbor_put_bstr(&w, signature.data, signature.len);
	cbor_put_array(&w, pcrs.len / ATTEST_HASH_LEN);
	for (size_t i = 0; i < pcrs.len; i += ATTEST_HASH_LEN)
		cbor_put_bstr(&w, pcrs.data + i, ATTEST_HASH_LEN);
	if (!cbor_writer_ok(&w))
		return crypto_failed(err, "the evidence is too long");
	buf_put(out, all, w.len);
	return buf_check(out, err);
}
