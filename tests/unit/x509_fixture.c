#include "tests/unit/x509_fixture.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "lib/x509/cert.h"
#include "lib/x509/der.h"
#include "lib/x509/oids.h"
#include "lib/x509/tbs_lint.h"
#include "tests/unit/unit.h"

/* OpenSSL has macros of the same names and other values than profile.h. */
#undef KU_DIGITAL_SIGNATURE
#undef KU_KEY_CERT_SIGN
#undef KU_CRL_SIGN

static const char *const field_names[] = { "lot", "spare" };
static const char *const field_values[] = { "LOT42", NULL };

const struct text_vars xf_vars = {
	.device_id = "ACME-0123456789AB",
	.order_id = "order-7",
	.authority = "acme",
	.fields = field_values,
	.fields_n = 2,
	.shard = 3,
};

const uint8_t xf_serial[X509_SERIAL_LEN] = { 0,	   0,	 0,    1,    0xa1, 0xa2,
					     0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8,
					     0xa9, 0xaa, 0xab, 0xac };

EVP_PKEY *xf_key(const char *kind)
{
	EVP_PKEY *key;

	if (strcmp(kind, "RSA") == 0)
		return xf_rsa(2048);
	if (strcmp(kind, "Ed25519") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		key = EVP_EC_gen(kind);
	ck_assert(key != NULL);
	return key;
}

EVP_PKEY *xf_rsa(unsigned bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);

	ck_assert(key != NULL);
	return key;
}

void xf_fixed_spki(unsigned n, uint8_t spki[91])
{
	static const char *const points[] = {
		"0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F2"
		"9FB67903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4"
		"462299",
		"046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898"
		"C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837"
		"BF51F5",
	};
	uint8_t point[65];

	ck_assert(hex_decode(points[n], point, sizeof(point)));
	x509_spki_from_point(point, spki);
}

void xf_spki(EVP_PKEY *key, struct buf *out)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	ck_assert_int_gt(len, 0);
	buf_init(out, X509_SPKI_MAX);
	buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
}

void xf_sign(EVP_PKEY *key, struct span msg, uint8_t sig[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128];
	size_t len = sizeof(der);

	ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key),
			 1);
	ck_assert_int_eq(EVP_DigestSign(ctx, der, &len, msg.p, msg.len), 1);
	EVP_MD_CTX_free(ctx);
	ck_assert(x509_ecdsa_from_der((struct span){ der, len }, sig));
}

/* "CN=a/O=b" */
static void add_subject(X509_REQ *req, const char *subject)
{
	X509_NAME *name = X509_NAME_new();
	char *copy = strdup(subject), *save = NULL;

	for (char *p = strtok_r(copy, "/", &save); p;
	     p = strtok_r(NULL, "/", &save)) {
		char *value = strchr(p, '=');

		*value++ = '\0';
		ck_assert_int_eq(X509_NAME_add_entry_by_txt(
					 name, p, MBSTRING_UTF8,
					 (unsigned char *)value, -1, -1, 0),
				 1);
	}
	free(copy);
	ck_assert_int_eq(X509_REQ_set_subject_name(req, name), 1);
	X509_NAME_free(name);
}

static void add_exts(X509_REQ *req, const char *const *exts)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();

	for (; *exts; exts += 2) {
		X509V3_CTX ctx;
		X509_EXTENSION *e;

		X509V3_set_ctx(&ctx, NULL, NULL, req, NULL, 0);
		e = X509V3_EXT_nconf(NULL, &ctx, exts[0], exts[1]);
		ck_assert_msg(e != NULL, "%s", exts[0]);
		sk_X509_EXTENSION_push(list, e);
	}
	ck_assert_int_eq(X509_REQ_add_extensions(req, list), 1);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

void xf_csr(EVP_PKEY *key, const struct xf_csr *what, struct buf *out)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	int len;

	ck_assert_int_eq(X509_REQ_set_version(req, 0), 1);
	if (what->subject)
		add_subject(req, what->subject);
	ck_assert_int_eq(X509_REQ_set_pubkey(req, key), 1);
	if (what->exts)
		add_exts(req, what->exts);
	if (what->challenge)
		ck_assert_int_eq(X509_REQ_add1_attr_by_txt(
					 req, "challengePassword", MBSTRING_ASC,
					 (const unsigned char *)"not-used", 8),
				 1);
	if (what->unknown_attr)
		ck_assert_int_eq(X509_REQ_add1_attr_by_txt(
					 req, "1.3.6.1.4.1.99999.9",
					 V_ASN1_UTF8STRING,
					 (const unsigned char *)"x", 1),
				 1);
	ck_assert_int_gt(X509_REQ_sign(req, key,
				       EVP_get_digestbyname(
					       what->md ? what->md : "SHA256")),
			 0);
	len = i2d_X509_REQ(req, &der);
	ck_assert_int_gt(len, 0);
	buf_init(out, CSR_DER_MAX);
	buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	X509_REQ_free(req);
}

