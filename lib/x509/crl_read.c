#include "lib/x509/crl_read.h"

#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/x509/oids.h"

#define VERSION_2 1
#define DER_ENUMERATED 0x0au
#define NUMBER_OCTETS_MAX 8

static enum pv_code malformed(const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, "crl.malformed",
			"give a DER revocation list of a CA of ours",
			"the revocation list does not parse: %s", what);
}

static bool is_ecdsa_sha256(struct span algorithm)
{
	struct span oid;

	return der_take_oid(&algorithm, &oid) && algorithm.len == 0 &&
	       oid_equal(&oid_ecdsa_sha256, oid);
}

/* One that an entry may have and that is not left out (RFC 5280 5.3.1). */
static bool take_reason(struct span value, uint8_t *reason)
{
	struct span v;

	if (!der_take(&value, DER_ENUMERATED, &v) || value.len != 0 ||
	    v.len != 1 || v.p[0] == X509_REASON_UNSPECIFIED || v.p[0] == 7 ||
	    v.p[0] == X509_REASON_REMOVE || v.p[0] > X509_REASON_AA_COMPROMISE)
		return false;
	*reason = v.p[0];
	return true;
}

static bool take_invalidity(struct span value, int64_t *time_s)
{
	struct span v;

	return der_take(&value, DER_GENERALIZED_TIME, &v) && value.len == 0 &&
	       pvtime_parse_asn1((const char *)v.p, v.len, true, time_s);
}

static bool take_entry_extensions(struct span in, struct x509_crl_entry *e)
{
	struct span list, oid, value;
	bool critical;

	if (in.len == 0)
		return true;
	if (!der_take(&in, DER_SEQUENCE, &list) || in.len != 0 || list.len == 0)
		return false;
	while (list.len > 0) {
		if (!x509_ext_next(&list, &oid, &critical, &value) || critical)
			return false;
		if (oid_equal(&oid_crl_reason, oid) &&
		    e->reason == X509_REASON_UNSPECIFIED) {
			if (!take_reason(value, &e->reason))
				return false;
		} else if (oid_equal(&oid_invalidity_date, oid) &&
			   e->invalidity_s < 0) {
			if (!take_invalidity(value, &e->invalidity_s))
				return false;
		} else {
			return false;
		}
	}
	return true;
}

bool x509_crl_next(struct span *entries, struct x509_crl_entry *e)
{
	struct span work = *entries, body, serial;

	if (!der_take(&work, DER_SEQUENCE, &body) ||
	    !der_take_uint(&body, &serial) ||
	    serial.len > X509_CRL_SERIAL_MAX || serial.p[0] == 0)
		return false;
	*e = (struct x509_crl_entry){ .serial_len = (uint8_t)serial.len,
				      .invalidity_s = -1 };
	memcpy(e->serial, serial.p, serial.len);
	if (!der_take_time(&body, &e->revoked_s) ||
	    !take_entry_extensions(body, e))
		return false;
	*entries = work;
	return true;
}

static int order(const struct x509_crl_entry *e, struct span serial)
{
	if (e->serial_len != serial.len)
		return e->serial_len < serial.len ? -1 : 1;
	return memcmp(e->serial, serial.p, serial.len);
}

bool x509_crl_find(const struct x509_crl *crl, struct span serial,
		   struct x509_crl_entry *e)
{
	struct span rest = crl->entries;
	struct x509_crl_entry one;
	int c = -1;

	while (c < 0 && x509_crl_next(&rest, &one))
		c = order(&one, serial);
	if (c == 0)
		*e = one;
	return c == 0;
}

/* Every entry is well formed and the serials rise. */
static bool walk(struct span entries, size_t *n)
{
	struct x509_crl_entry last, e;

	for (*n = 0; entries.len > 0; ++*n) {
		if (!x509_crl_next(&entries, &e) ||
		    (*n > 0 &&
		     order(&last, (struct span){ e.serial, e.serial_len }) >=
			     0))
			return false;
		last = e;
	}
	return true;
}

static bool take_aki(struct span value, struct span *id)
{
	struct span seq;

	return der_take(&value, DER_SEQUENCE, &seq) && value.len == 0 &&
	       der_take(&seq, DER_CONTEXT(0), id) && seq.len == 0 &&
	       id->len > 0;
}

static bool take_number(struct span value, uint64_t *number)
{
	struct span v;

	if (!der_take_uint(&value, &v) || value.len != 0 ||
	    v.len > NUMBER_OCTETS_MAX)
		return false;
	*number = 0;
	for (size_t i = 0; i < v.len; i++)
		*number = *number << 8 | v.p[i];
	return *number > 0;
}

bool x509_crl_uri_next(struct span *uris, struct span *uri)
{
	return der_take(uris, DER_CONTEXT(6), uri);
}

