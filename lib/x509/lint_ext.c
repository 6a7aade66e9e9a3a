/* Extensions as the linter sees them: a table of what each must be. */
#include "lib/x509/lint_impl.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/x509/oids.h"

static bool check_bc(const struct lint *l, struct span v)
{
	const struct x509_profile *p = l->profile;
	struct span seq;
	bool ca = false;
	uint32_t len;

	if (!der_take(&v, DER_SEQUENCE, &seq) || v.len != 0)
		return false;
	if (seq.len > 0 && (!der_take_bool(&seq, &ca) || !ca))
		return false;
	if (ca != p->bc_ca)
		return false;
	if (seq.len == 0)
		return !ca || p->bc_path_len < 0;
	return der_take_small(&seq, &len) && seq.len == 0 &&
	       p->bc_path_len >= 0 && len == (uint32_t)p->bc_path_len;
}

static bool check_ku(const struct lint *l, struct span v)
{
	const struct x509_profile *p = l->profile;
	bool rsa = l->key.alg == X509_ALG_RSA;
	unsigned bits;

	if (!der_take_named_bits(&v, &bits) || v.len != 0 || bits == 0 ||
	    bits != p->ku_bits)
		return false;
	/* RFC 5280 4.2.1.3 and 4.2.1.9 */
	if (((bits & KU_KEY_CERT_SIGN) != 0) != (p->bc_present && p->bc_ca))
		return false;
	if ((bits & (KU_ENCIPHER_ONLY | KU_DECIPHER_ONLY)) &&
	    !(bits & KU_KEY_AGREEMENT))
		return false;
	/* RFC 5480 3; RFC 4055 1.2 */
	return rsa ? !(bits & (KU_KEY_AGREEMENT))
		   : !(bits & (KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT));
}

static bool check_eku(const struct lint *l, struct span v)
{
	const struct x509_profile *p = l->profile;
	struct span seq, oid;
	size_t n = 0;

	if (!der_take(&v, DER_SEQUENCE, &seq) || v.len != 0)
		return false;
	for (; seq.len > 0; n++)
		if (!der_take_oid(&seq, &oid) || n == p->eku_n ||
		    !oid_equal(&p->eku[n], oid))
			return false;
	return n == p->eku_n;
}

static bool check_ski(const struct lint *l, struct span v)
{
	struct span id;

	return der_take(&v, DER_OCTET_STRING, &id) && v.len == 0 &&
	       span_equal(id, (struct span){ l->key_id, sizeof(l->key_id) });
}

static bool check_aki(const struct lint *l, struct span v)
{
	struct span own = { l->key_id, sizeof(l->key_id) }, seq, id;

	return der_take(&v, DER_SEQUENCE, &seq) && v.len == 0 &&
	       der_take(&seq, DER_CONTEXT(0), &id) && seq.len == 0 &&
	       span_equal(id, l->issuer ? l->issuer->ski : own);
}

/* HardwareModuleName, RFC 4108 5: body is what stands in otherName. */
static bool check_hw_module(const struct profile_san *san, struct span body)
{
	struct span oid, value, seq, serial;

	return der_take_oid(&body, &oid) && oid_equal(&oid_on_hw_module, oid) &&
	       der_take(&body, DER_CONTEXT_CONS(0), &value) && body.len == 0 &&
	       der_take(&value, DER_SEQUENCE, &seq) && value.len == 0 &&
	       der_take_oid(&seq, &oid) && oid_equal(&san->hw_type, oid) &&
	       der_take(&seq, DER_OCTET_STRING, &serial) && seq.len == 0 &&
	       lint_text(&san->value, serial);
}

/* Visible ASCII, as every GeneralName of type IA5String here. */
static bool visible(struct span v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.p[i] <= 0x20 || v.p[i] >= 0x7f)
			return false;
	return v.len > 0;
}

/* 4 or 16 octets; the template's own when it has no placeholders. */
static bool check_ip(const struct text *t, struct span v)
{
	char text[TEXT_VALUE_MAX];
	uint8_t ip[16];

	if (v.len != 4 && v.len != 16)
		return false;
	if (text_has_vars(t))
		return true;
	return text_expand(t, NULL, text, sizeof(text), NULL, NULL) == PV_OK &&
	       inet_pton(v.len == 4 ? AF_INET : AF_INET6, text, ip) == 1 &&
	       memcmp(ip, v.p, v.len) == 0;
}

static bool check_san_one(const struct profile_san *san, unsigned tag,
			  struct span v)
{
	switch (san->kind) {
	case SAN_EMAIL:
		return tag == DER_CONTEXT(1) && visible(v) &&
		       memchr(v.p, '@', v.len) && lint_text(&san->value, v);
	case SAN_DNS:
		return tag == DER_CONTEXT(2) && visible(v) &&
		       lint_text(&san->value, v);
	case SAN_URI:
		return tag == DER_CONTEXT(6) && visible(v) &&
		       memchr(v.p, ':', v.len) && lint_text(&san->value, v);
	case SAN_IP:
		return tag == DER_CONTEXT(7) && check_ip(&san->value, v);
	case SAN_HW_MODULE:
		return tag == DER_CONTEXT_CONS(0) && check_hw_module(san, v);
	}
	return false;
}

