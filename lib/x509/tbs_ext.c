/* The extensions of a TBS, one function each: RFC 5280 4.2. */
#include "lib/x509/tbs_impl.h"

#include <string.h>

#include <openssl/evp.h>

#include "lib/x509/ctx.h"
#include "lib/x509/oids.h"
#include "lib/x509/value.h"

#define SKI_LEN 20
#define GENERAL_NAME_OTHER 0u
#define GENERAL_NAME_EMAIL 1u
#define GENERAL_NAME_DNS 2u
#define GENERAL_NAME_URI 6u
#define GENERAL_NAME_IP 7u

void tbs_put_basic_constraints(struct buf *b, const struct x509_profile *p)
{
	struct der_ext m;
	size_t seq;

	if (!p->bc_present)
		return;
	m = der_begin_ext(b, &oid_basic_constraints, p->bc_critical);
	seq = der_begin(b, DER_SEQUENCE);
	if (p->bc_ca)
		der_put_bool(b, true);
	if (p->bc_ca && p->bc_path_len >= 0) {
		uint8_t len = (uint8_t)p->bc_path_len;

		b->failed |= p->bc_path_len > UINT8_MAX;
		der_put_uint(b, (struct span){ &len, 1 });
	}
	der_end(b, seq);
	der_end_ext(b, m);
}

void tbs_put_key_usage(struct buf *b, const struct x509_profile *p)
{
	struct der_ext m;

	if (!p->ku_present)
		return;
	m = der_begin_ext(b, &oid_key_usage, p->ku_critical);
	der_put_named_bits(b, p->ku_bits);
	der_end_ext(b, m);
}

static void put_ext_usage(struct buf *b, const struct x509_profile *p)
{
	struct der_ext m;
	size_t seq;

	if (p->eku_n == 0)
		return;
	m = der_begin_ext(b, &oid_ext_key_usage, p->eku_critical);
	seq = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < p->eku_n; i++)
		der_put_oid(b, &p->eku[i]);
	der_end(b, seq);
	der_end_ext(b, m);
}

/* Method 1: SHA-1 of the BIT STRING's octets (RFC 5280 4.2.1.2). */
static enum pv_code key_id(struct span spki, uint8_t id[SKI_LEN],
			   struct err *err)
{
	struct span seq, bits;
	unsigned unused;

	if (!der_take(&spki, DER_SEQUENCE, &seq) || spki.len != 0 ||
	    !der_take(&seq, DER_SEQUENCE, NULL) ||
	    !der_take_bits(&seq, &bits, &unused) || seq.len != 0)
		return err_fail(err, PV_INPUT, "key.malformed", NULL,
				"the public key does not parse");
	if (EVP_Digest(bits.p, bits.len, id, NULL, EVP_sha1(), NULL) != 1)
		return x509_openssl_fail("SHA-1", err);
	return PV_OK;
}

static enum pv_code put_key_ids(struct tbs_work *w, struct err *err)
{
	const struct x509_profile *p = w->profile;
	uint8_t own[SKI_LEN];
	struct span authority = { own, sizeof(own) };
	struct der_ext m;
	size_t seq;
	enum pv_code rc = key_id(w->spki, own, err);

	if (rc != PV_OK)
		return rc;
	if (p->ski) {
		m = der_begin_ext(w->out, &oid_ski, false);
		der_put(w->out, DER_OCTET_STRING, authority);
		der_end_ext(w->out, m);
	}
	if (!p->aki)
		return PV_OK;
	if (w->issuer)
		authority = w->issuer->ski;
	m = der_begin_ext(w->out, &oid_aki, false);
	seq = der_begin(w->out, DER_SEQUENCE);
	der_put(w->out, DER_CONTEXT(0), authority);
	der_end(w->out, seq);
	der_end_ext(w->out, m);
	return PV_OK;
}

/* otherName [0] { id-on-hardwareModuleName, [0] HardwareModuleName } */
static enum pv_code put_hw_module(struct tbs_work *w, const struct oid *type,
				  struct err *err)
{
	size_t other, value, seq;
	const char *bad = value_hw_serial(tbs_text(w));

