#include "cmd/issue_summary.h"

#include <stdio.h>
#include <string.h>

#include "cmd/out.h"

uint64_t issue_answered(const struct issue_counts *n)
{
	return n->issued + n->existing + n->denied + n->quarantined + n->failed;
}

void issue_summary(const struct app *app, const char *from,
		   const struct issue_counts *n, bool ok)
{
	char conflicts[64] = "";

	if (n->conflicts)
		snprintf(conflicts, sizeof(conflicts),
			 ", %llu with other files in the way",
			 (unsigned long long)n->conflicts);
	out_note(app,
		 "provctl: %llu issued, %llu existing, %llu denied, "
		 "%llu failed%s",
		 (unsigned long long)n->issued, (unsigned long long)n->existing,
		 (unsigned long long)(n->denied + n->quarantined),
		 (unsigned long long)n->failed, conflicts);
	if (ok && issue_answered(n) == 0)
		out_note(app, "warning: no requests in %s",
			 from && strcmp(from, "-") != 0 ? from
							: "standard input");
}
