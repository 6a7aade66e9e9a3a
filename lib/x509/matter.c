#include "lib/x509/matter.h"

#include <string.h>

#include "lib/x509/csr_parts.h"
#include "lib/x509/oids.h"

#define ID_LEN 4

static void read_id(struct span v, char id[ID_LEN + 1], struct matter_ids *ids)
{
	if (id[0] != '\0') {
		ids->bad = "a vendor or product id stands there twice";
		return;
	}
	for (size_t i = 0; i < ID_LEN; i++) {
		if (i >= v.len || !memchr("0123456789ABCDEF", v.p[i], 16)) {
			ids->bad = "an id is not four upper-case hex digits";
			return;
		}
	}
	memcpy(id, v.p, ID_LEN);
	id[ID_LEN] = '\0';
}

/* The ids behind "Mvid:" and "Mpid:" anywhere in a CN. */
static void read_cn(struct span cn, struct matter_ids *ids)
{
	for (size_t i = 0; i + 5 <= cn.len; i++) {
		struct span rest = { cn.p + i + 5, cn.len - i - 5 };
		bool vid = memcmp(cn.p + i, "Mvid:", 5) == 0;

		if (!vid && memcmp(cn.p + i, "Mpid:", 5) != 0)
			continue;
		ids->in_cn = true;
		read_id(rest, vid ? ids->vid : ids->pid, ids);
	}
}

void matter_read(struct span name, struct matter_ids *ids)
{
	struct span cn = { NULL, 0 };
	struct name_iter it;
	struct name_attr a;

	memset(ids, 0, sizeof(*ids));
	name_iter_init(&it, name);
	while (name_iter_next(&it, &a)) {
		bool vid = oid_equal(&oid_matter_vid, a.oid);

		if (oid_equal(&oid_cn, a.oid))
			cn = a.value;
		if (!vid && !oid_equal(&oid_matter_pid, a.oid))
			continue;
		ids->in_attributes = true;
		if (a.value.len != ID_LEN)
			ids->bad = "an id is not four upper-case hex digits";
		else
			read_id(a.value, vid ? ids->vid : ids->pid, ids);
	}
	if (!ids->in_attributes)
		read_cn(cn, ids);
	else if (cn.len) {
		struct matter_ids in_cn = { .bad = NULL };

		read_cn(cn, &in_cn);
		if (in_cn.in_cn)
			ids->bad = "ids stand in attributes and in the CN";
	}
}
