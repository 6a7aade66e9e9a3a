#include "lib/x509/lint_impl.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/base/pvtime.h"
#include "lib/x509/ctx.h"
#include "lib/x509/matter.h"

enum pv_code lint_fail(const char *what, const char *text, struct err *err)
{
	char rule[64];

	snprintf(rule, sizeof(rule), "lint.%s", what);
	return err_fail(err, PV_DENIED, rule,
			"nothing was signed: correct the template",
			"the certificate to be signed is refused: %s", text);
}

bool lint_text(const struct text *t, struct span v)
{
	char text[TEXT_VALUE_MAX];
	size_t len;

	if (v.len == 0 || v.len >= TEXT_VALUE_MAX)
		return false;
	if (text_has_vars(t))
		return true;
	return text_expand(t, NULL, text, sizeof(text), &len, NULL) == PV_OK &&
	       len == v.len && memcmp(text, v.p, len) == 0;
}

static enum pv_code check_head(struct span *in,
			       const uint8_t serial[X509_SERIAL_LEN],
			       struct err *err)
{
	/* [0] { INTEGER 2 }, and SEQUENCE { ecdsa-with-SHA256 } alone */
	static const uint8_t v3[] = { 0xa0, 0x03, 0x02, 0x01, 0x02 };
	static const uint8_t alg[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
	struct span whole, want = { serial, X509_SERIAL_LEN }, body;

	if (!der_next(in, NULL, NULL, &whole) || whole.len != sizeof(v3) ||
	    memcmp(whole.p, v3, sizeof(v3)) != 0)
		return lint_fail("version", "it is not version 3", err);
	while (serial && want.len > 1 && want.p[0] == 0) {
		want.p++;
		want.len--;
	}
	if (!der_take_uint(in, &body) || (serial && !span_equal(body, want)) ||
	    (body.len == 1 && body.p[0] == 0) || body.len > 20)
		return lint_fail("serial",
				 "the serial number is not the positive one "
				 "reserved",
				 err);
	if (!der_next(in, NULL, NULL, &whole) || whole.len != sizeof(alg) ||
	    memcmp(whole.p, alg, sizeof(alg)) != 0)
		return lint_fail("algorithm",
				 "the signature algorithm is not "
				 "ecdsa-with-SHA256 without parameters",
				 err);
	return PV_OK;
}

/* One Time in the form for its year (RFC 5280 4.1.2.5). */
static bool take_time(struct span *in, int64_t *time_s)
{
	struct span v;
	unsigned tag;

	if (!der_next(in, &tag, &v, NULL) ||
	    (tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME) ||
	    !pvtime_parse_asn1((const char *)v.p, v.len,
			       tag == DER_GENERALIZED_TIME, time_s))
		return false;
	return (tag == DER_GENERALIZED_TIME) ==
	       (*time_s >= PVTIME_GENERALIZED_FROM);
}

static enum pv_code check_validity(const struct lint *l, struct span *in,
				   int64_t now_s, struct err *err)
{
	const struct x509_profile *p = l->profile;
	int64_t from, to, want_from = now_s - (int64_t)p->backdate_min * 60;
	int64_t want_to = now_s + (int64_t)p->valid_s - 1;
	struct span seq;

	if (!der_take(in, DER_SEQUENCE, &seq) || !take_time(&seq, &from) ||
	    !take_time(&seq, &to) || seq.len != 0)
		return lint_fail("validity", "a time has a wrong form", err);
	if (l->issuer && want_from < l->issuer->not_before_s)
		want_from = l->issuer->not_before_s;
	if (p->no_expiry)
		want_to = PVTIME_NO_EXPIRY;
	if (p->until_s != 0)
		want_to = p->until_s;
	if (from >= to || from != want_from || to != want_to)
		return lint_fail("validity",
				 "it is not the template's, or ends before it "
				 "begins",
				 err);
	if (l->issuer &&
	    (now_s < l->issuer->not_before_s || to > l->issuer->not_after_s))
		return lint_fail("validity", "it is not within the CA's", err);
	return PV_OK;
}

/* Has a C0 or DEL octet, or one that the string type lacks. */
static bool string_ok(enum der_string type, unsigned tag, struct span v)
{
	static const unsigned tags[] = { DER_UTF8_STRING, DER_PRINTABLE_STRING,
					 DER_IA5_STRING };

	if (tag != tags[type] || v.len == 0)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < 0x20 || v.p[i] == 0x7f)
			return false;
		if (v.p[i] >= 0x80 && type != DER_UTF8)
			return false;
		if (type == DER_PRINTABLE &&
		    strchr("!\"#$%&*;<>@[\\]^_`{|}~", v.p[i]))
			return false;
	}
	return true;
}

static enum pv_code check_subject(const struct lint *l, struct err *err)
{
	const struct x509_profile *p = l->profile;
	struct name_iter it;
	struct name_attr a;

