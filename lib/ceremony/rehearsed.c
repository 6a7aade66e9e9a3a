#include "lib/ceremony/rehearsed.h"

#include <fcntl.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/ceremony/ceremony.h"
#include "lib/ceremony/ceremonycheck.h"
#include "lib/flow/ceremonyfolder.h"
#include "lib/log/ceremony.h"
#include "lib/log/events.h"
#include "lib/store/store_log.h"

static enum pv_code never(const struct plan *plan, struct err *err)
{
	err_object(err, plan->name);
	return err_fail(
		err, PV_DENIED, "plan.rehearsed",
		"`provctl ceremony rehearse' it first, to its end",
		"these very bytes of the plan were not rehearsed there");
}

static enum pv_code open_folder(const char *home, const struct plan *plan,
				int *folder, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	char name[CEREMONY_NAME_MAX];
	enum pv_code rc = dir_open(AT_FDCWD, home, &fd, err);

	ceremony_folder(plan, name);
	if (rc == PV_OK && dir_open(fd, name, folder, NULL) != PV_OK)
		rc = never(plan, err);
	return rc;
}

enum pv_code rehearsed(const char *home, const struct plan *plan,
		       struct transcript_head *head, struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	CLEANUP(buf_release) struct buf lines = { .data = NULL };
	CLEANUP(buf_release) struct buf note = { .data = NULL };
	struct ceremonycheck_report report;
	struct err why;
	enum pv_code rc = open_folder(home, plan, &folder, err);

	if (rc != PV_OK)
		return rc;
	err_init(&why);
	rc = ceremony_folder_read(folder, &lines, &note, &why);
	if (rc == PV_NOT_FOUND)
		return never(plan, err);
	const struct ceremonycheck in = { .transcript = buf_span(&lines),
					  .note = buf_span(&note),
					  .plan = plan,
					  .dir = folder };
	if (rc == PV_OK)
		rc = ceremonycheck(&in, &report, &why);
	if (rc == PV_INTEGRITY && strcmp(why.rule, "ceremony.plan") == 0)
		return never(plan, err);
	if (rc == PV_OK && strcmp(report.mode, "rehearsal") != 0)
		return never(plan, err);
	if (rc != PV_OK) {
		*err = why;
		err_prefix(err, "the rehearsal");
		return rc;
	}
	*head = report.head;
	return PV_OK;
}

/* ---- what a home is ---- */

struct first_step {
	bool found, rehearsal;
};

/* Ends with the first one: PV_WAITING. */
static enum pv_code take_step(void *ctx, uint64_t index, struct span bytes,
			      struct err *err)
{
	struct first_step *s = ctx;
	struct log_entry e;
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	(void)index;
	if (rc != PV_OK || !span_is(e.type, LOG_CEREMONY_STEP))
		return rc;
	s->found = true;
	s->rehearsal = log_ceremony_is_rehearsal(&e);
	return PV_WAITING;
}

enum pv_code rehearsed_home(struct store *store, bool *yes, struct err *err)
{
	struct first_step s = { .found = false };
	const struct store_visit v = { .ctx = &s, .fn.entry = take_step };
	uint64_t size = 0;
	struct err why;
	enum pv_code rc = store_log_size(store, &size, err);

	*yes = false;
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	rc = store_log_each(store, 0, size, &v, &why);
	if (rc != PV_OK && !s.found) {
		*err = why;
		return rc;
	}
	*yes = s.rehearsal;
	return PV_OK;
}
