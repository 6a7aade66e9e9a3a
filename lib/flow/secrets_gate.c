/* Stored secrets: what of them officers approve. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/people.h"
#include "lib/flow/secrets_impl.h"
#include "lib/flow/secretsalt.h"

CLEANUP_PTR(struct roster, roster_free);

const struct approvals secrets_nobody = { .asked = { .operation =
							     QUORUM_SECRET } };

enum pv_code secrets_put_value(const struct authority *a, struct store *store,
			       const char *name, uint64_t version,
			       const struct secret *value,
			       uint8_t bound[LOG_HASH], struct buf *subject,
			       struct err *err)
{
	char requester[EVENT_ACTOR_MAX];
	const struct secretsalt_for f = { a, name, version, requester };
	enum pv_code rc;

	event_actor(store, requester);
	rc = secretsalt_bind(&f, value, bound, err);
	if (rc != PV_OK)
		return rc;
	subject_secret(subject, log_str(secrets_made_by(version)),
		       log_str(name), version, bound);
	return buf_check(subject, err);
}

/* *n of the versions up to top have still their bytes. */
static enum pv_code count_left(struct store *store, const char *name,
			       uint64_t first, uint64_t top, uint64_t *n,
			       struct err *err)
{
	enum pv_code rc = PV_OK;

	*n = 0;
	for (uint64_t i = first; rc == PV_OK && i <= top; i++) {
		CLEANUP(buf_release) struct buf sealed;
		struct store_secret row;
		bool found = false;

		buf_init(&sealed, SECRETS_ROW_MAX);
		rc = secrets_get(store, name, i, &row, &sealed, &found, err);
		if (rc == PV_OK && !found)
			rc = secrets_missing(name, i, err);
		*n += rc == PV_OK && row.destroyed_index == STORE_NO_INDEX;
	}
	return rc;
}

enum pv_code secrets_put_destroy(struct store *store, const char *name,
				 uint64_t version, uint64_t top, uint64_t *n,
				 struct buf *subject, struct err *err)
{
	enum pv_code rc = count_left(store, name, version ? version : 1,
				     version ? version : top, n, err);

	if (rc != PV_OK)
		return rc;
	subject_destroy(subject, log_str(name), version, version ? 0 : top, *n);
	return buf_check(subject, err);
}

enum pv_code secrets_check_approved(const struct approvals *got,
				    const struct buf *subject, struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc = sha256(buf_span(subject), hash, err);

	if (rc == PV_OK && memcmp(hash, got->asked.subject, 32) != 0)
		rc = err_fail(err, PV_CONFLICT, "secret.approved",
			      "run it again, and ask for approvals",
			      "something else was approved than is done now");
	return rc;
}

static enum pv_code ask(const struct authority *a, struct store *store,
			const struct secrets_ask *ask, uint64_t top,
			const struct approvals_want *from,
			struct approvals *got, struct err *err)
{
	CLEANUP(buf_release) struct buf subject;
	struct approvals_want want = *from;
	char what[STORE_ID_MAX + 40];
	uint8_t bound[LOG_HASH];
	uint64_t n = 1;
	enum pv_code rc;

	buf_init(&subject, SUBJECT_MAX);
	rc = ask->value ? secrets_put_value(a, store, ask->name, top + 1,
					    ask->value, bound, &subject, err)
			: secrets_put_destroy(store, ask->name, ask->version,
					      top, &n, &subject, err);
	if (rc != PV_OK || n == 0)
		return rc;
	snprintf(what, sizeof(what), "%s %.64s", ask->type, ask->name);
	want.op = QUORUM_SECRET;
	want.subject = buf_span(&subject);
	want.what = what;
	return approvals_gate(a, store, &want, got, err);
}

enum pv_code secrets_gate(const struct authority *a, struct store *store,
			  const struct secrets_ask *to,
			  const struct approvals_want *from,
			  struct approvals *got, struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *now = NULL;
	uint64_t top = 0;
	enum pv_code rc;

	*got = secrets_nobody;
	rc = name_is_safe(to->name, strlen(to->name))
		     ? secrets_newest(store, to->name, &top, err)
		     : secrets_bad_name(err);
	if (rc == PV_OK)
		rc = secrets_check_top(to->type, to->name, top, err);
	if (rc == PV_OK)
		rc = people_in_force(store, &now, NULL, err);
	/* Nobody can approve anything, and nothing is bound to a value. */
	if (rc != PV_OK || (!now && from->files_n == 0))
		return rc;
	return ask(a, store, to, top, from, got, err);
}
