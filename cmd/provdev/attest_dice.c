/* DICE: the certificates of layers, made at boot, and what the last signs. */
#include <openssl/asn1.h>
#include <openssl/conf.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "cmd/provdev/attest.h"
#include "lib/base/cbor.h"
#include "lib/base/cleanup.h"

#define OID_TCB "2.23.133.5.4.1"
#define OID_SHA256 "2.16.840.1.101.3.4.2.1"
#define LAYER "layer"
#define TCB_MAX 1024
#define CHAIN_MAX 32768
#define SERIAL_BITS 127
#define NOT_BEFORE "20200101000000Z" /* a device has no clock */
#define NOT_AFTER "99991231235959Z"  /* RFC 5280 4.1.2.5 */

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);
CLEANUP_PTR(X509, X509_free);
CLEANUP_PTR(BIO, BIO_free_all);
CLEANUP_PTR(CONF, NCONF_free);
CLEANUP_PTR(BIGNUM, BN_free);
CLEANUP_PTR(X509_EXTENSION, X509_EXTENSION_free);

static enum pv_code crypto_failed(struct err *err, const char *what)
{
	return err_fail(err, PV_INTERNAL, "crypto", NULL, "OpenSSL: %s", what);
}

static bool set_name(X509_NAME *name, const char *cn)
{
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					  (const uint8_t *)cn, -1, -1, 0) == 1;
}

static bool add_ext(X509 *x, CONF *conf, const char *oid, const char *value)
{
	X509V3_CTX ctx;
	CLEANUP(cleanup_X509_EXTENSION_free) X509_EXTENSION *e = NULL;

	X509V3_set_ctx(&ctx, NULL, x, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, conf);
	e = X509V3_EXT_nconf(conf, &ctx, oid, value);
	return e && X509_add_ext(x, e, -1) == 1;
}

/* sections: OpenSSL's text of an ASN.1 value, whose first one is "tcb". */
static bool add_tcb(X509 *x, const char *sections)
{
	CLEANUP(cleanup_BIO_free_all) BIO *bio = BIO_new_mem_buf(sections, -1);
	CLEANUP(cleanup_NCONF_free) CONF *conf = NCONF_new(NULL);

	return bio && conf && NCONF_load_bio(conf, bio, NULL) == 1 &&
	       add_ext(x, conf, OID_TCB, "critical,ASN1:SEQUENCE:tcb");
}

static bool set_serial(X509 *x)
{
	CLEANUP(cleanup_BN_free) BIGNUM *n = BN_new();

	return n &&
	       BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
	       BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
}

