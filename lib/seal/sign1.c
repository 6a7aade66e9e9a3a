#include "lib/seal/sign1.h"

#include "lib/base/sha256.h"
#include "lib/seal/ossl.h"

#define HEADER_MAX 32	     /* {1: -7, 4: 8 bytes} is 13 bytes */
#define MESSAGE_HEADS_MAX 32 /* tag, array, map and bstr heads */

static struct span header(uint8_t out[HEADER_MAX],
			  const uint8_t kid[SIGN1_KID_LEN])
{
	struct cbor_writer w;

	cbor_writer_init(&w, out, HEADER_MAX);
	cose_put_protected(&w, COSE_ALG_ES256, kid, SIGN1_KID_LEN);
	return (struct span){ out, w.len };
}

enum pv_code sign1_digest_of(struct span prot, struct span payload,
			     uint8_t digest[static 32], struct err *err)
{
	uint8_t prefix[512];
	struct cbor_writer w;
	struct span parts[2];

	cbor_writer_init(&w, prefix, sizeof(prefix));
	cose_put_sig_prefix(&w, sign1_bytes(prot), payload.len);
	if (!cbor_writer_ok(&w))
		return err_fail(err, PV_INTERNAL, "seal.header", NULL,
				"a protected header of %zu bytes is too long",
				prot.len);
	parts[0] = (struct span){ prefix, w.len };
	parts[1] = payload;
	return sha256_parts(parts, 2, digest, err);
}

enum pv_code sign1_digest(struct span payload,
			  const uint8_t kid[static SIGN1_KID_LEN],
			  uint8_t digest[static 32], struct err *err)
{
	uint8_t prot[HEADER_MAX];

	return sign1_digest_of(header(prot, kid), payload, digest, err);
}

enum pv_code sign1_finish(struct span payload,
			  const uint8_t kid[static SIGN1_KID_LEN],
			  const uint8_t sig[static COSE_SIG_LEN],
			  struct buf *out, struct err *err)
{
	size_t max =
		payload.len + HEADER_MAX + COSE_SIG_LEN + MESSAGE_HEADS_MAX;
	uint8_t prot[HEADER_MAX];
	uint8_t *room = buf_room(out, max);
	struct cbor_writer w;

	if (!room)
		return buf_check(out, err);
	cbor_writer_init(&w, room, max);
	cose_put_message(&w, COSE_TAG_SIGN1, sign1_bytes(header(prot, kid)),
			 sign1_bytes(payload), sig, COSE_SIG_LEN);
	buf_commit(out, w.len);
	return PV_OK;
}
