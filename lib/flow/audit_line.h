/*
 * audit_line: one entry of the log as one line of text, for people and for
 * machines. Both hold the whole entry: times are UTC with milliseconds, byte
 * strings lower-case hex, facts in the entry's own order. A line holds nothing
 * that a terminal obeys and is valid UTF-8.
 */
#ifndef PV_FLOW_AUDIT_LINE_H
#define PV_FLOW_AUDIT_LINE_H

#include "lib/log/acts.h"

/* No line of an entry is longer: hex and escapes double, the rest is short. */
#define AUDIT_LINE_MAX (4u * LOG_ENTRY_MAX)

/*
 * "TIME  INDEX  TYPE  ACTOR  OBJECT  key=value ..." and LF, in columns. A word
 * with a blank, a quote, a backslash or non-ASCII in it stands in quotes,
 * with a backslash before quotes and backslashes; blanks of a key are hyphens.
 * Appends to out, which is for lines of AUDIT_LINE_MAX bytes; PV_INTEGRITY,
 * "log.entry", for a time past the year 9999.
 */
PV_MUST enum pv_code audit_line_text(uint64_t index, const struct log_entry *e,
				     struct buf *out, struct err *err);
/*
 * {"index":n,"time":"...","type":"...","actor":"...","object":"...",
 * "facts":{...}} and LF, a line of JSON; otherwise as above.
 */
PV_MUST enum pv_code audit_line_json(uint64_t index, const struct log_entry *e,
				     struct buf *out, struct err *err);

#endif
