#include "lib/flow/authority_json.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/json.h"

#define POINTER_MAX 256
#define GENERATION_MAX 1000000
#define LABEL_PART_MAX 127

CLEANUP_PTR(struct json_doc, json_doc_free);

enum value_kind {
	KIND_STRING,
	KIND_NUMBER,
	KIND_TOKENS,
	KIND_KEYS,
	KIND_LOG,
	KIND_TELEMETRY
};

/* One key of the file: where it goes in struct authority and its bounds. */
struct key_spec {
	const char *name;
	enum value_kind kind;
	size_t offset, size; /* KIND_STRING: bytes with the NUL */
	json_int_t min, max; /* KIND_NUMBER */
	bool required;
};

#define FIELD(f)                                                               \
	offsetof(struct authority, f), sizeof(((struct authority *)0)->f)

static const struct key_spec specs[] = {
	{ "name", KIND_STRING, FIELD(name), 0, 0, true },
	{ "store", KIND_STRING, FIELD(store), 0, 0, false },
	{ "module", KIND_STRING, FIELD(module), 0, 0, true },
	{ "tokens", KIND_TOKENS, 0, 0, 0, 0, true },
	{ "pin_source", KIND_STRING, FIELD(pin_source), 0, 0, false },
	{ "keys", KIND_KEYS, 0, 0, 0, 0, false },
	{ "templates", KIND_STRING, FIELD(templates), 0, 0, false },
	{ "publish", KIND_STRING, FIELD(publish), 0, 0, false },
	{ "publish_hook", KIND_STRING, FIELD(publish_hook), 0, 0, false },
	{ "publish_hook_timeout_s", KIND_NUMBER, FIELD(publish_hook_timeout_s),
	  1, 600, false },
	{ "jobs", KIND_NUMBER, FIELD(jobs), 0, 256, false },
	{ "sessions_per_token", KIND_NUMBER, FIELD(sessions_per_token), 0, 64,
	  false },
	{ "hsm_timeout_s", KIND_NUMBER, FIELD(hsm_timeout_s), 1, 3600, false },
	{ "clock_max_step_days", KIND_NUMBER, FIELD(clock_max_step_days), 1,
	  3650, false },
	{ "log", KIND_LOG, 0, 0, 0, 0, false },
	{ "telemetry", KIND_TELEMETRY, 0, 0, 0, 0, false },
};
#define SPECS_N (sizeof(specs) / sizeof(specs[0]))

void authority_defaults(struct authority *a)
{
	snprintf(a->store, sizeof(a->store), "sqlite:store.db");
	snprintf(a->pin_source, sizeof(a->pin_source), "prompt");
	snprintf(a->templates, sizeof(a->templates), "templates");
	snprintf(a->publish, sizeof(a->publish), "publish");
	a->publish_hook_timeout_s = 60;
	a->jobs = 0;
	a->sessions_per_token = 0;
	a->hsm_timeout_s = 20;
	a->clock_max_step_days = 30;
	a->witnesses_required = 0;
	a->witness_max_age_s = 600;
}

static enum pv_code get_string(const struct json_doc *doc, const char *pointer,
			       const json_t *value, char *out, size_t size,
			       struct err *err)
{
	const char *s = json_string_value(value);

	if (!s)
		return json_fail(err, PV_INPUT, doc, pointer, "config.type",
				 NULL, "not a string");
	if (strlen(s) >= size)
		return json_fail(err, PV_INPUT, doc, pointer, "config.range",
				 NULL, "longer than %zu bytes", size - 1);
	snprintf(out, size, "%s", s);
	return PV_OK;
}

static enum pv_code get_number(const struct json_doc *doc, const char *pointer,
			       const json_t *value, json_int_t min,
			       json_int_t max, unsigned *out, struct err *err)
{
	json_int_t v = json_integer_value(value);

	if (!json_is_integer(value))
		return json_fail(err, PV_INPUT, doc, pointer, "config.type",
				 NULL, "not a whole number");
	if (v < min || v > max)
		return json_fail(err, PV_INPUT, doc, pointer, "config.range",
				 NULL, "not from %lld to %lld", (long long)min,
				 (long long)max);
	*out = (unsigned)v;
	return PV_OK;
}

static enum pv_code get_count(const struct json_doc *doc, const char *pointer,
			      const json_t *value, uint64_t *out,
			      struct err *err)
{
	json_int_t v = json_integer_value(value);

