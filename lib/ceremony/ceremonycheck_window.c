/* When the lines of a transcript were written: within the plan's dates. */
#include <string.h>

#include "lib/ceremony/ceremonycheck_impl.h"

static bool is_one_of(const char *event, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(event, list[i]) == 0)
			return true;
	return false;
}

#define IS_ONE_OF(event, list)                                                 \
	is_one_of((event), (list), sizeof(list) / sizeof((list)[0]))

/* Of a rehearsal they do not count. */
static bool is_outside(const struct ceremonycheck_state *c, int64_t time_s)
{
	const struct plan *p = c->in->plan;

	return p && strcmp(c->out->mode, "rehearsal") != 0 &&
	       (time_s < p->not_before_s || time_s > p->not_after_s);
}

/* A run looks at the clock behind each of these lines: what it does then was
 * begun in time, and may end a little later. */
static bool is_looked_at(const struct transcript_line *line)
{
	static const char *const looked[] = { "begin", "resume", "step" };

	return IS_ONE_OF(line->event, looked) ||
	       (strcmp(line->event, "answer") == 0 &&
		strcmp(ceremonycheck_fact(line, "answer"), "yes") == 0);
}

enum pv_code ceremonycheck_window(struct ceremonycheck_state *c,
				  const struct transcript_line *line,
				  struct err *err)
{
	/* What a run still says that the clock has ended. */
	static const char *const ending[] = { "set-aside", "swept", "failed",
					      "stopped" };

	if (strcmp(line->event, "resume") == 0)
		c->outside = false;
	if (c->outside && !IS_ONE_OF(line->event, ending))
		return err_fail(err, PV_INTEGRITY, "ceremony.window",
				"ask who ran the ceremony",
				"it went on at a time that the plan's dates "
				"forbid");
	c->outside |= is_looked_at(line) && is_outside(c, line->time_s);
	return PV_OK;
}
