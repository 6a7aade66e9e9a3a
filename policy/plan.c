#include "policy/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "policy/node.h"

CLEANUP_PTR(struct json_doc, json_doc_free);
CLEANUP_PTR(struct plan, plan_free);

static const char *const kinds[] = {
	"init-token", "generate-key", "self-signed", "issue-ca", "adopt",
	"check-key",  "pause",	      "set-roster",  NULL
};

const char *plan_kind_name(enum plan_kind kind)
{
	return kinds[kind];
}

const char *plan_step_about(const struct plan_step *s)
{
	return s->purpose[0] ? s->purpose : s->ca[0] ? s->ca : s->template_name;
}

/* RFC 3339 in UTC. */
static enum pv_code take_time(const struct node *n, const char *key,
			      int64_t *time_s)
{
	struct node child = node_get(n, key);
	const char *s = NULL;

	NODE_TRY(node_string(&child, PVTIME_RFC3339_LEN, &s));
	if (s && !pvtime_parse(s, strlen(s), time_s))
		return node_fail(&child, "time",
				 "write it as 2026-11-26T09:00:00Z",
				 "no time in UTC");
	return PV_OK;
}

static enum pv_code take_name(const struct node *n, const char *key,
			      char out[PLAN_NAME_MAX + 1])
{
	struct node child = node_get(n, key);
	const char *s = NULL;

	NODE_TRY(node_need(&child));
	NODE_TRY(node_name(&child, &s));
	snprintf(out, PLAN_NAME_MAX + 1, "%s", s);
	return PV_OK;
}

static bool has_key(const struct plan *p, const char *purpose)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == PLAN_GENERATE_KEY &&
		    strcmp(p->steps[i].purpose, purpose) == 0)
			return true;
	return false;
}

static bool has_ca(const struct plan *p, const char *ca)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (strcmp(p->steps[i].ca, ca) == 0)
			return true;
	return false;
}

/* overview.md, "Keys by purpose": each has its kind. */
static enum pv_code check_key(const struct node *n, struct plan_step *s)
{
	bool kdf = strcmp(s->purpose, "kdf") == 0;
	bool store = strcmp(s->purpose, "store") == 0;
	bool log = strcmp(s->purpose, "log") == 0;
	bool aes = s->key == PLAN_KEY_KDF;

	if (aes != (kdf || store))
		return node_fail(n, "key_kind",
				 "AES-256 for kdf and store, and for nothing "
				 "else",
				 "purpose \"%s\" has another kind of key",
				 s->purpose);
	if (!log && strcmp(s->purpose, "event") != 0 &&
	    (s->key == PLAN_KEY_ED25519 || s->key == PLAN_KEY_ED25519_OR_P256))
		return node_fail(n, "key_kind", "use P-256",
				 "only the log and the event key sign with "
				 "Ed25519");
	if (store)
		s->key = PLAN_KEY_STORE;
	return PV_OK;
}

static enum pv_code parse_key(const struct plan *p, const struct node *n,
			      struct plan_step *s)
{
	static const char *const keys[] = { "step", "purpose", "kind", NULL };
	static const char *const words[] = { "P-256", "Ed25519",
					     "Ed25519 or P-256", "AES-256",
					     NULL };
	struct node kind = node_get(n, "kind");
	unsigned word = 0;

	NODE_TRY(node_object(n, keys));
	NODE_TRY(take_name(n, "purpose", s->purpose));
	NODE_TRY(node_need(&kind));
	NODE_TRY(node_word(&kind, words, &word));
	s->key = (enum plan_key)word;
	if (has_key(p, s->purpose))
		return node_fail(n, "duplicate", "generate it once",
				 "key \"%s\" is generated twice", s->purpose);
	return check_key(&kind, s);
}

/* CAs sign with ECDSA P-256 only. */
static bool has_p256(const struct plan *p, const char *purpose)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == PLAN_GENERATE_KEY &&
		    p->steps[i].key == PLAN_KEY_P256 &&
		    strcmp(p->steps[i].purpose, purpose) == 0)
			return true;
	return false;
}

