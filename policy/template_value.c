/*
 * Values of a certificate, as far as they are known before a device is: what
 * lib/x509 would refuse for every device is refused here.
 */
#include <string.h>

#include "lib/x509/value.h"
#include "policy/template_impl.h"

/* A text whose value no request decides; shards are digits, whichever. */
static bool is_known(const struct text *t, char out[static TEXT_VALUE_MAX],
		     struct span *v)
{
	const struct text_vars vars = { .shard = 0 };
	struct err none;

	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].var != TEXT_LITERAL &&
		    t->parts[i].var != TEXT_SHARD)
			return false;
	err_init(&none);
	v->p = (const uint8_t *)out;
	return t->n > 0 && text_expand(t, &vars, out, TEXT_VALUE_MAX, &v->len,
				       &none) == PV_OK;
}

/* Every character that the template itself gives. */
static const char *alphabet(const struct text *t, enum der_string type)
{
	const char *bad = NULL;
	size_t chars;

	for (size_t i = 0; !bad && i < t->n; i++) {
		const char *s = t->parts[i].literal;

		if (t->parts[i].var == TEXT_LITERAL)
			bad = value_string(
				type,
				(struct span){ (const uint8_t *)s, strlen(s) },
				&chars);
	}
	return bad;
}

static enum pv_code give(const struct node *n, const char *rule,
			 const char *what, const char *bad)
{
	if (!bad)
		return PV_OK;
	return node_fail(n, rule, "change it: no device could be issued",
			 "the value of %s %s", what, bad);
}

enum pv_code tpl_value_subject(const struct node *n,
			       const struct profile_rdn *rdn)
{
	const char *bad = alphabet(&rdn->value, rdn->string);
	char text[TEXT_VALUE_MAX];
	struct span v;

	if (!bad && is_known(&rdn->value, text, &v))
		bad = value_attribute(&rdn->oid, rdn->string, v);
	return give(n, "subject_value", rdn->name, bad);
}

enum pv_code tpl_value_san(const struct node *n, const struct profile_san *san)
{
	bool hw = san->kind == SAN_HW_MODULE;
	const char *bad = alphabet(&san->value, hw ? DER_UTF8 : DER_IA5);
	char text[TEXT_VALUE_MAX];
	uint8_t ip[16];
	struct span v;

	if (!bad && is_known(&san->value, text, &v)) {
		switch (san->kind) {
		case SAN_DNS:
			bad = value_dns(v);
			break;
		case SAN_URI:
			bad = value_uri(v);
			break;
		case SAN_EMAIL:
			bad = value_email(v);
			break;
		case SAN_IP:
			bad = value_ip(text, ip, &v.len);
			break;
		case SAN_HW_MODULE:
			bad = value_hw_serial(v);
			break;
		}
	}
	return give(n, "san_value", n->key, bad);
}

enum pv_code tpl_value_uri(const struct node *n, const struct text *t)
{
	const char *bad = alphabet(t, DER_IA5);
	char text[TEXT_VALUE_MAX];
	struct span v;

	if (!bad && is_known(t, text, &v))
		bad = value_uri(v);
	return give(n, "uri_value", n->key ? n->key : n->up->key, bad);
}

enum pv_code tpl_value_custom(const struct node *n, const struct text *t)
{
	return give(n, "custom_value", "an extension", alphabet(t, DER_UTF8));
}
