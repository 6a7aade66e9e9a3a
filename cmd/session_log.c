/* Session: the checkpoint that covers what a verb appended to the log. */
#include <stdio.h>
#include <string.h>

#include "cmd/session.h"
#include "lib/flow/cosigned.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

static enum pv_code is_behind(const struct session *s, bool *behind,
			      struct err *err)
{
	uint64_t size = 0;
	enum pv_code rc = store_log_size(s->store, &size, err);

	*behind = rc == PV_OK && size > s->log.last.size && s->log.own_n > 0;
	return rc;
}

/* With the token, for which this logs in where the verb has not. */
static enum pv_code sign(const struct app *app, struct session *s,
			 struct err *err)
{
	enum pv_code rc = session_login(app, s, err);

	return rc == PV_OK ? checkpoint_now(s->a, s->store, s->hsm, err) : rc;
}

static enum pv_code warn(const struct app *app, const struct err *why,
			 struct err *err)
{
	if (why->code == PV_INTEGRITY) {
		*err = *why;
		return PV_INTEGRITY;
	}
	if (why->code != PV_OK && !app->quiet)
		fprintf(stderr,
			"provctl: warning: the log's checkpoint was not "
			"signed: %s\n",
			why->message);
	return PV_OK;
}

enum pv_code session_checkpoint(const struct app *app, struct session *s,
				struct err *err)
{
	struct err why;
	bool behind;
	enum pv_code rc;

	if (s->hsm)
		return checkpoint_now(s->a, s->store, s->hsm, err);
	rc = is_behind(s, &behind, err);
	if (rc != PV_OK || !behind || strcmp(s->a->pin_source, "prompt") == 0)
		return rc;
	err_init(&why);
	why.code = sign(app, s, &why);
	return warn(app, &why, err);
}

/* Under a roster, what people decided is not in force before that. */
static enum pv_code is_ruled(struct store *store, bool *ruled, struct err *err)
{
	struct store_people_counts c;
	enum pv_code rc = store_people_count(store, &c, err);

	*ruled = rc == PV_OK && c.rosters > 0;
	return rc;
}

static enum pv_code unprotected(const struct err *why, struct err *err)
{
	char reason[sizeof(why->message)];

	snprintf(reason, sizeof(reason), "%s", why->message);
	err_init(err);
	return err_fail(err,
			why->code == PV_HSM_FATAL ? PV_HSM_FATAL : PV_HSM_TEMP,
			"log.uncovered",
			"run the same command again where the token and its "
			"PIN are at hand; until then status fails",
			"the decision is recorded, but no checkpoint covers "
			"it: whoever can write the store can still take it "
			"back (%.200s)",
			reason);
}

enum pv_code session_protect(const struct app *app, struct session *s,
			     struct err *err)
{
	struct err why;
	bool behind, ruled;
	enum pv_code rc = is_behind(s, &behind, err);

	if (rc == PV_OK && behind)
		rc = is_ruled(s->store, &ruled, err);
	if (rc != PV_OK || !behind)
		return rc;
	if (!ruled)
		return session_checkpoint(app, s, err);
	err_init(&why);
	rc = sign(app, s, &why);
	if (rc == PV_OK)
		return PV_OK;
	why.code = rc;
	if (rc != PV_INTEGRITY)
		return unprotected(&why, err);
	*err = why;
	return rc;
}

enum pv_code session_witnessed(const struct session *s, const char *bundle,
			       struct err *err)
{
	return cosigned_gate(s->a, s->store, &s->log, bundle, err);
}