/* A distribution point with URIs and nothing else. */
static bool take_idp(struct span value, struct span *uris)
{
	struct span seq, point, rest, uri;

	if (!der_take(&value, DER_SEQUENCE, &seq) || value.len != 0 ||
	    !der_take(&seq, DER_CONTEXT_CONS(0), &point) || seq.len != 0 ||
	    !der_take(&point, DER_CONTEXT_CONS(0), uris) || point.len != 0 ||
	    uris->len == 0)
		return false;
	for (rest = *uris; rest.len > 0;)
		if (!x509_crl_uri_next(&rest, &uri) || uri.len == 0)
			return false;
	return true;
}

static bool take_extensions(struct span *in, struct x509_crl *crl)
{
	struct span outer, list, oid, value;
	bool critical;

	if (!der_take(in, DER_CONTEXT_CONS(0), &outer) ||
	    !der_take(&outer, DER_SEQUENCE, &list) || outer.len != 0)
		return false;
	while (list.len > 0) {
		if (!x509_ext_next(&list, &oid, &critical, &value))
			return false;
		if (oid_equal(&oid_aki, oid) && !critical && !crl->aki.p) {
			if (!take_aki(value, &crl->aki))
				return false;
		} else if (oid_equal(&oid_crl_number, oid) && !critical &&
			   crl->number == 0) {
			if (!take_number(value, &crl->number))
				return false;
		} else if (oid_equal(&oid_idp, oid) && critical &&
			   !crl->uris.p) {
			if (!take_idp(value, &crl->uris))
				return false;
		} else {
			return false;
		}
	}
	return crl->aki.p && crl->number > 0;
}

static enum pv_code read_tbs(struct span seq, struct x509_crl *crl, size_t *n,
			     struct err *err)
{
	struct span algorithm;
	uint32_t version;

	if (!der_take_small(&seq, &version) || version != VERSION_2)
		return malformed("not version 2", err);
	if (!der_take(&seq, DER_SEQUENCE, &algorithm) ||
	    !is_ecdsa_sha256(algorithm))
		return malformed("signature algorithm", err);
	if (!der_take_whole(&seq, DER_SEQUENCE, NULL, &crl->issuer))
		return malformed("issuer", err);
	if (!der_take_time(&seq, &crl->this_s) ||
	    !der_take_time(&seq, &crl->next_s) || crl->this_s >= crl->next_s)
		return malformed("thisUpdate or nextUpdate", err);
	if (der_peek(&seq, DER_SEQUENCE) &&
	    (!der_take(&seq, DER_SEQUENCE, &crl->entries) ||
	     crl->entries.len == 0))
		return malformed("the list of entries", err);
	if (!walk(crl->entries, n))
		return malformed("an entry, or serials that do not rise", err);
	if (!take_extensions(&seq, crl) || seq.len != 0)
		return malformed("extensions", err);
	return PV_OK;
}

enum pv_code x509_crl_tbs_decode(struct span tbs, struct x509_crl *crl,
				 size_t *n, struct err *err)
{
	struct span in = tbs, seq;
	size_t entries;

	memset(crl, 0, sizeof(*crl));
	crl->tbs = tbs;
	if (!der_take(&in, DER_SEQUENCE, &seq) || in.len != 0)
		return malformed("not one SEQUENCE", err);
	return read_tbs(seq, crl, n ? n : &entries, err);
}

enum pv_code x509_crl_decode(struct span der, struct x509_crl *crl, size_t *n,
			     struct err *err)
{
	struct span in = der, seq, tbs, algorithm, sig;
	unsigned unused;
	enum pv_code rc;

	if (!der_take(&in, DER_SEQUENCE, &seq) || in.len != 0 ||
	    !der_take_whole(&seq, DER_SEQUENCE, NULL, &tbs) ||
	    !der_take(&seq, DER_SEQUENCE, &algorithm) ||
	    !is_ecdsa_sha256(algorithm) ||
	    !der_take_bits(&seq, &sig, &unused) || unused != 0 || seq.len != 0)
		return malformed("not a CertificateList", err);
	rc = x509_crl_tbs_decode(tbs, crl, n, err);
	if (rc != PV_OK)
		return rc;
	crl->der = der;
	crl->sig = sig;
	return PV_OK;
}

enum pv_code x509_crl_verify(struct x509_verifier *v,
			     const struct x509_crl *crl, enum pv_code wrong,
			     struct err *err)
{
	uint8_t digest[32], sig[64];
	enum pv_code rc;

	if (!x509_ecdsa_from_der(crl->sig, sig))
		return err_fail(err, wrong, "signature.wrong", NULL,
				"the signature is malformed");
	rc = sha256(crl->tbs, digest, err);
	return rc == PV_OK ? x509_verify_digest(v, digest, sig, wrong, err)
			   : rc;
}
