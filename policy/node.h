/*
 * node: reading a JSON document whose every fault is named by JSON pointer,
 * line and column. A node is a value and the way to it; it lives on the
 * caller's stack and costs nothing until something is wrong.
 *
 * Getters leave *out untouched and return PV_OK when the value is absent:
 * defaults are set before, node_need() asks for presence. Private to policy/.
 */
#ifndef PV_POLICY_NODE_H
#define PV_POLICY_NODE_H

#include "lib/base/json.h"

#define NODE_POINTER_MAX 256

struct node_reader {
	const struct json_doc *doc;
	const char *area;   /* rules are "<area>.<rule>" */
	const char *schema; /* what to do where no more is said; may be NULL */
	struct err *err;
};

struct node {
	const struct node_reader *r;
	const struct node *up; /* NULL: the root */
	const char *key;       /* NULL: an array's element */
	size_t index;
	json_t *v; /* borrowed; NULL: absent */
};

/* Returns from the calling function unless call gives PV_OK. */
#define NODE_TRY(call)                                                         \
	do {                                                                   \
		enum pv_code try_rc_ = (call);                                 \
		if (try_rc_ != PV_OK)                                          \
			return try_rc_;                                        \
	} while (0)

struct node node_root(const struct node_reader *r);
struct node node_get(const struct node *n, const char *key);
struct node node_at(const struct node *n, size_t index);

/* The JSON pointer of n (RFC 6901), cut at NODE_POINTER_MAX. */
void node_pointer(const struct node *n, char out[NODE_POINTER_MAX]);

/* PV_INPUT with "<area>.<rule>" at n; an absent n is placed at its parent. */
PV_PRINTF(4, 5)
enum pv_code node_fail(const struct node *n, const char *rule, const char *hint,
		       const char *fmt, ...);

/* "missing" unless n is there. */
PV_MUST enum pv_code node_need(const struct node *n);
/*
 * "type" unless n is an object (or absent); "unknown_key" unless each key
 * stands in the NULL-terminated list keys (NULL: any).
 */
PV_MUST enum pv_code node_object(const struct node *n, const char *const *keys);
/* "type" unless n is an array (or absent) of min to max elements. */
PV_MUST enum pv_code node_array(const struct node *n, size_t min, size_t max);
/*
 * Text of at least 1 byte without control characters; "type", "value". At
 * most max bytes.
 */
PV_MUST enum pv_code node_string(const struct node *n, size_t max,
				 const char **out);
/* As node_string() and without what notes refuse (notechars.h): "text". */
PV_MUST enum pv_code node_text(const struct node *n, size_t max,
			       const char **out);
/* As node_string() for an id of formats.md (name_is_safe()). */
PV_MUST enum pv_code node_name(const struct node *n, const char **out);
PV_MUST enum pv_code node_bool(const struct node *n, bool *out);
PV_MUST enum pv_code node_u32(const struct node *n, uint32_t min, uint32_t max,
			      uint32_t *out);
/* max is at most INT64_MAX. */
PV_MUST enum pv_code node_u64(const struct node *n, uint64_t min, uint64_t max,
			      uint64_t *out);
/* A SHA-256 in 64 small hex digits; "digest". */
PV_MUST enum pv_code node_digest(const struct node *n, uint8_t out[32]);
/* One of the NULL-terminated words; *out is its place. */
PV_MUST enum pv_code node_word(const struct node *n, const char *const *words,
			       unsigned *out);
/* The only key of an object with one pair; *value is its node. */
PV_MUST enum pv_code node_pair(const struct node *n, const char **key,
			       struct node *value);

#endif
