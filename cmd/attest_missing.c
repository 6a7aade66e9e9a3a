/* attest receipt --missing: the devices of an order that owe a receipt. */
#include "cmd/attest.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/flow/receiptlist.h"

static enum pv_code tell(void *ctx, const struct receiptlist_line *line,
			 struct err *err)
{
	size_t *failed = ctx;
	json_t *o = json_pack("{s:s, s:s, s:s}", "device", line->device,
			      "serial", line->serial, "status",
			      line->failed ? "failed" : "missing");

	*failed += line->failed;
	if (line->failed)
		json_object_update_new(
			o, json_pack("{s:I, s:I, s:b}", "seq",
				     (json_int_t)line->seq, "result",
				     (json_int_t)line->result, "rollback",
				     (int)line->may_go_back));
	return out_json(o, err);
}

enum pv_code attest_run_missing(const struct app *app, const char *order,
				struct err *err)
{
	SESSION s = { .a = NULL };
	size_t failed = 0;
	enum pv_code rc = session_open(
		app, SESSION_STORE | SESSION_MAY(ROLE_OP_READ), &s, err);

	if (rc == PV_OK)
		rc = receiptlist_each(s.store, order, tell, &failed, err);
	if (rc == PV_OK && failed > 0)
		out_note(app,
			 "provctl: %zu refused what they were sent; where "
			 "\"rollback\" is true, `provctl rotate device ID "
			 "--rollback' goes back to what they had",
			 failed);
	return rc;
}
