/* order: the parts of `provctl order' that fill a file of their own. */
#ifndef PV_CMD_ORDER_H
#define PV_CMD_ORDER_H

#include "cmd/app.h"
#include "cmd/opts.h"
#include "lib/flow/orders_close.h"

extern const char order_help[]; /* one screen: order_help.c */
extern const struct verb_part order_parts[];

/* order show: order_show.c. name NULL: all of them. */
PV_MUST enum pv_code order_run_show(const struct app *app, const char *name,
				    struct err *err);
/* What is said of one; counted: by orders_count(), else of its row only. */
json_t *order_json(const struct orders_end *e, bool counted);
void order_print(const struct orders_end *e, bool counted);

#endif
