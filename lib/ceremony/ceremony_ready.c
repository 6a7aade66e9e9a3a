#include "lib/ceremony/ceremony_ready.h"

#include <fcntl.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/ceremony/media.h"

enum pv_code ceremony_ready_people(const struct ceremony_people *people,
				   struct err *err)
{
	return people && people->ready ? people->ready(people->ctx, err)
				       : PV_OK;
}

/* A list goes there, too, where there is one: that step does without. */
static bool needs_medium(const struct plan_step *step)
{
	switch (step->kind) {
	case PLAN_BACK_UP_KEY:
	case PLAN_RESTORE_KEY:
	case PLAN_MAKE_CSR:
	case PLAN_SIGN_CSR:
	case PLAN_IMPORT_CA:
	case PLAN_TRANSPORT:
	case PLAN_SEND_KEY:
	case PLAN_TAKE_KEY:
		return true;
	default:
		return false;
	}
}

static enum pv_code check(const struct media *media, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;

	if (!media || !media->dir)
		return err_fail(err, PV_USAGE, "media.none",
				"name the folder of a medium with --media",
				"files change hands here, and no medium was "
				"named");
	return dir_open(AT_FDCWD, media->dir, &fd, err);
}

enum pv_code ceremony_ready_media(const struct plan *plan, const bool *done,
				  const struct media *media, struct err *err)
{
	for (size_t i = 0; i < plan->steps_n; i++) {
		const struct plan_step *step = &plan->steps[i];
		enum pv_code rc;

		if ((done && done[i]) || !needs_medium(step))
			continue;
		rc = check(media, err);
		if (rc != PV_OK)
			err_prefix(err, "step %zu, %s", i + 1,
				   plan_kind_name(step->kind));
		return rc;
	}
	return PV_OK;
}
