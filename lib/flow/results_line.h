/*
 * results_line: one answer as the JSON line of cli.md. Pure. Text is UTF-8 as
 * it is; what a terminal would obey stands as an escape, and bytes that are
 * not UTF-8 as U+FFFD.
 */
#ifndef PV_FLOW_RESULTS_LINE_H
#define PV_FLOW_RESULTS_LINE_H

#include "lib/flow/records.h"

struct results_line {
	const struct record_out *out;
	const struct err *why; /* code PV_OK: the error is null */
	struct span pem;       /* empty: no certificate */
	/* Where each bundle is written; NULL: its bytes go into the line. */
	const char *paths[RECORD_BUNDLES_MAX];
};

/* Appends the line with its LF; whether it fitted, b->failed says. */
void results_line_put(struct buf *b, const struct results_line *l);

#endif
