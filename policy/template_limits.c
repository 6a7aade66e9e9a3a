/* seal, limits, rotation, approvals, manifest. */
#include <string.h>

#include "lib/base/pvtime.h"
#include "policy/hours.h"
#include "policy/template_impl.h"

#define QUARANTINE_MAX 1000000
#define RENEW_BEFORE_S (30u * 24 * 3600)
#define PERSONS_MAX 16u
#define AGE_MIN_S 60u
#define AGE_MAX_S (7u * 24 * 3600) /* as long as any request lives */

enum pv_code tpl_seal(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "chunk", "signature", NULL };
	static const char *const forms[] = { "plain", "batch", "mac0", NULL };
	struct node chunk = node_get(n, "chunk");
	struct node signature = node_get(n, "signature");
	unsigned form = TPL_SIG_PLAIN;
	uint32_t bytes = 1024;

	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_u32(&chunk, 256, 4096, &bytes));
	if (bytes & (bytes - 1))
		return node_fail(&chunk, "chunk", "256, 512, 1024, 2048, 4096",
				 "%u is not a power of two", bytes);
	NODE_TRY(node_word(&signature, forms, &form));
	p->t->chunk = bytes;
	p->t->signature = p->t->components_n > 0 ? (enum tpl_signature)form
						 : TPL_SIG_PLAIN;
	return PV_OK;
}

static enum pv_code parse_hours(const struct node *n, struct tpl_limits *l)
{
	const char *s = NULL;

	NODE_TRY(node_string(n, 64, &s));
	if (!s)
		return PV_OK;
	l->hours = true;
	if (!hours_parse(s, &l->from_min, &l->to_min))
		return node_fail(n, "hours", "as \"06:00-22:00\"",
				 "not a span of hours");
	return PV_OK;
}

static enum pv_code parse_stations(const struct node *n, struct tpl_limits *l)
{
	NODE_TRY(node_array(n, 1, TPL_STATIONS_MAX));
	for (size_t i = 0; i < json_array_size(n->v); i++) {
		struct node item = node_at(n, i);

		NODE_TRY(node_name(&item, &l->stations[i]));
		l->stations_n++;
	}
	return PV_OK;
}

static const struct {
	const char *name;
	uint32_t max, preset;
} watches[TPL_WATCHES] = {
	[TPL_WATCH_TWO_KEYS] = { "two_keys_one_device", INT32_MAX, 1 },
	[TPL_WATCH_ONE_KEY] = { "one_key_two_devices", INT32_MAX, 1 },
	[TPL_WATCH_HOURS] = { "outside_hours", INT32_MAX, 1 },
	[TPL_WATCH_STATION] = { "unknown_station", INT32_MAX, 1 },
	[TPL_WATCH_RATE] = { "rate_per_hour", INT32_MAX, 0 },
	[TPL_WATCH_CLOCK] = { "clock_step_s", INT32_MAX, 0 },
	[TPL_WATCH_EVIDENCE] = { "evidence_failures_per_lot", INT32_MAX, 0 },
	[TPL_WATCH_RECEIPTS] = { "receipts_missing_after_h", 87600, 0 },
	[TPL_WATCH_RETRIES] = { "retries", INT32_MAX, 0 },
	[TPL_WATCH_QUANTITY] = { "quantity_nearly_used_percent", 100, 0 },
};

const char *tpl_watch_name(enum tpl_watch watch)
{
	return watches[watch].name;
}

uint32_t tpl_watch_preset(enum tpl_watch watch)
{
	return watches[watch].preset;
}

static enum pv_code parse_watches(const struct node *n, struct tpl_limits *l)
{
	const char *keys[TPL_WATCHES + 1] = { NULL };

