#include "lib/x509/ctx.h"
#include "lib/x509/oids.h"

#include <stdio.h>

#define EC_INFINITY 0x00 /* SEC 1 2.3.3: a single 00 octet */
#define EC_UNCOMPRESSED 0x04

const char *x509_alg_name(enum x509_alg alg)
{
	switch (alg) {
	case X509_ALG_P256:
		return "P-256";
	case X509_ALG_P384:
		return "P-384";
	case X509_ALG_RSA:
		return "RSA";
	case X509_ALG_OTHER:
		break;
	}
	return "other";
}

static enum pv_code malformed(const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, "key.malformed",
			"give a DER SubjectPublicKeyInfo (RFC 5280 4.1)",
			"the public key does not parse: %s", what);
}

static enum pv_code bad_curve(const char *what, struct err *err)
{
	return err_fail(err, PV_DENIED, "key.curve",
			"make a P-256 or P-384 key with a named curve",
			"the EC key %s", what);
}

/* Fixed by the curve: 04 || x || y. */
static enum pv_code check_point(struct span point, size_t want, struct err *err)
{
	if (point.len == 1 && point.p[0] == EC_INFINITY)
		return err_fail(err, PV_DENIED, "key.infinity",
				"the device must make a new key",
				"the public point is the point at infinity");
	if (point.len != want || point.p[0] != EC_UNCOMPRESSED)
		return err_fail(err, PV_DENIED, "key.point",
				"encode the point as 04, x, y (SEC 1 2.3.3)",
				"the public point is not an uncompressed one "
				"of %zu bytes",
				want);
	return PV_OK;
}

static enum pv_code parse_ec(struct span params, struct span key,
			     struct key_facts *facts, struct err *err)
{
	struct span curve;

	if (der_peek(&params, DER_SEQUENCE))
		return bad_curve("spells its curve out (RFC 5480 2.1.1)", err);
	if (!der_take_oid(&params, &curve) || params.len != 0)
		return malformed("no curve", err);
	if (oid_equal(&oid_p256, curve)) {
		facts->alg = X509_ALG_P256;
		facts->bits = 256;
	} else if (oid_equal(&oid_p384, curve)) {
		facts->alg = X509_ALG_P384;
		facts->bits = 384;
	} else {
		char text[64];

		oid_format(curve, text, sizeof(text));
		return bad_curve(text, err);
	}
	facts->point = key;
	return check_point(key, 1 + 2 * (facts->bits / 8), err);
}

/* RSAPublicKey, RFC 8017 A.1.1; parameters NULL (RFC 3279 2.3.1). */
static enum pv_code parse_rsa(struct span params, struct span key,
			      struct key_facts *facts, struct err *err)
{
	struct span null, seq, top;

	if (!der_take(&params, DER_NULL, &null) || null.len != 0 ||
	    params.len != 0)
		return malformed("RSA without NULL parameters", err);
	if (!der_take(&key, DER_SEQUENCE, &seq) || key.len != 0 ||
	    !der_take_uint(&seq, &facts->n) ||
	    !der_take_uint(&seq, &facts->e) || seq.len != 0)
		return malformed("not an RSAPublicKey", err);
	facts->alg = X509_ALG_RSA;
	facts->debian = "not checked";
	top = facts->n;
	facts->bits = (unsigned)(8 * (top.len - 1));
	for (unsigned v = top.p[0]; v; v >>= 1)
		facts->bits++;
	return PV_OK;
}

enum pv_code x509_key_parse(struct span spki, struct key_facts *facts,
			    struct err *err)
{
	struct span seq, alg, oid, key;
	unsigned unused;

	*facts = (struct key_facts){ .debian = "not applicable" };
	if (spki.len > X509_SPKI_MAX)
		return malformed("it is too long", err);
	if (!der_take(&spki, DER_SEQUENCE, &seq) || spki.len != 0 ||
	    !der_take(&seq, DER_SEQUENCE, &alg) || !der_take_oid(&alg, &oid) ||
	    !der_take_bits(&seq, &key, &unused) || unused != 0 || seq.len != 0)
		return malformed("not strict DER", err);
	if (oid_equal(&oid_ec_public_key, oid))
		return parse_ec(alg, key, facts, err);
	if (oid_equal(&oid_rsa_encryption, oid))
		return parse_rsa(alg, key, facts, err);
	return PV_OK;
}

static void list_allowed(unsigned allowed, char *out, size_t cap)
{
	size_t used = 0;

	out[0] = '\0';
	for (enum x509_alg a = X509_ALG_P256; a <= X509_ALG_RSA; a++)
		if ((allowed & X509_ALLOW(a)) && used < cap)
			used += (size_t)snprintf(out + used, cap - used, "%s%s",
						 used ? ", " : "",
						 x509_alg_name(a));
}

enum pv_code x509_key_check_form(struct x509_ctx *ctx, struct span spki,
				 unsigned allowed, struct key_facts *facts,
				 struct err *err)
{
	enum pv_code rc = x509_key_parse(spki, facts, err);
	struct x509_curve *curve;
	char names[32];

	if (rc != PV_OK)
		return rc;
	if (facts->alg == X509_ALG_OTHER ||
	    !(allowed & X509_ALLOW(facts->alg))) {
		list_allowed(allowed, names, sizeof(names));
		return err_fail(err, PV_DENIED, "key.algorithm",
				"make a key of the algorithm the template asks "
				"for",
				"the key's algorithm is %s, allowed: %s",
				x509_alg_name(facts->alg), names);
	}
	if (facts->alg == X509_ALG_RSA)
		return x509_rsa_check_form(facts, err);
	return x509_ctx_import(ctx, facts, &curve, err);
}

enum pv_code x509_key_check_weak(struct x509_ctx *ctx,
				 const struct key_facts *facts, struct err *err)
{
	if (facts->alg == X509_ALG_RSA)
		return x509_rsa_check_weak(ctx, facts, err);
	return PV_OK;
}

enum pv_code x509_key_check(struct x509_ctx *ctx, struct span spki,
			    unsigned allowed, struct key_facts *facts,
			    struct err *err)
{
	enum pv_code rc = x509_key_check_form(ctx, spki, allowed, facts, err);

	return rc == PV_OK ? x509_key_check_weak(ctx, facts, err) : rc;
}
