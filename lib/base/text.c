#include "lib/base/text.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define TEXT_PARTS_MAX 32

static enum pv_code add_literal(struct text *t, const char *s, size_t len,
				struct err *err)
{
	char *copy;

	if (len == 0)
		return PV_OK;
	copy = mem_array(1, len + 1, err);
	if (!copy)
		return PV_INTERNAL;
	memcpy(copy, s, len);
	t->parts[t->n].var = TEXT_LITERAL;
	t->parts[t->n++].literal = copy;
	return PV_OK;
}

static bool name_equal(const char *s, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(s, name, len) == 0;
}

/* Sets part to the variable called s[0..len); false when there is none. */
static bool find_var(struct text_part *part, const char *s, size_t len,
		     const char *const *fields, size_t fields_n,
		     bool allow_shard)
{
	static const char device[] = "device.";
	size_t skip = sizeof(device) - 1;

	if (name_equal(s, len, "device.id"))
		part->var = TEXT_DEVICE_ID;
	else if (name_equal(s, len, "order.id"))
		part->var = TEXT_ORDER_ID;
	else if (name_equal(s, len, "authority.name"))
		part->var = TEXT_AUTHORITY;
	else if (allow_shard && name_equal(s, len, "shard"))
		part->var = TEXT_SHARD;
	if (part->var != TEXT_LITERAL)
		return true;
	if (len <= skip || memcmp(s, device, skip) != 0)
		return false;
	for (size_t i = 0; i < fields_n; i++) {
		if (!name_equal(s + skip, len - skip, fields[i]))
			continue;
		part->var = TEXT_FIELD;
		part->field = i;
		return true;
	}
	return false;
}

static enum pv_code parse_parts(struct text *t, const char *s,
				const char *const *fields, size_t fields_n,
				bool allow_shard, struct err *err)
{
	while (*s) {
		const char *open = strstr(s, "${");
		const char *close = open ? strchr(open, '}') : NULL;
		enum pv_code rc;

		if (t->n + 2 > TEXT_PARTS_MAX)
			return err_fail(err, PV_INPUT, "template.placeholder",
					"use fewer placeholders",
					"more than %d parts in one text",
					TEXT_PARTS_MAX);
		rc = add_literal(t, s, open ? (size_t)(open - s) : strlen(s),
				 err);
		if (rc != PV_OK || !open)
			return rc;
		if (!close)
			return err_fail(err, PV_INPUT, "template.placeholder",
					"close it with }", "\"${\" without }");
		if (!find_var(&t->parts[t->n], open + 2,
			      (size_t)(close - open - 2), fields, fields_n,
			      allow_shard))
			return err_fail(err, PV_INPUT, "template.placeholder",
					"declare the field under device.fields",
					"unknown placeholder ${%.*s}",
					(int)(close - open - 2 > 64
						      ? 64
						      : close - open - 2),
					open + 2);
		t->n++;
		s = close + 1;
	}
	return PV_OK;
}

enum pv_code text_parse(struct text *t, const char *s,
			const char *const *fields, size_t fields_n,
			bool allow_shard, struct err *err)
{
	enum pv_code rc;

	t->n = 0;
	t->parts = mem_array(TEXT_PARTS_MAX, sizeof(*t->parts), err);
	if (!t->parts)
		return PV_INTERNAL;
	rc = parse_parts(t, s, fields, fields_n, allow_shard, err);
	if (rc != PV_OK)
		text_release(t);
	return rc;
}

void text_release(struct text *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->parts[i].literal);
	free(t->parts);
	t->parts = NULL;
	t->n = 0;
}

bool text_has_vars(const struct text *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].var != TEXT_LITERAL)
			return true;
	return false;
}

/* The value of one part; NULL when it is absent. shard is scratch. */
static const char *part_value(const struct text_part *part,
			      const struct text_vars *vars, char shard[12])
{
	uint32_t n;
	char *p = shard + 11;

	if (part->var == TEXT_LITERAL)
		return part->literal;
	if (!vars)
		return NULL;
	switch (part->var) {
	case TEXT_DEVICE_ID:
		return vars->device_id;
	case TEXT_ORDER_ID:
		return vars->order_id;
	case TEXT_AUTHORITY:
		return vars->authority;
	case TEXT_FIELD:
		return part->field < vars->fields_n ? vars->fields[part->field]
						    : NULL;
	case TEXT_SHARD:
		n = vars->shard;
		*p = '\0';
		do
			*--p = (char)('0' + n % 10);
		while (n /= 10);
		return p;
	case TEXT_LITERAL:
		break;
	}
	return NULL;
}

static enum pv_code no_value(struct err *err)
{
	return err_fail(err, PV_INPUT, "template.value",
			"give the field in the request",
			"a placeholder of the template has no value");
}

enum pv_code text_append(const struct text *t, const struct text_vars *vars,
			 struct buf *out, struct err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		char shard[12];
		const char *v = part_value(&t->parts[i], vars, shard);

		if (!v)
			return no_value(err);
		buf_put_str(out, v);
	}
	return buf_check(out, err);
}

enum pv_code text_expand(const struct text *t, const struct text_vars *vars,
			 char *out, size_t cap, size_t *len, struct err *err)
{
	size_t used = 0;

	for (size_t i = 0; i < t->n; i++) {
		char shard[12];
		const char *v = part_value(&t->parts[i], vars, shard);
		size_t n = v ? strlen(v) : 0;

		if (!v)
			return no_value(err);
		if (n >= cap - used)
			return err_fail(
				err, PV_INPUT, "template.value",
				"shorten the field",
				"an expanded text is longer than %zu bytes",
				cap - 1);
		memcpy(out + used, v, n);
		used += n;
	}
	out[used] = '\0';
	if (len)
		*len = used;
	return PV_OK;
}
