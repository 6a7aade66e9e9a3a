/*
 * linediff: two texts line by line, with the lines that only one of them has
 * marked. For texts of people's size: the work grows with lines times lines.
 */
#ifndef PV_FLOW_LINEDIFF_H
#define PV_FLOW_LINEDIFF_H

#include "lib/base/buf.h"

#define LINEDIFF_MAX 1024u /* lines of one text */

enum linediff_side { LINEDIFF_BOTH, LINEDIFF_OLD, LINEDIFF_NEW };

/* The line is borrowed and comes without its end. Any code but PV_OK ends the
 * walk and is returned. */
typedef enum pv_code linediff_fn(void *ctx, enum linediff_side side,
				 struct span line, struct err *err);

/*
 * Tells fn of every line in order; of a changed place the old lines come first.
 * What both have is one longest common run of lines. PV_INPUT, "diff.lines",
 * past LINEDIFF_MAX.
 */
PV_MUST enum pv_code linediff(struct span old, struct span new, linediff_fn *fn,
			      void *ctx, struct err *err);

#endif
