/* revoke --ca: a CA's key, for good. */
#include <stdio.h>
#include <unistd.h>

#include "cmd/confirm.h"
#include "cmd/out.h"
#include "cmd/publish.h"
#include "cmd/revoke.h"
#include "cmd/session.h"
#include "lib/base/pvtime.h"
#include "lib/flow/revoke_ca.h"

static enum pv_code tell(const struct revoke_ca_job *job,
			 const struct revoke_ca_report *r,
			 const struct revoke_ca_one *one, struct err *err)
{
	char when[PVTIME_RFC3339_LEN + 1];
	json_t *line = json_pack(
		"{s:s, s:I, s:s, s:s, s:I, s:s, s:s}", "ca", job->ca,
		"generation", (json_int_t)r->generation, "serial", one->serial,
		"issuer", one->issuer, "issuer_generation",
		(json_int_t)one->issuer_generation, "status",
		one->existing ? "unchanged" : "revoked", "reason",
		revocation_reason_name(one->reason));

	if (line && job->dry_run)
		json_object_set_new(line, "dry_run", json_true());
	if (line && one->revoked_ms &&
	    pvtime_format((int64_t)(one->revoked_ms / 1000), when))
		json_object_set_new(line, "revoked", json_string(when));
	return out_json(line, err);
}

static enum pv_code tell_all(const struct app *app,
			     const struct revoke_ca_job *job,
			     const struct revoke_ca_report *r, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < r->n; i++)
		rc = tell(job, r, &r->list[i], err);
	out_note(app, "%zu certificates of %s, %zu %s", r->n, job->ca,
		 r->changed, job->dry_run ? "would change" : "changed");
	if (r->persons[0])
		out_note(app, "approved by %s", r->persons);
	return rc;
}

/* There is no way back: who sits at a terminal sees which certificates. */
static enum pv_code ask(struct revoke_ca_job *job, struct err *err)
{
	const struct confirm c = { .question = "revoke this key for good",
				   .terminal = "revoke.terminal",
				   .declined = "revoke.declined" };
	struct revoke_ca_report r;
	enum pv_code rc;

	job->dry_run = true;
	rc = revoke_ca(job, &r, err);
	job->dry_run = false;
	if (rc != PV_OK || r.changed == 0)
		return rc;
	job->generation = r.generation;
	fprintf(stderr, "CA %s, generation %u, for %s:\n", job->ca,
		(unsigned)r.generation, revocation_reason_name(job->reason));
	for (size_t i = 0; i < r.n; i++)
		fprintf(stderr,
			"  certificate %s, on the list of %s, generation "
			"%u%s\n",
			r.list[i].serial, r.list[i].issuer,
			(unsigned)r.list[i].issuer_generation,
			r.list[i].existing ? " already" : "");
	return confirm_signing(&c, err);
}

enum pv_code revoke_run_ca(const struct app *app, const struct revoke_args *in,
			   uint32_t reason, int64_t invalidity_s,
			   const struct approvals_want *want, struct err *err)
{
	struct revoke_ca_job job = { .ca = in->ca,
				     .generation = (uint32_t)in->generation,
				     .reason = reason,
				     .invalidity_s = invalidity_s,
				     .dry_run = in->dry_run,
				     .want = want };
	SESSION s = { .a = NULL };
	struct revoke_ca_report r;
	unsigned may = in->dry_run ? SESSION_MAY(ROLE_OP_READ) : SESSION_GATED;
	enum pv_code rc = session_open(app, SESSION_STORE | may, &s, err);

	if (rc != PV_OK)
		return rc;
	job.a = s.a;
	job.store = s.store;
	if (!in->dry_run && !in->yes && isatty(STDIN_FILENO) &&
	    isatty(STDERR_FILENO))
		rc = ask(&job, err);
	if (rc == PV_OK)
		rc = revoke_ca(&job, &r, err);
	if (rc == PV_OK)
		rc = tell_all(app, &job, &r, err);
	return rc == PV_OK && !in->dry_run ? publish_changes(app, &s, err) : rc;
}
