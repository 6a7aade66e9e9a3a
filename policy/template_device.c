/* Name, version, uuids and the device section but for its roles. */
#include <string.h>

#include "lib/base/fileio.h"
#include "policy/pattern.h"
#include "policy/template_impl.h"

/* 8-4-4-4-12 hex digits (RFC 9562 4) into 16 bytes. */
static enum pv_code parse_uuid(const struct node *n, uint8_t out[16])
{
	static const size_t dash[] = { 8, 13, 18, 23 };
	const char *s = NULL;
	char hex[33];
	size_t used = 0;
	bool good;

	NODE_TRY(node_need(n));
	NODE_TRY(node_string(n, 64, &s));
	good = strlen(s) == 36;
	for (size_t i = 0; good && i < 36; i++) {
		bool is_dash = used < 32 && (i == dash[0] || i == dash[1] ||
					     i == dash[2] || i == dash[3]);

		if (!is_dash)
			hex[used++] = s[i];
		else if (s[i] != '-')
			good = false;
	}
	hex[good ? used : 0] = '\0';
	if (!good || !hex_decode(hex, out, 16))
		return node_fail(n, "uuid", "8-4-4-4-12 hex digits",
				 "not a UUID");
	return PV_OK;
}

enum pv_code tpl_identity(struct tpl_parse *p, const struct node *root)
{
	struct node name = node_get(root, "template");
	struct node version = node_get(root, "version");
	struct node vendor = node_get(root, "vendor");
	struct node class_id = node_get(root, "class");

	p->t->crl_shards = 1;
	p->t->crl_lifetime_h = CRL_LIFETIME_H;
	p->t->crl_overlap_h = CRL_OVERLAP_H;
	NODE_TRY(node_need(&name));
	NODE_TRY(node_name(&name, &p->t->name));
	NODE_TRY(node_need(&version));
	NODE_TRY(node_u32(&version, 1, INT32_MAX, &p->t->version));
	if (p->t->ca)
		return PV_OK;
	NODE_TRY(parse_uuid(&vendor, p->t->vendor));
	return parse_uuid(&class_id, p->t->class_id);
}

static enum pv_code parse_pattern(const struct node *n, struct tpl_pattern *out)
{
	const char *s = NULL;
	const char *why;
	char scratch[128];

	NODE_TRY(node_need(n));
	NODE_TRY(node_string(n, PATTERN_LEN_MAX, &s));
	if (!pattern_compile(out, s, scratch, &why))
		return node_fail(n, "pattern",
				 "POSIX extended regular expression",
				 "pattern refused: %s", why);
	return PV_OK;
}

/* A field's name stands in ${device.<name>} and in CSV column names. */
static bool field_name_ok(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > TPL_NAME_MAX || strcmp(s, "id") == 0)
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		      (*s >= '0' && *s <= '9') || *s == '_' || *s == '-'))
			return false;
	return true;
}

static enum pv_code parse_fields(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "pattern", NULL };
	struct template *t = p->t;
	const char *name;
	json_t *value;

	NODE_TRY(node_object(n, NULL));
	json_object_foreach(n->v, name, value)
	{
		struct node field = node_get(n, name);
		struct node pattern = node_get(&field, "pattern");

		if (!field_name_ok(name))
			return node_fail(&field, "name",
					 "1 to 64 of A-Z a-z 0-9 _ -, not id",
					 "not a field name");
		if (t->fields_n == TEXT_FIELDS_MAX)
			return node_fail(n, "count", NULL,
					 "more than %d fields",
					 TEXT_FIELDS_MAX);
		NODE_TRY(node_object(&field, keys));
		NODE_TRY(parse_pattern(&pattern,
				       &t->field_patterns[t->fields_n]));
		t->field_names[t->fields_n++] = name;
	}
	return PV_OK;
}

static enum pv_code parse_key(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "csr", "host", "none", NULL };
	static const char *const algorithms[] = { "P-256", "P-384", "RSA",
						  NULL };
	static const char *const recipients[] = { "sealing-key",
						  "certified-key", "kdf",
						  NULL };
	struct node key = node_get(n, "key");
	struct node algorithm = node_get(n, "algorithm");
	struct node recipient = node_get(n, "recipient");
	unsigned word = 0;

	NODE_TRY(node_need(&key));
	NODE_TRY(node_word(&key, keys, &word));
	p->t->key = (enum tpl_key)word;
	word = TPL_RECIPIENT_NONE;
	NODE_TRY(node_word(&recipient, recipients, &word));
	p->t->recipient = (enum tpl_recipient)word;
	if (p->t->key == TPL_KEY_NONE) {
		if (algorithm.v)
			return node_fail(&algorithm, "none_algorithm",
					 "remove it",
					 "key \"none\" has no algorithm");
		return PV_OK;
	}
	NODE_TRY(node_need(&algorithm));
	NODE_TRY(node_word(&algorithm, algorithms, &word));
	p->t->algorithm = (enum tpl_algorithm)(word + TPL_ALG_P256);
	return PV_OK;
}

enum pv_code tpl_device(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "id",	 "fields",    "key",
					    "algorithm", "recipient", "roles",
					    NULL };
	struct node id = node_get(n, "id");
	struct node fields = node_get(n, "fields");

	NODE_TRY(node_object(n, keys));
	NODE_TRY(parse_pattern(&id, &p->t->id));
	NODE_TRY(parse_fields(p, &fields));
	return parse_key(p, n);
}
