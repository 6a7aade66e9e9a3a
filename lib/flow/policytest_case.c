#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/policytest_impl.h"

#define RULE "policy.cases"

/* A member of struct policy_facts that is plainly true or false. */
static const struct flag {
	const char *name;
	size_t offset;
} flags[] = {
	{ "key_ok", offsetof(struct policy_facts, key_ok) },
	{ "csr_signature_ok", offsetof(struct policy_facts, csr_signature_ok) },
	{ "csr_within", offsetof(struct policy_facts, csr_within) },
	{ "seal_key_ok", offsetof(struct policy_facts, seal_key_ok) },
	{ "seal_sig_ok", offsetof(struct policy_facts, seal_sig_ok) },
	{ "same_spki", offsetof(struct policy_facts, same_spki) },
	{ "same_rest", offsetof(struct policy_facts, same_rest) },
	{ "quarantined", offsetof(struct policy_facts, quarantined) },
	{ "request_of_other_device",
	  offsetof(struct policy_facts, request_of_other_device) },
};

static const char *const states[] = { "none",	   "pending", "issued",
				      "suspended", "revoked", "retired" };
static const char *const owners[] = { "none", "same-device", "other-device",
				      "authority" };
static const char *const algorithms[] = { "none", "P-256", "P-384", "RSA" };

static int find(const char *const *names, size_t n, const json_t *value)
{
	const char *s = json_string_value(value);

	for (size_t i = 0; s && i < n; i++)
		if (strcmp(names[i], s) == 0)
			return (int)i;
	return -1;
}

static enum pv_code bad(const struct json_doc *doc, const struct testcase *c,
			const char *what, const char *key, struct err *err)
{
	return json_fail(err, PV_INPUT, doc, c->pointer, RULE,
			 "see `provctl policy --help' and provctl(1)",
			 "%s: %.40s", what, key);
}

static bool get_time(const json_t *value, int64_t *time_s)
{
	const char *s = json_string_value(value);

	return s && pvtime_parse(s, strlen(s), time_s);
}

static bool take_flag(struct policy_facts *f, const char *key,
		      const json_t *value)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(flags[i].name, key) == 0 && json_is_boolean(value)) {
			*(bool *)((char *)f + flags[i].offset) =
				json_is_true(value);
			return true;
		}
	return false;
}

static bool take_number(uint64_t *to, const json_t *value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*to = (uint64_t)json_integer_value(value);
	return true;
}

static bool take_owner(enum policy_owner *to, const json_t *value)
{
	int i = find(owners, 4, value);

	if (i >= 0)
		*to = (enum policy_owner)i;
	return i >= 0;
}

static bool take_fact(struct policy_facts *f, const char *key,
		      const json_t *value)
{
	int64_t time_s = 0;
	int state;

	if (strcmp(key, "now") == 0 || strcmp(key, "last_event") == 0 ||
	    strcmp(key, "witness") == 0) {
		if (!get_time(value, &time_s))
			return false;
		*(key[0] == 'n'	  ? &f->now_ms
		  : key[0] == 'l' ? &f->last_event_ms
				  : &f->witness_ms) = (uint64_t)time_s * 1000;
		return true;
	}
	if (strcmp(key, "station") == 0 || strcmp(key, "actor") == 0) {
		*(key[0] == 's' ? &f->station : &f->actor) =
			json_string_value(value);
		return json_is_string(value);
	}
	if (strcmp(key, "state") == 0) {
		state = find(states, 6, value);
		f->state = state < 0 ? POLICY_STATE_NONE
				     : (enum policy_state)state;
		return state >= 0;
	}
	if (strcmp(key, "spki_owner") == 0)
		return take_owner(&f->spki_owner, value);
	if (strcmp(key, "seal_owner") == 0)
		return take_owner(&f->seal_owner, value);
	if (strcmp(key, "issued_last_hour") == 0)
		return take_number(&f->issued_last_hour, value);
	if (strcmp(key, "order_issued") == 0)
		return take_number(&f->order_issued, value);
	return take_flag(f, key, value);
}

static bool take_stations(struct order *o, const json_t *value)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value) ||
	    json_array_size(value) > ORDER_STATIONS_MAX)
		return false;
	json_array_foreach(value, i, item)
	{
		const char *s = json_string_value(item);
		if (!s || strlen(s) > ORDER_ID_MAX)
			return false;
		snprintf(o->stations[i], sizeof(o->stations[i]), "%s", s);
	}
	o->stations_n = json_array_size(value);
	return true;
}

static bool take_order(struct order *o, const char *key, const json_t *value)
{
	const char *s = json_string_value(value);
	int64_t time_s = 0;

	if (strcmp(key, "order") == 0 && s && strlen(s) <= ORDER_ID_MAX) {
		snprintf(o->id, sizeof(o->id), "%s", s);
		return true;
	}
	if (strcmp(key, "quantity") == 0)
		return take_number(&o->quantity, value);
	if (strcmp(key, "rework") == 0)
		return take_number(&o->rework, value);
	if (strcmp(key, "stations") == 0)
		return take_stations(o, value);
	if (strcmp(key, "from") == 0 || strcmp(key, "until") == 0) {
		if (!get_time(value, &time_s))
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
	int i = find(algorithms, 4, value);

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
	return take_fact(to, key, value);
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
			rc = take_all(doc, c, value, take_fact_of, &c->facts,
				      err);
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