	for (size_t i = 0; i < TPL_WATCHES; i++) {
		keys[i] = watches[i].name;
		l->watch[i] = watches[i].preset;
	}
	NODE_TRY(node_object(n, keys));
	for (size_t i = 0; i < TPL_WATCHES; i++) {
		struct node threshold = node_get(n, keys[i]);

		NODE_TRY(node_u32(&threshold, 0, watches[i].max, &l->watch[i]));
	}
	return PV_OK;
}

enum pv_code tpl_limits(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = {
		"without_order",  "per_order", "per_hour",
		"hours_utc",	  "stations",  "on_anomaly",
		"quarantine_max", "anomalies", NULL
	};
	static const char *const anomalies[] = { "deny", "quarantine", NULL };
	struct tpl_limits *l = &p->t->limits;
	struct node without = node_get(n, "without_order");
	struct node per_order = node_get(n, "per_order");
	struct node per_hour = node_get(n, "per_hour");
	struct node hours = node_get(n, "hours_utc");
	struct node stations = node_get(n, "stations");
	struct node anomaly = node_get(n, "on_anomaly");
	struct node kept = node_get(n, "quarantine_max");
	struct node watch = node_get(n, "anomalies");
	uint32_t order_max = 0;
	uint32_t hour_max = 0;
	unsigned word = TPL_ANOMALY_DENY;

	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_bool(&without, &l->without_order));
	NODE_TRY(node_u32(&per_order, 1, INT32_MAX, &order_max));
	NODE_TRY(node_u32(&per_hour, 1, INT32_MAX, &hour_max));
	l->per_order = order_max;
	l->per_hour = hour_max;
	NODE_TRY(parse_hours(&hours, l));
	NODE_TRY(parse_stations(&stations, l));
	NODE_TRY(node_word(&anomaly, anomalies, &word));
	l->on_anomaly = (enum tpl_anomaly)word;
	l->quarantine_max = TPL_QUARANTINE_MAX;
	NODE_TRY(node_u32(&kept, 1, QUARANTINE_MAX, &l->quarantine_max));
	return parse_watches(&watch, l);
}

/* How long before a certificate's end it is due: as said, else 30 days, or a
 * third of a shorter life. */
static enum pv_code parse_renewal(struct tpl_parse *p, const struct node *n)
{
	const struct x509_profile *x = &p->t->profile;
	struct node days = node_get(n, "renew_before_days");
	struct node minutes = node_get(n, "renew_before_minutes");
	const struct node *given = days.v ? &days : &minutes;
	bool ends = p->t->has_certificate && !x->no_expiry;
	uint32_t days_n = 0, minutes_n = 0;

	NODE_TRY(node_u32(&days, 1, 36500, &days_n));
	NODE_TRY(node_u32(&minutes, 1, 525600, &minutes_n));
	if (days.v && minutes.v)
		return node_fail(&minutes, "renew_before", "give one of them",
				 "days and minutes stand there both");
	p->t->rotation.renew_before_s =
		(uint64_t)days_n * 86400 + (uint64_t)minutes_n * 60;
	if (given->v && ends && p->t->rotation.renew_before_s >= x->valid_s)
		return node_fail(given, "renew_before", NULL,
				 "a certificate of %llu %s would be due at "
				 "once",
				 (unsigned long long)(x->valid_s /
						      (days.v ? 86400 : 60)),
				 days.v ? "days" : "minutes");
	if (given->v)
		return PV_OK;
	p->t->rotation.renew_before_s = RENEW_BEFORE_S;
	if (ends && x->valid_s < 3 * (uint64_t)RENEW_BEFORE_S)
		p->t->rotation.renew_before_s = x->valid_s / 3;
	return PV_OK;
}

