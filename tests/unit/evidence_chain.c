#include "tests/unit/evidence_chain.h"

/* Before OpenSSL, which has macros of the same names as profile.h. */
#include "lib/x509/der.h"

#include <check.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define DAY_S 86400

static void set_name(X509_NAME *name, const char *cn)
{
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
						    (const uint8_t *)cn, -1, -1,
						    0),
			 1);
}

static void put_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e;

	if (!value)
		return;
	e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	ck_assert(e != NULL);
	ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void put_other(X509 *x, const char *oid, bool critical,
		      struct span value)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	ck_assert_int_eq(ASN1_OCTET_STRING_set(s, value.p, (int)value.len), 1);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, critical, s);
	ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(o);
}

void ec_make(const struct ec_cert *what, struct buf *der)
{
	static const uint8_t null[] = { 0x05, 0x00 };
	int64_t now = (int64_t)EC_NOW;
	X509 *x = X509_new();
	unsigned char *out = NULL;
	int len;

	ck_assert_int_eq(X509_set_version(x, 2), 1);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x),
				what->serial ? what->serial : 77);
	set_name(X509_get_subject_name(x), what->subject);
	set_name(X509_get_issuer_name(x), what->issuer);
	ASN1_TIME_set(X509_getm_notBefore(x),
		      what->from_s ? what->from_s : now - DAY_S);
	ASN1_TIME_set(X509_getm_notAfter(x),
		      what->until_s ? what->until_s : now + DAY_S);
	ck_assert_int_eq(X509_set_pubkey(x, what->key), 1);
	put_ext(x, NID_basic_constraints, what->basic);
	put_ext(x, NID_key_usage, what->usage);
	put_ext(x, NID_ext_key_usage, what->extended);
	put_ext(x, NID_name_constraints, what->names);
	put_ext(x, NID_subject_alt_name, what->san);
	if (what->tcb.p)
		put_other(x, "2.23.133.5.4.1", true, what->tcb);
	if (what->tcb2.p)
		put_other(x, "2.23.133.5.4.1", true, what->tcb2);
	if (what->other)
		put_other(x, what->other, true,
			  (struct span){ null, sizeof(null) });
	for (size_t i = 0; i < what->exts_n; i++)
		put_other(x, what->exts[i].oid, false, what->exts[i].value);
	ck_assert_int_gt(
		X509_sign(x, what->signer, what->md ? what->md : EVP_sha256()),
		0);
	len = i2d_X509(x, &out);
	ck_assert_int_gt(len, 0);
	buf_reset(der);
	buf_put(der, out, (size_t)len);
	OPENSSL_free(out);
	X509_free(x);
}

static void set_revoked(X509_CRL *crl, unsigned serial)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)EC_NOW - DAY_S);

	ck_assert_int_eq(ASN1_INTEGER_set_uint64(number, serial), 1);
	ck_assert_int_eq(X509_REVOKED_set_serialNumber(r, number), 1);
	ck_assert_int_eq(X509_REVOKED_set_revocationDate(r, when), 1);
	ck_assert_int_eq(X509_CRL_add0_revoked(crl, r), 1);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(when);
}

void ec_crl(const struct ec_crl *what, struct buf *der)
{
	const time_t now = (time_t)EC_NOW;
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *issuer = X509_NAME_new();
	ASN1_TIME *t =
		ASN1_TIME_set(NULL, what->from_s ? what->from_s : now - DAY_S);
	unsigned char *out = NULL;
	int len;

	set_name(issuer, what->issuer);
	ck_assert_int_eq(X509_CRL_set_version(crl, 1), 1);
	ck_assert_int_eq(X509_CRL_set_issuer_name(crl, issuer), 1);
	ck_assert_int_eq(X509_CRL_set1_lastUpdate(crl, t), 1);
	ASN1_TIME_set(t, what->until_s ? what->until_s : now + DAY_S);
	if (what->until_s >= 0)
		ck_assert_int_eq(X509_CRL_set1_nextUpdate(crl, t), 1);
	if (what->revoked)
		set_revoked(crl, what->revoked);
	ck_assert_int_gt(X509_CRL_sign(crl, what->signer, EVP_sha256()), 0);
	len = i2d_X509_CRL(crl, &out);
	ck_assert_int_gt(len, 0);
	buf_reset(der);
	buf_put(der, out, (size_t)len);
	OPENSSL_free(out);
	ASN1_TIME_free(t);
	X509_NAME_free(issuer);
	X509_CRL_free(crl);
}

static void put_number(struct buf *b, unsigned tag, int value)
{
	uint8_t v = (uint8_t)value;

	if (value >= 0)
		der_put(b, tag, (struct span){ &v, 1 });
}

static void put_fwid(struct buf *b, uint8_t alg, const uint8_t *digest,
		     size_t len)
{
	uint8_t oid[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, alg };
	size_t mark;

	if (!digest)
		return;
	mark = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_OID, (struct span){ oid, sizeof(oid) });
	der_put(b, DER_OCTET_STRING, (struct span){ digest, len });
	der_end(b, mark);
}

void ec_tcb(const struct ec_tcb *what, struct buf *out)
{
	size_t mark, list;
	struct buf bits;

	buf_reset(out);
	mark = der_begin(out, DER_SEQUENCE);
	put_number(out, DER_CONTEXT(3), what->svn);
	put_number(out, DER_CONTEXT(4), what->layer);
	if (what->sha256 || what->sha256_too || what->sha384) {
		list = der_begin(out, DER_CONTEXT_CONS(6));
		put_fwid(out, 1, what->sha256, 32);
		put_fwid(out, 1, what->sha256_too, 32);
		put_fwid(out, 2, what->sha384, 48);
		der_end(out, list);
	}
	if (what->flags) {
		buf_init(&bits, 64);
		der_put_named_bits(&bits, what->flags);
		/* IMPLICIT: the same but for the tag */
		bits.data[0] = DER_CONTEXT(7);
		buf_put(out, bits.data, bits.len);
		buf_release(&bits);
	}
	der_end(out, mark);
	ck_assert(!out->failed);
}
