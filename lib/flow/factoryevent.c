#include "lib/flow/factoryevent.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/event.h"
#include "lib/flow/export.h"
#include "lib/flow/logged.h"
#include "lib/flow/orders.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/people.h"
#include "lib/flow/tokennote.h"
#include "lib/log/factory.h"

struct stating {
	const struct authority *a;
	struct store *store;
	const struct factoryevent *what;
	struct order order; /* where there is one */
	uint8_t root[32];
	struct buf text;
};

static void stating_release(struct stating *s)
{
	buf_release(&s->text);
}

void factoryevent_release(struct factoryevent_made *made)
{
	stationclaim_release(&made->claim);
	buf_release(&made->note);
}

enum pv_code factoryevent_key_name(const char *origin, const char *purpose,
				   char out[NOTE_NAME_MAX + 1], struct err *err)
{
	bool event = strcmp(purpose, FACTORYEVENT_PURPOSE) == 0;
	int n = snprintf(out, NOTE_NAME_MAX + 1, "%s%s%s", origin,
			 event ? "/" : "", event ? purpose : "");

	return n > 0 && n <= (int)NOTE_NAME_MAX
		       ? PV_OK
		       : err_fail(err, PV_INPUT, "note.name",
				  "use a shorter origin",
				  "the name of the event key is too long");
}

/* ---- what is stated ---- */

static enum pv_code refuse(const char *rule, const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, rule,
			"1 to 64 of 0x21-0x7E, no '/', not starting with '.' "
			"or '-'",
			"%s", what);
}

static bool safe(const char *s)
{
	return s && name_is_safe(s, strlen(s)) && !strchr(s, ',');
}

static bool checked_safe(const char *list)
{
	size_t items = 0;

	for (const char *end; list; list = *end ? end + 1 : NULL) {
		end = strchrnul(list, ',');
		if (++items > FACTORYEVENT_CHECKED_MAX ||
		    !name_is_safe(list, (size_t)(end - list)))
			return false;
	}
	return true;
}

static enum pv_code check_words(const struct factoryevent *w, struct err *err)
{
	if (!safe(w->type))
		return refuse("event.type", "that is no type of an event", err);
	if (!safe(w->station))
		return refuse("event.station", "that is no name of a station",
			      err);
	if (!w->order && !w->device)
		return refuse("event.subject",
			      "it is of no device and of no order", err);
	if (!checked_safe(w->checked))
		return refuse("event.checked",
			      "what was checked is at most 32 names between "
			      "commas",
			      err);
	return PV_OK;
}

/* A known one, or, under an order, one that may become known. */
static enum pv_code check_device(struct stating *s, struct err *err)
{
	struct store_device d;
	struct err why;
	enum pv_code rc;

	if (!s->what->device)
		return PV_OK;
	err_init(&why);
	rc = export_device_find(s->store, s->what->device, &d, &why);
	if (rc == PV_OK)
		return logged_device(s->store, &d, err);
	if (rc == PV_NOT_FOUND && s->what->order)
		return PV_OK;
	err_object(&why, s->what->device);
	*err = why;
	return rc;
}

/* ---- said by whom ---- */

/* Where an order names keys of stations, a name alone is nobody's. */
static enum pv_code check_station(struct stating *s, struct err *err)
{
	const struct factoryevent *w = s->what;

	if (s->order.keyed_n == 0 && !w->station_key)
		return PV_OK;
	return stationclaim_admit(&s->order,
				  w->station_key ? w->station_key->key : NULL,
				  w->station, err);
}

static enum pv_code put_text(struct stating *s, struct err *err)
{
	const struct factoryevent *w = s->what;
	char root[65], order[65], now[PVTIME_RFC3339_LEN + 1];

	if (!pvtime_format(pvtime_now_s(), now))
		return err_fail(err, PV_DENIED, "clock.range",
				"set the machine's clock",
				"the clock stands outside 1970 to 9999");
	hex_encode(s->root, sizeof(s->root), root);
	hex_encode(s->order.sha256, sizeof(s->order.sha256), order);
	buf_printf(&s->text,
		   "provctl event/v1\nlog %s\nroot %s\nevent %s\n"
		   "station %s %s\norder %s%s\ndevice %s\nchecked %s\n"
		   "time %s\n",
		   s->a->origin, root, w->type, w->station,
		   w->station_key ? "signed" : "claimed",
		   w->order ? "sha256:" : "-", w->order ? order : "",
		   w->device ? w->device : "-", w->checked ? w->checked : "-",
		   now);
	return buf_check(&s->text, err);
}

