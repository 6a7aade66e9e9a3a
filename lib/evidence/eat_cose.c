#include "lib/evidence/eat.h"

#include <string.h>

#include "lib/base/sha256.h"

/* RFC 9052 3.1 */
#define LABEL_ALG 1
#define LABEL_KID 4
#define PREFIX_MAX 256

static bool refuse(const char **why, const char *reason)
{
	*why = reason;
	return false;
}

static bool take_kid(struct eat_reader *r, struct eat_msg *m)
{
	return !m->kid.p && eat_get_bstr(r, &m->kid);
}

/* The contents of the protected header's byte string are a map of their own. */
static bool take_protected(struct eat_msg *m, const char **why)
{
	struct eat_reader r;
	uint64_t n, i;
	int64_t label;
	bool alg = false;

	if (!eat_valid(m->protected_hdr, why, NULL))
		return false;
	eat_reader_init(&r, m->protected_hdr);
	if (!eat_get_map(&r, &n))
		return refuse(why, "protected header is not a map");
	for (i = 0; i < n; i++) {
		if (!eat_get_int(&r, &label))
			return refuse(why, "a header that we do not know");
		if (label == LABEL_ALG)
			alg = eat_get_int(&r, &m->alg);
		else if (label != LABEL_KID || !take_kid(&r, m))
			return refuse(why, "a header that we do not know");
	}
	return (alg && eat_done(&r)) ||
	       refuse(why, "protected header without an algorithm's number");
}

static bool take_unprotected(struct eat_reader *r, struct eat_msg *m,
			     const char **why)
{
	uint64_t n;
	int64_t label;

	if (!eat_get_map(r, &n))
		return refuse(why, "unprotected header is not a map");
	if (n == 0)
		return true;
	return (n == 1 && eat_get_int(r, &label) && label == LABEL_KID &&
		take_kid(r, m)) ||
	       refuse(why, "unprotected header has more than a key id");
}

bool eat_message(struct span bytes, struct eat_msg *m, const char **why)
{
	struct eat_reader r;
	uint64_t n;

	memset(m, 0, sizeof(*m));
	if (!eat_valid(bytes, why, NULL))
		return false;
	eat_reader_init(&r, bytes);
	if (!eat_get_tag(&r, &m->tag) ||
	    (m->tag != COSE_TAG_SIGN1 && m->tag != COSE_TAG_MAC0))
		return refuse(why, "it is no COSE_Sign1 and no COSE_Mac0");
	if (!eat_get_array(&r, &n) || n != 4)
		return refuse(why, "the message is not an array of four");
	if (!eat_get_bstr(&r, &m->protected_hdr))
		return refuse(why, "protected header is not a byte string");
	if (!take_protected(m, why) || !take_unprotected(&r, m, why))
		return false;
	if (!eat_get_bstr(&r, &m->payload))
		return refuse(why, "payload is not a byte string");
	return (eat_get_bstr(&r, &m->auth) && eat_done(&r)) ||
	       refuse(why, "signature or tag is not a byte string");
}

enum pv_code eat_digest(const struct eat_msg *m, uint8_t digest[static 32],
			struct err *err)
{
	struct cbor_bytes prot = { m->protected_hdr.p, m->protected_hdr.len };
	uint8_t prefix[PREFIX_MAX];
	struct cbor_writer w;
	struct span parts[2];

	cbor_writer_init(&w, prefix, sizeof(prefix));
	cose_put_sig_prefix(&w, prot, m->payload.len);
	if (!cbor_writer_ok(&w))
		return err_fail(err, PV_INPUT, "evidence.form", NULL,
				"a protected header of %zu bytes is too long",
				prot.len);
	parts[0] = (struct span){ prefix, w.len };
	parts[1] = m->payload;
	return sha256_parts(parts, 2, digest, err);
}
