/* subjectAltName and extensions by OID. */
#include <string.h>

#include "policy/oid.h"
#include "policy/template_impl.h"

static enum pv_code parse_hw_module(struct tpl_parse *p, const struct node *n,
				    struct profile_san *san)
{
	static const char *const keys[] = { "type", "serial", NULL };
	struct node type = node_get(n, "type");
	struct node serial = node_get(n, "serial");

	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_need(&type));
	NODE_TRY(tpl_oid(&type, &san->hw_type));
	NODE_TRY(node_need(&serial));
	NODE_TRY(tpl_text(p, &serial, false, &san->value));
	return tpl_value_san(&serial, san);
}

static enum pv_code parse_name(struct tpl_parse *p, const struct node *n,
			       struct profile_san *san)
{
	static const struct {
		const char *key;
		enum profile_san_kind kind;
	} kinds[] = { { "dns", SAN_DNS },
		      { "uri", SAN_URI },
		      { "email", SAN_EMAIL },
		      { "ip", SAN_IP },
		      { "hardwareModuleName", SAN_HW_MODULE } };
	const char *key;
	struct node value;

	NODE_TRY(node_pair(n, &key, &value));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(key, kinds[i].key) != 0)
			continue;
		san->kind = kinds[i].kind;
		if (san->kind == SAN_HW_MODULE)
			return parse_hw_module(p, &value, san);
		NODE_TRY(tpl_text(p, &value, false, &san->value));
		return tpl_value_san(&value, san);
	}
	return node_fail(&value, "unknown_key",
			 "dns, uri, email, ip or hardwareModuleName",
			 "unknown name form \"%.40s\"", key);
}

enum pv_code tpl_san(struct tpl_parse *p, const struct node *n)
{
	struct x509_profile *x = &p->t->profile;
	struct node list;

	if (!n->v)
		return PV_OK;
	NODE_TRY(tpl_list_or_critical(n, &list, &x->san_critical));
	NODE_TRY(node_array(&list, 1, PROFILE_SAN_MAX));
	for (size_t i = 0; i < json_array_size(list.v); i++) {
		struct node item = node_at(&list, i);

		NODE_TRY(parse_name(p, &item, &x->san[x->san_n++]));
	}
	return PV_OK;
}

/* One DER TLV with a short definite length and nothing behind it (X.690). */
static bool is_one_der(const uint8_t *p, size_t len)
{
	size_t head = 2;
	size_t body = 0;

	if (len < 2 || (p[0] & 0x1f) == 0x1f || p[0] == 0)
		return false;
	if (p[1] < 0x80) {
		body = p[1];
	} else {
		size_t n = p[1] & 0x7f;

		if (n == 0 || n > 3 || len < 2 + n || p[2] == 0)
			return false;
		for (size_t i = 0; i < n; i++)
			body = body << 8 | p[2 + i];
		if (body < 0x80)
			return false;
		head += n;
	}
	return body == len - head;
}

/* Extensions that have a key of their own, by prefix of the OID. */
static bool is_ours(const struct oid *oid)
{
	static const char *const oids[] = { "2.5.29.14", "2.5.29.15",
					    "2.5.29.17", "2.5.29.19",
					    "2.5.29.31", "2.5.29.32",
					    "2.5.29.35", "2.5.29.37",
					    "2.5.29.56", "1.3.6.1.5.5.7.1.1" };

	for (size_t i = 0; i < sizeof(oids) / sizeof(*oids); i++)
		if (policy_oid_is(oid, oids[i]))
			return true;
	return false;
}

static enum pv_code parse_value(struct tpl_parse *p, const struct node *n,
				struct profile_custom *c)
{
	struct node utf8 = node_get(n, "utf8");
	struct node octets = node_get(n, "octets");
	struct node der = node_get(n, "der");

	if (!utf8.v + !octets.v + !der.v != 2)
		return node_fail(n, "custom_value", NULL,
				 "exactly one of utf8, octets and der is "
				 "needed");
	if (utf8.v) {
		c->kind = CUSTOM_UTF8;
		NODE_TRY(tpl_text(p, &utf8, false, &c->text));
		return tpl_value_custom(&utf8, &c->text);
	}
	if (octets.v) {
		c->kind = CUSTOM_OCTETS;
		return tpl_base64(&octets, &c->bytes, &c->bytes_len);
	}
	c->kind = CUSTOM_DER;
	NODE_TRY(tpl_base64(&der, &c->bytes, &c->bytes_len));
	if (!is_one_der(c->bytes, c->bytes_len))
		return node_fail(&der, "custom_der", NULL,
				 "not exactly one DER value");
	return PV_OK;
}

static enum pv_code parse_custom(struct tpl_parse *p, const struct node *n,
				 struct profile_custom *c)
{
	static const char *const keys[] = { "oid",    "critical", "utf8",
					    "octets", "der",	  NULL };
	struct node oid = node_get(n, "oid");
	struct node critical = node_get(n, "critical");

	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_need(&oid));
	NODE_TRY(tpl_oid(&oid, &c->oid));
	if (is_ours(&c->oid))
		return node_fail(&oid, "custom_oid",
				 "use the key that extensions has for it",
				 "this extension is not a custom one");
	for (const struct profile_custom *o = p->t->profile.custom; o < c; o++)
		if (policy_oid_equal(&o->oid, &c->oid))
			return node_fail(&oid, "duplicate", "name it once",
					 "extension stands twice");
	NODE_TRY(node_bool(&critical, &c->critical));
	return parse_value(p, n, c);
}

enum pv_code tpl_custom(struct tpl_parse *p, const struct node *n)
{
	struct x509_profile *x = &p->t->profile;

	NODE_TRY(node_array(n, 1, PROFILE_CUSTOM_MAX));
	for (size_t i = 0; i < json_array_size(n->v); i++) {
		struct node item = node_at(n, i);

		NODE_TRY(parse_custom(p, &item, &x->custom[x->custom_n++]));
	}
	return PV_OK;
}
