/* What became of keys in a ceremony, as its transcript (checked before) has it:
 * which of them left their token, came to another one, or are gone. */
#ifndef PV_CMD_CEREMONY_MOVED_H
#define PV_CMD_CEREMONY_MOVED_H

#include <jansson.h>

#include "lib/base/buf.h"

/* A line for each. Codes of transcript_read(). */
PV_MUST enum pv_code ceremony_moved(struct span transcript, struct buf *out,
				    struct err *err);
/* An array: event, label and what else the line says of where it went; the
 * caller's. Codes of transcript_read(); PV_INTERNAL. */
PV_MUST enum pv_code ceremony_moved_json(struct span transcript, json_t **list,
					 struct err *err);

#endif
