#include "lib/x509/crl.h"

#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/x509/oids.h"
#include "lib/x509/profile.h"
#include "lib/x509/value.h"

#define VERSION_2 1
#define GENERAL_NAME_URI 6u
#define DER_ENUMERATED 0x0au

static enum pv_code refuse(enum pv_code code, const char *rule,
			   const char *what, struct err *err)
{
	return err_fail(err, code, rule, NULL,
			"the revocation list cannot be built: %s", what);
}

static enum pv_code check_head(const struct x509_crl_head *h, struct err *err)
{
	if (!(h->issuer->ku_bits & KU_CRL_SIGN))
		return err_fail(err, PV_DENIED, "crl.usage",
				"make a CA whose template has cRLSign",
				"the CA's certificate lacks cRLSign");
	if (h->number == 0)
		return refuse(PV_INPUT, "crl.number", "its number is 0", err);
	if (h->this_s < 0 || h->next_s > PVTIME_MAX || h->this_s >= h->next_s)
		return refuse(PV_INPUT, "crl.time",
			      "nextUpdate is not after thisUpdate", err);
	if (h->uris_n > X509_CRL_URIS_MAX)
		return refuse(PV_INPUT, "crl.uri", "too many URIs", err);
	for (size_t i = 0; i < h->uris_n; i++) {
		size_t len = strlen(h->uris[i]);

		if (len > X509_CRL_URI_MAX ||
		    value_uri(
			    (struct span){ (const uint8_t *)h->uris[i], len }))
			return refuse(PV_INPUT, "crl.uri",
				      "a URI may not stand there", err);
	}
	return PV_OK;
}

static bool reason_known(unsigned reason)
{
	return reason <= X509_REASON_AA_COMPROMISE && reason != 7 &&
	       reason != X509_REASON_REMOVE;
}

/* Whether a's serial is below b's: magnitudes without leading zeros. */
static bool below(const struct x509_crl_entry *a,
		  const struct x509_crl_entry *b)
{
	if (a->serial_len != b->serial_len)
		return a->serial_len < b->serial_len;
	return memcmp(a->serial, b->serial, a->serial_len) < 0;
}

static enum pv_code check_entry(const struct x509_crl_head *h,
				const struct x509_crl_entry *e,
				const struct x509_crl_entry *before,
				struct err *err)
{
	if (e->serial_len == 0 || e->serial_len > X509_CRL_SERIAL_MAX ||
	    e->serial[0] == 0 || (before && !below(before, e)))
		return refuse(PV_INPUT, "crl.order",
			      "its serial numbers do not rise", err);
	if (e->revoked_s < 0 || e->revoked_s > h->this_s ||
	    e->invalidity_s > PVTIME_MAX || e->invalidity_s < -1)
		return refuse(PV_INPUT, "crl.time",
			      "an entry is dated after the list", err);
	if (!reason_known(e->reason))
		return refuse(PV_INPUT, "crl.reason",
			      "a reason that no entry may have", err);
	return PV_OK;
}

static void put_entry_extensions(struct buf *b, const struct x509_crl_entry *e)
{
	char text[PVTIME_GENERALIZED_LEN + 1];
	struct der_ext m;
	size_t seq;

	if (e->reason == X509_REASON_UNSPECIFIED && e->invalidity_s < 0)
		return;
	seq = der_begin(b, DER_SEQUENCE);
	if (e->reason != X509_REASON_UNSPECIFIED) {
		m = der_begin_ext(b, &oid_crl_reason, false);
		der_put(b, DER_ENUMERATED, (struct span){ &e->reason, 1 });
		der_end_ext(b, m);
	}
	if (e->invalidity_s >= 0) {
		m = der_begin_ext(b, &oid_invalidity_date, false);
		b->failed |= !pvtime_generalized(e->invalidity_s, text);
		der_put(b, DER_GENERALIZED_TIME,
			(struct span){ (const uint8_t *)text,
				       PVTIME_GENERALIZED_LEN });
		der_end_ext(b, m);
	}
	der_end(b, seq);
}

/* revokedCertificates; absent when there are none (RFC 5280 5.1.2.6). */
static enum pv_code put_entries(struct buf *b, const struct x509_crl_head *h,
				const struct x509_crl_entry *entries, size_t n,
				struct err *err)
{
	size_t list, one;

