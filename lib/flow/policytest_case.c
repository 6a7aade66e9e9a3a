#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/policytest_impl.h"
#include "policy/hours.h"

#define RULE "policy.cases"

static const char *const algorithms[] = { "none", "P-256", "P-384", "RSA" };

static enum pv_code bad(const struct json_doc *doc, const struct testcase *c,
			const char *what, const char *key, struct err *err)
{
	return json_fail(err, PV_INPUT, doc, c->pointer, RULE,
			 "see `provctl policy --help' and provctl(1)",
			 "%s: %.40s", what, key);
}

static bool take_name(char out[static ORDER_ID_MAX + 1], const json_t *value)
{
	const char *s = json_string_value(value);

	if (!s || strlen(s) > ORDER_ID_MAX)
		return false;
	snprintf(out, ORDER_ID_MAX + 1, "%s", s);
	return true;
}

static bool take_stations(struct order *o, const json_t *value)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value) ||
	    json_array_size(value) > ORDER_STATIONS_MAX)
		return false;
	json_array_foreach(value, i, item) if (!take_name(o->stations[i],
							  item)) return false;
	o->stations_n = json_array_size(value);
	return true;
}

/* Only that they have keys matters: facts say what a station proved. */
static bool take_keyed(struct order *o, const json_t *value)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value) ||
	    json_array_size(value) > ORDER_STATIONS_MAX)
		return false;
	json_array_foreach(value, i, item) if (!take_name(o->keyed[i].name,
							  item)) return false;
	o->keyed_n = json_array_size(value);
	return true;
}

static bool take_hours(struct order *o, const json_t *value)
{
	const char *s = json_string_value(value);

	o->hours = s && hours_parse(s, &o->from_min, &o->to_min);
	return o->hours;
}

static bool take_order(struct order *o, const char *key, const json_t *value)
{
	int64_t time_s = 0;

	if (strcmp(key, "order") == 0)
		return take_name(o->id, value);
	if (strcmp(key, "quantity") == 0)
		return policytest_number(&o->quantity, value);
	if (strcmp(key, "rework") == 0)
		return policytest_number(&o->rework, value);
	if (strcmp(key, "per_hour") == 0)
		return policytest_number(&o->per_hour, value);
	if (strcmp(key, "stations") == 0)
		return take_stations(o, value);
	if (strcmp(key, "station_keys") == 0)
		return take_keyed(o, value);
	if (strcmp(key, "hours_utc") == 0)
		return take_hours(o, value);
	if (strcmp(key, "from") == 0 || strcmp(key, "until") == 0) {
		if (!policytest_time(value, &time_s))
			return false;
		*(key[0] == 'f' ? &o->from_s : &o->until_s) = (uint64_t)time_s;
		return true;
	}
	if (!json_is_boolean(value))
		return false;
	if (strcmp(key, "open") == 0)
		o->open = json_is_true(value);
	else if (strcmp(key, "offline") == 0)
		o->offline = json_is_true(value);
	else if (strcmp(key, "template_matches") == 0)
		o->template_sha256[0] ^= json_is_true(value) ? 0 : 0xff;
	else
		return false;
	return true;
}

/* A new device and a sound key, unless the case says otherwise. */
static void defaults(const struct template *t, struct testcase *c)
{
	c->facts = (struct policy_facts){
		.now_ms = (uint64_t)POLICYTEST_NOW * 1000,
		.key_ok = true,
		.csr_signature_ok = true,
		.csr_within = true,
		.seal_key_ok = true,
		.seal_sig_ok = true,
		.store_known = true,
		.actor = "os:0",
		.same_spki = true,
		.same_rest = true,
	};
	c->order = (struct order){ .version = t->version,
				   .quantity = 1,
				   .open = true };
	snprintf(c->order.id, sizeof(c->order.id), "order-1");
	snprintf(c->order.template_name, sizeof(c->order.template_name), "%s",
		 t->name);
	memcpy(c->order.template_sha256, t->sha256, 32);
}

static enum pv_code fill_request(const struct template *t, struct testcase *c,
				 const json_t *o, struct err *refused,
				 struct err *err)
{
	const struct request_source nowhere = { .folder = -1 };
	char *text = json_dumps(o, JSON_COMPACT);
	enum pv_code rc;