/* overview.md, "Keys by purpose": one use each, so none of them is a CA's. */
static bool has_use(const char *name)
{
	static const char *const uses[] = { "bundle", "log",   "log-ecdsa",
					    "event",  "ocsp",  "kdf",
					    "store",  "backup" };

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (strcmp(name, uses[i]) == 0)
			return true;
	return false;
}

static enum pv_code parse_ca(const struct plan *p, const struct node *n,
			     struct plan_step *s)
{
	static const char *const self_keys[] = { "step", "ca", "template",
						 "not_after", NULL };
	static const char *const keys[] = { "step",	"ca",	     "issuer",
					    "template", "not_after", NULL };
	bool self = s->kind == PLAN_SELF_SIGNED;

	NODE_TRY(node_object(n, self ? self_keys : keys));
	NODE_TRY(take_name(n, "ca", s->ca));
	NODE_TRY(take_name(n, "template", s->template_name));
	NODE_TRY(take_time(n, "not_after", &s->not_after_s));
	if (strcmp(s->ca, "self") == 0 || strlen(s->ca) > 63)
		return node_fail(n, "name", "use another name",
				 "not a name for a CA");
	if (!self)
		NODE_TRY(take_name(n, "issuer", s->issuer));
	if (has_use(s->ca))
		return node_fail(n, "name", "use another name",
				 "\"%s\" is what another key is for", s->ca);
	if (!has_p256(p, s->ca))
		return node_fail(n, "key_missing", "generate it before",
				 "no P-256 key \"%s\" at this step", s->ca);
	if (has_ca(p, s->ca))
		return node_fail(n, "duplicate", "make it once",
				 "CA \"%s\" is made twice", s->ca);
	if (!self && !has_ca(p, s->issuer))
		return node_fail(n, "issuer_missing", "make it before",
				 "no CA \"%s\" at this step", s->issuer);
	return PV_OK;
}

static enum pv_code parse_adopt(const struct plan *p, const struct node *n,
				struct plan_step *s)
{
	static const char *const keys[] = { "step", "template", NULL };

	NODE_TRY(node_object(n, keys));
	NODE_TRY(take_name(n, "template", s->template_name));
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == PLAN_ADOPT &&
		    strcmp(p->steps[i].template_name, s->template_name) == 0)
			return node_fail(n, "duplicate", "adopt it once",
					 "template \"%s\" is adopted twice",
					 s->template_name);
	if (!has_p256(p, "bundle"))
		return node_fail(n, "key_missing", "generate it before",
				 "adopting signs a manifest and there is no "
				 "P-256 key \"bundle\"");
	return PV_OK;
}

static enum pv_code parse_check(const struct plan *p, const struct node *n,
				struct plan_step *s)
{
	static const char *const keys[] = { "step", "purpose", NULL };

	NODE_TRY(node_object(n, keys));
	NODE_TRY(take_name(n, "purpose", s->purpose));
	return has_key(p, s->purpose)
		       ? PV_OK
		       : node_fail(n, "key_missing", "generate it before",
				   "no key \"%s\" at this step", s->purpose);
}

const struct plan_step *plan_roster(const struct plan *p)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == PLAN_SET_ROSTER)
			return &p->steps[i];
	return NULL;
}

static enum pv_code parse_roster(const struct plan *p, const struct node *n,
				 struct plan_step *s)
{
	static const char *const keys[] = { "step", "sha256", NULL };
	struct node child = node_get(n, "sha256");

	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_need(&child));
	NODE_TRY(node_digest(&child, s->roster));
	return plan_roster(p) ? node_fail(n, "duplicate", "set it once",
					  "the roster is set twice")
			      : PV_OK;
}

static enum pv_code parse_pause(const struct node *n, struct plan_step *s)
{
	static const char *const keys[] = { "step", "text", NULL };
	struct node child = node_get(n, "text");
	const char *text = NULL;

	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_need(&child));
	NODE_TRY(node_text(&child, PLAN_TEXT_MAX, &text));
	snprintf(s->text, sizeof(s->text), "%s", text);
	return PV_OK;
}

