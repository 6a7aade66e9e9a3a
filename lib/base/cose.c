#include "lib/base/cose.h"

#define LABEL_ALG 1
#define LABEL_KID 4

static const uint8_t segment_prefix[] = { 0xd0, 0x83, 0x43, 0xa1, 0x01,
					  0x03, 0xa1, 0x06, 0x44 };

static bool refuse(const char **why, const char *reason)
{
	if (why)
		*why = reason;
	return false;
}

void cose_put_protected(struct cbor_writer *w, int64_t alg, const uint8_t *kid,
			size_t kid_len)
{
	cbor_put_map(w, 2);
	cbor_put_uint(w, LABEL_ALG);
	cbor_put_int(w, alg);
	cbor_put_uint(w, LABEL_KID);
	cbor_put_bstr(w, kid, kid_len);
}

/* [context, protected, h'', <bstr of len bytes that the caller puts> */
static void put_prefix(struct cbor_writer *w, const char *context,
		       struct cbor_bytes prot, size_t payload_len)
{
	cbor_put_array(w, 4);
	cbor_put_str(w, context);
	cbor_put_bstr(w, prot.p, prot.len);
	cbor_put_bstr(w, NULL, 0);
	cbor_put_bstr_head(w, payload_len);
}

void cose_put_sig_prefix(struct cbor_writer *w, struct cbor_bytes prot,
			 size_t payload_len)
{
	put_prefix(w, "Signature1", prot, payload_len);
}

void cose_put_mac_prefix(struct cbor_writer *w, struct cbor_bytes prot,
			 size_t payload_len)
{
	put_prefix(w, "MAC0", prot, payload_len);
}

void cose_put_sig_structure(struct cbor_writer *w, struct cbor_bytes prot,
			    struct cbor_bytes payload)
{
	cose_put_sig_prefix(w, prot, payload.len);
	cbor_put_raw(w, payload.p, payload.len);
}

void cose_put_mac_structure(struct cbor_writer *w, struct cbor_bytes prot,
			    struct cbor_bytes payload)
{
	cose_put_mac_prefix(w, prot, payload.len);
	cbor_put_raw(w, payload.p, payload.len);
}

void cose_put_enc_structure(struct cbor_writer *w, struct cbor_bytes prot,
			    struct cbor_bytes aad)
{
	cbor_put_array(w, 3);
	cbor_put_str(w, "Encrypt0");
	cbor_put_bstr(w, prot.p, prot.len);
	cbor_put_bstr(w, aad.p, aad.len);
}

void cose_put_message(struct cbor_writer *w, uint64_t tag,
		      struct cbor_bytes prot, struct cbor_bytes payload,
		      const uint8_t *auth, size_t auth_len)
{
	cbor_put_tag(w, tag);
	cbor_put_array(w, 4);
	cbor_put_bstr(w, prot.p, prot.len);
	cbor_put_map(w, 0);
	if (payload.p)
		cbor_put_bstr(w, payload.p, payload.len);
	else
		cbor_put_null(w);
	cbor_put_bstr(w, auth, auth_len);
}

/* Contents of the protected header: exactly {1: alg, 4: kid}. */
static bool parse_protected(struct cose_msg *m, int64_t alg, const char **why)
{
	struct cbor_reader r;
	uint64_t pairs;

	cbor_reader_init(&r, m->protected_hdr.p, m->protected_hdr.len);
	if (!cbor_get_map(&r, &pairs) || pairs != 2 ||
	    !cbor_expect_uint(&r, LABEL_ALG) || !cbor_get_int(&r, &m->alg) ||
	    !cbor_expect_uint(&r, LABEL_KID) || !cbor_get_bstr(&r, &m->kid) ||
	    !cbor_done(&r))
		return refuse(why, "protected header is not {1: alg, 4: kid}");
	if (m->alg != alg)
		return refuse(why, "algorithm is not the expected one");
	if (m->kid.len < COSE_KID_MIN || m->kid.len > COSE_KID_MAX)
		return refuse(why, "key id is not 8 to 32 bytes");
	return true;
}

static bool parse_payload(struct cose_msg *m, struct cbor_reader *r,
			  const char **why)
{
	m->payload.p = NULL;
	m->payload.len = 0;
	if (cbor_peek(r) == CBOR_SIMPLE) {
		if (!cbor_get_null(r))
			return refuse(why, "payload is not a byte string");
		return true;
	}
	if (!cbor_get_bstr(r, &m->payload))
		return refuse(why, "payload is not a byte string");
	return true;
}

bool cose_parse(struct cose_msg *m, uint64_t tag, int64_t alg, const uint8_t *p,
		size_t len, const char **why)
{
	struct cbor_reader r;
	uint64_t n;
	size_t want = tag == COSE_TAG_SIGN1 ? COSE_SIG_LEN : COSE_MAC_LEN;

	memset(m, 0, sizeof(*m));
	if (!cbor_valid(p, len, CBOR_DEPTH_MAX, why))
		return false;
	cbor_reader_init(&r, p, len);
	if (!cbor_get_tag(&r, &m->tag) || m->tag != tag)
		return refuse(why, "tag is not the expected one");
	if (!cbor_get_array(&r, &n) || n != 4)
		return refuse(why, "message is not an array of four");
	if (!cbor_get_bstr(&r, &m->protected_hdr))
		return refuse(why, "protected header is not a byte string");
	if (!parse_protected(m, alg, why))
		return false;
	if (!cbor_get_map(&r, &n) || n != 0)
		return refuse(why, "unprotected header is not empty");
	if (!parse_payload(m, &r, why))
		return false;
	if (!cbor_get_bstr(&r, &m->auth) || !cbor_done(&r))
		return refuse(why, "signature or tag is not a byte string");
	if (m->auth.len != want)
		return refuse(why, "signature or tag has the wrong length");
	return true;
}

size_t cose_segment_header(uint8_t out[COSE_SEGMENT_HEADER_MAX], uint32_t k,
			   size_t ct_len)
{
	struct cbor_writer w;
	uint8_t piv[4];

	piv[0] = (uint8_t)(k >> 24);
	piv[1] = (uint8_t)(k >> 16);
	piv[2] = (uint8_t)(k >> 8);
	piv[3] = (uint8_t)k;
	cbor_writer_init(&w, out, COSE_SEGMENT_HEADER_MAX);
	cbor_put_raw(&w, segment_prefix, sizeof(segment_prefix));
	cbor_put_raw(&w, piv, sizeof(piv));
	cbor_put_bstr_head(&w, ct_len);
	return w.len;
}
