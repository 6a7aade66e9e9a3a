/* Extensions of the certificate but for names and custom ones. */
#include <string.h>

#include "policy/oid.h"
#include "policy/template_impl.h"

/* Bit n of KeyUsage, RFC 5280 4.2.1.3. */
static const char *const key_usages[] = {
	"digitalSignature", "nonRepudiation",
	"keyEncipherment",  "dataEncipherment",
	"keyAgreement",	    "keyCertSign",
	"cRLSign",	    "encipherOnly",
	"decipherOnly",	    NULL
};

/* RFC 5280 4.2.1.12; purposes[i] is purpose_oids[i]. */
static const char *const purposes[] = {
	"serverAuth",	"clientAuth",  "codeSigning", "emailProtection",
	"timeStamping", "OCSPSigning", NULL
};
static const char *const purpose_oids[] = {
	"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.3",
	"1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"
};

static enum pv_code parse_basic(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "critical", "ca", "pathLen", NULL };
	struct x509_profile *x = &p->t->profile;
	struct node critical = node_get(n, "critical");
	struct node ca = node_get(n, "ca");
	struct node path_len = node_get(n, "pathLen");
	uint32_t len = 0;

	if (!n->v)
		return PV_OK;
	x->bc_present = true;
	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_bool(&critical, &x->bc_critical));
	NODE_TRY(node_bool(&ca, &x->bc_ca));
	NODE_TRY(node_u32(&path_len, 0, 255, &len));
	if (!path_len.v)
		return PV_OK;
	x->bc_path_len = (int)len;
	if (!x->bc_ca)
		return node_fail(&path_len, "path_len", "remove it",
				 "pathLen without ca");
	return PV_OK;
}

static enum pv_code parse_usage(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "critical", "bits", NULL };
	struct x509_profile *x = &p->t->profile;
	struct node critical = node_get(n, "critical");
	struct node bits = node_get(n, "bits");

	if (!n->v)
		return PV_OK;
	x->ku_present = true;
	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_bool(&critical, &x->ku_critical));
	NODE_TRY(node_need(&bits));
	NODE_TRY(node_array(&bits, 1, 9));
	for (size_t i = 0; i < json_array_size(bits.v); i++) {
		struct node bit = node_at(&bits, i);
		unsigned word = 0;

		NODE_TRY(node_word(&bit, key_usages, &word));
		if (x->ku_bits & 1u << word)
			return node_fail(&bit, "duplicate", "name it once",
					 "%s stands twice", key_usages[word]);
		x->ku_bits |= 1u << word;
	}
	if ((x->ku_bits & (KU_ENCIPHER_ONLY | KU_DECIPHER_ONLY)) &&
	    !(x->ku_bits & KU_KEY_AGREEMENT))
		return node_fail(&bits, "key_usage", "add keyAgreement",
				 "encipherOnly and decipherOnly mean nothing "
				 "without keyAgreement");
	return PV_OK;
}

static enum pv_code parse_purpose(const struct node *n, struct oid *out)
{
	const char *s = NULL;

	NODE_TRY(node_string(n, 128, &s));
	for (size_t i = 0; purposes[i]; i++)
		if (strcmp(s, purposes[i]) == 0)
			return policy_oid_parse(purpose_oids[i], out)
				       ? PV_OK
				       : PV_INTERNAL;
	if (policy_oid_parse(s, out))
		return PV_OK;
	return node_fail(n, "oid",
			 "serverAuth, clientAuth, codeSigning, "
			 "emailProtection, timeStamping, OCSPSigning, or an "
			 "object identifier",
			 "\"%.40s\" is no purpose that is known by name", s);
}

/*
 * A list, or {"critical": true, "values": [...]}: *list is the list's node,
 * which n must outlive.
 */
enum pv_code tpl_list_or_critical(const struct node *n, struct node *list,
				  bool *critical)
{
	static const char *const keys[] = { "critical", "values", NULL };
	struct node flag = node_get(n, "critical");

	*list = *n;
	if (!json_is_object(n->v))
		return PV_OK;
	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_bool(&flag, critical));
	*list = node_get(n, "values");
	return node_need(list);
}

static enum pv_code parse_purposes(struct tpl_parse *p, const struct node *n)
{
	struct x509_profile *x = &p->t->profile;
	struct node list;

