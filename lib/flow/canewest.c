#include "lib/flow/canewest.h"

#include <stdio.h>
#include <string.h>

/* They come in order of generations. */
static enum pv_code take(void *ctx, const struct store_ca *row, struct err *err)
{
	struct ca_newest *out = ctx;

	(void)err;
	out->generation = row->generation;
	out->imported = store_ca_imported(row);
	snprintf(out->label, sizeof(out->label), "%s", row->label);
	snprintf(out->parent, sizeof(out->parent), "%s", row->parent);
	return PV_OK;
}

enum pv_code ca_newest(struct store *store, const char *ca,
		       struct ca_newest *out, struct err *err)
{
	const struct store_visit v = { .ctx = out, .fn.ca = take };
	struct err why;
	enum pv_code rc;

	memset(out, 0, sizeof(*out));
	err_init(&why);
	rc = store_ca_each(store, ca, &v, &why);
	if (rc == PV_OK || rc == PV_NOT_FOUND)
		return PV_OK;
	*err = why;
	return rc;
}
