/* attest verify: its challenge, and what it says of the checks. */
#include <fcntl.h>
#include <string.h>

#include "cmd/attest_verify.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/json.h"

#define CHALLENGES_MAX (64u * 1024u * 1024u) /* bytes of one file */

CLEANUP_PTR(struct json_doc, json_doc_free);

/* ---- the challenge ---- */

static enum pv_code take_line(struct span text, const char *device,
			      json_t **line, struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	enum pv_code rc = PV_OK;
	const char *of;

	if (text.len > 0)
		rc = json_parse(text, &doc, err);
	if (rc != PV_OK || !doc)
		return rc;
	of = json_string_value(json_object_get(json_root(doc), "device"));
	if (of && strcmp(of, device) == 0) {
		json_decref(*line);
		*line = json_incref(json_root(doc));
	}
	return PV_OK;
}

enum pv_code verify_challenge_of(const char *path, const char *device,
				 json_t **line, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct span rest;
	enum pv_code rc;

	buf_init(&text, CHALLENGES_MAX);
	rc = file_read(AT_FDCWD, path, 0, &text, err);
	rest = buf_span(&text);
	while (rc == PV_OK && rest.len > 0) {
		const uint8_t *end = memchr(rest.p, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.p) : rest.len;

		rc = take_line((struct span){ rest.p, len }, device, line, err);
		rest.p += len + (end != NULL);
		rest.len -= len + (end != NULL);
	}
	if (rc == PV_OK && !*line)
		rc = err_fail(err, PV_NOT_FOUND, "attest.challenge",
			      "give the file that attest challenge wrote",
			      "no challenge of the device is in that file");
	if (rc != PV_OK)
		err_object(err, path);
	return rc;
}

const char *verify_text(const json_t *line, const char *key)
{
	const char *s = json_string_value(json_object_get(line, key));

	return s ? s : "";
}

enum pv_code verify_take_challenge(const json_t *line,
				   struct verify_challenge *c,
				   struct attestverify_in *in, struct err *err)
{
	const char *manifest = verify_text(line, "manifest");
	enum pv_code rc =
		attest_hex(verify_text(line, "nonce"), "evidence.nonce",
			   c->nonce, sizeof(c->nonce), err);

	in->nonce = c->nonce;
	if (rc != PV_OK || !manifest[0])
		return rc;
	in->manifest = c->manifest;
	return attest_hex(manifest, "evidence.manifest", c->manifest,
			  sizeof(c->manifest), err);
}

/* ---- what it says ---- */

static json_t *checks_of(const struct verdict *v)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < v->n; i++) {
		const struct verdict_check *c = &v->list[i];

		json_array_append_new(
			list, json_pack("{s:s, s:b, s:s, s:s}", "rule", c->rule,
					"passed", (int)c->passed, "expected",
					c->expected, "found", c->found));
	}
	return list;
}

json_t *verify_line(const struct verify_run *v, const char *device,
		    const struct attestverify_said *said)
{
	json_t *o = json_pack("{s:s}", "device", device);
	char hex[2 * 32 + 1];

	if (!said->format)
		return o;
	hex_encode(said->sha256, 32, hex);
	json_object_update_new(o, json_pack("{s:s, s:s, s:s}", "stage",
					    said->stage, "format", said->format,
					    "evidence_sha256", hex));
	if (said->held > 0)
		json_object_set_new(o, "quarantine",
				    json_integer((json_int_t)said->held));
	if (v->explain)
		json_object_set_new(o, "checks", checks_of(&said->verdict));
	return o;
}

enum pv_code verify_explain(struct verify_run *v, const char *device,
			    const struct attestverify_said *said,
			    const struct err *why, struct err *err)
{
	struct buf *out = &v->r.lines;

	buf_printf(out, "%s: %s\n", device,
		   why->code == PV_OK ? "verified" : why->rule);
	for (size_t i = 0; i < said->verdict.n; i++) {
		const struct verdict_check *c = &said->verdict.list[i];

		buf_printf(out, "  %-6s %-24s expected %s, found %s\n",
			   c->passed ? "passed" : "failed", c->rule,
			   c->expected, c->found);
	}
	v->r.quiet = true;
	return buf_check(out, err);
}