	if (n == 0)
		return PV_OK;
	list = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < n && !b->failed; i++) {
		const struct x509_crl_entry *e = &entries[i];
		enum pv_code rc = check_entry(h, e, i ? e - 1 : NULL, err);

		if (rc != PV_OK)
			return rc;
		one = der_begin(b, DER_SEQUENCE);
		der_put_uint(b, (struct span){ e->serial, e->serial_len });
		der_put_time(b, e->revoked_s);
		put_entry_extensions(b, e);
		der_end(b, one);
	}
	der_end(b, list);
	return PV_OK;
}

static void put_aki(struct buf *b, struct span ski)
{
	struct der_ext m = der_begin_ext(b, &oid_aki, false);
	size_t seq = der_begin(b, DER_SEQUENCE);

	der_put(b, DER_CONTEXT(0), ski);
	der_end(b, seq);
	der_end_ext(b, m);
}

static void put_number(struct buf *b, uint64_t number)
{
	struct der_ext m = der_begin_ext(b, &oid_crl_number, false);
	uint8_t be[8];

	for (int i = 0; i < 8; i++)
		be[i] = (uint8_t)(number >> (56 - 8 * i));
	der_put_uint(b, (struct span){ be, sizeof(be) });
	der_end_ext(b, m);
}

/* { [0] distributionPoint { [0] fullName { URIs } } } */
static void put_idp(struct buf *b, const struct x509_crl_head *h)
{
	struct der_ext m;
	size_t seq, point, names;

	if (h->uris_n == 0)
		return;
	m = der_begin_ext(b, &oid_idp, true);
	seq = der_begin(b, DER_SEQUENCE);
	point = der_begin(b, DER_CONTEXT_CONS(0));
	names = der_begin(b, DER_CONTEXT_CONS(0));
	for (size_t i = 0; i < h->uris_n; i++)
		der_put(b, DER_CONTEXT(GENERAL_NAME_URI),
			(struct span){ (const uint8_t *)h->uris[i],
				       strlen(h->uris[i]) });
	der_end(b, names);
	der_end(b, point);
	der_end(b, seq);
	der_end_ext(b, m);
}

static void put_algorithm(struct buf *b)
{
	size_t mark = der_begin(b, DER_SEQUENCE);

	der_put_oid(b, &oid_ecdsa_sha256);
	der_end(b, mark);
}

static enum pv_code build(const struct x509_crl_head *h,
			  const struct x509_crl_entry *entries, size_t n,
			  struct buf *tbs, struct err *err)
{
	static const uint8_t version = VERSION_2;
	size_t outer = der_begin(tbs, DER_SEQUENCE), tag, list;
	enum pv_code rc;

	der_put_uint(tbs, (struct span){ &version, 1 });
	put_algorithm(tbs);
	buf_put(tbs, h->issuer->subject.p, h->issuer->subject.len);
	der_put_time(tbs, h->this_s);
	der_put_time(tbs, h->next_s);
	rc = put_entries(tbs, h, entries, n, err);
	if (rc != PV_OK)
		return rc;
	tag = der_begin(tbs, DER_CONTEXT_CONS(0));
	list = der_begin(tbs, DER_SEQUENCE);
	put_aki(tbs, h->issuer->ski);
	put_number(tbs, h->number);
	put_idp(tbs, h);
	der_end(tbs, list);
	der_end(tbs, tag);
	der_end(tbs, outer);
	return buf_check(tbs, err);
}

enum pv_code x509_crl_build(const struct x509_crl_head *head,
			    const struct x509_crl_entry *entries, size_t n,
			    struct buf *tbs, struct err *err)
{
	size_t start = tbs->len;
	enum pv_code rc = check_head(head, err);

	if (rc == PV_OK)
		rc = build(head, entries, n, tbs, err);
	if (rc != PV_OK)
		tbs->len = start;
	return rc;
}

enum pv_code x509_crl_assemble(struct span tbs, const uint8_t sig[64],
			       struct buf *crl, struct err *err)
{
	/* Both are SEQUENCE { what is signed, algorithm, signature }. */
	return x509_cert_assemble(tbs, sig, crl, err);
}

uint32_t x509_crl_shard(struct span serial, uint32_t shards)
{
	uint64_t rest = 0;

	for (size_t i = 0; i < serial.len; i++)
		rest = (rest << 8 | serial.p[i]) % shards;
	return (uint32_t)rest;
}
