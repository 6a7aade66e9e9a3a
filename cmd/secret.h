/*
 * secret: what the files of `provctl secret' share. A value comes from a
 * private file, standard input or a prompt, never from argv; the bytes of a
 * file or of standard input are taken as they are, line ends included.
 */
#ifndef PV_CMD_SECRET_H
#define PV_CMD_SECRET_H

#include "cmd/app.h"
#include "cmd/opts.h"
#include "lib/base/secret.h"
#include "lib/flow/approvals.h"

struct secret_opts {
	const char *name, *from;
	uint64_t version; /* 0: not given */
	struct opt_list approvals;
	struct approvals_want want; /* files, request_out */
};

extern const char secret_help[]; /* secret_help.c */
extern const struct verb_part secret_parts[];

/* Names, versions and states. */
PV_MUST enum pv_code secret_run_list(const struct app *app,
				     const struct secret_opts *o,
				     struct err *err);

/*
 * from: a path (mode 0600, the caller's), "-" for standard input, NULL to be
 * asked twice. pin_source: where the PIN comes from, which must be somewhere
 * else. PV_INPUT ("secret.length", "secret.repeat"), PV_DENIED (mode, owner,
 * "secret.terminal"), PV_USAGE ("pin.shared"; a terminal is no standard input),
 * PV_NOT_FOUND, PV_INTERRUPTED, PV_STORAGE.
 */
PV_MUST enum pv_code secret_input(const char *from, const char *pin_source,
				  const char *name, struct secret *value,
				  struct err *err);

#endif