	if (!json_is_integer(value) || v < 1)
		return json_fail(err, PV_INPUT, doc, pointer, "config.type",
				 NULL, "not a whole number of 1 or more");
	*out = (uint64_t)v;
	return PV_OK;
}

static enum pv_code check_uri(const struct json_doc *doc, const char *pointer,
			      const char *uri, struct err *err)
{
	if (strncmp(uri, "pkcs11:", 7) != 0)
		return json_fail(err, PV_INPUT, doc, pointer, "config.token",
				 "write it as in RFC 7512: pkcs11:token=NAME",
				 "not a PKCS#11 URI");
	if (strstr(uri, "pin-value") || strstr(uri, "pin-source"))
		return json_fail(err, PV_INPUT, doc, pointer, "config.token",
				 "take it out; use pin_source",
				 "a token URI with a PIN in it");
	return PV_OK;
}

static enum pv_code parse_tokens(struct authority *a,
				 const struct json_doc *doc,
				 const json_t *value, struct err *err)
{
	char pointer[POINTER_MAX];
	enum pv_code rc = PV_OK;

	if (!json_is_array(value) || json_array_size(value) == 0 ||
	    json_array_size(value) > AUTHORITY_TOKENS_MAX)
		return json_fail(err, PV_INPUT, doc, "/tokens", "config.type",
				 NULL, "not a list of 1 to %d token URIs",
				 AUTHORITY_TOKENS_MAX);
	a->tokens_n = json_array_size(value);
	for (size_t i = 0; rc == PV_OK && i < a->tokens_n; i++) {
		snprintf(pointer, sizeof(pointer), "/tokens/%zu", i);
		rc = get_string(doc, pointer, json_array_get(value, i),
				a->tokens[i], AUTHORITY_URI_MAX, err);
		if (rc == PV_OK)
			rc = check_uri(doc, pointer, a->tokens[i], err);
	}
	return rc;
}

static enum pv_code parse_key(struct authority *a, const struct json_doc *doc,
			      const char *purpose, json_t *value,
			      struct err *err)
{
	char pointer[POINTER_MAX], at[POINTER_MAX + 16];
	struct authority_key *key = &a->keys[a->keys_n];
	const char *name;
	json_t *item;
	enum pv_code rc = PV_OK;

	/* The purpose is part of a pointer only once it is known to be safe. */
	if (!name_is_safe(purpose, strlen(purpose)) || strchr(purpose, '~') ||
	    strlen(purpose) >= sizeof(key->purpose))
		return json_fail(err, PV_INPUT, doc, "/keys", "config.keys",
				 NULL, "a purpose that is not a plain name");
	snprintf(pointer, sizeof(pointer), "/keys/%s", purpose);
	if (a->keys_n == AUTHORITY_KEYS_MAX)
		return json_fail(err, PV_INPUT, doc, pointer, "config.keys",
				 NULL, "more than %d keys", AUTHORITY_KEYS_MAX);
	if (!json_is_object(value) ||
	    json_object_size(value) !=
		    2 + (json_object_get(value, "from") != NULL) ||
	    !json_object_get(value, "label") ||
	    !json_object_get(value, "generation"))
		return json_fail(err, PV_INPUT, doc, pointer, "config.keys",
				 NULL,
				 "not exactly label and generation, and from "
				 "for a log key");
	key->from = 0;
	snprintf(key->purpose, sizeof(key->purpose), "%s", purpose);
	json_object_foreach(value, name, item)
	{
		snprintf(at, sizeof(at), "%s/%s", pointer, name);
		if (rc == PV_OK && strcmp(name, "label") == 0)
			rc = get_string(doc, at, item, key->label,
					sizeof(key->label), err);
		else if (rc == PV_OK && strcmp(name, "from") == 0)
			rc = get_count(doc, at, item, &key->from, err);
		else if (rc == PV_OK)
			rc = get_number(doc, at, item, 1, GENERATION_MAX,
					&key->generation, err);
	}
	if (rc == PV_OK && !key->label[0])
		rc = json_fail(err, PV_INPUT, doc, pointer, "config.keys", NULL,
			       "an empty label");
	a->keys_n += rc == PV_OK;
	return rc;
}