static bool check_san(const struct lint *l, struct span v)
{
	const struct x509_profile *p = l->profile;
	struct span seq, one;
	unsigned tag;
	size_t n = 0;

	if (!der_take(&v, DER_SEQUENCE, &seq) || v.len != 0)
		return false;
	for (; seq.len > 0; n++)
		if (!der_next(&seq, &tag, &one, NULL) || n == p->san_n ||
		    !check_san_one(&p->san[n], tag, one))
			return false;
	return n == p->san_n;
}

static bool check_cdp(const struct lint *l, struct span v)
{
	const struct x509_profile *p = l->profile;
	struct span seq, point, name, full, uri;
	size_t n = 0;

	if (!der_take(&v, DER_SEQUENCE, &seq) || v.len != 0)
		return false;
	for (; seq.len > 0; n++)
		if (!der_take(&seq, DER_SEQUENCE, &point) ||
		    !der_take(&point, DER_CONTEXT_CONS(0), &name) ||
		    point.len != 0 ||
		    !der_take(&name, DER_CONTEXT_CONS(0), &full) ||
		    name.len != 0 || !der_take(&full, DER_CONTEXT(6), &uri) ||
		    full.len != 0 || n == p->cdp_n || !visible(uri) ||
		    !lint_text(&p->cdp[n], uri))
			return false;
	return n == p->cdp_n;
}

static bool check_access(struct span *in, const struct oid *method,
			 const struct text *t)
{
	struct span seq, oid, uri;

	return t->n == 0 ||
	       (der_take(in, DER_SEQUENCE, &seq) && der_take_oid(&seq, &oid) &&
		oid_equal(method, oid) &&
		der_take(&seq, DER_CONTEXT(6), &uri) && seq.len == 0 &&
		visible(uri) && lint_text(t, uri));
}

static bool check_aia(const struct lint *l, struct span v)
{
	struct span seq;

	return der_take(&v, DER_SEQUENCE, &seq) && v.len == 0 &&
	       check_access(&seq, &oid_ad_ocsp, &l->profile->ocsp) &&
	       check_access(&seq, &oid_ad_ca_issuers,
			    &l->profile->ca_issuers) &&
	       seq.len == 0;
}

static bool check_policies(const struct lint *l, struct span v)
{
	const struct x509_profile *p = l->profile;
	struct span seq, one, oid;
	size_t n = 0;

	if (!der_take(&v, DER_SEQUENCE, &seq) || v.len != 0)
		return false;
	for (; seq.len > 0; n++)
		if (!der_take(&seq, DER_SEQUENCE, &one) ||
		    !der_take_oid(&one, &oid) || one.len != 0 ||
		    n == p->policies_n || !oid_equal(&p->policies[n], oid))
			return false;
	return n == p->policies_n;
}

/* RFC 9608 2 */
static bool check_no_rev_avail(const struct lint *l, struct span v)
{
	struct span null;

	(void)l;
	return der_take(&v, DER_NULL, &null) && null.len == 0 && v.len == 0;
}

static bool check_custom(const struct profile_custom *c, struct span v)
{
	struct span bytes = { c->bytes, c->bytes_len }, body;

	switch (c->kind) {
	case CUSTOM_UTF8:
		return der_take(&v, DER_UTF8_STRING, &body) && v.len == 0 &&
		       (body.len == 0 ? !text_has_vars(&c->text)
				      : lint_text(&c->text, body));
	case CUSTOM_OCTETS:
		return der_take(&v, DER_OCTET_STRING, &body) && v.len == 0 &&
		       span_equal(body, bytes);
	case CUSTOM_DER:
		return span_equal(v, bytes);
	}
	return false;
}

struct ext_rule {
	const struct oid *oid;
	const char *name; /* of the rule, behind "lint." */
	bool (*check)(const struct lint *l, struct span value);
	bool present, critical; /* in this profile */
};

enum { EXT_RULES = 10 };

static void fill_rules(const struct x509_profile *p,
		       struct ext_rule rules[EXT_RULES])
{
	const struct ext_rule filled[EXT_RULES] = {
		{ &oid_basic_constraints, "basic_constraints", check_bc,
		  p->bc_present, p->bc_critical },
		{ &oid_key_usage, "key_usage", check_ku, p->ku_present,
		  p->ku_critical },
		{ &oid_ext_key_usage, "ext_key_usage", check_eku, p->eku_n > 0,
		  p->eku_critical },
		{ &oid_ski, "ski", check_ski, p->ski, false },
		{ &oid_aki, "aki", check_aki, p->aki, false },
		{ &oid_san, "san", check_san, p->san_n > 0, p->san_critical },
		{ &oid_cdp, "cdp", check_cdp, p->cdp_n > 0, false },
		{ &oid_aia, "aia", check_aia,
		  p->ocsp.n > 0 || p->ca_issuers.n > 0, false },
		{ &oid_policies, "policies", check_policies, p->policies_n > 0,
		  false },
		{ &oid_no_rev_avail, "no_rev_avail", check_no_rev_avail,
		  p->no_rev_avail, false },
	};

