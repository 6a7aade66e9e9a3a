/* Clock, order, station, hours, quantity, rate. A value that deny() is given is
 * an order's name. */
#include <string.h>

#include "policy/decide_impl.h"
#include "policy/hours.h"
#include "policy/pattern.h"

static enum decide_next deny(struct decide *d, const char *rule,
			     const char *value, const char *fix,
			     const char *message)
{
	struct decide_why why = { .code = PV_DENIED,
				  .rule = rule,
				  .field = value ? "order" : NULL,
				  .value = value,
				  .fix = fix };

	return decide_deny(d, &why, "%s", message);
}

/* It is not for now to decide, or people have decided. */
static bool is_let_through(const struct decide *d, const char *rule)
{
	const struct policy_facts *f = d->f;

	if (d->t->limits.on_anomaly != TPL_ANOMALY_QUARANTINE)
		return false;
	if (!f->store_known)
		return f->held_later;
	for (size_t i = 0; i < f->released_n; i++)
		if (f->state == POLICY_STATE_NONE &&
		    strcmp(f->released[i], rule) == 0)
			return true;
	return false;
}

/* As deny(), for what limits.on_anomaly watches. */
static enum decide_next anomaly(struct decide *d, const char *rule,
				const char *field, const char *value,
				const char *fix, const char *message)
{
	struct decide_why why = { .code = PV_DENIED,
				  .rule = rule,
				  .field = field,
				  .value = value,
				  .fix = fix,
				  .anomaly = true };

	if (is_let_through(d, rule))
		return DECIDE_GO_ON;
	return decide_deny(d, &why, "%s", message);
}

enum decide_next decide_clock(struct decide *d)
{
	const struct policy_facts *f = d->f;

	if (f->now_ms < f->witness_ms)
		return deny(d, "clock.witness", NULL, "set the clock right",
			    "the clock stands before the time at which "
			    "witnesses saw the log");
	if (f->last_event_ms == 0)
		return DECIDE_GO_ON;
	if (f->now_ms < f->last_event_ms)
		return deny(d, "clock.backwards", NULL, "set the clock right",
			    "the clock stands before the last event");
	if (f->clock_max_step_s &&
	    (f->now_ms - f->last_event_ms) / 1000 > f->clock_max_step_s)
		return deny(d, "clock.step", NULL,
			    "set the machine's clock; when it is right: "
			    "`provctl clock accept'",
			    "the clock stands too far ahead of the last event");
	return DECIDE_GO_ON;
}

static enum decide_next check_order(struct decide *d, const struct order *o)
{
	uint64_t now_s = d->f->now_ms / 1000;

	if (d->r->order && strcmp(d->r->order, o->id) != 0)
		return deny(d, "order.unknown", d->r->order,
			    "name an order that was opened",
			    "there is no such order");
	if (!o->open)
		return deny(d, "order.closed", o->id, "open another order",
			    "the order is closed");
	if (strcmp(o->template_name, d->t->name) != 0 ||
	    (!d->r->release &&
	     (o->version != d->t->version ||
	      memcmp(o->template_sha256, d->t->sha256, 32) != 0)))
		return deny(d, "order.template", o->id,
			    "open an order for this template version",
			    "the order was approved for other template bytes");
	if ((o->from_s && now_s < o->from_s) ||
	    (o->until_s && now_s >= o->until_s))
		return deny(d, "order.window", o->id,
			    "issue within the order's window",
			    "it is outside the order's window");
	return DECIDE_GO_ON;
}

enum decide_next decide_order(struct decide *d)
{
	const struct order *o = d->order;

	if (!o && d->r->order)
		return deny(d, "order.unknown", d->r->order,
			    "name an order that was opened",
			    "there is no such order");
	if (!o && !d->t->limits.without_order)
		return deny(d, "limits.order", NULL,
			    "run `provctl order open`, then issue with --order",
			    "the template is issued within an order only");
	if (d->r->offline && !(o && o->offline))
		return deny(d, "order.offline", o ? o->id : NULL,
			    "open an order that allows it",
			    "no order lets this go to an offline line");
	return o ? check_order(d, o) : DECIDE_GO_ON;
}

