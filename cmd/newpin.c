#include "cmd/newpin.h"

#include <stdio.h>
#include <string.h>

/* Nobody sees what is typed: it is typed twice. */
static enum pv_code ask_twice(const struct backends *b, const char *name,
			      struct secret *pin, struct err *err)
{
	SECRET again = SECRET_INIT;
	char what[AUTHORITY_NAME_MAX + 24];
	enum pv_code rc;

	snprintf(what, sizeof(what), "%s (new)", name);
	rc = b->person_pin("prompt", what, pin, err);
	if (rc != PV_OK && strcmp(err->rule, "pin.terminal") == 0)
		snprintf(err->hint, sizeof(err->hint), "%s",
			 "give it with --new-pin-source file:, fd: or "
			 "systemd: without a terminal");
	snprintf(what, sizeof(what), "%s (new, again)", name);
	if (rc == PV_OK)
		rc = b->person_pin("prompt", what, &again, err);
	if (rc == PV_OK && !secret_equal(&again, pin->data, pin->len))
		rc = err_fail(err, PV_INPUT, "pin.twice", "start again",
			      "the two are not the same");
	return rc;
}

enum pv_code newpin_read(const struct backends *b, const char *source,
			 const char *name, struct secret *pin, struct err *err)
{
	return source ? b->person_pin(source, name, pin, err)
		      : ask_twice(b, name, pin, err);
}