static enum pv_code parse_init(const struct plan *p, const struct node *n)
{
	static const char *const keys[] = { "step", NULL };

	NODE_TRY(node_object(n, keys));
	if (p->steps_n != 0)
		return node_fail(n, "order", "put it first",
				 "the token is initialised once, before "
				 "anything else");
	return PV_OK;
}

static enum pv_code parse_step(const struct plan *p, const struct node *n,
			       struct plan_step *s)
{
	struct node step = node_get(n, "step");
	unsigned word = 0;

	NODE_TRY(node_object(n, NULL));
	NODE_TRY(node_need(&step));
	NODE_TRY(node_word(&step, kinds, &word));
	s->kind = (enum plan_kind)word;
	if (p->steps_n == 0 && s->kind != PLAN_INIT_TOKEN)
		return node_fail(n, "order", "begin with init-token",
				 "a plan begins with its token");
	if (plan_roster(p) && s->kind != PLAN_PAUSE &&
	    s->kind != PLAN_CHECK_KEY && s->kind != PLAN_SET_ROSTER)
		return node_fail(n, "order", "set the roster at the end",
				 "under a roster this step needs approvals");
	switch (s->kind) {
	case PLAN_INIT_TOKEN:
		return parse_init(p, n);
	case PLAN_GENERATE_KEY:
		return parse_key(p, n, s);
	case PLAN_SELF_SIGNED:
	case PLAN_ISSUE_CA:
		return parse_ca(p, n, s);
	case PLAN_ADOPT:
		return parse_adopt(p, n, s);
	case PLAN_CHECK_KEY:
		return parse_check(p, n, s);
	case PLAN_PAUSE:
		return parse_pause(n, s);
	case PLAN_SET_ROSTER:
		return parse_roster(p, n, s);
	}
	return node_fail(n, "value", NULL, "unknown step");
}

static enum pv_code parse_all(const struct node_reader *r, struct plan *plan)
{
	static const char *const keys[] = { "plan",	  "version",
					    "not_before", "not_after",
					    "steps",	  NULL };
	struct node root = node_root(r);
	struct node version = node_get(&root, "version");
	struct node steps = node_get(&root, "steps");

	NODE_TRY(node_object(&root, keys));
	NODE_TRY(take_name(&root, "plan", plan->name));
	NODE_TRY(node_need(&version));
	NODE_TRY(node_u32(&version, 1, INT32_MAX, &plan->version));
	plan->not_after_s = PVTIME_MAX;
	NODE_TRY(take_time(&root, "not_before", &plan->not_before_s));
	NODE_TRY(take_time(&root, "not_after", &plan->not_after_s));
	if (plan->not_before_s >= plan->not_after_s)
		return node_fail(&root, "window", NULL,
				 "not_before is not before not_after");
	NODE_TRY(node_need(&steps));
	NODE_TRY(node_array(&steps, 1, PLAN_STEPS_MAX));
	for (size_t i = 0; i < json_array_size(steps.v); i++) {
		struct node step = node_at(&steps, i);

		NODE_TRY(parse_step(plan, &step, &plan->steps[i]));
		plan->steps_n++;
	}
	return PV_OK;
}

enum pv_code plan_parse(struct span text, struct plan **out, struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	CLEANUP(cleanup_plan_free) struct plan *plan = NULL;
	struct node_reader r = { .area = "plan", .err = err };

	*out = NULL;
	NODE_TRY(json_parse_max(text, PLAN_SIZE_MAX, &doc, err));
	plan = mem_new(sizeof(*plan), err);
	if (!plan)
		return PV_INTERNAL;
	NODE_TRY(sha256(text, plan->sha256, err));
	r.doc = doc;
	NODE_TRY(parse_all(&r, plan));
	*out = TAKE(plan);
	return PV_OK;
}

void plan_free(struct plan *plan)
{
	free(plan);
}