void xf_text(struct text *t, const char *s)
{
	struct err err;

	err_init(&err);
	unit_ok(text_parse(t, s, field_names, 2, true, &err), &err);
}

void xf_oid(struct oid *oid, const char *dotted)
{
	ck_assert_msg(oid_parse(dotted, oid), "%s", dotted);
}

void xf_rdn(struct x509_profile *p, const char *name, const char *oid,
	    enum der_string type, const char *value)
{
	struct profile_rdn *rdn = &p->subject[p->subject_n++];

	ck_assert_uint_le(p->subject_n, PROFILE_RDN_MAX);
	ck_assert_uint_lt(strlen(name), sizeof(rdn->name));
	memcpy(rdn->name, name, strlen(name) + 1);
	xf_oid(&rdn->oid, oid);
	rdn->string = type;
	xf_text(&rdn->value, value);
}

void xf_profile_release(struct x509_profile *p)
{
	for (size_t i = 0; i < p->subject_n; i++)
		text_release(&p->subject[i].value);
	for (size_t i = 0; i < p->san_n; i++)
		text_release(&p->san[i].value);
	for (size_t i = 0; i < p->cdp_n; i++)
		text_release(&p->cdp[i]);
	for (size_t i = 0; i < p->custom_n; i++)
		text_release(&p->custom[i].text);
	text_release(&p->ocsp);
	text_release(&p->ca_issuers);
}

void xf_ca_profile(struct x509_profile *p, const char *cn, int path_len)
{
	memset(p, 0, sizeof(*p));
	p->valid_s = UINT64_C(7300) * 86400;
	p->bc_present = p->bc_critical = p->bc_ca = true;
	p->bc_path_len = path_len;
	p->ku_present = p->ku_critical = true;
	p->ku_bits = KU_KEY_CERT_SIGN | KU_CRL_SIGN;
	p->ski = p->aki = true;
	xf_rdn(p, "CN", "2.5.4.3", DER_UTF8, cn);
}

void xf_leaf_profile(struct x509_profile *p)
{
	memset(p, 0, sizeof(*p));
	p->valid_s = UINT64_C(365) * 86400;
	p->backdate_min = 5;
	p->bc_present = p->bc_critical = true;
	p->bc_path_len = -1;
	p->ku_present = p->ku_critical = true;
	p->ku_bits = KU_DIGITAL_SIGNATURE;
	xf_oid(&p->eku[p->eku_n++], "1.3.6.1.5.5.7.3.2");
	p->ski = p->aki = true;
	xf_rdn(p, "O", "2.5.4.10", DER_UTF8, "ACME");
	xf_rdn(p, "CN", "2.5.4.3", DER_UTF8, "${device.id}");
}

void xf_cert(const struct x509_profile *p, const struct x509_issuer *issuer,
	     EVP_PKEY *issuer_key, struct span spki, struct buf *cert)
{
	struct buf tbs;
	struct err err;
	uint8_t sig[64];

	err_init(&err);
	buf_init(&tbs, X509_TBS_MAX);
	unit_ok(x509_tbs_build(p, issuer, &xf_vars, xf_serial, spki, FX_NOW,
			       &tbs, &err),
		&err);
	unit_ok(x509_tbs_lint(p, issuer, buf_span(&tbs), spki, xf_serial,
			      FX_NOW, &err),
		&err);
	xf_sign(issuer_key, buf_span(&tbs), sig);
	buf_init(cert, X509_CERT_MAX);
	unit_ok(x509_cert_assemble(buf_span(&tbs), sig, cert, &err), &err);
	buf_release(&tbs);
}

void xf_root(const struct x509_profile *p, EVP_PKEY **key,
	     struct x509_issuer *out)
{
	struct buf spki, cert;
	struct err err;

	err_init(&err);
	if (!*key)
		*key = xf_key("P-256");
	xf_spki(*key, &spki);
	xf_cert(p, NULL, *key, buf_span(&spki), &cert);
	unit_ok(x509_issuer_load(buf_span(&cert), out, &err), &err);
	buf_release(&spki);
	buf_release(&cert);
}

