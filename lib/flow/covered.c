#include "lib/flow/covered.h"

#include <string.h>

#include "lib/flow/governance.h"
#include "lib/flow/logged.h"

enum pv_code covered_begin(struct covered *c, struct store *store,
			   struct log_hasher *h, const struct log_point *upto,
			   uint64_t from, struct err *err)
{
	const struct log_reader r = logged_reader(store);
	enum pv_code rc = PV_OK;

	*c = (struct covered){ .h = h,
			       .upto = upto && upto->size > from ? upto
								 : NULL };
	if (!c->upto)
		return PV_OK;
	c->tree.size = from;
	for (unsigned k = 0; rc == PV_OK && from >> k > 0; k++)
		if (from >> k & 1)
			rc = r.hash(r.ctx, k, (from >> k) - 1, c->tree.node[k],
				    err);
	return rc;
}

enum pv_code covered_take(struct covered *c, struct span bytes, struct err *err)
{
	uint8_t hash[LOG_HASH];
	enum pv_code rc;

	if (!c->upto || c->tree.size >= c->upto->size)
		return PV_OK;
	rc = log_hash_leaf(c->h, bytes, hash, err);
	if (rc == PV_OK)
		rc = log_tree_append(&c->tree, c->h, hash, NULL, err);
	if (rc != PV_OK || c->tree.size < c->upto->size)
		return rc;
	rc = log_tree_root(&c->tree, c->h, hash, err);
	if (rc == PV_OK && memcmp(hash, c->upto->root, LOG_HASH) != 0)
		return governance_wrong("log", "entries",
					"they are not those that the "
					"checkpoint covers",
					err);
	return rc;
}
