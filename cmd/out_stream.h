/*
 * out_stream: output that is too long for memory, to a new file or to standard
 * output. The file is written under a hidden name beside its own and gets its
 * own name when it is whole and durable; a file that is there with the same
 * bytes is done, with others or as a link it is PV_CONFLICT (case 11).
 */
#ifndef PV_CMD_OUT_STREAM_H
#define PV_CMD_OUT_STREAM_H

#include <stdio.h>

#include "lib/base/err.h"

struct out_stream {
	FILE *to;   /* write here */
	int folder; /* -1: standard output */
	char name[256], temp[300];
};
#define OUT_STREAM_INIT                                                        \
	{                                                                      \
		.folder = -1                                                   \
	}

/*
 * path "-" is standard output. PV_NOT_FOUND (no such folder), PV_CONFLICT,
 * rule "output.exists" (a link, a folder), PV_INPUT, PV_STORAGE.
 */
PV_MUST enum pv_code out_stream_open(struct out_stream *s, const char *path,
				     struct err *err);
/* All is written, and nothing stands in the file's way: PV_CONFLICT,
 * PV_STORAGE. Nothing has left yet. */
PV_MUST enum pv_code out_stream_whole(struct out_stream *s, struct err *err);
/* All is written. PV_CONFLICT, PV_STORAGE; the file is then not there. */
PV_MUST enum pv_code out_stream_end(struct out_stream *s, struct err *err);
/* Removes what was not ended. */
void out_stream_release(struct out_stream *s);

#endif