/* SPKI around a PKCS#1 RSAPublicKey. */
void xf_wrap_rsa(struct span pkcs1, struct buf *spki)
{
	size_t outer, alg, bits;

	buf_init(spki, 8192);
	outer = der_begin(spki, DER_SEQUENCE);
	alg = der_begin(spki, DER_SEQUENCE);
	der_put_oid(spki, &oid_rsa_encryption);
	der_put(spki, DER_NULL, (struct span){ NULL, 0 });
	der_end(spki, alg);
	bits = der_begin(spki, DER_BIT_STRING);
	buf_put_u8(spki, 0);
	buf_put(spki, pkcs1.p, pkcs1.len);
	der_end(spki, bits);
	der_end(spki, outer);
}

void xf_rsa_spki(struct span n, struct span e, struct buf *spki)
{
	struct buf pkcs1;
	size_t seq;

	buf_init(&pkcs1, 8192);
	seq = der_begin(&pkcs1, DER_SEQUENCE);
	der_put_uint(&pkcs1, n);
	der_put_uint(&pkcs1, e);
	der_end(&pkcs1, seq);
	xf_wrap_rsa(buf_span(&pkcs1), spki);
	buf_release(&pkcs1);
}

struct span xf_fixed_key(unsigned n)
{
	static uint8_t spki[2][91];

	xf_fixed_spki(n, spki[n]);
	return (struct span){ spki[n], sizeof(spki[n]) };
}

void xf_san(struct x509_profile *p, enum profile_san_kind kind,
	    const char *value)
{
	p->san[p->san_n].kind = kind;
	xf_text(&p->san[p->san_n++].value, value);
}

void xf_unsigned_cert(const struct x509_profile *p,
		      const struct x509_issuer *issuer, struct span spki,
		      int64_t now, struct buf *cert)
{
	static const uint8_t sig[64] = { [31] = 1, [63] = 2 };
	struct buf tbs;
	struct err err;

	err_init(&err);
	buf_init(&tbs, X509_TBS_MAX);
	buf_init(cert, X509_CERT_MAX);
	unit_ok(x509_tbs_build(p, issuer, &xf_vars, xf_serial, spki, now, &tbs,
			       &err),
		&err);
	unit_ok(x509_cert_assemble(buf_span(&tbs), sig, cert, &err), &err);
	buf_release(&tbs);
}

void xf_fixed_issuer(struct x509_profile *p, struct x509_issuer *out)
{
	struct buf cert;
	struct err err;

	err_init(&err);
	xf_unsigned_cert(p, NULL, xf_fixed_key(1), FX_NOW, &cert);
	unit_ok(x509_issuer_load(buf_span(&cert), out, &err), &err);
	xf_profile_release(p);
	buf_release(&cert);
}

/* Every extension there is, and no placeholder anywhere. */
void xf_literal_profile(struct x509_profile *p)
{
	static uint8_t der[] = { 0x02, 0x01, 0x2a };

	xf_leaf_profile(p);
	text_release(&p->subject[1].value);
	xf_text(&p->subject[1].value, "device");
	xf_rdn(p, "serialNumber", "2.5.4.5", DER_PRINTABLE, "1");
	xf_san(p, SAN_DNS, "gw.example");
	xf_san(p, SAN_URI, "urn:x");
	xf_san(p, SAN_EMAIL, "a@b");
	xf_san(p, SAN_IP, "192.0.2.1");
	xf_san(p, SAN_IP, "2001:db8::1");
	xf_san(p, SAN_HW_MODULE, "hw");
	xf_oid(&p->san[5].hw_type, "2.23.133.1.2");
	xf_text(&p->cdp[p->cdp_n++], "http://a/b.crl");
	xf_text(&p->ocsp, "http://o");
	xf_text(&p->ca_issuers, "http://i");
	xf_oid(&p->policies[p->policies_n++], "1.2.3.4");
	p->custom_n = 2;
	xf_oid(&p->custom[0].oid, "1.3.6.1.4.1.99999.2");
	xf_text(&p->custom[0].text, "text");
	xf_oid(&p->custom[1].oid, "1.3.6.1.4.1.99999.4");
	p->custom[1].critical = true;
	p->custom[1].kind = CUSTOM_DER;
	p->custom[1].bytes = der;
	p->custom[1].bytes_len = sizeof(der);
}
