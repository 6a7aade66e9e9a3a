#include "lib/ceremony/plantemplate.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "policy/template.h"

#define FILE_NAME_MAX (PLAN_NAME_MAX + 8)

static void file_name(const struct plan_step *step, char file[FILE_NAME_MAX])
{
	snprintf(file, FILE_NAME_MAX, "%.*s.json", PLAN_NAME_MAX,
		 step->template_name);
}

static enum pv_code read_file(int folder, const struct plan_step *step,
			      struct buf *bytes, uint8_t hash[32],
			      struct err *err)
{
	const char *name = step->template_name;
	char file[FILE_NAME_MAX];
	enum pv_code rc;

	buf_init(bytes, TEMPLATE_SIZE_MAX);
	if (!name_is_safe(name, strlen(name)))
		return err_fail(err, PV_INPUT, "plan.template", NULL,
				"a template's name that is no plain name");
	file_name(step, file);
	rc = file_read(folder, file, FILEIO_NOT_WRITABLE_BY_OTHERS, bytes, err);
	return rc == PV_OK ? sha256(buf_span(bytes), hash, err) : rc;
}

enum pv_code plantemplate_read(int folder, const struct plan_step *step,
			       struct buf *bytes, struct err *err)
{
	char file[FILE_NAME_MAX];
	uint8_t hash[32];
	enum pv_code rc = read_file(folder, step, bytes, hash, err);

	if (rc != PV_OK || !step->bound ||
	    memcmp(hash, step->template_sha256, sizeof(hash)) == 0)
		return rc;
	file_name(step, file);
	err_object(err, file);
	return err_fail(err, PV_DENIED, "plan.template",
			"compare it with the one that was approved, or have a "
			"plan with its SHA-256 rehearsed",
			"the template is not the one that the plan names");
}

/* ---- all steps ---- */

enum pv_code plantemplate_open(const struct plan *plan, const char *dir,
			       int *folder, struct err *err)
{
	*folder = -1;
	for (size_t i = 0; i < plan->steps_n; i++)
		if (plan->steps[i].template_name[0])
			return dir_open(AT_FDCWD, dir, folder, err);
	return PV_OK;
}

static enum pv_code unbound(int folder, const struct plan *plan, size_t n,
			    struct err *err)
{
	const struct plan_step *step = &plan->steps[n];
	CLEANUP(buf_release) struct buf bytes;
	char hint[256], hex[65];
	uint8_t hash[32];

	/* Without the file there is no hash to tell. */
	if (read_file(folder, step, &bytes, hash, NULL) == PV_OK) {
		hex_encode(hash, sizeof(hash), hex);
		snprintf(hint, sizeof(hint),
			 "compare %s.json, which has the template_sha256 %s "
			 "now, and rehearse a plan with it",
			 step->template_name, hex);
	} else {
		snprintf(hint, sizeof(hint),
			 "give the step the SHA-256 of %s.json, and rehearse "
			 "the plan",
			 step->template_name);
	}
	err_object(err, plan->name);
	return err_fail(err, PV_INPUT, "plan.template_unbound", hint,
			"step %zu, %s, names template %s without its "
			"template_sha256",
			n + 1, plan_kind_name(step->kind), step->template_name);
}

enum pv_code plantemplate_bound(const struct plan *plan, const char *mode,
				const char *dir, struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	enum pv_code rc = PV_OK;

	if (strcmp(mode, "init") == 0)
		return PV_OK;
	for (size_t i = 0; i < plan->steps_n; i++) {
		if (!plan->steps[i].template_name[0] || plan->steps[i].bound)
			continue;
		rc = dir_open(AT_FDCWD, dir, &folder, err);
		return rc == PV_OK ? unbound(folder, plan, i, err) : rc;
	}
	return PV_OK;
}

static enum pv_code check_step(int folder, const struct plan *plan, size_t n,
			       struct err *err)
{
	const struct plan_step *step = &plan->steps[n];
	CLEANUP(buf_release) struct buf bytes;
	enum pv_code rc = plantemplate_read(folder, step, &bytes, err);

	if (rc != PV_OK)
		err_prefix(err, "step %zu, %s %s", n + 1,
			   plan_kind_name(step->kind), step->template_name);
	return rc;
}

enum pv_code plantemplate_check(const struct plan *plan, const char *dir,
				struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	enum pv_code rc = plantemplate_open(plan, dir, &folder, err);

	for (size_t i = 0; rc == PV_OK && i < plan->steps_n; i++)
		if (plan->steps[i].bound)
			rc = check_step(folder, plan, i, err);
	return rc;
}
