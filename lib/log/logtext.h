/*
 * logtext: which text may stand in the log. Internal to lib/log.
 * Specification: formats.md 6 (refused characters), RFC 3629.
 */
#ifndef PV_LOG_LOGTEXT_H
#define PV_LOG_LOGTEXT_H

#include "lib/base/buf.h"

/*
 * Valid UTF-8 without U+0000-001F, 007F-009F, 061C, 200E, 200F, 2028-202E and
 * 2066-2069. LF, which notes allow, is refused too: an entry's texts are lines.
 */
PV_MUST bool log_text_ok(struct span s);
/* 1 to LOG_TYPE_MAX bytes of [a-z0-9.-]. */
PV_MUST bool log_type_ok(struct span s);

#endif
