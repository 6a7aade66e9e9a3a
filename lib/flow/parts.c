#include "lib/flow/parts.h"

#include <string.h>

#include "lib/flow/prepared.h"

/* The component of the bits in now that has that name. */
static bool find_component(const struct template *t, uint32_t now,
			   const char *name, size_t len, size_t *at)
{
	for (*at = 0; *at < t->components_n; (*at)++)
		if ((now >> *at & 1) && strlen(t->components[*at].id) == len &&
		    memcmp(t->components[*at].id, name, len) == 0)
			return true;
	return false;
}

enum pv_code parts_named(const struct template *t, size_t role,
			 const char *names, uint32_t *named, struct err *err)
{
	uint32_t now = prepared_components_now(t, role), bits = 0;

	for (const char *at = names; at; at = strchr(at, ',')) {
		size_t len, i;

		at += at != names;
		len = strcspn(at, ",");
		if (!find_component(t, now, at, len, &i))
			return err_fail(err, PV_DENIED, "rotate.components",
					"see `provctl policy show`",
					"component %.*s is none that the "
					"device has been given",
					(int)(len > 64 ? 64 : len), at);
		bits |= (uint32_t)1 << i;
	}
	*named = bits;
	return PV_OK;
}

uint32_t parts_whole(const struct template *t, size_t role, uint32_t named)
{
	uint32_t bits = 0;

	for (size_t k = 0; k < t->stages_n; k++)
		if (t->stages[k].components & named)
			bits |= t->stages[k].components;
	return bits & prepared_components_now(t, role);
}

void parts_put(const struct template *t, uint32_t named, struct buf *out)
{
	bool more = false;

	for (size_t i = 0; i < t->components_n; i++) {
		if (!(named >> i & 1))
			continue;
		if (more)
			buf_put_u8(out, ',');
		buf_put_str(out, t->components[i].id);
		more = true;
	}
}