static enum pv_code claim_station(const struct stating *s,
				  struct factoryevent_made *made,
				  struct err *err)
{
	const struct factoryevent *w = s->what;
	const struct stationclaim_run run = { .log = s->a->origin,
					      .order = w->order,
					      .station = w->station,
					      .fd = -1,
					      .input = made->hash };

	return w->station_key ? stationclaim_make(&run, w->station_key,
						  &made->claim, err)
			      : PV_OK;
}

static enum pv_code sign(struct stating *s, struct hsm *hsm, struct buf *note,
			 struct err *err)
{
	const struct authority_key *named = NULL;
	char name[NOTE_NAME_MAX + 1];
	struct issue_key own;
	struct hsm_key *key;
	enum pv_code rc =
		authority_key(s->a, FACTORYEVENT_PURPOSE, &named, err);

	if (rc == PV_OK)
		rc = ownkey_load(s->store, named->label, &own, err);
	if (rc == PV_OK)
		rc = ownkey_find(hsm, &own, &key, err);
	if (rc == PV_OK)
		rc = factoryevent_key_name(s->a->origin, FACTORYEVENT_PURPOSE,
					   name, err);
	if (rc == PV_OK)
		rc = note_start(note, buf_span(&s->text), err);
	return rc == PV_OK ? tokennote_add(hsm, key, &own, name,
					   buf_span(&s->text), note, err)
			   : rc;
}

/* What the store says of it. */
static enum pv_code look_up(struct stating *s, struct err *err)
{
	const struct factoryevent *w = s->what;
	enum pv_code rc = PV_OK;

	if (w->order)
		rc = orders_load(s->store, w->order, &s->order, NULL, NULL,
				 err);
	if (rc == PV_OK)
		rc = check_device(s, err);
	if (rc == PV_OK)
		rc = check_station(s, err);
	return rc == PV_OK ? people_root(s->store, s->root, err) : rc;
}

static enum pv_code prepare(struct stating *s, struct err *err)
{
	enum pv_code rc = check_words(s->what, err);

	if (rc == PV_OK)
		rc = look_up(s, err);
	return rc == PV_OK ? put_text(s, err) : rc;
}

enum pv_code factoryevent_sign(const struct authority *a, struct store *store,
			       struct hsm *hsm, const struct factoryevent *what,
			       struct factoryevent_made *made, struct err *err)
{
	CLEANUP(stating_release)
	struct stating s = { .a = a, .store = store, .what = what };
	enum pv_code rc;

	memset(made, 0, sizeof(*made));
	buf_init(&made->note, FACTORYEVENT_NOTE_MAX);
	buf_init(&s.text, FACTORYEVENT_NOTE_MAX);
	rc = prepare(&s, err);
	memcpy(made->root, s.root, sizeof(made->root));
	memcpy(made->order_sha256, s.order.sha256, sizeof(made->order_sha256));
	if (rc == PV_OK)
		rc = sha256(buf_span(&s.text), made->hash, err);
	if (rc == PV_OK)
		rc = claim_station(&s, made, err);
	return rc == PV_OK ? sign(&s, hsm, &made->note, err) : rc;
}

/* Once more what was checked before it was signed: the text still holds. */
static enum pv_code check_again(struct store *store,
				const struct factoryevent *what,
				const struct factoryevent_made *made,
				struct err *err)
{
	struct stating s = { .store = store, .what = what };
	enum pv_code rc = look_up(&s, err);

	if (rc != PV_OK || (memcmp(made->root, s.root, sizeof(s.root)) == 0 &&
			    memcmp(made->order_sha256, s.order.sha256,
				   sizeof(made->order_sha256)) == 0))
		return rc;
	return err_fail(err, PV_CONFLICT, "event.changed", "run it again",
			"the order is another one than when it was signed");
}

enum pv_code factoryevent_record(struct store *store,
				 const struct factoryevent *what,
				 const struct factoryevent_made *made,
				 struct err *err)
{
	const struct log_factory facts = { .device = what->device,
					   .order = what->order,
					   .type = what->type,
					   .station = what->station,
					   .station_signed = made->claim.made,
					   .text = made->hash };
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc == PV_OK)
		rc = check_again(store, what, made, err);
	if (rc == PV_OK && made->claim.made)
		rc = stationclaim_append(store, &who, &made->claim, what->order,
					 what->station, err);
	if (rc != PV_OK)
		return rc;
	log_factory_event(&e, &who.who, &facts);
	rc = event_append(store, &e, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}