enum pv_code tpl_rotation(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "renew_before_days",
					    "renew_before_minutes",
					    "keep_previous_until",
					    "fresh_evidence",
					    "same_key",
					    NULL };
	static const char *const keeps[] = { "receipt", "expiry", NULL };
	struct tpl_rotation *r = &p->t->rotation;
	struct node keep = node_get(n, "keep_previous_until");
	struct node fresh = node_get(n, "fresh_evidence");
	struct node same = node_get(n, "same_key");
	unsigned word = TPL_KEEP_UNTIL_RECEIPT;

	r->present = n->v != NULL;
	NODE_TRY(node_object(n, keys));
	NODE_TRY(parse_renewal(p, n));
	NODE_TRY(node_word(&keep, keeps, &word));
	r->keep_previous = (enum tpl_keep)word;
	NODE_TRY(node_bool(&fresh, &r->fresh_evidence));
	NODE_TRY(node_bool(&same, &r->same_key));
	if (r->same_key && p->t->key != TPL_KEY_CSR)
		return node_fail(&same, "same_key", "remove it",
				 "only a key that the device made can be "
				 "certified once more");
	return PV_OK;
}

/* A number of persons, or an object that says more. */
static enum pv_code parse_ask(const struct node *n, struct tpl_approval *a)
{
	static const char *const keys[] = { "persons", "token", "max_age_s",
					    NULL };
	struct node persons = node_get(n, "persons");
	struct node token = node_get(n, "token");
	struct node age = node_get(n, "max_age_s");

	if (!json_is_object(n->v))
		return node_u32(n, 0, PERSONS_MAX, &a->persons);
	NODE_TRY(node_object(n, keys));
	if (!persons.v)
		return node_fail(n, "approvals", "as {\"persons\": 2}",
				 "persons is missing");
	NODE_TRY(node_u32(&persons, 0, PERSONS_MAX, &a->persons));
	NODE_TRY(node_bool(&token, &a->token));
	return node_u32(&age, AGE_MIN_S, AGE_MAX_S, &a->max_age_s);
}

enum pv_code tpl_approvals(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = {
		"adopt",	  "order",
		"revoke",	  "rotate_ca",
		"export_offline", "release_quarantine",
		"attest_enrol",	  NULL
	};
	struct tpl_approvals *a = &p->t->approvals;
	struct tpl_approval *const asks[] = {
		&a->adopt,	 &a->order,	     &a->revoke,
		&a->rotate_ca,	 &a->export_offline, &a->release_quarantine,
		&a->attest_enrol
	};

	NODE_TRY(node_object(n, keys));
	for (size_t i = 0; keys[i]; i++) {
		struct node ask = node_get(n, keys[i]);

		NODE_TRY(parse_ask(&ask, asks[i]));
	}
	return PV_OK;
}

/* RFC 3339, or word (which leaves *out as it was and sets *is_word). */
static enum pv_code parse_time(const struct node *n, const char *word,
			       bool *is_word, uint64_t *out)
{
	const char *s = NULL;
	int64_t time_s;

	NODE_TRY(node_string(n, 64, &s));
	*is_word = !s || strcmp(s, word) == 0;
	if (*is_word)
		return PV_OK;
	if (!pvtime_parse(s, strlen(s), &time_s))
		return node_fail(n, "time", "as 2026-01-31T00:00:00Z",
				 "neither a time nor \"%s\"", word);
	*out = (uint64_t)time_s;
	return PV_OK;
}

enum pv_code tpl_manifest(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "not_before", "not_after", NULL };
	struct node before = node_get(n, "not_before");
	struct node after = node_get(n, "not_after");
	struct template *t = p->t;
	bool none;

	t->manifest_not_after_s = TEMPLATE_NO_EXPIRY_S;
	NODE_TRY(node_object(n, keys));
	NODE_TRY(parse_time(&before, "adoption", &t->manifest_from_adoption,
			    &t->manifest_not_before_s));
	NODE_TRY(parse_time(&after, "none", &none, &t->manifest_not_after_s));
	if (t->manifest_not_before_s >= t->manifest_not_after_s)
		return node_fail(n, "manifest_window", NULL,
				 "not_after is not behind not_before");
	return PV_OK;
}
