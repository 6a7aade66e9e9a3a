#include "lib/x509/tbs_impl.h"

#include "lib/base/pvtime.h"
#include "lib/x509/oids.h"
#include "lib/x509/value.h"

#define DAY_S 86400
#define VERSION_3 2

enum pv_code tbs_expand(struct tbs_work *w, const struct text *t,
			struct err *err)
{
	return text_expand(t, w->vars, w->text, sizeof(w->text), &w->text_len,
			   err);
}

enum pv_code tbs_value(const char *rule, const char *what, const char *bad,
		       struct err *err)
{
	if (!bad)
		return PV_OK;
	return err_fail(err, PV_INPUT, rule,
			"change the request's field or the template",
			"the value of %s %s", what, bad);
}

static enum pv_code bad_profile(const char *what, struct err *err)
{
	return err_fail(err, PV_INTERNAL, "tbs.profile", NULL,
			"the certificate profile cannot be used: %s", what);
}

static enum pv_code ends_early(struct err *err)
{
	return err_fail(err, PV_DENIED, "validity.issuer",
			"shorten the validity in the template, or rotate the "
			"CA",
			"the CA certificate ends before this one would");
}

enum pv_code x509_validity(const struct x509_profile *profile,
			   const struct x509_issuer *issuer, int64_t now_s,
			   int64_t *not_before_s, int64_t *not_after_s,
			   struct err *err)
{
	enum pv_code rc;

	if (now_s < 0 || now_s > PVTIME_MAX ||
	    now_s < (int64_t)profile->backdate_min * 60)
		return err_fail(err, PV_INPUT, "validity.clock",
				"set the clock", "the time is out of range");
	if (!profile->no_expiry && profile->valid_s == 0 &&
	    profile->until_s == 0)
		return bad_profile("no validity", err);
	*not_before_s = now_s - (int64_t)profile->backdate_min * 60;
	*not_after_s = now_s + (int64_t)profile->valid_s - 1;
	if (profile->no_expiry)
		*not_after_s = PVTIME_NO_EXPIRY;
	if (profile->until_s != 0)
		*not_after_s = profile->until_s;
	if (*not_after_s > PVTIME_MAX)
		return err_fail(err, PV_INPUT, "validity.range",
				"make the validity shorter, or give no expiry",
				"the certificate would end after the year "
				"9999");
	if (!issuer)
		return PV_OK;
	rc = x509_issuer_valid(issuer, now_s, err);
	if (rc != PV_OK)
		return rc;
	if (*not_before_s < issuer->not_before_s)
		*not_before_s = issuer->not_before_s;
	return *not_after_s > issuer->not_after_s ? ends_early(err) : PV_OK;
}

static enum pv_code check_path(const struct x509_profile *profile,
			       const struct x509_issuer *issuer,
			       struct err *err)
{
	/* RFC 5280 4.2.1.9: self-issued ones do not count. */
	if (!issuer || !profile->bc_ca || issuer->path_len < 0 ||
	    profile->cross)
		return PV_OK;
	if (issuer->path_len > 0 && profile->bc_path_len < issuer->path_len)
		return PV_OK;
	return err_fail(err, PV_DENIED, "issuer.path_len",
			"let another CA issue it",
			"the CA allows only %d CAs below it", issuer->path_len);
}

static unsigned string_tag(enum der_string type)
{
	switch (type) {
	case DER_PRINTABLE:
		return DER_PRINTABLE_STRING;
	case DER_IA5:
		return DER_IA5_STRING;
	case DER_UTF8:
		break;
	}
	return DER_UTF8_STRING;
}

static enum pv_code put_rdn(struct tbs_work *w, const struct profile_rdn *rdn,
			    struct err *err)
{
	enum pv_code rc = tbs_expand(w, &rdn->value, err);
	size_t set, seq;

	if (rc == PV_OK)
		rc = tbs_value(
			"subject.value", rdn->name,
			value_attribute(&rdn->oid, rdn->string, tbs_text(w)),
			err);
	if (rc != PV_OK)
		return rc;
	set = der_begin(w->out, DER_SET);
	seq = der_begin(w->out, DER_SEQUENCE);
	der_put_oid(w->out, &rdn->oid);
	der_put(w->out, string_tag(rdn->string), tbs_text(w));
	der_end(w->out, seq);
	der_end(w->out, set);
	return PV_OK;
}