	name_iter_init(&it, l->subject);
	while (name_iter_next(&it, &a)) {
		const struct profile_rdn *rdn;

		if (it.n > p->subject_n || !a.alone)
			return lint_fail("subject",
					 "it has attributes that the template "
					 "lacks",
					 err);
		rdn = &p->subject[it.n - 1];
		if (!oid_equal(&rdn->oid, a.oid) ||
		    !string_ok(rdn->string, a.tag, a.value) ||
		    !lint_text(&rdn->value, a.value))
			return lint_fail("subject",
					 "an attribute is not the template's",
					 err);
	}
	if (it.bad || it.n != p->subject_n)
		return lint_fail("subject", "it is not whole", err);
	/* RFC 5280 4.1.2.6 */
	if (it.n == 0 && (p->bc_ca || p->san_n == 0 || !p->san_critical))
		return lint_fail("subject",
				 "it is empty and no critical subjectAltName "
				 "stands for it",
				 err);
	return PV_OK;
}

static enum pv_code check_matter(const struct lint *l, struct err *err)
{
	struct matter_ids ids, ca;

	matter_read(l->subject, &ids);
	if (ids.bad)
		return lint_fail("matter", ids.bad, err);
	if (!ids.in_attributes && !ids.in_cn)
		return PV_OK;
	/* Only PAAs are self-issued; VID is optional there, PID is not. */
	if (!l->issuer)
		return ids.pid[0] ? lint_fail("matter",
					      "a root has a product "
					      "id",
					      err)
				  : PV_OK;
	matter_read(l->issuer->subject, &ca);
	if (!ids.vid[0])
		return lint_fail("matter", "the vendor id is missing", err);
	if (!l->profile->bc_ca && !ids.pid[0])
		return lint_fail("matter", "the product id is missing", err);
	if (!l->profile->bc_ca && !ca.vid[0])
		return lint_fail("matter", "the CA has no vendor id", err);
	if (ca.bad || (ca.vid[0] && strcmp(ca.vid, ids.vid) != 0) ||
	    (ca.pid[0] && strcmp(ca.pid, ids.pid) != 0))
		return lint_fail("matter",
				 "vendor or product id is not the CA's", err);
	return PV_OK;
}

static enum pv_code check_key(struct lint *l, struct span given,
			      struct err *err)
{
	struct span in = l->spki, seq, bits;
	unsigned unused;

	if (!span_equal(given, l->spki) ||
	    x509_key_parse(l->spki, &l->key, NULL) != PV_OK ||
	    l->key.alg == X509_ALG_OTHER)
		return lint_fail("spki", "the public key is not the one given",
				 err);
	if (!der_take(&in, DER_SEQUENCE, &seq) ||
	    !der_take(&seq, DER_SEQUENCE, NULL) ||
	    !der_take_bits(&seq, &bits, &unused))
		return lint_fail("spki", "the public key is malformed", err);
	if (EVP_Digest(bits.p, bits.len, l->key_id, NULL, EVP_sha1(), NULL) !=
	    1)
		return x509_openssl_fail("SHA-1", err);
	return PV_OK;
}

/* One CA under two of its keys. */
static enum pv_code check_cross(const struct lint *l, struct err *err)
{
	if (!l->issuer || !l->profile->bc_ca ||
	    !span_equal(l->subject, l->issuer->subject))
		return lint_fail("issuer",
				 "a cross-certificate has not its issuer's "
				 "own name",
				 err);
	if (span_equal(l->spki, l->issuer->spki))
		return lint_fail("spki",
				 "a cross-certificate is for the key that "
				 "signs it",
				 err);
	return PV_OK;
}

static enum pv_code check_issuer(const struct lint *l, struct span issuer,
				 struct err *err)
{
	if (issuer.len <= 2 ||
	    !span_equal(issuer, l->issuer ? l->issuer->subject : l->subject))
		return lint_fail("issuer", "it is not the CA's subject", err);
	if (l->profile->cross)
		return check_cross(l, err);
	if (l->issuer && l->profile->bc_ca && l->issuer->path_len == 0)
		return lint_fail("issuer", "the CA allows no CA below it", err);
	return PV_OK;
}

enum pv_code x509_tbs_lint(const struct x509_profile *profile,
			   const struct x509_issuer *issuer, struct span tbs,
			   struct span spki,
			   const uint8_t serial[X509_SERIAL_LEN], int64_t now_s,
			   struct err *err)
{
	struct lint l = { .profile = profile, .issuer = issuer, .spki = spki };
	struct span in, ca, key;
	enum pv_code rc;

	if (!der_take(&tbs, DER_SEQUENCE, &in) || tbs.len != 0)
		return lint_fail("der", "not one SEQUENCE", err);
	rc = check_head(&in, serial, err);
	if (rc != PV_OK)
		return rc;
	if (!der_take_whole(&in, DER_SEQUENCE, NULL, &ca))
		return lint_fail("issuer", "it is malformed", err);
	rc = check_validity(&l, &in, now_s, err);
	if (rc != PV_OK)
		return rc;
	if (!der_take_whole(&in, DER_SEQUENCE, NULL, &l.subject) ||
	    !der_take_whole(&in, DER_SEQUENCE, NULL, &key))
		return lint_fail("der", "subject or key is malformed", err);
	rc = check_issuer(&l, ca, err);
	if (rc == PV_OK)
		rc = check_subject(&l, err);
	if (rc == PV_OK)
		rc = check_matter(&l, err);
	if (rc == PV_OK)
		rc = check_key(&l, key, err);
	return rc == PV_OK ? lint_extensions(&l, in, err) : rc;
}
