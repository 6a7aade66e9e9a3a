#include "lib/seal/receipt.h"

#include <string.h>

#include "lib/base/cose.h"
#include "lib/seal/ossl.h"
#include "lib/seal/sign1.h"

/* CWT claims (RFC 8392), formats.md 4 */
#define CLAIM_CTI 7
#define CLAIM_NONCE 10
#define CLAIM_BH (-70001)
#define CLAIM_SEQ (-70002)
#define CLAIM_RESULT (-70003)
#define NONCE_MIN 8 /* RFC 9711 4.1 */
#define SEQ_MAX (UINT64_C(1) << 63)
#define PREFIX_MAX 256

static struct span span_of(struct cbor_bytes b)
{
	return (struct span){ b.p, b.len };
}

static enum pv_code malformed(const char *why, struct err *err)
{
	return err_fail(err, PV_INPUT, "receipt.form",
			"give the bytes as the device made them",
			"not a receipt: %s", why);
}

static bool take_fixed(struct cbor_reader *r, uint8_t *out, size_t len)
{
	struct cbor_bytes b;

	if (!cbor_get_bstr(r, &b) || b.len != len)
		return false;
	memcpy(out, b.p, len);
	return true;
}

static bool expect_int(struct cbor_reader *r, int64_t key)
{
	int64_t got;

	return cbor_get_int(r, &got) && got == key;
}

static bool take_nonce(struct cbor_reader *r, struct span *nonce)
{
	struct cbor_bytes b;

	if (!cbor_expect_uint(r, CLAIM_NONCE) || !cbor_get_bstr(r, &b) ||
	    b.len < NONCE_MIN || b.len > SEAL_NONCE_MAX)
		return false;
	*nonce = span_of(b);
	return true;
}

static bool take_claims(struct seal_receipt *out)
{
	struct cbor_reader r;
	uint64_t n;

	cbor_reader_init(&r, out->payload.p, out->payload.len);
	return cbor_get_map(&r, &n) && (n == 4 || n == 5) &&
	       cbor_expect_uint(&r, CLAIM_CTI) &&
	       take_fixed(&r, out->bundle_id, SEAL_ID_LEN) &&
	       (n == 4 || take_nonce(&r, &out->nonce)) &&
	       expect_int(&r, CLAIM_BH) && take_fixed(&r, out->bh, 32) &&
	       expect_int(&r, CLAIM_SEQ) && cbor_get_uint(&r, &out->seq) &&
	       out->seq > 0 && out->seq < SEQ_MAX &&
	       expect_int(&r, CLAIM_RESULT) &&
	       cbor_get_uint(&r, &out->result) && out->result <= UINT32_MAX &&
	       cbor_done(&r);
}

enum pv_code seal_receipt_parse(struct span bytes, struct seal_receipt *r,
				struct err *err)
{
	const char *why = "it is no COSE message of ours";
	struct cose_msg m;

	memset(r, 0, sizeof(*r));
	if (bytes.len > SEAL_RECEIPT_MAX)
		return malformed("it is too long", err);
	r->mac = !cose_parse(&m, COSE_TAG_SIGN1, COSE_ALG_ES256, bytes.p,
			     bytes.len, NULL);
	if (r->mac && !cose_parse(&m, COSE_TAG_MAC0, COSE_ALG_HMAC256, bytes.p,
				  bytes.len, &why))
		return malformed(why, err);
	r->kid = span_of(m.kid);
	r->protected_hdr = span_of(m.protected_hdr);
	r->payload = span_of(m.payload);
	r->auth = span_of(m.auth);
	if (!m.payload.p)
		return malformed("its payload is detached", err);
	if (!cbor_valid(m.payload.p, m.payload.len, CBOR_DEPTH_MAX, &why))
		return malformed(why, err);
	return take_claims(r) ? PV_OK
			      : malformed("its claims are not those of "
					  "formats.md 4",
					  err);
}

enum pv_code seal_receipt_digest(const struct seal_receipt *r,
				 uint8_t digest[static 32], struct err *err)
{
	return sign1_digest_of(r->protected_hdr, r->payload, digest, err);
}

enum pv_code seal_receipt_mac(const struct seal_receipt *r, struct kdf *k,
			      const struct secret *key, struct err *err)
{
	uint8_t prefix[PREFIX_MAX], mac[KDF_HASH_LEN];
	struct cbor_writer w;
	struct span parts[2];
	bool same;
	enum pv_code rc;

	cbor_writer_init(&w, prefix, sizeof(prefix));
	cose_put_mac_prefix(&w, sign1_bytes(r->protected_hdr), r->payload.len);
	if (!cbor_writer_ok(&w))
		return malformed("its header is too long", err);
	parts[0] = (struct span){ prefix, w.len };
	parts[1] = r->payload;
	rc = kdf_hmac(k, (struct span){ key->data, key->len }, parts, 2, mac,
		      err);
	kdf_forget(k);
	same = rc == PV_OK && r->auth.len == sizeof(mac) &&
	       CRYPTO_memcmp(mac, r->auth.p, sizeof(mac)) == 0;
	OPENSSL_cleanse(mac, sizeof(mac));
	if (rc != PV_OK || same)
		return rc;
	return err_fail(err, PV_INTEGRITY, "receipt.signature",
			"find out who sent it",
			"the receipt is not by the device's receipt key");
}
