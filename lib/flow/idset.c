#include "lib/flow/idset.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define NODE_BYTES 96u /* of the tree and the heap, for each id */

struct id {
	int kind;
	struct span s; /* in the tree: points behind the struct */
};

static int id_cmp(const void *pa, const void *pb)
{
	const struct id *a = pa, *b = pb;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->s.len != b->s.len)
		return a->s.len < b->s.len ? -1 : 1;
	return a->s.len ? memcmp(a->s.p, b->s.p, a->s.len) : 0;
}

void idset_init(struct idset *set, size_t max)
{
	*set = (struct idset){ .max = max };
}

void idset_release(struct idset *set)
{
	tdestroy(set->root, free);
	set->root = NULL;
	set->used = 0;
}

static size_t cost(size_t len)
{
	return sizeof(struct id) + len + NODE_BYTES;
}

enum pv_code idset_add(struct idset *set, int kind, struct span s,
		       struct err *err)
{
	struct id *id;

	if (idset_has(set, kind, s))
		return PV_OK;
	if (cost(s.len) > set->max - set->used)
		return err_fail(err, PV_INPUT, "audit.size",
				"ask for one device, serial or request",
				"more belongs to it than is kept in memory");
	id = mem_new(sizeof(*id) + s.len, err);
	if (!id)
		return PV_INTERNAL;
	id->kind = kind;
	id->s = (struct span){ (const uint8_t *)(id + 1), s.len };
	if (s.len > 0)
		memcpy(id + 1, s.p, s.len);
	if (!tsearch(id, &set->root, id_cmp)) {
		free(id);
		return err_fail(err, PV_INTERNAL, NULL, NULL, "out of memory");
	}
	set->used += cost(s.len);
	return PV_OK;
}

bool idset_has(const struct idset *set, int kind, struct span s)
{
	const struct id key = { kind, s };

	return tfind(&key, &set->root, id_cmp) != NULL;
}

void idset_remove(struct idset *set, int kind, struct span s)
{
	const struct id key = { kind, s };
	struct id *const *at = tfind(&key, &set->root, id_cmp);
	struct id *id = at ? *at : NULL;

	if (!id)
		return;
	set->used -= cost(id->s.len);
	tdelete(&key, &set->root, id_cmp);
	free(id);
}
