/*
 * out: machine and people's output. Results go to standard output, messages
 * to standard error. Writes are buffered; out_flush() reports the first lost
 * byte, so that a full disk or a closed pipe never ends with exit code 0.
 */
#ifndef PV_CMD_OUT_H
#define PV_CMD_OUT_H

#include <jansson.h>

#include "cmd/app.h"
#include "lib/base/buf.h"

/* One compact line; takes the reference. NULL is PV_INTERNAL. */
PV_MUST enum pv_code out_json(json_t *value, struct err *err);
/* Bytes as they are. */
PV_MUST enum pv_code out_bytes(struct span bytes, struct err *err);
/* What a stranger sent, in ASCII with nothing that a terminal obeys; what is
 * none is \xNN. */
void out_safe(struct span bytes);
/* before as it is, then text as out_safe() puts it. */
void out_text(const char *before, const char *text);
/* PV_INTERRUPTED when the reader has gone, PV_STORAGE otherwise. */
PV_MUST enum pv_code out_flush(struct err *err);

/* One line on standard error unless --quiet, fit for a terminal. */
PV_PRINTF(2, 3) void out_note(const struct app *app, const char *fmt, ...);

/* "7 devices", and "9 credentials" where a device has had several. */
void out_devices(uint64_t devices, uint64_t credentials);

/* The error as people or machines read it (cli.md). A hint that says "see
 * --help" is of the verb, which is named there. */
void out_error(const struct app *app, const struct err *said);

/* Opens the folder that path's last component is in; *base points into path.
 * PV_INPUT "output.path" when path names no file, PV_NOT_FOUND. */
PV_MUST enum pv_code out_folder(const char *path, int *folder,
				const char **base, struct err *err);

struct file_group;
struct out_staged {
	struct file_group *g; /* NULL: standard output */
	int folder;
	bool replace; /* a regular file that is there; set before */
	struct span bytes;
};
#define OUT_STAGED_INIT                                                        \
	{                                                                      \
		.folder = -1                                                   \
	}
/*
 * out_file() in two steps, for what is logged before it leaves: stage finds
 * what stands in the way, and the file is there once it is given. bytes is
 * borrowed. Release in any case.
 */
PV_MUST enum pv_code out_stage(struct out_staged *s, const char *path,
			       mode_t mode, struct span bytes, struct err *err);
PV_MUST enum pv_code out_give(struct out_staged *s, struct err *err);
void out_staged_release(struct out_staged *s);

/*
 * Bytes to FILE, durably: a file that is there with the same bytes is done,
 * with others or as a link it is PV_CONFLICT (case 11). "-" is standard output.
 */
PV_MUST enum pv_code out_file(const char *path, mode_t mode, struct span bytes,
			      struct err *err);

#endif
