/* The certificate section: issuer, validity, subject (RFC 5280 4.1.2). */
#include <stdio.h>
#include <string.h>

#include "policy/oid.h"
#include "policy/template_impl.h"

#define DAYS_MAX 36500u		    /* 100 years; longer: no_expiry */
#define HOURS_MAX 8760u		    /* a year; longer: days */
#define MINUTES_MAX 10080u	    /* a week; longer: hours */
#define BACKDATE_MAX (7u * 24 * 60) /* minutes; a week of clock error */

struct attribute {
	const char *name, *oid;
	enum der_string string;
};

static const struct attribute attributes[] = {
	{ "CN", "2.5.4.3", DER_UTF8 },
	{ "SN", "2.5.4.4", DER_UTF8 },
	{ "serialNumber", "2.5.4.5", DER_PRINTABLE },
	{ "C", "2.5.4.6", DER_PRINTABLE },
	{ "L", "2.5.4.7", DER_UTF8 },
	{ "ST", "2.5.4.8", DER_UTF8 },
	{ "O", "2.5.4.10", DER_UTF8 },
	{ "OU", "2.5.4.11", DER_UTF8 },
	{ "title", "2.5.4.12", DER_UTF8 },
	{ "GN", "2.5.4.42", DER_UTF8 },
	{ "dnQualifier", "2.5.4.46", DER_PRINTABLE },
	{ "UID", "0.9.2342.19200300.100.1.1", DER_UTF8 },
	{ "DC", "0.9.2342.19200300.100.1.25", DER_IA5 },
	{ "emailAddress", "1.2.840.113549.1.9.1", DER_IA5 },
};

/* By name or by dotted OID; NULL: not one of ours. */
static const struct attribute *find_attribute(const char *name)
{
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (strcmp(attributes[i].name, name) == 0 ||
		    strcmp(attributes[i].oid, name) == 0)
			return &attributes[i];
	return NULL;
}

static enum pv_code parse_rdn(struct tpl_parse *p, const struct node *n,
			      struct profile_rdn *rdn)
{
	const struct attribute *a;
	const char *name;
	struct node value;

	NODE_TRY(node_pair(n, &name, &value));
	a = find_attribute(name);
	if (!policy_oid_parse(a ? a->oid : name, &rdn->oid) ||
	    strlen(name) >= sizeof(rdn->name))
		return node_fail(&value, "subject_attribute",
				 "CN, O, OU, C, ST, L, serialNumber, "
				 "dnQualifier, DC, UID, emailAddress, title, "
				 "GN, SN or a dotted OID",
				 "unknown attribute \"%.40s\"", name);
	snprintf(rdn->name, sizeof(rdn->name), "%s", name);
	rdn->string = a ? a->string : DER_UTF8;
	NODE_TRY(tpl_text(p, &value, false, &rdn->value));
	return tpl_value_subject(&value, rdn);
}

static enum pv_code parse_subject(struct tpl_parse *p, const struct node *n)
{
	struct x509_profile *x = &p->t->profile;

	NODE_TRY(node_need(n));
	NODE_TRY(node_array(n, 0, PROFILE_RDN_MAX));
	for (size_t i = 0; i < json_array_size(n->v); i++) {
		struct node item = node_at(n, i);

		/* Counted first: what a failure leaves is released too. */
		NODE_TRY(parse_rdn(p, &item, &x->subject[x->subject_n++]));
	}
	return PV_OK;
}

/* How long, in one of the units; *given counts those that stand there. */
static enum pv_code parse_length(struct tpl_parse *p, const struct node *n,
				 unsigned *given)
{
	static const struct {
		const char *key;
		uint32_t max, unit_s;
	} units[] = { { "days", DAYS_MAX, 86400 },
		      { "hours", HOURS_MAX, 3600 },
		      { "minutes", MINUTES_MAX, 60 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		struct node length = node_get(n, units[i].key);
		uint32_t units_n = 0;

		NODE_TRY(node_u32(&length, 1, units[i].max, &units_n));
		if (!length.v)
			continue;
		(*given)++;
		p->t->profile.valid_s = (uint64_t)units_n * units[i].unit_s;
	}
	return PV_OK;
}

static enum pv_code parse_validity(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = {
		"days", "hours", "minutes", "no_expiry", "backdate_minutes",
		NULL
	};
	struct x509_profile *x = &p->t->profile;
	struct node no_expiry = node_get(n, "no_expiry");
	struct node backdate = node_get(n, "backdate_minutes");
	unsigned given = 0;

	NODE_TRY(node_need(n));
	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_bool(&no_expiry, &x->no_expiry));
	NODE_TRY(parse_length(p, n, &given));
	NODE_TRY(node_u32(&backdate, 0, BACKDATE_MAX, &x->backdate_min));
	if (given + x->no_expiry != 1)
		return node_fail(n, "validity",
				 "give days, hours or minutes, or "
				 "\"no_expiry\": true",
				 "exactly one of days, hours, minutes and "
				 "no_expiry is needed");
	return PV_OK;
}

enum pv_code tpl_certificate(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "issuer", "validity", "subject",
					    "extensions", NULL };
	struct x509_profile *x = &p->t->profile;
	struct node issuer = node_get(n, "issuer");
	struct node validity = node_get(n, "validity");
	struct node subject = node_get(n, "subject");
	struct node extensions = node_get(n, "extensions");
	const char *name = NULL;

	if (!n->v)
		return PV_OK;
	NODE_TRY(node_object(n, keys));
	p->t->has_certificate = true;
	x->bc_path_len = -1;
	x->ski = x->aki = true;
	NODE_TRY(node_need(&issuer));
	NODE_TRY(node_name(&issuer, &name));
	if (strlen(name) >= sizeof(x->issuer))
		return node_fail(&issuer, "name", NULL,
				 "an issuer's name has at most %zu bytes",
				 sizeof(x->issuer) - 1);
	snprintf(x->issuer, sizeof(x->issuer), "%s", name);
	NODE_TRY(parse_validity(p, &validity));
	NODE_TRY(parse_subject(p, &subject));
	return tpl_extensions(p, &extensions);
}
