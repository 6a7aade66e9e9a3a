/*
 * notechars: which characters may stand in a signed note (formats.md 6) and
 * in a key name (c2sp.org/signed-note), and which ones people can tell apart.
 * Strict UTF-8 (RFC 3629). Pure.
 */
#ifndef PV_BASE_NOTECHARS_H
#define PV_BASE_NOTECHARS_H

#include "lib/base/buf.h"

#define NOTECHARS_INVALID UINT32_MAX

/*
 * True when text is UTF-8 without a refused character: U+0000-001F but LF,
 * 007F-009F, 061C, 200E, 200F, 2028-202E, 2066-2069. Else *at is the first
 * wrong byte and *cp the character there, or NOTECHARS_INVALID.
 */
PV_MUST bool notechars_ok(struct span text, size_t *at, uint32_t *cp);
/* A quick look: whether all of it is U+0020 to U+007E, so no LF either. */
PV_MUST bool notechars_plain(struct span text);
/*
 * Text as it may reach a terminal: refused characters, LF and bytes that are
 * not UTF-8 become '?', each. to holds cap bytes, at least 1, and is ended by
 * NUL; what does not fit is cut between characters. Returns the length.
 */
size_t notechars_clean(char *to, size_t cap, struct span text);
/*
 * Whether each character of a text that notechars_ok() takes can be seen and
 * told from others: no space but U+0020, no format character (Unicode's Cf) or
 * other one of no width, no combining mark. Else *cp is the first.
 */
PV_MUST bool notechars_seen(struct span text, uint32_t *cp);
/* Not empty, as notechars_ok() and no LF, no plus sign, no Unicode space. */
PV_MUST bool notechars_name_ok(struct span name);

#endif
