#include <fcntl.h>
#include <stdio.h>

#include "cmd/out.h"
#include "cmd/session.h"
#include "cmd/status_json.h"
#include "lib/base/fileio.h"
#include "lib/flow/dependants.h"

#define LIST_MAX (1024u * 1024u)

static const char *when(int64_t time_s, char out[PVTIME_RFC3339_LEN + 1])
{
	return time_s < 0 ? NULL : status_day(time_s, out);
}

/* Lists are numbered from 1; answers are not. */
static json_t *number(uint64_t n)
{
	return n == 0 ? json_null() : json_integer((json_int_t)n);
}

static json_t *to_json(const struct dependant *d)
{
	char since[PVTIME_RFC3339_LEN + 1], next[PVTIME_RFC3339_LEN + 1];
	bool away = d->verdict == DEPENDANT_AWAY;

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s?, s:s?, s:s?, "
			 "s:s?}",
			 "name", d->name, "place", d->place, "verdict",
			 dependant_verdict_name(d->verdict), "shown",
			 number(d->shown), "newest", number(d->newest), "shard",
			 d->shard < 0 ? json_null() : json_integer(d->shard),
			 "behind_since", when(d->since_s, since), "next_update",
			 when(d->next_s, next), "state", d->state, "why",
			 away ? d->why.message : NULL);
}

static enum pv_code tell(void *ctx, const struct dependant *d, struct err *err)
{
	const struct app *app = ctx;
	char since[PVTIME_RFC3339_LEN + 1];

	if (app->json)
		return out_json(to_json(d), err);
	printf("%-10s %s", dependant_verdict_name(d->verdict), d->name);
	if (d->shard >= 0)
		printf(": the list of shard %lld", (long long)d->shard);
	else if (d->shown)
		printf(": number %llu of %llu", (unsigned long long)d->shown,
		       (unsigned long long)d->newest);
	if (d->since_s >= 0)
		printf(", behind since %s", status_day(d->since_s, since));
	if (d->state)
		printf("; the certificate is %s", d->state);
	if (d->verdict == DEPENDANT_AWAY)
		printf(": %s", d->why.message);
	printf("  (%s)\n", d->place);
	return PV_OK;
}

enum pv_code status_dependants(const struct app *app, const char *path,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf list;
	struct dependants_job job = { .told = tell, .ctx = (void *)app };
	SESSION s = { .a = NULL };
	enum pv_code rc;

	buf_init(&list, LIST_MAX);
	rc = file_read(AT_FDCWD, path, 0, &list, err);
	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_MAY(ROLE_OP_READ), &s,
				  err);
	if (rc != PV_OK)
		return rc;
	job.a = s.a;
	job.store = s.store;
	job.list = buf_span(&list);
	rc = dependants_check(&job, err);
	if (rc == PV_INPUT)
		err_object(err, path);
	return rc;
}
