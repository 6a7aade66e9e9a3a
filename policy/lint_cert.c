/* Rules for the certificate as a whole (RFC 5280, RFC 5480, 802.1AR). */
#include <string.h>

#include "policy/template_impl.h"

#define LONG_S (7u * 24 * 3600)
#define KU_CA_BITS (KU_KEY_CERT_SIGN | KU_CRL_SIGN)
/* RFC 5480 3: not for ECDSA and ECDH keys */
#define KU_RSA_BITS (KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT)

static enum pv_code lint_ca(struct tpl_parse *p, const struct node *cert)
{
	const struct x509_profile *x = &p->t->profile;
	struct node ext = node_get(cert, "extensions");
	struct node basic = node_get(&ext, "basicConstraints");
	struct node usage = node_get(&ext, "keyUsage");
	struct node subject = node_get(cert, "subject");

	if (!x->bc_present || !x->bc_critical || !x->bc_ca)
		return node_fail(&basic, "ca_basic_constraints",
				 "{\"critical\": true, \"ca\": true}",
				 "a CA needs critical basicConstraints with "
				 "ca");
	if (!x->ku_present || !x->ku_critical ||
	    !(x->ku_bits & KU_KEY_CERT_SIGN))
		return node_fail(&usage, "ca_key_usage", "add keyCertSign",
				 "a CA needs critical keyUsage with "
				 "keyCertSign");
	if (x->subject_n == 0)
		return node_fail(&subject, "ca_subject", "name the CA",
				 "a CA needs a subject");
	for (size_t i = 0; i < x->subject_n; i++) {
		const struct text *v = &x->subject[i].value;

		for (size_t k = 0; k < v->n; k++)
			if (v->parts[k].var != TEXT_LITERAL &&
			    v->parts[k].var != TEXT_AUTHORITY)
				return node_fail(&subject, "ca_placeholder",
						 "use ${authority.name} only",
						 "a CA is no device");
	}
	if (!x->ski)
		return node_fail(&ext, "ca_ski", "leave it at true",
				 "a CA needs subjectKeyIdentifier (RFC 5280 "
				 "4.2.1.2)");
	return PV_OK;
}

static enum pv_code lint_leaf(struct tpl_parse *p, const struct node *cert)
{
	const struct x509_profile *x = &p->t->profile;
	struct node ext = node_get(cert, "extensions");
	struct node basic = node_get(&ext, "basicConstraints");
	struct node usage = node_get(&ext, "keyUsage");
	struct node issuer = node_get(cert, "issuer");

	if (x->bc_ca)
		return node_fail(&basic, "leaf_ca", "set ca to false",
				 "a device is no CA");
	if (x->ku_bits & KU_CA_BITS)
		return node_fail(&usage, "leaf_key_usage",
				 "remove keyCertSign and cRLSign",
				 "a device signs no certificates and CRLs");
	if (p->t->algorithm != TPL_ALG_RSA && (x->ku_bits & KU_RSA_BITS))
		return node_fail(&usage, "key_usage",
				 "use keyAgreement (RFC 5480 3)",
				 "an EC key enciphers nothing");
	if (strcmp(x->issuer, "self") == 0)
		return node_fail(&issuer, "leaf_issuer", "name a CA",
				 "a device does not sign its certificate");
	return PV_OK;
}

/* RFC 9608 4: no CA, and no place that says what is revoked. */
static enum pv_code lint_no_rev_avail(struct tpl_parse *p,
				      const struct node *cert)
{
	const struct x509_profile *x = &p->t->profile;
	struct node ext = node_get(cert, "extensions");
	struct node no_rev = node_get(&ext, "noRevAvail");

	if (!x->no_rev_avail)
		return PV_OK;
	if (x->bc_ca)
		return node_fail(&no_rev, "no_rev_avail", "remove it",
				 "a CA can be revoked (RFC 9608 4)");
	if (x->cdp_n > 0 || x->ocsp.n > 0)
		return node_fail(&no_rev, "no_rev_avail",
				 "remove it, or crlDistributionPoints and "
				 "ocsp",
				 "a certificate says both that nothing tells "
				 "of its revocation and what does (RFC 9608 "
				 "4)");
	if (x->no_expiry || x->valid_s > LONG_S)
		tpl_warn(p, &no_rev, "no_rev_avail",
			 "a certificate that nobody can look up is valid for "
			 "more than a week");
	return PV_OK;
}

