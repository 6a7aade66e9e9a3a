/* export segment --list: what a bundle's file is made of. */
#include "cmd/export.h"
#include "cmd/out.h"
#include "lib/seal/container.h"

/* Whose it is: NULL for manifest and descriptor. */
static const char *component(const struct seal_container_view *view,
			     const struct seal_item *item)
{
	switch (item->kind) {
	case SEAL_ITEM_CLEAR:
		return view->head.clear[item->component];
	case SEAL_ITEM_SEGMENT:
		return view->head.sealed[item->component].id;
	default:
		return NULL;
	}
}

static json_t *line(const struct seal_container_view *view, uint32_t index,
		    const struct seal_item *item)
{
	static const char *const kinds[] = {
		[SEAL_ITEM_MANIFEST] = "manifest",
		[SEAL_ITEM_DESCRIPTOR] = "descriptor",
		[SEAL_ITEM_CLEAR] = "clear",
		[SEAL_ITEM_SEGMENT] = "segment",
	};
	json_t *o = json_pack("{s:I, s:s, s:s?}", "item", (json_int_t)index,
			      "kind", kinds[item->kind], "component",
			      component(view, item));

	if (o && item->kind == SEAL_ITEM_SEGMENT &&
	    json_object_set_new(o, "index", json_integer(item->segment)) != 0) {
		json_decref(o);
		return NULL;
	}
	if (o &&
	    (json_object_set_new(o, "offset",
				 json_integer((json_int_t)item->offset)) != 0 ||
	     json_object_set_new(o, "bytes",
				 json_integer((json_int_t)item->bytes.len)) !=
		     0)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

enum pv_code export_items(const struct seal_container_view *view,
			  struct err *err)
{
	struct seal_item item;
	enum pv_code rc = PV_OK;

	for (uint32_t i = 0; rc == PV_OK && i < view->items; i++) {
		rc = seal_container_item(view, i, &item, err);
		if (rc == PV_OK)
			rc = out_json(line(view, i, &item), err);
	}
	return rc;
}