static enum pv_code parse_keys(struct authority *a, const struct json_doc *doc,
			       json_t *value, struct err *err)
{
	enum pv_code rc = PV_OK;
	const char *purpose;
	json_t *item;

	if (!json_is_object(value))
		return json_fail(err, PV_INPUT, doc, "/keys", "config.type",
				 NULL, "not an object");
	json_object_foreach(value, purpose, item) if (rc == PV_OK) rc =
		parse_key(a, doc, purpose, item, err);
	return rc;
}

static enum pv_code parse_log(struct authority *a, const struct json_doc *doc,
			      json_t *value, struct err *err)
{
	enum pv_code rc = PV_OK;
	const char *name;
	json_t *item;

	if (!json_is_object(value))
		return json_fail(err, PV_INPUT, doc, "/log", "config.type",
				 NULL, "not an object");
	json_object_foreach(value, name, item)
	{
		if (rc != PV_OK)
			break;
		if (strcmp(name, "origin") == 0)
			rc = get_string(doc, "/log/origin", item, a->origin,
					sizeof(a->origin), err);
		else if (strcmp(name, "witnesses_required") == 0)
			rc = get_number(doc, "/log/witnesses_required", item, 0,
					64, &a->witnesses_required, err);
		else if (strcmp(name, "witness_max_age_s") == 0)
			rc = get_number(doc, "/log/witness_max_age_s", item, 60,
					604800, &a->witness_max_age_s, err);
		else
			rc = json_fail(err, PV_INPUT, doc, "/log",
				       "config.unknown",
				       "origin, witnesses_required and "
				       "witness_max_age_s are known",
				       "unknown key in log");
	}
	return rc;
}

static enum pv_code parse_value(struct authority *a, const struct json_doc *doc,
				const struct key_spec *spec, json_t *value,
				struct err *err)
{
	char pointer[POINTER_MAX];
	char *to = (char *)a + spec->offset;

	snprintf(pointer, sizeof(pointer), "/%s", spec->name);
	switch (spec->kind) {
	case KIND_STRING:
		return get_string(doc, pointer, value, to, spec->size, err);
	case KIND_NUMBER:
		return get_number(doc, pointer, value, spec->min, spec->max,
				  (unsigned *)(void *)to, err);
	case KIND_TOKENS:
		return parse_tokens(a, doc, value, err);
	case KIND_KEYS:
		return parse_keys(a, doc, value, err);
	case KIND_LOG:
		return parse_log(a, doc, value, err);
	case KIND_TELEMETRY:
		if (json_is_string(value) &&
		    strcmp(json_string_value(value), "off") == 0)
			return PV_OK;
		return json_fail(err, PV_INPUT, doc, pointer,
				 "config.telemetry", "write \"off\"",
				 "there is no telemetry to switch on");
	}
	return err_fail(err, PV_INTERNAL, NULL, NULL,
			"bad configuration table");
}

/* Rules on single values that the table cannot say. */
static enum pv_code check_values(const struct authority *a,
				 const struct json_doc *doc, struct err *err)
{
	const char *pin = a->pin_source;

	if (!name_is_safe(a->name, strlen(a->name)))
		return json_fail(err, PV_INPUT, doc, "/name", "config.name",
				 NULL,
				 "not a plain name of 1 to 63 characters");
	if (a->module[0] != '/')
		return json_fail(err, PV_DENIED, doc, "/module",
				 "config.module",
				 "write the absolute path of the module",
				 "a module path that is not absolute");
	if (a->publish_hook[0] && a->publish_hook[0] != '/')
		return json_fail(err, PV_INPUT, doc, "/publish_hook",
				 "config.publish_hook",
				 "write the absolute path of the command",
				 "a hook's path that is not absolute");
	if (strncmp(a->store, "sqlite:", 7) != 0 || !a->store[7])
		return json_fail(err, PV_INPUT, doc, "/store", "config.store",
				 "write sqlite:store.db",
				 "a store that this build does not know");
	if (strcmp(pin, "prompt") != 0 && strncmp(pin, "file:", 5) != 0 &&
	    strncmp(pin, "fd:", 3) != 0 && strncmp(pin, "systemd:", 8) != 0)
		return json_fail(err, PV_INPUT, doc, "/pin_source",
				 "config.pin_source",
				 "use prompt, file:PATH, fd:N or systemd:NAME",
				 "none of the known sources");
	if (!a->templates[0] || !a->publish[0])
		return json_fail(err, PV_INPUT, doc, "", "config.folder", NULL,
				 "an empty folder name");
	return PV_OK;
}

