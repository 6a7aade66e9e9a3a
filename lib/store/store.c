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

enum pv_code store_time_not_back(uint64_t last_ms, uint64_t time_ms,
				 struct err *err)
{
	if (time_ms >= last_ms)
		return PV_OK;
	return err_fail(err, PV_DENIED, "clock.backwards",
			"set the machine's clock",
			"the clock stands before the newest entry of the log");
}

enum pv_code store_time_follows(const struct store *s, uint64_t last_ms,
				uint64_t time_ms, struct err *err)
{
	enum pv_code rc = store_time_not_back(last_ms, time_ms, err);

	if (rc == PV_OK && last_ms && s->step_max_ms &&
	    time_ms - last_ms > s->step_max_ms)
		rc = err_fail(err, PV_DENIED, "clock.step",
			      "set the machine's clock; when it is right: "
			      "`provctl clock accept'",
			      "the clock stands too far ahead of the newest "
			      "entry of the log");
	return rc;
}

static enum pv_code seen(const struct store *s, uint64_t time_ms,
			 struct err *err)
{
	if (time_ms >= s->witness_ms)
		return PV_OK;
	return err_fail(err, PV_DENIED, "clock.witness",
			"set the machine's clock",
			"the clock stands before the time at which witnesses "
			"saw the log");
}

enum pv_code store_clock(const struct store *s, uint64_t last_ms,
			 uint64_t time_ms, struct err *err)
{
	enum pv_code rc = seen(s, time_ms, err);

	return rc == PV_OK ? store_time_follows(s, last_ms, time_ms, err) : rc;
}

enum pv_code store_log_time_any_step(struct store *s, uint64_t time_ms,
				     struct err *err)
{
	struct store_counts c;
	enum pv_code rc = store_counts(s, &c, err);

	if (rc == PV_OK)
		rc = seen(s, time_ms, err);
	return rc == PV_OK ? store_time_not_back(c.last_event_ms, time_ms, err)
			   : rc;
}

enum pv_code store_log_time(struct store *s, uint64_t time_ms, struct err *err)
{
	struct store_counts c;
	enum pv_code rc = store_counts(s, &c, err);

	return rc == PV_OK ? store_clock(s, c.last_event_ms, time_ms, err) : rc;
}
