#include "lib/flow/linediff.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

struct text_lines {
	struct span line[LINEDIFF_MAX];
	size_t n;
};

struct pair {
	struct text_lines old, new;
	/* longest[i][j]: of what is common to the lines from i and from j on */
	uint16_t longest[LINEDIFF_MAX + 1][LINEDIFF_MAX + 1];
};

static enum pv_code split(struct span text, struct text_lines *out,
			  struct err *err)
{
	while (text.len > 0) {
		const uint8_t *end = memchr(text.p, '\n', text.len);
		size_t len = end ? (size_t)(end - text.p) : text.len;
		size_t used = end ? len + 1 : len;

		if (out->n == LINEDIFF_MAX)
			return err_fail(err, PV_INPUT, "diff.lines", NULL,
					"more than %u lines", LINEDIFF_MAX);
		out->line[out->n++] = (struct span){ text.p, len };
		text.p += used;
		text.len -= used;
	}
	return PV_OK;
}

static void measure(struct pair *p)
{
	for (size_t i = p->old.n; i-- > 0;)
		for (size_t j = p->new.n; j-- > 0;) {
			uint16_t down = p->longest[i + 1][j];
			uint16_t right = p->longest[i][j + 1];

			p->longest[i][j] = down > right ? down : right;
			if (span_equal(p->old.line[i], p->new.line[j]))
				p->longest[i][j] = p->longest[i + 1][j + 1] + 1;
		}
}

static enum pv_code walk(const struct pair *p, linediff_fn *fn, void *ctx,
			 struct err *err)
{
	size_t i = 0, j = 0;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && (i < p->old.n || j < p->new.n)) {
		if (i < p->old.n &&
		    j < p->new.n &&span_equal(p->old.line[i], p->new.line[j])) {
			rc = fn(ctx, LINEDIFF_BOTH, p->old.line[i++], err);
			j++;
		} else if (i < p->old.n &&
			   (j == p->new.n ||
			    p->longest[i + 1][j] >= p->longest[i][j + 1])) {
			rc = fn(ctx, LINEDIFF_OLD, p->old.line[i++], err);
		} else {
			rc = fn(ctx, LINEDIFF_NEW, p->new.line[j++], err);
		}
	}
	return rc;
}

enum pv_code linediff(struct span old, struct span new, linediff_fn *fn,
		      void *ctx, struct err *err)
{
	CLEANUP(mem_cleanup) struct pair *p = mem_new(sizeof(*p), err);
	enum pv_code rc;

	if (!p)
		return PV_INTERNAL;
	rc = split(old, &p->old, err);
	if (rc == PV_OK)
		rc = split(new, &p->new, err);
	if (rc != PV_OK)
		return rc;
	measure(p);
	return walk(p, fn, ctx, err);
}