/* Pointer to a key of the root (RFC 6901 3); the root for a very long one. */
static const char *key_pointer(const char *name, char out[POINTER_MAX])
{
	size_t n = 0;

	out[n++] = '/';
	for (; *name; name++) {
		if (n + 3 > POINTER_MAX)
			return "";
		if (*name == '~' || *name == '/')
			out[n++] = '~';
		out[n++] = *name == '~' ? '0' : *name == '/' ? '1' : *name;
	}
	out[n] = '\0';
	return out;
}

enum pv_code authority_parse(struct authority *a, struct span text,
			     struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	bool seen[SPECS_N] = { false };
	char pointer[POINTER_MAX];
	enum pv_code rc = json_parse_max(text, AUTHORITY_JSON_MAX, &doc, err);
	const char *name;
	json_t *value;

	if (rc != PV_OK)
		return rc;
	if (!json_is_object(json_root(doc)))
		return json_fail(err, PV_INPUT, doc, "", "config.type", NULL,
				 "not an object");
	json_object_foreach(json_root(doc), name, value)
	{
		size_t i = 0;
		while (i < SPECS_N && strcmp(specs[i].name, name) != 0)
			i++;
		if (i == SPECS_N)
			return json_fail(err, PV_INPUT, doc,
					 key_pointer(name, pointer),
					 "config.unknown",
					 "see provctl.json in provctl(1)",
					 "unknown key \"%.40s\"", name);
		seen[i] = true;
		rc = parse_value(a, doc, &specs[i], value, err);
		if (rc != PV_OK)
			return rc;
	}
	for (size_t i = 0; i < SPECS_N; i++)
		if (specs[i].required && !seen[i])
			return json_fail(err, PV_INPUT, doc, "",
					 "config.missing", NULL,
					 "no key \"%s\"", specs[i].name);
	if (!a->origin[0])
		snprintf(a->origin, sizeof(a->origin), "%s", a->name);
	return check_values(a, doc, err);
}

/* New references go into o; a failed one leaves o short, which is seen. */
static json_t *format_keys(const struct authority *a)
{
	json_t *keys = json_object();

	for (size_t i = 0; i < a->keys_n; i++) {
		const struct authority_key *k = &a->keys[i];
		json_t *key = json_pack("{s:s, s:i}", "label", k->label,
					"generation", (int)k->generation);

		if (k->from > 0)
			json_object_set_new(key, "from",
					    json_integer((json_int_t)k->from));
		json_object_set_new(keys, k->purpose, key);
	}
	return keys;
}

static json_t *format_value(const struct authority *a,
			    const struct key_spec *spec)
{
	const char *from = (const char *)a + spec->offset;
	json_t *list;

	switch (spec->kind) {
	case KIND_STRING:
		return *from ? json_string(from) : NULL;
	case KIND_NUMBER:
		return json_integer(*(const unsigned *)(const void *)from);
	case KIND_TOKENS:
		list = json_array();
		for (size_t i = 0; i < a->tokens_n; i++)
			json_array_append_new(list, json_string(a->tokens[i]));
		return list;
	case KIND_KEYS:
		return format_keys(a);
	case KIND_LOG:
		return json_pack(
			"{s:s, s:i, s:i}", "origin", a->origin,
			"witnesses_required", (int)a->witnesses_required,
			"witness_max_age_s", (int)a->witness_max_age_s);
	case KIND_TELEMETRY:
		return json_string("off");
	}
	return NULL;
}

static void json_cleanup(json_t **o)
{
	json_decref(*o);
}

static void text_cleanup(char **s)
{
	free(*s);
}

enum pv_code authority_format(const struct authority *a, struct buf *out,
			      struct err *err)
{
	CLEANUP(json_cleanup) json_t *o = json_object();
	CLEANUP(text_cleanup) char *text = NULL;

	for (size_t i = 0; i < SPECS_N; i++) {
		json_t *value = format_value(a, &specs[i]);
		if (value && json_object_set_new(o, specs[i].name, value) != 0)
			return err_fail(err, PV_INTERNAL, NULL, NULL,
					"cannot write the configuration");
	}
	text = json_dumps(o, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	if (!text)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"cannot write the configuration");
	buf_put_str(out, text);
	buf_put_str(out, "\n");
	return buf_check(out, err);
}