	if (!text)
		return err_fail(err, PV_INTERNAL, NULL, NULL, "out of memory");
	rc = request_parse(&c->req,
			   (struct span){ (const uint8_t *)text, strlen(text) },
			   &nowhere, refused);
	free(text);
	if (rc != PV_OK)
		return PV_OK;
	for (size_t i = 0; i < c->req.fields_n; i++) {
		c->fields[i].name =
			request_text(&c->req, c->req.fields[i].name);
		c->fields[i].value =
			request_text(&c->req, c->req.fields[i].value);
	}
	c->r = (struct policy_request){
		.request = c->req.id,
		.device = c->req.device,
		.role = c->req.role[0] ? c->req.role : NULL,
		.fields = c->fields,
		.fields_n = c->req.fields_n,
		.csr = t->key == TPL_KEY_CSR,
		.host_key = t->key == TPL_KEY_HOST,
		.algorithm =
			t->key == TPL_KEY_CSR ? t->algorithm : TPL_ALG_NONE,
		.seal_key = t->recipient == TPL_RECIPIENT_SEALING_KEY,
		.seal_sig = true,
	};
	return PV_OK;
}

static enum pv_code take_key(const struct json_doc *doc, struct testcase *c,
			     const json_t *value, struct err *err)
{
	int i = policytest_find(algorithms, 4, value);

	if (i < 0)
		return bad(doc, c, "not an algorithm or \"none\"", "key", err);
	c->r.csr = i > 0;
	c->r.host_key = false;
	c->r.algorithm = (enum tpl_algorithm)i;
	return PV_OK;
}

typedef bool take_fn(void *to, const char *key, const json_t *value);

static bool take_fact_of(void *to, const char *key, const json_t *value)
{
	return policytest_fact(to, key, value);
}

static bool take_order_of(void *to, const char *key, const json_t *value)
{
	return take_order(to, key, value);
}

static enum pv_code take_all(const struct json_doc *doc, struct testcase *c,
			     json_t *o, take_fn *take, void *to,
			     struct err *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(o))
		return bad(doc, c, "not an object", "order or facts", err);
	json_object_foreach(o, key, value) if (
		!take(to, key, value)) return bad(doc, c,
						  "unknown, or of a wrong type",
						  key, err);
	return PV_OK;
}

enum pv_code policytest_fill(const struct template *t,
			     const struct json_doc *doc, size_t n,
			     struct testcase *c, struct err *refused,
			     struct err *err)
{
	json_t *list = json_object_get(json_root(doc), "cases");
	json_t *o = json_array_get(list, n), *value;
	const char *key;
	enum pv_code rc = PV_OK;

	snprintf(c->pointer, sizeof(c->pointer), "/cases/%zu", n);
	defaults(t, c);
	c->name = json_string_value(json_object_get(o, "name"));
	c->expect = json_object_get(o, "expect");
	value = json_object_get(o, "request");
	if (!c->name || !json_is_object(c->expect) || !json_is_object(value))
		return bad(doc, c, "a case needs", "name, request, expect",
			   err);
	rc = fill_request(t, c, value, refused, err);
	json_object_foreach(o, key, value)
	{
		if (rc != PV_OK)
			return rc;
		if (strcmp(key, "key") == 0) {
			rc = take_key(doc, c, value, err);
		} else if (strcmp(key, "facts") == 0) {
			rc = take_all(doc, c, value, take_fact_of, c, err);
		} else if (strcmp(key, "order") == 0) {
			c->has_order = true;
			rc = take_all(doc, c, value, take_order_of, &c->order,
				      err);
		} else if (strcmp(key, "name") != 0 &&
			   strcmp(key, "request") != 0 &&
			   strcmp(key, "expect") != 0) {
			rc = bad(doc, c, "unknown key", key, err);
		}
	}
	if (c->has_order)
		c->r.order = c->order.id;
	if (!c->facts.key_ok) {
		err_init(&c->key_err);
		err_fail(&c->key_err, PV_DENIED, "key.refused", NULL,
			 "the case says that the key is refused");
		c->facts.key_err = &c->key_err;
	}
	return rc;
}

void policytest_case_free(struct testcase *c)
{
	if (c)
		request_release(&c->req);
	free(c);
}