	if (!n->v)
		return PV_OK;
	NODE_TRY(tpl_list_or_critical(n, &list, &x->eku_critical));
	NODE_TRY(node_array(&list, 1, PROFILE_EKU_MAX));
	for (size_t i = 0; i < json_array_size(list.v); i++) {
		struct node item = node_at(&list, i);

		NODE_TRY(parse_purpose(&item, &x->eku[i]));
		for (size_t j = 0; j < i; j++)
			if (policy_oid_equal(&x->eku[i], &x->eku[j]))
				return node_fail(&item, "duplicate",
						 "name it once",
						 "purpose stands twice");
		x->eku_n++;
	}
	return PV_OK;
}

static enum pv_code parse_points(struct tpl_parse *p, const struct node *n)
{
	struct x509_profile *x = &p->t->profile;

	NODE_TRY(node_array(n, 1, PROFILE_CDP_MAX));
	for (size_t i = 0; i < json_array_size(n->v); i++) {
		struct node item = node_at(n, i);
		struct text *t = &x->cdp[x->cdp_n++];

		NODE_TRY(tpl_text(p, &item, true, t));
		NODE_TRY(tpl_value_uri(&item, t));
	}
	return PV_OK;
}

static enum pv_code parse_access(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "ocsp", "caIssuers", NULL };
	struct x509_profile *x = &p->t->profile;
	struct node ocsp = node_get(n, "ocsp");
	struct node issuers = node_get(n, "caIssuers");

	NODE_TRY(node_object(n, keys));
	if (n->v && json_object_size(n->v) == 0)
		return node_fail(n, "count", "remove it",
				 "authorityInfoAccess without a location");
	NODE_TRY(tpl_text(p, &ocsp, false, &x->ocsp));
	NODE_TRY(tpl_value_uri(&ocsp, &x->ocsp));
	NODE_TRY(tpl_text(p, &issuers, false, &x->ca_issuers));
	return tpl_value_uri(&issuers, &x->ca_issuers);
}

static enum pv_code parse_policies(struct tpl_parse *p, const struct node *n)
{
	struct x509_profile *x = &p->t->profile;

	NODE_TRY(node_array(n, 1, PROFILE_POLICY_MAX));
	for (size_t i = 0; i < json_array_size(n->v); i++) {
		struct node item = node_at(n, i);

		NODE_TRY(tpl_oid(&item, &x->policies[i]));
		for (size_t j = 0; j < i; j++)
			if (policy_oid_equal(&x->policies[i], &x->policies[j]))
				return node_fail(&item, "duplicate",
						 "name it once",
						 "policy stands twice");
		x->policies_n++;
	}
	return PV_OK;
}

enum pv_code tpl_extensions(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "basicConstraints",
					    "keyUsage",
					    "extKeyUsage",
					    "subjectAltName",
					    "crlDistributionPoints",
					    "authorityInfoAccess",
					    "certificatePolicies",
					    "subjectKeyIdentifier",
					    "authorityKeyIdentifier",
					    "noRevAvail",
					    "custom",
					    NULL };
	struct node basic = node_get(n, "basicConstraints");
	struct node usage = node_get(n, "keyUsage");
	struct node eku = node_get(n, "extKeyUsage");
	struct node san = node_get(n, "subjectAltName");
	struct node points = node_get(n, "crlDistributionPoints");
	struct node access = node_get(n, "authorityInfoAccess");
	struct node policies = node_get(n, "certificatePolicies");
	struct node ski = node_get(n, "subjectKeyIdentifier");
	struct node aki = node_get(n, "authorityKeyIdentifier");
	struct node no_rev = node_get(n, "noRevAvail");
	struct node custom = node_get(n, "custom");

	NODE_TRY(node_object(n, keys));
	NODE_TRY(parse_basic(p, &basic));
	NODE_TRY(parse_usage(p, &usage));
	NODE_TRY(parse_purposes(p, &eku));
	NODE_TRY(tpl_san(p, &san));
	NODE_TRY(parse_points(p, &points));
	NODE_TRY(parse_access(p, &access));
	NODE_TRY(parse_policies(p, &policies));
	NODE_TRY(node_bool(&ski, &p->t->profile.ski));
	NODE_TRY(node_bool(&aki, &p->t->profile.aki));
	NODE_TRY(node_bool(&no_rev, &p->t->profile.no_rev_avail));
	return tpl_custom(p, &custom);
}
