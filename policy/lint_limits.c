/* Thresholds of limits.anomalies that can never trip, or always do. */
#include "policy/template_impl.h"

/* The most that clock_max_step_days of provctl.json can be. */
#define CLOCK_STEP_MAX_S (3650u * 24 * 3600)
#define DAY_MIN 1440u

/* Where somebody asks for it, and not what is watched unasked. */
static bool asked_for(const struct template *t, const struct node *watches,
		      enum tpl_watch watch, struct node *n)
{
	*n = node_get(watches, tpl_watch_name(watch));
	return n->v && t->limits.watch[watch] != 0 &&
	       t->limits.watch[watch] != tpl_watch_preset(watch);
}

static void never(struct tpl_parse *p, const struct node *n, const char *why)
{
	tpl_warn(p, n, "anomaly_never", "this can never trip: %s", why);
}

static void always(struct tpl_parse *p, const struct node *n, const char *why)
{
	tpl_warn(p, n, "anomaly_always", "this always trips: %s", why);
}

static void lint_keys(struct tpl_parse *p, const struct node *watches)
{
	static const enum tpl_watch of_keys[] = { TPL_WATCH_TWO_KEYS,
						  TPL_WATCH_ONE_KEY };
	struct node n;

	for (size_t i = 0; i < sizeof(of_keys) / sizeof(*of_keys); i++)
		if (p->t->key != TPL_KEY_CSR &&
		    asked_for(p->t, watches, of_keys[i], &n))
			never(p, &n, "no device brings a key");
}

/* A batch waits for the limit, and a single device is denied by it. */
static void lint_rate(struct tpl_parse *p, const struct node *watches)
{
	const struct tpl_limits *l = &p->t->limits;
	struct node n;

	if (asked_for(p->t, watches, TPL_WATCH_RATE, &n) && l->per_hour &&
	    l->on_anomaly == TPL_ANOMALY_DENY &&
	    l->watch[TPL_WATCH_RATE] >= l->per_hour)
		never(p, &n, "per_hour allows no more");
}

static uint32_t closed_min(const struct tpl_limits *l)
{
	uint32_t open = l->to_min > l->from_min
				? (uint32_t)l->to_min - l->from_min
				: DAY_MIN - l->from_min + l->to_min;

	return l->hours ? DAY_MIN - open : 0;
}

static void lint_clock(struct tpl_parse *p, const struct node *watches)
{
	const struct tpl_limits *l = &p->t->limits;
	struct node n;

	if (!asked_for(p->t, watches, TPL_WATCH_CLOCK, &n))
		return;
	if (l->watch[TPL_WATCH_CLOCK] > CLOCK_STEP_MAX_S)
		never(p, &n, "a longer step is denied (clock_max_step_days)");
	if (l->watch[TPL_WATCH_CLOCK] < closed_min(l) * 60)
		always(p, &n,
		       "hours_utc lets nothing happen for longer each day");
}

static void lint_evidence(struct tpl_parse *p, const struct node *watches)
{
	struct node n;

	if (asked_for(p->t, watches, TPL_WATCH_EVIDENCE, &n) &&
	    !p->t->attestation.present)
		never(p, &n, "the template has no attestation section");
	if (!asked_for(p->t, watches, TPL_WATCH_RECEIPTS, &n))
		return;
	if (p->t->components_n == 0)
		never(p, &n, "nothing is sealed");
	else if (!p->t->attestation.require_receipt)
		always(p, &n,
		       "no receipt is asked for (attestation, "
		       "require_receipt)");
}

void tpl_lint_limits(struct tpl_parse *p, const struct node *root)
{
	struct node limits = node_get(root, "limits");
	struct node watches = node_get(&limits, "anomalies");

	lint_keys(p, &watches);
	lint_rate(p, &watches);
	lint_clock(p, &watches);
	lint_evidence(p, &watches);
}
