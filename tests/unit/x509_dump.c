#include "tests/unit/x509_dump.h"

#include <check.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static void put_hex(struct buf *out, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_printf(out, "%02x", p[i]);
}

static void put_oid(struct buf *out, const ASN1_OBJECT *o)
{
	char text[80];

	ck_assert_int_gt(OBJ_obj2txt(text, sizeof(text), o, 1), 0);
	buf_put_str(out, text);
}

static void dump_name(struct buf *out, const char *what, const X509_NAME *name)
{
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
		ASN1_STRING *v = X509_NAME_ENTRY_get_data(e);

		buf_printf(out, "%s ", what);
		put_oid(out, X509_NAME_ENTRY_get_object(e));
		buf_printf(out, " %s %.*s\n", ASN1_tag2str(ASN1_STRING_type(v)),
			   ASN1_STRING_length(v),
			   (const char *)ASN1_STRING_get0_data(v));
	}
}

static void dump_time(struct buf *out, const char *what, const ASN1_TIME *t)
{
	ck_assert_int_eq(ASN1_TIME_check(t), 1);
	buf_printf(out, "%s %s %.*s\n", what, ASN1_tag2str(ASN1_STRING_type(t)),
		   ASN1_STRING_length(t),
		   (const char *)ASN1_STRING_get0_data(t));
}

/* HardwareModuleName has no text in OpenSSL: type and serial. */
static void dump_other_name(struct buf *out, const OTHERNAME *other)
{
	const unsigned char *p = other->value->value.sequence->data;
	ASN1_SEQUENCE_ANY *seq = d2i_ASN1_SEQUENCE_ANY(
		NULL, &p, other->value->value.sequence->length);
	ASN1_TYPE *type = sk_ASN1_TYPE_value(seq, 0);
	ASN1_TYPE *serial = sk_ASN1_TYPE_value(seq, 1);

	ck_assert_int_eq(sk_ASN1_TYPE_num(seq), 2);
	buf_put_str(out, "  otherName ");
	put_oid(out, other->type_id);
	buf_put_str(out, " type ");
	put_oid(out, type->value.object);
	buf_printf(out, " serial %.*s\n",
		   ASN1_STRING_length(serial->value.octet_string),
		   (const char *)ASN1_STRING_get0_data(
			   serial->value.octet_string));
	sk_ASN1_TYPE_pop_free(seq, ASN1_TYPE_free);
}

static void dump_other_names(struct buf *out, X509_EXTENSION *e)
{
	GENERAL_NAMES *names = X509V3_EXT_d2i(e);

	ck_assert(names != NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_OTHERNAME)
			dump_other_name(out, n->d.otherName);
	}
	GENERAL_NAMES_free(names);
}

/* OpenSSL's lines joined by "; ". */
static void put_text(struct buf *out, X509_EXTENSION *e)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	bool gap = false;
	long len;

	ck_assert_int_eq(X509V3_EXT_print(bio, e, X509V3_EXT_ERROR_UNKNOWN, 0),
			 1);
	len = BIO_get_mem_data(bio, &text);
	for (long i = 0; i < len; i++) {
		if (text[i] == '\n') {
			gap = true;
			continue;
		}
		if (gap && text[i] == ' ')
			continue;
		if (gap)
			buf_put_str(out, "; ");
		gap = false;
		buf_put_u8(out, (uint8_t)text[i]);
	}
	BIO_free(bio);
}

static void dump_extension(struct buf *out, X509_EXTENSION *e)
{
	const ASN1_OBJECT *oid = X509_EXTENSION_get_object(e);
	const ASN1_OCTET_STRING *v = X509_EXTENSION_get_data(e);
	int nid = OBJ_obj2nid(oid);

	buf_put_str(out, "extension ");
	put_oid(out, oid);
	if (X509_EXTENSION_get_critical(e))
		buf_put_str(out, " critical");
	buf_put_u8(out, ' ');
	if (nid == NID_undef)
		put_hex(out, ASN1_STRING_get0_data(v),
			(size_t)ASN1_STRING_length(v));
	else
		put_text(out, e);
	buf_put_u8(out, '\n');
	if (nid == NID_subject_alt_name)
		dump_other_names(out, e);
}

static void dump_key(struct buf *out, X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	char group[32] = "";

	ck_assert(key != NULL);
	EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
	buf_printf(out, "key %s %s\n", EVP_PKEY_get0_type_name(key), group);
}

static void dump_signature(struct buf *out, X509 *cert)
{
	const X509_ALGOR *alg;
	const ASN1_OBJECT *oid;
	int params;

	alg = X509_get0_tbs_sigalg(cert);
	X509_ALGOR_get0(&oid, &params, NULL, alg);
	buf_put_str(out, "signature ");
	put_oid(out, oid);
	buf_printf(out, " parameters %s\n",
		   params == V_ASN1_UNDEF ? "absent" : "present");
}

void x509_dump(struct span der, struct buf *out)
{
	const unsigned char *p = der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.len);
	const ASN1_INTEGER *serial;
	unsigned char *again = NULL;

	ck_assert_msg(cert != NULL, "OpenSSL refuses the certificate");
	ck_assert(p == der.p + der.len);
	/* OpenSSL's own encoding of what it read is ours. */
	ck_assert_int_eq(i2d_X509(cert, &again), (int)der.len);
	ck_assert_mem_eq(again, der.p, der.len);
	OPENSSL_free(again);
	ck_assert_int_eq(X509_get_extension_flags(cert) & EXFLAG_INVALID, 0);

	serial = X509_get0_serialNumber(cert);
	buf_printf(out, "version %ld\nserial ", X509_get_version(cert) + 1);
	put_hex(out, ASN1_STRING_get0_data(serial),
		(size_t)ASN1_STRING_length(serial));
	buf_put_u8(out, '\n');
	dump_signature(out, cert);
	dump_name(out, "issuer", X509_get_issuer_name(cert));
	dump_time(out, "notBefore", X509_get0_notBefore(cert));
	dump_time(out, "notAfter", X509_get0_notAfter(cert));
	dump_name(out, "subject", X509_get_subject_name(cert));
	dump_key(out, cert);
	for (int i = 0; i < X509_get_ext_count(cert); i++)
		dump_extension(out, X509_get_ext(cert, i));
	X509_free(cert);
}
