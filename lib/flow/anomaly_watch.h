/*
 * anomaly_watch: what many entries of the log show together (policy.md,
 * "Quarantine and anomalies"), entry by entry and in bounded memory. Thresholds
 * are those of the template that an entry names (limits.anomalies); where it
 * names none that is known, the lowest of all.
 *
 *   within a UTC day   denials and quarantines by the rules of two keys, one
 *                      key (of a device), hours and stations (of a template);
 *                      denied requests of one device (retries); evidence that
 *                      fails for a lot
 *   rate               intents of a template within 60 minutes
 *   clock              the time between a request's entry and the one before
 *   receipts           sealed bundles with no receipt until the end
 *
 * What a day's table, or that of the bundles, does not hold is counted as
 * untracked: it may have hidden an anomaly.
 *
 * Does not check: the log (audit verify); quantities of orders (anomalies.h).
 */
#ifndef PV_FLOW_ANOMALY_WATCH_H
#define PV_FLOW_ANOMALY_WATCH_H

#include "lib/log/events.h"
#include "lib/store/store_types.h"
#include "policy/rules.h"

#define ANOMALY_TEMPLATES_MAX 4096
#define ANOMALY_DAY_MAX 16384u	       /* counters of one day */
#define ANOMALY_BUNDLES_MAX (1u << 20) /* that a receipt is awaited for */

struct anomaly {
	enum tpl_watch watch;
	const char *template_name; /* "-": none is named */
	const char *object; /* a device, lot or order; else the template */
	uint64_t count, threshold;
	uint64_t first, last; /* entries of the log */
	uint64_t time_ms;     /* of the last of them */
};

struct anomaly_template {
	char name[STORE_ID_MAX + 1];
	uint8_t sha256[STORE_HASH];
	uint32_t watch[TPL_WATCHES];
};

struct anomaly_sink {
	/* a lasts for the call. A failure ends it all and is returned. */
	enum pv_code (*found)(void *ctx, const struct anomaly *a,
			      struct err *err);
	void *ctx;
};

struct anomaly_watch;

/* The templates are copied; PV_INPUT, "audit.size", for too many. */
PV_MUST enum pv_code anomaly_watch_new(const struct anomaly_template *t,
				       size_t n,
				       const struct anomaly_sink *sink,
				       struct anomaly_watch **w,
				       struct err *err);
void anomaly_watch_free(struct anomaly_watch *w);
/* The next entry of the log. */
PV_MUST enum pv_code anomaly_watch_take(struct anomaly_watch *w, uint64_t index,
					const struct log_entry *e,
					struct err *err);
/* There are no more, and it is now_ms; *untracked as above. */
PV_MUST enum pv_code anomaly_watch_end(struct anomaly_watch *w, uint64_t now_ms,
				       uint64_t *untracked, struct err *err);

#endif
