/*
 * audit_findings: what `audit reconcile' found, as a table for people or as
 * JSON lines, and the counts behind it.
 */
#ifndef PV_CMD_AUDIT_FINDINGS_H
#define PV_CMD_AUDIT_FINDINGS_H

#include "cmd/app.h"
#include "cmd/term.h"
#include "lib/flow/reconcile.h"

struct findings_view {
	const struct app *app;
	struct progress *progress;
	bool headed; /* the table has its first line */
};

/* For struct reconcile_opts; ctx is a struct findings_view. */
PV_MUST enum pv_code findings_show(void *ctx, const struct reconcile_finding *f,
				   struct err *err);
void findings_progress(void *ctx, uint64_t done, uint64_t total);

/* How many are findings, not only counted. */
uint64_t findings_count(const struct reconcile_counts *c);
/* token: it was looked at. */
PV_MUST enum pv_code findings_summary(const struct app *app,
				      const struct reconcile_counts *c,
				      bool token, struct err *err);

#endif
