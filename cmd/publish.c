#include "cmd/publish.h"

#include "cmd/out.h"

void publish_told(const struct app *app, const struct publish_report *r)
{
	out_note(app,
		 "published: %llu revocation list%s, %llu OCSP answer%s, %llu "
		 "file%s%s",
		 (unsigned long long)r->lists, err_s(r->lists),
		 (unsigned long long)r->answers, err_s(r->answers),
		 (unsigned long long)r->files, err_s(r->files),
		 r->hook ? "; the hook ran" : "");
}

static enum pv_code publish(const struct app *app, struct session *s,
			    struct err *err)
{
	const struct publish_job job = { .a = s->a,
					 .store = s->store,
					 .tokens = &s->tokens,
					 .covered = &s->log.last };
	struct publish_report r;
	enum pv_code rc = publish_run(&job, &r, err);

	if (rc == PV_OK)
		publish_told(app, &r);
	return rc;
}

/* A login that failed is not tried again for the checkpoint: a wrong PIN is one
 * try. */
enum pv_code publish_changes(const struct app *app, struct session *s,
			     struct err *err)
{
	struct err why, log;
	enum pv_code rc = PV_OK, made;

	err_init(&why);
	err_init(&log);
	made = session_login(app, s, &why);
	if (made == PV_OK) {
		made = publish(app, s, &why);
		rc = session_checkpoint(app, s, &log);
	}
	if (made != PV_OK) {
		*err = why;
		err_prefix(err, PUBLISH_BEHIND);
		return made;
	}
	if (rc != PV_OK)
		*err = log;
	return rc;
}