	if (bad)
		return tbs_value("san.value", "hardwareModuleName", bad, err);
	other = der_begin(w->out, DER_CONTEXT_CONS(GENERAL_NAME_OTHER));
	der_put_oid(w->out, &oid_on_hw_module);
	value = der_begin(w->out, DER_CONTEXT_CONS(0));
	seq = der_begin(w->out, DER_SEQUENCE);
	der_put_oid(w->out, type);
	der_put(w->out, DER_OCTET_STRING, tbs_text(w));
	der_end(w->out, seq);
	der_end(w->out, value);
	der_end(w->out, other);
	return PV_OK;
}

static enum pv_code put_san_one(struct tbs_work *w,
				const struct profile_san *san, struct err *err)
{
	enum pv_code rc = tbs_expand(w, &san->value, err);
	unsigned tag = GENERAL_NAME_DNS;
	const char *bad = NULL;
	struct span v = tbs_text(w);
	uint8_t ip[16];

	if (rc != PV_OK)
		return rc;
	switch (san->kind) {
	case SAN_HW_MODULE:
		return put_hw_module(w, &san->hw_type, err);
	case SAN_DNS:
		bad = value_dns(v);
		break;
	case SAN_URI:
		tag = GENERAL_NAME_URI;
		bad = value_uri(v);
		break;
	case SAN_EMAIL:
		tag = GENERAL_NAME_EMAIL;
		bad = value_email(v);
		break;
	case SAN_IP:
		tag = GENERAL_NAME_IP;
		bad = value_ip(w->text, ip, &v.len);
		v.p = ip;
		break;
	}
	if (!bad)
		der_put(w->out, DER_CONTEXT(tag), v);
	return tbs_value("san.value", "subjectAltName", bad, err);
}

static enum pv_code put_san(struct tbs_work *w, struct err *err)
{
	const struct x509_profile *p = w->profile;
	struct der_ext m;
	enum pv_code rc = PV_OK;
	size_t seq;

	if (p->san_n == 0)
		return PV_OK;
	m = der_begin_ext(w->out, &oid_san, p->san_critical);
	seq = der_begin(w->out, DER_SEQUENCE);
	for (size_t i = 0; i < p->san_n && rc == PV_OK; i++)
		rc = put_san_one(w, &p->san[i], err);
	der_end(w->out, seq);
	der_end_ext(w->out, m);
	return rc;
}

/* GeneralName uniformResourceIdentifier. */
static enum pv_code put_uri(struct tbs_work *w, const struct text *t,
			    const char *what, struct err *err)
{
	enum pv_code rc = tbs_expand(w, t, err);

	if (rc == PV_OK)
		rc = tbs_value("uri.value", what, value_uri(tbs_text(w)), err);
	if (rc == PV_OK)
		der_put(w->out, DER_CONTEXT(GENERAL_NAME_URI), tbs_text(w));
	return rc;
}

/* Each URI is a DistributionPoint of its own: [0] { [0] { URI } }. */
static enum pv_code put_cdp(struct tbs_work *w, struct err *err)
{
	const struct x509_profile *p = w->profile;
	struct buf *b = w->out;
	struct der_ext m;
	enum pv_code rc = PV_OK;
	size_t list;

	if (p->cdp_n == 0)
		return PV_OK;
	m = der_begin_ext(b, &oid_cdp, false);
	list = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < p->cdp_n && rc == PV_OK; i++) {
		size_t point = der_begin(b, DER_SEQUENCE);
		size_t name = der_begin(b, DER_CONTEXT_CONS(0));
		size_t full = der_begin(b, DER_CONTEXT_CONS(0));

		rc = put_uri(w, &p->cdp[i], "crlDistributionPoints", err);
		der_end(b, full);
		der_end(b, name);
		der_end(b, point);
	}
	der_end(b, list);
	der_end_ext(b, m);
	return rc;
}

static enum pv_code put_access(struct tbs_work *w, const struct oid *method,
			       const struct text *t, struct err *err)
{
	size_t seq;
	enum pv_code rc;

	if (t->n == 0)
		return PV_OK;
	seq = der_begin(w->out, DER_SEQUENCE);
	der_put_oid(w->out, method);
	rc = put_uri(w, t, "authorityInfoAccess", err);
	der_end(w->out, seq);
	return rc;
}

