#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/out.h"
#include "cmd/policy.h"
#include "cmd/session.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/base/notechars.h"
#include "lib/flow/linediff.h"
#include "lib/flow/policydiff.h"

CLEANUP_PTR(struct template, template_free);

/* One line for a terminal: names and reasons hold what files say. */
static void print_clean(const char *mark, struct span text)
{
	char clean[1024];

	notechars_clean(clean, sizeof(clean), text);
	printf("%s%s\n", mark, clean);
}

/* ---- fields ---- */

static enum pv_code print_value(const json_t *value, struct err *err)
{
	CLEANUP(mem_cleanup)
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII |
					       JSON_PRESERVE_ORDER);

	if (!text)
		return err_fail(err, PV_INTERNAL, NULL, NULL, "out of memory");
	printf("%s", text);
	return PV_OK;
}

static enum pv_code print_change(const json_t *change, struct err *err)
{
	const json_t *old = json_object_get(change, "old");
	const json_t *new = json_object_get(change, "new");
	enum pv_code rc = PV_OK;

	printf("%s: ", json_string_value(json_object_get(change, "path")));
	if (old)
		rc = print_value(old, err);
	else
		printf("(not there)");
	printf(" -> ");
	if (rc == PV_OK && new)
		rc = print_value(new, err);
	else if (!new)
		printf("(not there)");
	printf("\n");
	return rc;
}

static enum pv_code print_fields(const json_t *changes, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (json_array_size(changes) == 0)
		printf("nothing changes\n");
	for (size_t i = 0; rc == PV_OK && i < json_array_size(changes); i++)
		rc = print_change(json_array_get(changes, i), err);
	return rc;
}

/* ---- the sample ---- */

static const char *const marks[] = {
	[LINEDIFF_BOTH] = "  ", [LINEDIFF_OLD] = "- ", [LINEDIFF_NEW] = "+ "
};

static enum pv_code print_line(void *ctx, enum linediff_side side,
			       struct span line, struct err *err)
{
	(void)ctx;
	(void)err;
	print_clean(marks[side], line);
	return PV_OK;
}

static void print_side(const char *mark, const struct policydiff_side *side)
{
	char line[512];

	snprintf(line, sizeof(line), "%s%s%s%s%s", side->decision,
		 side->rule[0] ? " by " : "", side->rule,
		 side->why[0] ? ": " : "", side->why);
	print_clean(mark, (struct span){ (const uint8_t *)line, strlen(line) });
}

static enum pv_code print_sample(struct policydiff_sample *s, struct err *err)
{
	print_clean("\nsample ", (struct span){ (const uint8_t *)s->device,
						strlen(s->device) });
	if (strcmp(s->old.decision, s->new.decision) == 0 &&
	    strcmp(s->old.rule, s->new.rule) == 0 &&
	    strcmp(s->old.why, s->new.why) == 0) {
		print_side("  ", &s->new);
	} else {
		print_side("- ", &s->old);
		print_side("+ ", &s->new);
	}
	return linediff(buf_span(&s->old.text), buf_span(&s->new.text),
			print_line, NULL, err);
}

/* ---- JSON ---- */

static enum pv_code add_line(void *ctx, enum linediff_side side,
			     struct span line, struct err *err)
{
	if (side == LINEDIFF_BOTH)
		return PV_OK;
	if (json_array_append_new(
		    ctx, json_pack("{s:s, s:s%}", "in",
				   side == LINEDIFF_OLD ? "old" : "new", "line",
				   line.p, line.len)) != 0)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"a line of the certificate is not text");
	return PV_OK;
}

static json_t *side_json(struct policydiff_side *side)
{
	return json_pack("{s:s, s:s, s:s, s:s*}", "decision", side->decision,
			 "rule", side->rule, "message", side->why,
			 "certificate",
			 side->text.len ? buf_cstr(&side->text) : NULL);
}

static enum pv_code sample_json(struct policydiff_sample *s, json_t **out,
				struct err *err)
{
	json_t *lines = json_array();
	enum pv_code rc =
		linediff(buf_span(&s->old.text), buf_span(&s->new.text),
			 add_line, lines, err);

	if (rc == PV_OK)
		*out = json_pack("{s:s, s:o, s:o, s:O}", "device", s->device,
				 "old", side_json(&s->old), "new",
				 side_json(&s->new), "lines", lines);
	json_decref(lines);
	return rc;
}

static json_t *template_json(const struct template *t)
{
	char hex[65];

	hex_encode(t->sha256, 32, hex);
	return json_pack("{s:s, s:I, s:s}", "template", t->name, "version",
			 (json_int_t)t->version, "sha256", hex);
}

/* ---- the verb ---- */

static enum pv_code read_sample(const struct app *app,
				const struct template *const t[2],
				const char *request, const char *ca,
				struct policydiff_sample *s, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *above = NULL;
	CLEANUP(buf_release) struct buf text, bytes;
	enum pv_code rc = PV_OK;

	buf_init(&text, JSON_SIZE_MAX);
	buf_init(&bytes, TEMPLATE_SIZE_MAX);
	if (ca)
		rc = policy_read_ca(app, ca, &bytes, &above, err);
	if (rc == PV_OK)
		rc = file_read(AT_FDCWD, request, 0, &text, err);
	if (rc == PV_OK)
		rc = policydiff_sample(t[0], t[1], above, buf_span(&text), s,
				       err);
	if (rc != PV_OK)
		err_object(err, request);
	return rc;
}

static enum pv_code show(const struct app *app,
			 const struct template *const t[2], json_t *changes,
			 struct policydiff_sample *s, struct err *err)
{
	json_t *sample = NULL;
	enum pv_code rc = PV_OK;

	if (!app->json) {
		printf("%s version %u -> %s version %u\n", t[0]->name,
		       (unsigned)t[0]->version, t[1]->name,
		       (unsigned)t[1]->version);
		rc = print_fields(changes, err);
		return rc == PV_OK && s ? print_sample(s, err) : rc;
	}
	if (s)
		rc = sample_json(s, &sample, err);
	if (rc != PV_OK)
		return rc;
	return out_json(json_pack("{s:o, s:o, s:O, s:o*}", "old",
				  template_json(t[0]), "new",
				  template_json(t[1]), "changes", changes,
				  "sample", sample),
			err);
}

enum pv_code policy_run_diff(const struct app *app, const char *a,
			     const char *b, const char *request, const char *ca,
			     struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *old = NULL;
	CLEANUP(cleanup_template_free) struct template *new = NULL;
	CLEANUP(policydiff_release)
	struct policydiff_sample sample = { .device = "" };
	SESSION s = { .a = NULL };
	json_t *changes = NULL;
	enum pv_code rc = policy_find(app, &s, a, &old, err);

	if (rc == PV_OK)
		rc = policy_find(app, &s, b, &new, err);
	const struct template *const both[2] = { old, new };
	if (rc == PV_OK)
		rc = policydiff_fields(old, new, &changes, err);
	if (rc == PV_OK && request)
		rc = read_sample(app, both, request, ca, &sample, err);
	if (rc == PV_OK)
		rc = show(app, both, changes, request ? &sample : NULL, err);
	json_decref(changes);
	return rc;
}
