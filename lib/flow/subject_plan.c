#include "lib/flow/subject_plan.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "policy/approval_render.h"

#define HOME "\nhome "

CLEANUP_PTR(json_t, json_decref);

/* A line is one line: what people read is what it says. */
static enum pv_code put_line(struct buf *out, const char *key,
			     const char *value, struct err *err)
{
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return err_fail(err, PV_INPUT, "plan.place",
					"name it without control characters",
					"the %s has one, and cannot be "
					"approved",
					key);
	buf_printf(out, "%s %s\n", key, value);
	return PV_OK;
}

/* What is there only once: no other machine, and no other folder. */
static enum pv_code put_place(const struct subject_plan *s, struct buf *out,
			      struct err *err)
{
	char home[AUTHORITY_PATH_MAX + sizeof(struct utsname)];
	struct utsname host;
	enum pv_code rc = put_line(out, "module", s->first->module, err);

	for (size_t i = 0; rc == PV_OK && i < s->first->tokens_n; i++)
		rc = put_line(out, "token", s->first->tokens[i], err);
	snprintf(home, sizeof(home), "%s:%s",
		 uname(&host) == 0 ? host.nodename : "-", s->home);
	return rc == PV_OK ? put_line(out, "home", home, err) : rc;
}

enum pv_code subject_plan(const struct subject_plan *s, struct buf *out,
			  struct err *err)
{
	char plan[65], head[65] = "-";
	enum pv_code rc = PV_OK;

	hex_encode(s->plan->sha256, sizeof(s->plan->sha256), plan);
	if (s->rehearsed)
		hex_encode(s->rehearsed->sha256, sizeof(s->rehearsed->sha256),
			   head);
	buf_printf(out,
		   "ceremony\nname %s, version %u\n" APPROVAL_PLAN_LINE
		   "%s\nauthority %s\nrehearsal %s\n",
		   s->plan->name, s->plan->version, plan, s->authority, head);
	if (s->first)
		rc = put_place(s, out, err);
	return rc == PV_OK ? buf_check(out, err) : rc;
}

enum pv_code subject_plan_home(const char *dir, char out[AUTHORITY_PATH_MAX],
			       struct err *err)
{
	char above[PATH_MAX], name[PATH_MAX], resolved[PATH_MAX];
	const char *parent, *last;
	int n;

	snprintf(above, sizeof(above), "%s", dir);
	snprintf(name, sizeof(name), "%s", dir);
	parent = dirname(above);
	last = basename(name);
	if (strlen(dir) >= PATH_MAX || strcmp(last, ".") == 0 ||
	    strcmp(last, "..") == 0 || !realpath(parent, resolved)) {
		err_object(err, dir);
		return err_fail(err, PV_INPUT, "init.folder",
				"make its parent folder first",
				"the folder's path cannot be used");
	}
	n = snprintf(out, AUTHORITY_PATH_MAX, "%s/%s",
		     strcmp(resolved, "/") == 0 ? "" : resolved, last);
	return n > 0 && n < AUTHORITY_PATH_MAX
		       ? PV_OK
		       : err_fail(err, PV_INPUT, "init.folder", NULL,
				  "the folder's path is too long");
}

bool subject_plan_says(struct span text, const char *line)
{
	size_t len = strlen(line);

	while (text.len > len) {
		const uint8_t *lf = memchr(text.p, '\n', text.len);

		if (!lf)
			return false;
		if ((size_t)(lf - text.p) == len &&
		    memcmp(text.p, line, len) == 0)
			return true;
		text.len -= (size_t)(lf + 1 - text.p);
		text.p = lf + 1;
	}
	return false;
}

bool subject_plan_is_of(struct span text, const uint8_t sha256[32])
{
	char line[sizeof(APPROVAL_PLAN_LINE) + 64] = APPROVAL_PLAN_LINE;

	hex_encode(sha256, 32, line + strlen(APPROVAL_PLAN_LINE));
	return subject_plan_says(text, line);
}

/* It is the last line. */
static struct span without_home(struct span text)
{
	const size_t len = strlen(HOME);

	for (size_t i = text.len; i > len; i--)
		if (memcmp(text.p + i - len, HOME, len) == 0)
			return (struct span){ text.p, i - len };
	return text;
}

bool subject_plan_same_but_home(struct span a, struct span b)
{
	return span_equal(without_home(a), without_home(b));
}

static enum pv_code put_base64(json_t *facts, const char *key,
			       struct span bytes, struct err *err)
{
	CLEANUP(mem_cleanup)
	char *text = mem_new(BASE64_LEN(bytes.len) + 1, err);

	if (!text)
		return PV_INTERNAL;
	base64_encode(bytes.p, bytes.len, text);
	return json_object_set_new(facts, key, json_string(text)) == 0
		       ? PV_OK
		       : err_fail(err, PV_INTERNAL, NULL, NULL,
				  "out of memory");
}

enum pv_code subject_plan_context(struct span plan, struct span roster,
				  json_t **out, struct err *err)
{
	CLEANUP(cleanup_json_decref) json_t *facts = json_object();
	enum pv_code rc;

	*out = NULL;
	if (!facts)
		return err_fail(err, PV_INTERNAL, NULL, NULL, "out of memory");
	rc = put_base64(facts, APPROVAL_FACT_PLAN, plan, err);
	if (rc == PV_OK && roster.len > 0)
		rc = put_base64(facts, APPROVAL_FACT_ROSTER, roster, err);
	if (rc == PV_OK)
		*out = TAKE(facts);
	return rc;
}
