#include "cmd/publish.h"

#include "cmd/out.h"
#include "lib/flow/publish.h"

static enum pv_code publish(const struct app *app, struct session *s,
			    struct err *err)
{
	struct publish_job job = { .a = s->a, .store = s->store };
	struct publish_report r;
	enum pv_code rc = session_login(app, s, err);

	job.hsm = s->hsm;
	if (rc == PV_OK)
		rc = publish_run(&job, &r, err);
	if (rc == PV_OK)
		out_note(app,
			 "published: %llu revocation lists, %llu OCSP answers, "
			 "%llu files%s",
			 (unsigned long long)r.lists,
			 (unsigned long long)r.answers,
			 (unsigned long long)r.files,
			 r.hook ? "; the hook ran" : "");
	return rc;
}

enum pv_code publish_changes(const struct app *app, struct session *s,
			     struct err *err)
{
	struct err why;
	enum pv_code rc, made;

	err_init(&why);
	made = publish(app, s, &why);
	rc = session_checkpoint(app, s, err);
	if (made != PV_OK) {
		*err = why;
		err_prefix(err, "it is recorded, but what is published is "
				"behind");
		return made;
	}
	return rc;
}
