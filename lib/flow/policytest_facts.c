/* What a case says that store, clock, station and actor would. */
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/flow/policytest_impl.h"

#define DAY_S UINT64_C(86400)

/* Members that are plainly true or false, a number, or a time. */
static const struct member {
	const char *name;
	size_t offset; /* in struct testcase */
} flags[] = {
	{ "key_ok", offsetof(struct testcase, facts.key_ok) },
	{ "csr_signature_ok",
	  offsetof(struct testcase, facts.csr_signature_ok) },
	{ "csr_within", offsetof(struct testcase, facts.csr_within) },
	{ "seal_key_ok", offsetof(struct testcase, facts.seal_key_ok) },
	{ "seal_sig_ok", offsetof(struct testcase, facts.seal_sig_ok) },
	{ "same_spki", offsetof(struct testcase, facts.same_spki) },
	{ "same_rest", offsetof(struct testcase, facts.same_rest) },
	{ "quarantined", offsetof(struct testcase, facts.quarantined) },
	{ "held", offsetof(struct testcase, facts.held) },
	{ "request_of_other_device",
	  offsetof(struct testcase, facts.request_of_other_device) },
	{ "station_signed", offsetof(struct testcase, facts.station_signed) },
	{ "batch", offsetof(struct testcase, r.batch) },
	{ "offline", offsetof(struct testcase, r.offline) },
};
static const struct member numbers[] = {
	{ "issued_last_hour",
	  offsetof(struct testcase, facts.issued_last_hour) },
	{ "order_issued", offsetof(struct testcase, facts.order_issued) },
	{ "clock_max_step_days",
	  offsetof(struct testcase, facts.clock_max_step_s) },
};
static const struct member times[] = {
	{ "now", offsetof(struct testcase, facts.now_ms) },
	{ "last_event", offsetof(struct testcase, facts.last_event_ms) },
	{ "witness", offsetof(struct testcase, facts.witness_ms) },
};
static const struct member owned[] = {
	{ "spki_owner", offsetof(struct testcase, facts.spki_owner) },
	{ "seal_owner", offsetof(struct testcase, facts.seal_owner) },
};
static const struct member texts[] = {
	{ "station", offsetof(struct testcase, facts.station) },
	{ "actor", offsetof(struct testcase, facts.actor) },
};
#define N(list) (sizeof(list) / sizeof((list)[0]))

static const char *const states[] = { "none",	   "pending", "issued",
				      "suspended", "revoked", "retired" };
static const char *const owners[] = { "none", "same-device", "other-device",
				      "authority" };

int policytest_find(const char *const *names, size_t n, const json_t *value)
{
	const char *s = json_string_value(value);

	for (size_t i = 0; s && i < n; i++)
		if (strcmp(names[i], s) == 0)
			return (int)i;
	return -1;
}

bool policytest_time(const json_t *value, int64_t *time_s)
{
	const char *s = json_string_value(value);

	return s && pvtime_parse(s, strlen(s), time_s);
}

bool policytest_number(uint64_t *to, const json_t *value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*to = (uint64_t)json_integer_value(value);
	return true;
}

/* Where in c the member of that name is; NULL: it is none of them. */
static void *place(struct testcase *c, const struct member *list, size_t n,
		   const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, key) == 0)
			return (char *)c + list[i].offset;
	return NULL;
}

static bool take_time(uint64_t *to_ms, const json_t *value)
{
	int64_t time_s;

	if (!policytest_time(value, &time_s))
		return false;
	*to_ms = (uint64_t)time_s * 1000;
	return true;
}

static bool take_owner(enum policy_owner *to, const json_t *value)
{
	int i = policytest_find(owners, N(owners), value);

	if (i >= 0)
		*to = (enum policy_owner)i;
	return i >= 0;
}

static bool take_state(enum policy_state *to, const json_t *value)
{
	int i = policytest_find(states, N(states), value);

	if (i >= 0)
		*to = (enum policy_state)i;
	return i >= 0;
}

/* That there is a list says that there is a roster. */
static bool take_roles(struct testcase *c, const json_t *value)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value))
		return false;
	c->roster = true;
	json_array_foreach(value, i, item)
	{
		const char *s = json_string_value(item);
		unsigned bit = 0;

		while (s && bit < ROLES_N && strcmp(role_name(1u << bit), s))
			bit++;
		if (!s || bit == ROLES_N)
			return false;
		c->roles |= 1u << bit;
	}
	return true;
}

bool policytest_fact(struct testcase *c, const char *key, const json_t *value)
{
	void *to;

	if (strcmp(key, "roles") == 0)
		return take_roles(c, value);
	if (strcmp(key, "state") == 0)
		return take_state(&c->facts.state, value);
	to = place(c, owned, N(owned), key);
	if (to)
		return take_owner(to, value);
	to = place(c, times, N(times), key);
	if (to)
		return take_time(to, value);
	to = place(c, texts, N(texts), key);
	if (to) {
		*(const char **)to = json_string_value(value);
		return json_is_string(value);
	}
	to = place(c, flags, N(flags), key);
	if (to) {
		*(bool *)to = json_is_true(value);
		return json_is_boolean(value);
	}
	to = place(c, numbers, N(numbers), key);
	if (!to || !policytest_number(to, value))
		return false;
	if (to != &c->facts.clock_max_step_s)
		return true;
	if (c->facts.clock_max_step_s > UINT64_MAX / DAY_S)
		return false;
	c->facts.clock_max_step_s *= DAY_S;
	return true;
}
