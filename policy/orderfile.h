/*
 * orderfile: an order's JSON form. A struct order is filled only when every
 * rule held; it is then closed (open is false): whether it was opened, approved
 * or closed is the store's and the log's word, not the file's.
 *
 * Does not check: that the template was adopted and has these bytes, that
 * anybody approved it, that the window is still to come.
 * Specification: policy.md, "Orders"; templates/order.schema.json.
 */
#ifndef PV_POLICY_ORDERFILE_H
#define PV_POLICY_ORDERFILE_H

#include "lib/base/json.h"
#include "policy/order.h"

#define ORDER_SIZE_MAX (16u * 1024u)   /* bytes of one order */
#define ORDER_QUANTITY_MAX 1000000000u /* devices */

/*
 * Parses an order's bytes. PV_INPUT with pointer, line and column in the
 * message, rule "json.*", "order.range" (quantity 0 or too large),
 * "order.window" (not from before until), "order.stations" (a pattern that any
 * name matches, or one that stands twice), "order.hours", "order.digest",
 * "order.time", "order.station_key" (no vkey of that station, or one twice), or
 * the general ones of forms: "order.missing", "order.unknown_key",
 * "order.name", ... *out is zeroed on failure.
 */
PV_MUST enum pv_code order_parse(struct span text, struct order *out,
				 struct err *err);

#endif