/* An order that names keys knows no station that only claims to be one. */
static enum decide_next check_station_key(struct decide *d, const char *station)
{
	if (!d->order || !d->order->keyed_n || d->f->station_signed)
		return DECIDE_GO_ON;
	return anomaly(d, "order.station_key", "station", station,
		       "issue with --station and --station-key",
		       "the order takes only what a station has signed");
}

enum decide_next decide_station(struct decide *d)
{
	const struct tpl_limits *l = &d->t->limits;
	const char *station = d->f->station ? d->f->station : "";
	size_t i;

	for (i = 0; i < l->stations_n; i++)
		if (glob_match(l->stations[i], station))
			break;
	if (l->stations_n && (!*station || i == l->stations_n) &&
	    anomaly(d, "limits.stations", "station", station,
		    "issue with --station at one of the template's stations",
		    "the template does not know this station") == DECIDE_STOP)
		return DECIDE_STOP;
	if (!d->order || !d->order->stations_n)
		return check_station_key(d, station);
	for (i = 0; i < d->order->stations_n; i++)
		if (*station && glob_match(d->order->stations[i], station))
			return check_station_key(d, station);
	return anomaly(d, "order.stations", "station", station,
		       "issue with --station at one of the order's stations",
		       "the order does not know this station");
}

enum decide_next decide_hours(struct decide *d)
{
	const struct tpl_limits *l = &d->t->limits;
	const struct order *o = d->order;
	uint64_t now_s = d->f->now_ms / 1000;

	if (l->hours && !hours_hold(l->from_min, l->to_min, now_s) &&
	    anomaly(d, "limits.hours", NULL, NULL,
		    "issue within limits.hours_utc of the template",
		    "it is outside the template's hours") == DECIDE_STOP)
		return DECIDE_STOP;
	if (o && o->hours && !hours_hold(o->from_min, o->to_min, now_s))
		return anomaly(d, "order.hours", "order", o->id,
			       "issue within hours_utc of the order",
			       "it is outside the order's hours");
	return DECIDE_GO_ON;
}

enum decide_next decide_quantity(struct decide *d)
{
	const struct order *o = d->order;

	if (!d->f->store_known || !o)
		return DECIDE_GO_ON;
	if (d->replaces && d->f->order_reworked < o->rework)
		return DECIDE_GO_ON;
	if (d->replaces)
		return deny(d, "order.rework", o->id,
			    "open another order that allows more rework",
			    "the order's rework allowance is used up");
	if (d->f->order_issued >= o->quantity)
		return deny(d, "order.quantity", o->id,
			    "open another order for more devices",
			    "the order's quantity is used up");
	if (d->t->limits.per_order &&
	    d->f->order_issued >= d->t->limits.per_order)
		return deny(d, "limits.per_order", o->id,
			    "open another order for more devices",
			    "the template's quantity per order is used up");
	return DECIDE_GO_ON;
}

/* One limit of devices in an hour, which a batch waits for; evidence would grow
 * old meanwhile. */
static enum decide_next check_rate(struct decide *d, uint64_t max,
				   const char *rule, const char *order,
				   const char *message)
{
	if (!max || d->f->issued_last_hour < max ||
	    anomaly(d, rule, order ? "order" : NULL, order,
		    "wait, or spread the work", message) == DECIDE_GO_ON)
		return DECIDE_GO_ON;
	if (d->r->batch && !d->r->release) {
		d->out->quarantine = false;
		d->out->answer = POLICY_WAIT;
	}
	return DECIDE_STOP;
}

enum decide_next decide_rate(struct decide *d)
{
	if (!d->f->store_known)
		return DECIDE_GO_ON;
	if (check_rate(d, d->t->limits.per_hour, "limits.per_hour", NULL,
		       "the template's quantity per hour is used up") ==
	    DECIDE_STOP)
		return DECIDE_STOP;
	return check_rate(d, d->order ? d->order->per_hour : 0,
			  "order.per_hour", d->order ? d->order->id : NULL,
			  "the order's quantity per hour is used up");
}
