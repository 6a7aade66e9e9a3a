/*
 * text: template strings with ${...} placeholders, parsed once, expanded many
 * times. Values are put in as they are and never parsed again.
 *
 * Known names: device.id, device.<declared field>, order.id, authority.name,
 * shard. A '$' not followed by '{' is literal; "${" that names nothing known
 * is an error at parse time.
 */
#ifndef PV_BASE_TEXT_H
#define PV_BASE_TEXT_H

#include "lib/base/buf.h"

#define TEXT_FIELDS_MAX 32     /* declared device fields in a template */
#define TEXT_VALUE_MAX 1024    /* a field; with its NUL a certificate's value */

enum text_var {
	TEXT_LITERAL,
	TEXT_DEVICE_ID,
	TEXT_FIELD,
	TEXT_ORDER_ID,
	TEXT_AUTHORITY,
	TEXT_SHARD
};

struct text_part {
	enum text_var var;
	size_t field;          /* index in the declared fields, for TEXT_FIELD */
	char *literal;         /* owned; for TEXT_LITERAL */
};

struct text {
	struct text_part *parts; /* owned */
	size_t n;
};

/* Values for one device. NULL means absent: expanding it is PV_INPUT. */
struct text_vars {
	const char *device_id;
	const char *order_id;
	const char *authority;
	const char *const *fields; /* parallel to the declared fields */
	size_t fields_n;
	uint32_t shard;
};

/*
 * Parses s. fields are the declared names. allow_shard: ${shard} is known.
 * PV_INPUT, rule "template.placeholder", on anything unknown or unclosed.
 */
PV_MUST enum pv_code text_parse(struct text *t, const char *s,
				const char *const *fields, size_t fields_n,
				bool allow_shard, struct err *err);
void text_release(struct text *t);
/* True when a part is not a literal. */
PV_MUST bool text_has_vars(const struct text *t);
/* Expanded, NUL-terminated, at most cap - 1 bytes; no vars allowed if NULL. */
PV_MUST enum pv_code text_expand(const struct text *t,
				 const struct text_vars *vars, char *out,
				 size_t cap, size_t *len, struct err *err);
/* As above, behind what out holds and up to its limit (buf_check()). */
PV_MUST enum pv_code text_append(const struct text *t,
				 const struct text_vars *vars, struct buf *out,
				 struct err *err);

#endif