static bool has_shard(const struct text *t)
{
	bool has = false;

	for (size_t i = 0; i < t->n; i++)
		has |= t->parts[i].var == TEXT_SHARD;
	return has;
}

/* A list has one place for all of its certificates, and that is theirs. */
static enum pv_code lint_point(const struct node *n, const struct text *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct text_part *part = &t->parts[i];

		if (part->var == TEXT_LITERAL && strchr(part->literal, '$'))
			return node_fail(n, "uri_shard",
					 "write ${shard} where its number goes",
					 "a $ that stands for nothing");
		if (part->var != TEXT_LITERAL && part->var != TEXT_SHARD &&
		    part->var != TEXT_AUTHORITY)
			return node_fail(n, "uri_device",
					 "use ${shard} and ${authority.name} "
					 "only",
					 "each device would name a revocation "
					 "list of its own");
	}
	return PV_OK;
}

/* Which CA has how many shards is known when the template is adopted. */
static enum pv_code lint_points(struct tpl_parse *p, const struct node *cert)
{
	const struct x509_profile *x = &p->t->profile;
	struct node ext = node_get(cert, "extensions");
	struct node points = node_get(&ext, "crlDistributionPoints");
	size_t shards = 0;

	for (size_t i = 0; i < x->cdp_n; i++) {
		struct node item = node_at(&points, i);

		NODE_TRY(lint_point(&item, &x->cdp[i]));
		shards += has_shard(&x->cdp[i]);
	}
	if (shards > 0 && shards < x->cdp_n)
		tpl_warn(p, &points, "uri_fixed",
			 "one place has ${shard} in it, another has not: of a "
			 "CA with several shards it is the place of none");
	if (x->cdp_n == 0 && x->ocsp.n == 0 && !x->no_rev_avail)
		tpl_warn(p, &ext, "no_revocation",
			 "nothing in the certificate says where its revocation "
			 "can be looked up");
	return PV_OK;
}

/* profiles.md: AKI present, SKI not recommended, no expiry. */
static void warn_idevid(struct tpl_parse *p, const struct node *cert)
{
	const struct x509_profile *x = &p->t->profile;
	struct node ext = node_get(cert, "extensions");
	struct node validity = node_get(cert, "validity");
	bool idevid = false;

	for (size_t i = 0; i < x->san_n; i++)
		if (x->san[i].kind == SAN_HW_MODULE)
			idevid = true;
	if (!idevid || !x->no_expiry)
		return;
	if (!x->aki)
		tpl_warn(p, &ext, "idevid_aki",
			 "IEEE 802.1AR asks for authorityKeyIdentifier");
	if (x->ski)
		tpl_warn(p, &ext, "idevid_ski",
			 "IEEE 802.1AR does not recommend "
			 "subjectKeyIdentifier");
	if (!(x->ku_bits & KU_DIGITAL_SIGNATURE))
		tpl_warn(p, &validity, "idevid_key_usage",
			 "IEEE 802.1AR asks for digitalSignature");
}

enum pv_code tpl_lint_cert(struct tpl_parse *p, const struct node *root)
{
	struct node cert = node_get(root, "certificate");
	struct node subject = node_get(&cert, "subject");

	if (!p->t->has_certificate)
		return PV_OK;
	NODE_TRY(lint_no_rev_avail(p, &cert));
	if (p->t->ca)
		return lint_ca(p, &cert);
	NODE_TRY(lint_leaf(p, &cert));
	NODE_TRY(lint_points(p, &cert));
	/* RFC 5280 4.1.2.6 */
	if (p->t->profile.subject_n == 0 &&
	    (p->t->profile.san_n == 0 || !p->t->profile.san_critical))
		return node_fail(&subject, "subject_empty",
				 "name the device, or make subjectAltName "
				 "critical",
				 "an empty subject needs a critical "
				 "subjectAltName");
	warn_idevid(p, &cert);
	return PV_OK;
}
