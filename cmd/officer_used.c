/* What approvals were used for, and when. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/officer.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/notechars.h"
#include "lib/base/pvtime.h"

#define SHOWN 10u /* to people; JSON has all */
#define LINE_MAX 512u

struct officer_used {
	json_t *all; /* NULL where lines are asked for */
	uint64_t n;
	char lines[SHOWN][LINE_MAX]; /* the newest, by number */
};

static void copy(char out[LINE_MAX], struct span s)
{
	notechars_clean(out, LINE_MAX, s);
}

static enum pv_code take_json(struct officer_used *o,
			      const struct officers_used *u, const char *hex,
			      struct err *err)
{
	json_t *one = json_pack(
		"{s:I, s:I, s:s%, s:s%, s:s%, s:s}", "index",
		(json_int_t)u->index, "time_ms", (json_int_t)u->time_ms,
		"operation", (const char *)u->operation.p, u->operation.len,
		"persons", (const char *)u->persons.p, u->persons.len,
		"requester", (const char *)u->requester.p, u->requester.len,
		"subject", hex);

	return json_array_append_new(o->all, one) == 0
		       ? PV_OK
		       : err_fail(err, PV_INTERNAL, "memory", NULL,
				  "no memory for what was approved");
}

static enum pv_code take(void *ctx, const struct officers_used *u,
			 struct err *err)
{
	struct officer_used *o = ctx;
	char op[LINE_MAX], persons[LINE_MAX], requester[LINE_MAX], hex[65];
	char when[PVTIME_RFC3339_LEN + 1] = "-";
	char *line = o->lines[o->n++ % SHOWN];

	hex_encode(u->subject, 32, hex);
	if (o->all)
		return take_json(o, u, hex, err);
	copy(op, u->operation);
	copy(persons, u->persons);
	copy(requester, u->requester);
	if (!pvtime_format((int64_t)(u->time_ms / 1000), when))
		snprintf(when, sizeof(when), "-");
	snprintf(line, LINE_MAX,
		 "%s %.31s by %.200s, asked by %.70s, entry %llu", when, op,
		 persons, requester, (unsigned long long)u->index);
	return PV_OK;
}

enum pv_code officer_used_new(const struct app *app, struct officer_used **used,
			      struct officers_sink *sink, struct err *err)
{
	struct officer_used *o = mem_new(sizeof(*o), err);

	*used = o;
	*sink = (struct officers_sink){ take, o };
	if (!o)
		return PV_INTERNAL;
	o->all = app->json ? json_array() : NULL;
	if (app->json && !o->all)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"no memory for what was approved");
	return PV_OK;
}

void officer_used_free(struct officer_used *o)
{
	if (!o)
		return;
	json_decref(o->all);
	free(o);
}

json_t *officer_used_json(const struct officer_used *o)
{
	return json_incref(o->all);
}

void officer_used_print(const struct officer_used *o)
{
	uint64_t i = o->n > SHOWN ? o->n - SHOWN : 0;

	printf("approvals used: %llu%s\n", (unsigned long long)o->n,
	       i > 0 ? ", the last of them" : "");
	for (; i < o->n; i++)
		printf("  %s\n", o->lines[i % SHOWN]);
	if (o->n > 0)
		printf("each in full: provctl audit show --officer NAME\n");
}
