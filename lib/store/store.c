#include "lib/store/store_log.h"

static enum pv_code take_entry(void *ctx, uint64_t index, struct span entry,
			       struct err *err)
{
	struct buf *out = ctx;

	(void)index;
	buf_put(out, entry.p, entry.len);
	return buf_check(out, err);
}

enum pv_code store_log_read(struct store *s, uint64_t index, struct buf *out,
			    struct err *err)
{
	const struct store_visit v = { out, { .entry = take_entry } };
	size_t before = out->len;
	enum pv_code rc = store_log_each(s, index, 1, &v, err);

	/* An entry is never empty. */
	if (rc != PV_OK || out->len > before)
		return rc;
	return err_fail(err, PV_NOT_FOUND, "log.range", NULL,
			"the log has no entry %llu", (unsigned long long)index);
}