enum pv_code tbs_put_subject(struct tbs_work *w, struct err *err)
{
	const struct x509_profile *p = w->profile;
	size_t mark = der_begin(w->out, DER_SEQUENCE);
	enum pv_code rc = PV_OK;

	for (size_t i = 0; i < p->subject_n && rc == PV_OK; i++)
		rc = put_rdn(w, &p->subject[i], err);
	der_end(w->out, mark);
	return rc;
}

static enum pv_code put_issuer(struct tbs_work *w, struct err *err)
{
	if (!w->issuer)
		return tbs_put_subject(w, err);
	buf_put(w->out, w->issuer->subject.p, w->issuer->subject.len);
	return PV_OK;
}

static enum pv_code put_validity(struct tbs_work *w, int64_t now_s,
				 struct err *err)
{
	int64_t from, to;
	enum pv_code rc =
		x509_validity(w->profile, w->issuer, now_s, &from, &to, err);
	size_t mark;

	if (rc != PV_OK)
		return rc;
	mark = der_begin(w->out, DER_SEQUENCE);
	der_put_time(w->out, from);
	der_put_time(w->out, to);
	der_end(w->out, mark);
	return PV_OK;
}

static void put_head(struct buf *b, const uint8_t serial[X509_SERIAL_LEN])
{
	static const uint8_t version[] = { VERSION_3 };
	size_t mark = der_begin(b, DER_CONTEXT_CONS(0));

	der_put_uint(b, (struct span){ version, sizeof(version) });
	der_end(b, mark);
	der_put_uint(b, (struct span){ serial, X509_SERIAL_LEN });
	mark = der_begin(b, DER_SEQUENCE);
	der_put_oid(b, &oid_ecdsa_sha256);
	der_end(b, mark);
}

/* RFC 5280 4.1.2.2: positive. */
static enum pv_code check_serial(const uint8_t serial[X509_SERIAL_LEN],
				 struct err *err)
{
	unsigned any = 0;

	for (size_t i = 0; i < X509_SERIAL_LEN; i++)
		any |= serial[i];
	if (any != 0 && serial[0] < 0x80)
		return PV_OK;
	return err_fail(err, PV_INTERNAL, "tbs.serial", NULL,
			"the serial number is not positive");
}

static enum pv_code build(struct tbs_work *w,
			  const uint8_t serial[X509_SERIAL_LEN], int64_t now_s,
			  struct err *err)
{
	size_t mark = der_begin(w->out, DER_SEQUENCE);
	enum pv_code rc;

	put_head(w->out, serial);
	rc = put_issuer(w, err);
	if (rc == PV_OK)
		rc = put_validity(w, now_s, err);
	if (rc == PV_OK)
		rc = tbs_put_subject(w, err);
	if (rc != PV_OK)
		return rc;
	buf_put(w->out, w->spki.p, w->spki.len);
	rc = tbs_put_extensions(w, err);
	der_end(w->out, mark);
	return rc == PV_OK ? buf_check(w->out, err) : rc;
}

enum pv_code x509_tbs_build(const struct x509_profile *profile,
			    const struct x509_issuer *issuer,
			    const struct text_vars *vars,
			    const uint8_t serial[X509_SERIAL_LEN],
			    struct span spki, int64_t now_s, struct buf *tbs,
			    struct err *err)
{
	struct tbs_work w = { .profile = profile,
			      .issuer = issuer,
			      .vars = vars,
			      .spki = spki,
			      .out = tbs };
	size_t start = tbs->len;
	enum pv_code rc = check_serial(serial, err);

	if (rc == PV_OK && !issuer && profile->subject_n == 0)
		rc = bad_profile("a root without a subject", err);
	if (rc == PV_OK)
		rc = check_path(profile, issuer, err);
	if (rc == PV_OK)
		rc = build(&w, serial, now_s, err);
	if (rc != PV_OK)
		tbs->len = start;
	return rc;
}