static enum pv_code put_aia(struct tbs_work *w, struct err *err)
{
	const struct x509_profile *p = w->profile;
	struct der_ext m;
	enum pv_code rc;
	size_t seq;

	if (p->ocsp.n == 0 && p->ca_issuers.n == 0)
		return PV_OK;
	m = der_begin_ext(w->out, &oid_aia, false);
	seq = der_begin(w->out, DER_SEQUENCE);
	rc = put_access(w, &oid_ad_ocsp, &p->ocsp, err);
	if (rc == PV_OK)
		rc = put_access(w, &oid_ad_ca_issuers, &p->ca_issuers, err);
	der_end(w->out, seq);
	der_end_ext(w->out, m);
	return rc;
}

static void put_policies(struct buf *b, const struct x509_profile *p)
{
	struct der_ext m;
	size_t list, one;

	if (p->policies_n == 0)
		return;
	m = der_begin_ext(b, &oid_policies, false);
	list = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < p->policies_n; i++) {
		one = der_begin(b, DER_SEQUENCE);
		der_put_oid(b, &p->policies[i]);
		der_end(b, one);
	}
	der_end(b, list);
	der_end_ext(b, m);
}

/* RFC 9608 2: never critical, its value is NULL. */
static void put_no_rev_avail(struct buf *b, const struct x509_profile *p)
{
	struct der_ext m;

	if (!p->no_rev_avail)
		return;
	m = der_begin_ext(b, &oid_no_rev_avail, false);
	der_put(b, DER_NULL, (struct span){ NULL, 0 });
	der_end_ext(b, m);
}

static enum pv_code put_custom(struct tbs_work *w,
			       const struct profile_custom *c, struct err *err)
{
	struct span bytes = { c->bytes, c->bytes_len };
	struct der_ext m;
	const char *bad;
	size_t chars;
	enum pv_code rc;

	if (c->kind == CUSTOM_UTF8) {
		rc = tbs_expand(w, &c->text, err);
		if (rc != PV_OK)
			return rc;
		bad = value_text(tbs_text(w), &chars);
		if (bad)
			return tbs_value("custom.value", "an extension", bad,
					 err);
	}
	m = der_begin_ext(w->out, &c->oid, c->critical);
	switch (c->kind) {
	case CUSTOM_UTF8:
		der_put(w->out, DER_UTF8_STRING, tbs_text(w));
		break;
	case CUSTOM_OCTETS:
		der_put(w->out, DER_OCTET_STRING, bytes);
		break;
	case CUSTOM_DER:
		buf_put(w->out, bytes.p, bytes.len);
		break;
	}
	der_end_ext(w->out, m);
	return PV_OK;
}

static enum pv_code put_all(struct tbs_work *w, struct err *err)
{
	const struct x509_profile *p = w->profile;
	enum pv_code rc;

	tbs_put_basic_constraints(w->out, p);
	tbs_put_key_usage(w->out, p);
	put_ext_usage(w->out, p);
	rc = put_key_ids(w, err);
	if (rc == PV_OK)
		rc = put_san(w, err);
	if (rc == PV_OK)
		rc = put_cdp(w, err);
	if (rc == PV_OK)
		rc = put_aia(w, err);
	put_policies(w->out, p);
	put_no_rev_avail(w->out, p);
	for (size_t i = 0; i < p->custom_n && rc == PV_OK; i++)
		rc = put_custom(w, &p->custom[i], err);
	return rc;
}

enum pv_code tbs_put_extensions(struct tbs_work *w, struct err *err)
{
	size_t before = w->out->len, outer, list, empty;
	enum pv_code rc;

	outer = der_begin(w->out, DER_CONTEXT_CONS(3));
	list = der_begin(w->out, DER_SEQUENCE);
	empty = w->out->len;
	rc = put_all(w, err);
	if (w->out->len == empty) {
		/* SIZE (1..MAX): none at all rather than an empty list. */
		w->out->len = before;
		return rc;
	}
	der_end(w->out, list);
	der_end(w->out, outer);
	return rc;
}
