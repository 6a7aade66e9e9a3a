#include "policy/orderfile.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "policy/hours.h"
#include "policy/node.h"
#include "policy/weakkey.h"

#define VKEY_MAX 1024u

CLEANUP_PTR(struct json_doc, json_doc_free);

static enum pv_code take_name(const struct node *n, char out[ORDER_ID_MAX + 1])
{
	const char *s = "";

	NODE_TRY(node_need(n));
	NODE_TRY(node_name(n, &s));
	snprintf(out, ORDER_ID_MAX + 1, "%s", s);
	return PV_OK;
}

static enum pv_code take_time(const struct node *n, uint64_t *out)
{
	const char *s = NULL;
	int64_t time_s;

	NODE_TRY(node_string(n, PVTIME_RFC3339_LEN, &s));
	if (!s)
		return PV_OK;
	/* 0 stands for an open end */
	if (!pvtime_parse(s, strlen(s), &time_s) || time_s == 0)
		return node_fail(n, "time", "as 2026-01-31T00:00:00Z",
				 "not a time in UTC");
	*out = (uint64_t)time_s;
	return PV_OK;
}

static enum pv_code take_window(const struct node *root, struct order *o)
{
	struct node from = node_get(root, "from");
	struct node until = node_get(root, "until");

	NODE_TRY(take_time(&from, &o->from_s));
	NODE_TRY(take_time(&until, &o->until_s));
	if (o->until_s && o->from_s >= o->until_s)
		return node_fail(&until, "window", "put from before until",
				 "the window ends before it begins");
	return PV_OK;
}

/* Some byte of the name has to be given: only '*' and '?' name no station. */
static bool matches_all(const char *glob)
{
	return glob[strspn(glob, "*?")] == '\0';
}

static enum pv_code take_stations(const struct node *n, struct order *o)
{
	NODE_TRY(node_array(n, 1, ORDER_STATIONS_MAX));
	for (size_t i = 0; i < json_array_size(n->v); i++) {
		struct node item = node_at(n, i);

		NODE_TRY(take_name(&item, o->stations[i]));
		if (matches_all(o->stations[i]))
			return node_fail(&item, "stations",
					 "name stations, as \"line-*\", or "
					 "leave \"stations\" out",
					 "\"%s\" names no station",
					 o->stations[i]);
		for (size_t k = 0; k < i; k++)
			if (strcmp(o->stations[k], o->stations[i]) == 0)
				return node_fail(
					&item, "stations", "name it once",
					"\"%s\" stands twice", o->stations[i]);
		o->stations_n++;
	}
	return PV_OK;
}

/* The key is the station's own: its name stands in what it signs. */
static enum pv_code take_key(const struct node *n, struct order *o)
{
	struct order_station *to = &o->keyed[o->keyed_n];
	const char *vkey = "";
	struct err why;

	NODE_TRY(node_string(n, VKEY_MAX, &vkey));
	snprintf(to->name, sizeof(to->name), "%s", n->key);
	err_init(&why);
	if (!name_is_safe(n->key, strlen(n->key)) ||
	    note_key_parse(&to->key,
			   (struct span){ (const uint8_t *)vkey, strlen(vkey) },
			   &why) != PV_OK ||
	    strcmp(to->key.name, to->name) != 0)
		return node_fail(n, "station_key",
				 "give what `provctl officer key new --name "
				 "STATION' prints",
				 "not a vkey of that station");
	if (weakkey_found(&to->key))
		return node_fail(n, "station_key", "make another key",
				 "a key under which anybody can sign");
	for (size_t i = 0; i < o->keyed_n; i++)
		if (o->keyed[i].key.spki_len == to->key.spki_len &&
		    memcmp(o->keyed[i].key.spki, to->key.spki,
			   to->key.spki_len) == 0)
			return node_fail(n, "station_key",
					 "give each station a key of its own",
					 "the key is another station's");
	o->keyed_n++;
	return PV_OK;
}

static enum pv_code take_keys(const struct node *n, struct order *o)
{
	const char *key;
	json_t *v;

	NODE_TRY(node_object(n, NULL));
	if (n->v && (json_object_size(n->v) == 0 ||
		     json_object_size(n->v) > ORDER_STATIONS_MAX))
		return node_fail(n, "range", "leave it out for none",
				 "not 1 to %d stations", ORDER_STATIONS_MAX);
	json_object_foreach(n->v, key, v)
	{
		struct node item = node_get(n, key);

		NODE_TRY(take_key(&item, o));
	}
	return PV_OK;
}

static enum pv_code take_hours(const struct node *n, struct order *o)
{
	const char *s = NULL;

	NODE_TRY(node_string(n, 64, &s));
	o->hours = s != NULL;
	if (s && !hours_parse(s, &o->from_min, &o->to_min))
		return node_fail(n, "hours", "as \"06:00-22:00\"",
				 "not a span of hours");
	return PV_OK;
}

static enum pv_code take_numbers(const struct node *root, struct order *o)
{
	struct node version = node_get(root, "version");
	struct node quantity = node_get(root, "quantity");
	struct node rework = node_get(root, "rework");
	struct node per_hour = node_get(root, "per_hour");

	NODE_TRY(node_need(&version));
	NODE_TRY(node_u32(&version, 1, INT32_MAX, &o->version));
	NODE_TRY(node_need(&quantity));
	NODE_TRY(node_u64(&quantity, 1, ORDER_QUANTITY_MAX, &o->quantity));
	NODE_TRY(node_u64(&rework, 0, ORDER_QUANTITY_MAX, &o->rework));
	return node_u64(&per_hour, 1, INT32_MAX, &o->per_hour);
}

static enum pv_code parse_all(const struct node_reader *r, struct order *o)
{
	static const char *const keys[] = {
		"order",	"template", "version",	"template_sha256",
		"quantity",	"rework",   "stations", "from",
		"until",	"offline",  "per_hour", "hours_utc",
		"station_keys", NULL
	};
	struct node root = node_root(r);
	struct node id = node_get(&root, "order");
	struct node name = node_get(&root, "template");
	struct node digest = node_get(&root, "template_sha256");
	struct node stations = node_get(&root, "stations");
	struct node keys_of = node_get(&root, "station_keys");
	struct node offline = node_get(&root, "offline");
	struct node hours = node_get(&root, "hours_utc");

	NODE_TRY(node_object(&root, keys));
	NODE_TRY(take_name(&id, o->id));
	NODE_TRY(take_name(&name, o->template_name));
	NODE_TRY(node_need(&digest));
	NODE_TRY(node_digest(&digest, o->template_sha256));
	NODE_TRY(take_numbers(&root, o));
	NODE_TRY(take_stations(&stations, o));
	NODE_TRY(take_keys(&keys_of, o));
	NODE_TRY(take_window(&root, o));
	NODE_TRY(node_bool(&offline, &o->offline));
	return take_hours(&hours, o);
}

enum pv_code order_parse(struct span text, struct order *out, struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	struct node_reader r = { .area = "order",
				 .schema = "see templates/order.schema.json",
				 .err = err };
	enum pv_code rc;

	memset(out, 0, sizeof(*out));
	NODE_TRY(json_parse_max(text, ORDER_SIZE_MAX, &doc, err));
	r.doc = doc;
	rc = sha256(text, out->sha256, err);
	if (rc == PV_OK)
		rc = parse_all(&r, out);
	if (rc != PV_OK)
		memset(out, 0, sizeof(*out));
	return rc;
}