static bool fill(X509 *x, const struct attest_cert *c)
{
	return X509_set_version(x, 2) == 1 && set_serial(x) &&
	       set_name(X509_get_subject_name(x), c->subject) &&
	       set_name(X509_get_issuer_name(x), c->issuer) &&
	       ASN1_TIME_set_string_X509(X509_getm_notBefore(x), NOT_BEFORE) &&
	       ASN1_TIME_set_string_X509(X509_getm_notAfter(x), NOT_AFTER) &&
	       X509_set_pubkey(x, c->key) == 1 &&
	       add_ext(x, NULL, "basicConstraints",
		       c->ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
	       add_ext(x, NULL, "keyUsage",
		       c->ca ? "critical,keyCertSign"
			     : "critical,digitalSignature") &&
	       (!c->tcb || add_tcb(x, c->tcb));
}

enum pv_code attest_cert_make(const struct attest_cert *c, uint8_t **der,
			      size_t *len, struct err *err)
{
	CLEANUP(cleanup_X509_free) X509 *x = X509_new();
	int n;

	*der = NULL;
	if (!x || !fill(x, c) || X509_sign(x, c->signer, EVP_sha256()) <= 0 ||
	    (n = i2d_X509(x, der)) <= 0)
		return crypto_failed(err, "cannot make a certificate");
	*len = (size_t)n;
	return PV_OK;
}

/* DiceTcbInfo (DICE Attestation Architecture 1.0, 6.1.1) of one layer. */
static bool tcb_text(const struct attest_spec *s,
		     const struct attest_measure *m, char out[TCB_MAX])
{
	char digest[2 * ATTEST_HASH_LEN + 1], flags[64] = "";
	const char *number = m->name + strlen(LAYER);

	if (strncmp(m->name, LAYER, strlen(LAYER)) != 0 || number[0] < '0' ||
	    number[0] > '9' || number[1] != '\0')
		return false;
	hex_encode(m->digest, sizeof(m->digest), digest);
	if (s->state->dice != ATTEST_NO_FLAG)
		snprintf(flags, sizeof(flags),
			 "flags=IMPLICIT:7,FORMAT:BITLIST,BITSTRING:%d\n",
			 s->state->dice);
	snprintf(out, TCB_MAX,
		 "[tcb]\nsvn=IMPLICIT:3,INTEGER:%u\n"
		 "layer=IMPLICIT:4,INTEGER:%s\nfwids=IMPLICIT:6,SEQUENCE:list\n"
		 "%s[list]\none=SEQUENCE:fwid\n"
		 "[fwid]\nalg=OID:" OID_SHA256 "\n"
		 "digest=FORMAT:HEX,OCTETSTRING:%s\n",
		 s->svn, number, flags, digest);
	return true;
}

struct boot {
	struct span cert[ATTEST_MEASURES_MAX + 1]; /* DeviceID's first */
	uint8_t *made[ATTEST_MEASURES_MAX];
	size_t n;
	EVP_PKEY *key; /* of the layer that runs */
	char subject[PVDEV_ID_MAX + 1];
};

static void boot_release(struct boot *b)
{
	for (size_t i = 0; i < ATTEST_MEASURES_MAX; i++)
		OPENSSL_free(b->made[i]);
	EVP_PKEY_free(b->key);
}

/* The running layer measures the next one, certifies its key and starts it. */
static enum pv_code start_layer(struct boot *b, const struct attest_spec *s,
				size_t i, struct err *err)
{
	CLEANUP(cleanup_EVP_PKEY_free)
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	char tcb[TCB_MAX];
	const struct attest_measure *m = &s->measure[i];
	struct attest_cert c = { .subject = m->name,
				 .issuer = b->subject,
				 .key = key,
				 .signer = b->key,
				 .ca = i + 1 < s->measure_n,
				 .tcb = tcb };
	size_t len;
	enum pv_code code;

	if (!key)
		return crypto_failed(err, "cannot generate a key");
	if (!tcb_text(s, m, tcb))
		return err_fail(err, PV_INPUT, "device.measure",
				"name it layer0 to layer9",
				"%s is no layer of a DICE", m->name);
	code = attest_cert_make(&c, &b->made[i], &len, err);
	if (code != PV_OK)
		return code;
	b->cert[b->n++] = (struct span){ b->made[i], len };
	snprintf(b->subject, sizeof(b->subject), "%s", m->name);
	EVP_PKEY_free(b->key);
	b->key = TAKE(key);
	return PV_OK;
}

/* [[certificate, leaf first, ...], message] */
static enum pv_code put_evidence(const struct boot *b,
				 const struct buf *message, struct buf *out,
				 struct err *err)
{
	CLEANUP(buf_release) struct buf all;
	struct cbor_writer w;
	uint8_t *room;

	buf_init(&all, CHAIN_MAX);
	room = buf_room(&all, CHAIN_MAX);
	if (!room)
		return buf_check(&all, err);
	cbor_writer_init(&w, room, CHAIN_MAX);
	cbor_put_array(&w, 2);
	cbor_put_array(&w, b->n);
	for (size_t i = b->n; i-- > 0;)
		cbor_put_bstr(&w, b->cert[i].p, b->cert[i].len);
	cbor_put_bstr(&w, message->data, message->len);
	if (!cbor_writer_ok(&w))
		return crypto_failed(err, "the evidence is too long");
	buf_put(out, room, w.len);
	return buf_check(out, err);
}

static enum pv_code read_deviceid(struct home *h, struct boot *b, X509 **cert,
				  uint8_t **der, struct err *err)
{
	CLEANUP(buf_release) struct buf pem;
	CLEANUP(cleanup_BIO_free_all) BIO *bio = NULL;
	enum pv_code code;
	int len;

	buf_init(&pem, CHAIN_MAX);
	code = home_key(h, "deviceid.pem", &b->key, err);
	if (code == PV_OK && !b->key)
		code = err_fail(err, PV_NOT_FOUND, "device.key",
				"run provdev attest-key first",
				"the device has no DeviceID key");
	if (code == PV_OK)
		code = file_read(h->dirfd, "deviceid_cert.pem", FILEIO_NOFOLLOW,
				 &pem, err);
	if (code != PV_OK)
		return code;
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	*cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	len = *cert ? i2d_X509(*cert, der) : 0;
	if (len <= 0)
		return err_fail(err, PV_INPUT, "device.file", NULL,
				"deviceid_cert.pem is no certificate");
	b->cert[b->n++] = (struct span){ *der, (size_t)len };
	snprintf(b->subject, sizeof(b->subject), "%s", h->id);
	return PV_OK;
}

enum pv_code attest_dice(struct home *h, const struct attest_spec *s,
			 struct buf *out, struct err *err)
{
	CLEANUP(boot_release) struct boot b = { .n = 0 };
	CLEANUP(cleanup_X509_free) X509 *cert = NULL;
	CLEANUP(buf_release) struct buf message;
	uint8_t *der = NULL;
	enum pv_code code;

	buf_init(&message, CHAIN_MAX);
	if (s->state->dice < 0)
		return err_fail(err, PV_INPUT, "device.lifecycle", NULL,
				"DiceTcbInfo has no state %s", s->state->name);
	code = read_deviceid(h, &b, &cert, &der, err);
	for (size_t i = 0; code == PV_OK && i < s->measure_n; i++)
		code = start_layer(&b, s, i, err);
	if (code == PV_OK)
		code = attest_message(b.key, NULL,
				      (struct span){ s->a, sizeof(s->a) },
				      &message, err);
	if (code == PV_OK)
		code = put_evidence(&b, &message, out, err);
	OPENSSL_free(der);
	return code;
}
