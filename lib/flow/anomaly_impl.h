/* anomaly_impl: what the files of anomaly_watch.h share. */
#ifndef PV_FLOW_ANOMALY_IMPL_H
#define PV_FLOW_ANOMALY_IMPL_H

#include "lib/flow/anomaly_watch.h"

#define ANOMALY_MINUTES 60u

struct anomaly_counter { /* of one thing, in one day */
	enum tpl_watch watch;
	size_t of; /* template */
	char object[STORE_ID_MAX + 1];
	uint64_t key, count, first, last, time_ms;
};

struct anomaly_day {
	uint64_t day;
	struct anomaly_counter *list; /* in the order they came */
	uint16_t *slots;	      /* index in list + 1, by key */
	size_t n;
};

struct anomaly_rate { /* intents of one template */
	uint32_t minutes[ANOMALY_MINUTES];
	uint64_t minute;		     /* the newest */
	uint64_t count;			     /* in the hour that ends there */
	uint64_t peak, first, last, time_ms; /* while it is exceeded */
};

struct anomaly_bundle { /* without a receipt so far */
	uint64_t key;	/* of its bh; 0: free */
	uint64_t index, time_ms;
	size_t of;
};

struct anomaly_bundles {
	struct anomaly_bundle *slots; /* NULL: none yet */
	size_t slots_n, n;
};

struct anomaly_watch {
	struct anomaly_sink sink;
	struct anomaly_template *templates; /* the last: lowest of all */
	struct anomaly_rate *rates;
	size_t n; /* with the last */
	struct anomaly_day today;
	struct anomaly_bundles bundles;
	uint64_t last_ms; /* of the entry before; 0: none */
	uint64_t untracked;
};

/* ---- anomaly_count.c ---- */

PV_MUST enum pv_code anomaly_day_init(struct anomaly_day *d, struct err *err);
void anomaly_day_release(struct anomaly_day *d);
/* Tells what was counted, and counts from nothing. */
PV_MUST enum pv_code anomaly_day_end(struct anomaly_watch *w, struct err *err);
/* One more of object, at entry index. */
PV_MUST enum pv_code anomaly_day_count(struct anomaly_watch *w,
				       enum tpl_watch watch, size_t of,
				       struct span object, uint64_t index,
				       uint64_t time_ms, struct err *err);

/* ---- anomaly_bundles.c ---- */

void anomaly_bundles_release(struct anomaly_bundles *b);
PV_MUST enum pv_code anomaly_sealed(struct anomaly_watch *w, size_t of,
				    uint64_t index, const struct log_entry *e,
				    struct err *err);
void anomaly_received(struct anomaly_watch *w, const struct log_entry *e);
/* Tells of those that are overdue, one anomaly a template. */
PV_MUST enum pv_code anomaly_overdue(struct anomaly_watch *w, uint64_t now_ms,
				     struct err *err);

#endif