	memcpy(rules, filled, sizeof(filled));
}

/* One extension against the profile; *bit gets its place among all known. */
static enum pv_code check_one(const struct lint *l,
			      const struct ext_rule rules[EXT_RULES],
			      struct span oid, bool critical, struct span value,
			      unsigned *bit, struct err *err)
{
	const struct x509_profile *p = l->profile;

	for (unsigned i = 0; i < EXT_RULES; i++) {
		const struct ext_rule *r = &rules[i];

		if (!r->present || !oid_equal(r->oid, oid))
			continue;
		*bit = i;
		if (critical != r->critical)
			return lint_fail("critical", r->name, err);
		return r->check(l, value)
			       ? PV_OK
			       : lint_fail(r->name,
					   "the extension is not the "
					   "template's",
					   err);
	}
	for (unsigned i = 0; i < p->custom_n; i++) {
		if (!oid_equal(&p->custom[i].oid, oid))
			continue;
		*bit = EXT_RULES + i;
		if (critical != p->custom[i].critical)
			return lint_fail("critical", "custom", err);
		return check_custom(&p->custom[i], value)
			       ? PV_OK
			       : lint_fail("custom",
					   "the extension is not the "
					   "template's",
					   err);
	}
	return lint_fail("extension", "one is not in the template", err);
}

static bool take_extension(struct span *list, struct span *oid, bool *critical,
			   struct span *value)
{
	struct span ext;

	*critical = false;
	return der_take(list, DER_SEQUENCE, &ext) && der_take_oid(&ext, oid) &&
	       (!der_peek(&ext, DER_BOOLEAN) ||
		(der_take_bool(&ext, critical) && *critical)) &&
	       der_take(&ext, DER_OCTET_STRING, value) && ext.len == 0;
}

static enum pv_code check_list(const struct lint *l,
			       const struct ext_rule rules[EXT_RULES],
			       struct span list, struct err *err)
{
	unsigned seen = 0, want = 0, bit = 0;

	for (unsigned i = 0; i < EXT_RULES; i++)
		want |= (unsigned)rules[i].present << i;
	for (unsigned i = 0; i < l->profile->custom_n; i++)
		want |= 1u << (EXT_RULES + i);
	while (list.len > 0) {
		struct span oid, value;
		bool critical;
		enum pv_code rc;

		if (!take_extension(&list, &oid, &critical, &value))
			return lint_fail("extension", "one is malformed", err);
		rc = check_one(l, rules, oid, critical, value, &bit, err);
		if (rc != PV_OK)
			return rc;
		if (seen & 1u << bit)
			return lint_fail("extension", "one stands there twice",
					 err);
		seen |= 1u << bit;
	}
	return seen == want ? PV_OK
			    : lint_fail("extension", "one is missing", err);
}

/* A custom extension may not stand in for one that has rules. */
static bool custom_shadows(const struct x509_profile *p,
			   const struct ext_rule rules[EXT_RULES])
{
	for (size_t i = 0; i < p->custom_n; i++)
		for (size_t j = 0; j < EXT_RULES; j++)
			if (oid_equal(&p->custom[i].oid,
				      oid_span(rules[j].oid)))
				return true;
	return false;
}

enum pv_code lint_extensions(const struct lint *l, struct span in,
			     struct err *err)
{
	struct ext_rule rules[EXT_RULES];
	const struct x509_profile *p = l->profile;
	struct span outer, list = { NULL, 0 };

	/* RFC 5280 4.2.1.3, 4.2.1.9: a CA says so, and what its key is for. */
	if (p->bc_ca && (!p->bc_present || !p->bc_critical))
		return lint_fail("basic_constraints", "a CA's must be critical",
				 err);
	if (p->bc_ca && !p->ku_present)
		return lint_fail("key_usage", "a CA must have it", err);
	/* RFC 9608 4 */
	if (p->no_rev_avail && (p->bc_ca || p->cdp_n > 0 || p->ocsp.n > 0))
		return lint_fail("no_rev_avail",
				 "it stands beside a place that says what is "
				 "revoked, or in a CA",
				 err);
	if (in.len > 0 &&
	    (!der_take(&in, DER_CONTEXT_CONS(3), &outer) || in.len != 0 ||
	     !der_take(&outer, DER_SEQUENCE, &list) || outer.len != 0 ||
	     list.len == 0))
		return lint_fail("extension", "the list is malformed", err);
	fill_rules(p, rules);
	if (custom_shadows(p, rules))
		return lint_fail("custom",
				 "an extension with rules of its own is given "
				 "as a custom one",
				 err);
	return check_list(l, rules, list, err);
}
