/* Settings: what provctl.json says beside them, all of it but what is free. */
#include "lib/flow/settings_other.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/note.h"
#include "lib/base/sha256.h"
#include "lib/flow/authority_json.h"

#define VALUE_MAX 400u /* bytes that are shown; else their hash */
#define HASHED "sha256:"

CLEANUP_PTR(struct json_doc, json_doc_free);

/* settings_now() has lines of these. */
static const char *const said[] = {
	"module", "publish_hook",	    "clock_max_step_days",
	"keys",	  "log.witnesses_required", "log.witness_max_age_s"
};

/* How fast it goes, where copies for people lie, and what has one value: the
 * only keys that may be changed without anybody's consent. */
static const char *const is_free[] = { "jobs", "sessions_per_token",
				       "hsm_timeout_s", "templates",
				       "telemetry" };

static bool is_one_of(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* It can stand in a line that people are shown. */
static bool is_plain(const char *value)
{
	CLEANUP(buf_release) struct buf line;
	struct err why;

	err_init(&why);
	buf_init(&line, VALUE_MAX + 1);
	buf_put_str(&line, value);
	buf_put_u8(&line, '\n');
	return !line.failed && strncmp(value, HASHED, strlen(HASHED)) != 0 &&
	       !strchr(value, '\n') && !strchr(value, SETTINGS_BETWEEN) &&
	       note_text_check(buf_span(&line), &why) == PV_OK;
}

static enum pv_code put_text(struct buf *out, const char *name,
			     const char *value, struct err *err)
{
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	enum pv_code rc = PV_OK;

	if (is_plain(value)) {
		buf_printf(out, "%s %s\n", name, value);
		return PV_OK;
	}
	rc = sha256((struct span){ (const uint8_t *)value, strlen(value) },
		    hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	buf_printf(out, "%s " HASHED "%s\n", name, hex);
	return PV_OK;
}

static void text_cleanup(char **s)
{
	free(*s);
}

static enum pv_code put_value(struct buf *out, const char *name,
			      const json_t *value, struct err *err)
{
	CLEANUP(text_cleanup) char *text = NULL;

	if (is_one_of(said, sizeof(said) / sizeof(said[0]), name) ||
	    is_one_of(is_free, sizeof(is_free) / sizeof(is_free[0]), name))
		return PV_OK;
	if (json_is_string(value))
		return put_text(out, name, json_string_value(value), err);
	text = json_dumps(value,
			  JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	return text ? put_text(out, name, text, err)
		    : err_fail(err, PV_INTERNAL, "memory", NULL,
			       "out of memory");
}

/* Of log each key is one of its own. */
static enum pv_code put_log(struct buf *out, json_t *log, struct err *err)
{
	CLEANUP(buf_release) struct buf name;
	enum pv_code rc = PV_OK;
	const char *key;
	json_t *value;

	buf_init(&name, AUTHORITY_JSON_MAX);
	json_object_foreach(log, key, value)
	{
		buf_reset(&name);
		buf_printf(&name, "log.%s", key);
		if (rc == PV_OK)
			rc = buf_check(&name, err);
		if (rc == PV_OK)
			rc = put_value(out, buf_cstr(&name), value, err);
	}
	return rc;
}

enum pv_code settings_other(const struct authority *a, struct buf *out,
			    struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;
	const char *name;
	json_t *value;

	buf_init(&text, AUTHORITY_JSON_MAX);
	rc = authority_format(a, &text, err);
	if (rc == PV_OK)
		rc = json_parse_max(buf_span(&text), AUTHORITY_JSON_MAX, &doc,
				    err);
	if (rc != PV_OK)
		return rc;
	json_object_foreach(json_root(doc), name, value)
	{
		if (rc == PV_OK && strcmp(name, "log") == 0)
			rc = put_log(out, value, err);
		else if (rc == PV_OK)
			rc = put_value(out, name, value, err);
	}
	return rc;
}
