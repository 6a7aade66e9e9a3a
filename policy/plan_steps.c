/* Each kind of step: its keys, and what has to come before it. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "policy/plan_impl.h"

/* RFC 3339 in UTC. */
enum pv_code plan_take_time(const struct node *n, const char *key,
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

enum pv_code plan_take_name(const struct node *n, const char *key,
			    char out[PLAN_NAME_MAX + 1])
{
	struct node child = node_get(n, key);
	const char *s = NULL;

	NODE_TRY(node_need(&child));
	NODE_TRY(node_name(&child, &s));
	snprintf(out, PLAN_NAME_MAX + 1, "%s", s);
	return PV_OK;
}

enum pv_code plan_take_party(const struct node *n, const char *key,
			     char out[PLAN_NAME_MAX + 1])
{
	struct node child = node_get(n, key);

	NODE_TRY(plan_take_name(n, key, out));
	return strcasecmp(out, "shares") != 0
		       ? PV_OK
		       : node_fail(
				 &child, "name", "take another name",
				 "\"shares\" is the folder of the shares that "
				 "people bring");
}

enum pv_code plan_take_template(const struct node *n, struct plan_step *s)
{
	struct node hash = node_get(n, "template_sha256");

	NODE_TRY(plan_take_name(n, "template", s->template_name));
	NODE_TRY(node_digest(&hash, s->template_sha256));
	s->bound = hash.v != NULL;
	return PV_OK;
}

bool plan_has_key(const struct plan *p, const char *purpose)
{
	return plan_has_step(p, PLAN_GENERATE_KEY, purpose) ||
	       plan_has_step(p, PLAN_TAKE_KEY, purpose);
}

static bool makes_ca(enum plan_kind kind);

bool plan_has_ca(const struct plan *p, const char *ca)
{
	for (size_t i = 0; i < p->steps_n; i++) {
		const struct plan_step *s = &p->steps[i];

		if (makes_ca(s->kind) &&
		    (strcmp(s->ca, ca) == 0 ||
		     (s->kind == PLAN_IMPORT_CA && strcmp(s->issuer, ca) == 0)))
			return true;
	}
	return false;
}

bool plan_has_own_ca(const struct plan *p, const char *ca)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (makes_ca(p->steps[i].kind) &&
		    p->steps[i].kind != PLAN_SIGN_CSR &&
		    strcmp(p->steps[i].ca, ca) == 0)
			return true;
	return false;
}

/* What a later plan does not make the authority may have: the runner looks. */
static bool may_be_there(const struct plan *p)
{
	return !plan_is_first(p);
}

/* overview.md, "Keys by purpose": one use each, so none of them is a CA's; nor
 * is what provctl.json calls a log's key that signs beside its successor. */
static bool has_use(const char *name)
{
	static const char *const uses[] = {
		"bundle",  "log",	   "log-ecdsa",
		"event",   "ocsp",	   "kdf",
		"store",   "backup",	   PLAN_PURPOSE_TRANSPORT,
		"log-old", "log-ecdsa-old"
	};

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (strcmp(name, uses[i]) == 0)
			return true;
	return false;
}

static bool is_former(const char *purpose)
{
	return strcmp(purpose, "log-old") == 0 ||
	       strcmp(purpose, "log-ecdsa-old") == 0;
}

/* overview.md, "Keys by purpose": each has its kind. */
static enum pv_code check_key(const struct node *n, struct plan_step *s)
{
	bool kdf = strcmp(s->purpose, "kdf") == 0;
	bool store = strcmp(s->purpose, "store") == 0;
	bool log = strcmp(s->purpose, "log") == 0;
	bool aes = s->key == PLAN_KEY_KDF;

	if (strcmp(s->purpose, PLAN_PURPOSE_TRANSPORT) == 0)
		return node_fail(n, "key_kind", "use make-transport-key",
				 "a key that others are sent to has a kind of "
				 "its own");
	if (is_former(s->purpose))
		return node_fail(n, "name", "use another name",
				 "\"%s\" is what a log's key of before is "
				 "called",
				 s->purpose);
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
	static const char *const keys[] = { "step", "purpose", "kind", "backup",
					    NULL };
	static const char *const words[] = { "P-256", "Ed25519",
					     "Ed25519 or P-256", "AES-256",
					     NULL };
	struct node kind = node_get(n, "kind");
	struct node backup = node_get(n, "backup");
	unsigned word = 0;

	NODE_TRY(node_object(n, keys));
	NODE_TRY(plan_take_name(n, "purpose", s->purpose));
	NODE_TRY(node_need(&kind));
	NODE_TRY(node_word(&kind, words, &word));
	s->key = (enum plan_key)word;
	NODE_TRY(node_bool(&backup, &s->backup));
	if (s->backup && s->key != PLAN_KEY_P256)
		return node_fail(&backup, "backup", "leave it out",
				 "only P-256 keys may be backed up");
	if (plan_has_key(p, s->purpose))
		return node_fail(n, "duplicate", "generate it once",
				 "key \"%s\" is generated twice", s->purpose);
	return check_key(&kind, s);
}

/* CAs sign with ECDSA P-256 only. */
bool plan_has_p256(const struct plan *p, const char *purpose)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == PLAN_GENERATE_KEY &&
		    p->steps[i].key == PLAN_KEY_P256 &&
		    strcmp(p->steps[i].purpose, purpose) == 0)
			return true;
	return plan_has_step(p, PLAN_TAKE_KEY, purpose);
}

enum pv_code plan_check_ca(const struct node *n, const char *ca)
{
	if (strcmp(ca, "self") == 0 || strlen(ca) > 63)
		return node_fail(n, "name", "use another name",
				 "not a name for a CA");
	if (has_use(ca))
		return node_fail(n, "name", "use another name",
				 "\"%s\" is what another key is for", ca);
	return PV_OK;
}

static enum pv_code parse_ca(const struct plan *p, const struct node *n,
			     struct plan_step *s)
{
	static const char *const self_keys[] = { "step",      "ca",
						 "template",  "template_sha256",
						 "not_after", "active",
						 NULL };
	static const char *const keys[] = {
		"step",	     "ca",     "issuer", "template", "template_sha256",
		"not_after", "active", NULL
	};
	struct node active = node_get(n, "active");
	bool self = s->kind == PLAN_SELF_SIGNED;

	NODE_TRY(node_object(n, self ? self_keys : keys));
	NODE_TRY(plan_take_name(n, "ca", s->ca));
	NODE_TRY(plan_take_template(n, s));
	NODE_TRY(plan_take_time(n, "not_after", &s->not_after_s));
	NODE_TRY(plan_take_time(n, "active", &s->active_s));
	if (active.v && plan_is_first(p))
		return node_fail(&active, "active", "leave it out",
				 "a first generation issues at once");
	NODE_TRY(plan_check_ca(n, s->ca));
	if (!self)
		NODE_TRY(plan_take_name(n, "issuer", s->issuer));
	if (!plan_has_p256(p, s->ca))
		return node_fail(n, "key_missing", "generate it before",
				 "no P-256 key \"%s\" at this step", s->ca);
	if (plan_has_ca(p, s->ca))
		return node_fail(n, "duplicate", "make it once",
				 "CA \"%s\" is made twice", s->ca);
	if (!self && !plan_has_own_ca(p, s->issuer) && !may_be_there(p))
		return node_fail(n, "issuer_missing", "make it before",
				 "no CA \"%s\" with a key of ours at this step",
				 s->issuer);
	return PV_OK;
}

static enum pv_code parse_adopt(const struct plan *p, const struct node *n,
				struct plan_step *s)
{
	static const char *const keys[] = { "step", "template",
					    "template_sha256", NULL };

	NODE_TRY(node_object(n, keys));
	NODE_TRY(plan_take_template(n, s));
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == PLAN_ADOPT &&
		    strcmp(p->steps[i].template_name, s->template_name) == 0)
			return node_fail(n, "duplicate", "adopt it once",
					 "template \"%s\" is adopted twice",
					 s->template_name);
	if (!plan_has_p256(p, "bundle") && !may_be_there(p))
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
	NODE_TRY(plan_take_name(n, "purpose", s->purpose));
	return plan_has_key(p, s->purpose) || may_be_there(p)
		       ? PV_OK
		       : node_fail(n, "key_missing", "generate it before",
				   "no key \"%s\" at this step", s->purpose);
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

static enum pv_code parse_pause(const struct plan *p, const struct node *n,
				struct plan_step *s)
{
	static const char *const keys[] = { "step", "text", NULL };
	struct node child = node_get(n, "text");
	const char *text = NULL;

	(void)p;
	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_need(&child));
	NODE_TRY(node_text(&child, PLAN_TEXT_MAX, &text));
	snprintf(s->text, sizeof(s->text), "%s", text);
	return PV_OK;
}

/* Of a CA that is made before, or there: sign-crl, cross-sign. */
static enum pv_code parse_of_ca(const struct plan *p, const struct node *n,
				struct plan_step *s)
{
	static const char *const keys[] = { "step", "ca", NULL };

	NODE_TRY(node_object(n, keys));
	NODE_TRY(plan_take_name(n, "ca", s->ca));
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == s->kind &&
		    strcmp(p->steps[i].ca, s->ca) == 0)
			return node_fail(n, "duplicate",
					 "leave one of them out",
					 "%s of \"%s\" stands there twice",
					 plan_kind_name(s->kind), s->ca);
	return plan_has_own_ca(p, s->ca) || may_be_there(p)
		       ? PV_OK
		       : node_fail(
				 n, "ca_missing", "make it before",
				 "no CA \"%s\" with a key of ours at this step",
				 s->ca);
}

static enum pv_code parse_pin(const struct plan *p, const struct node *n,
			      struct plan_step *s)
{
	static const char *const keys[] = { "step", NULL };

	(void)s;
	NODE_TRY(node_object(n, keys));
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == PLAN_ROTATE_PIN)
			return node_fail(n, "duplicate", "change it once",
					 "the PIN is changed twice");
	return PV_OK;
}

static enum pv_code parse_destroy(const struct plan *p, const struct node *n,
				  struct plan_step *s)
{
	static const char *const keys[] = { "step", "purpose", "generation",
					    NULL };
	struct node generation = node_get(n, "generation");

	NODE_TRY(node_object(n, keys));
	NODE_TRY(plan_take_name(n, "purpose", s->purpose));
	NODE_TRY(node_need(&generation));
	NODE_TRY(node_u32(&generation, 1, INT32_MAX, &s->generation));
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == PLAN_DESTROY_KEY &&
		    p->steps[i].generation == s->generation &&
		    strcmp(p->steps[i].purpose, s->purpose) == 0)
			return node_fail(n, "duplicate", "destroy it once",
					 "key \"%s\" is destroyed twice",
					 s->purpose);
	return PV_OK;
}

static enum pv_code parse_init(const struct plan *p, const struct node *n,
			       struct plan_step *s)
{
	static const char *const keys[] = { "step", NULL };

	(void)s;
	NODE_TRY(node_object(n, keys));
	if (p->steps_n != 0)
		return node_fail(n, "order", "put it first",
				 "the token is initialised once, before "
				 "anything else");
	return PV_OK;
}

enum {
	AFTER_ROSTER = 1, /* people need not approve it one by one */
	MAKES_CA = 2,
	FIRST_ONLY = 4, /* not in a later plan */
	LATER_ONLY = 8	/* in later plans alone */
};

static const struct kind {
	const char *name;
	/* Of a step behind those of p: s->kind is set. */
	enum pv_code (*parse)(const struct plan *p, const struct node *n,
			      struct plan_step *s);
	unsigned is;
} kinds[] = {
	[PLAN_INIT_TOKEN] = { "init-token", parse_init, FIRST_ONLY },
	[PLAN_GENERATE_KEY] = { "generate-key", parse_key, 0 },
	[PLAN_SELF_SIGNED] = { "self-signed", parse_ca, MAKES_CA },
	[PLAN_ISSUE_CA] = { "issue-ca", parse_ca, MAKES_CA },
	[PLAN_ADOPT] = { "adopt", parse_adopt, 0 },
	[PLAN_CHECK_KEY] = { "check-key", parse_check, AFTER_ROSTER },
	[PLAN_PAUSE] = { "pause", parse_pause, AFTER_ROSTER },
	[PLAN_SET_ROSTER] = { "set-roster", parse_roster, AFTER_ROSTER },
	[PLAN_BACK_UP_KEY] = { "back-up-key", plan_parse_back_up, 0 },
	[PLAN_RESTORE_KEY] = { "restore-key", plan_parse_restore, 0 },
	[PLAN_MAKE_CSR] = { "make-csr", plan_parse_make_csr, 0 },
	[PLAN_SIGN_CSR] = { "sign-csr", plan_parse_sign_csr, MAKES_CA },
	[PLAN_IMPORT_CA] = { "import-ca", plan_parse_import_ca, MAKES_CA },
	[PLAN_SIGN_CRL] = { "sign-crl", parse_of_ca, 0 },
	[PLAN_TRANSPORT] = { "make-transport-key", plan_parse_make_transport,
			     0 },
	[PLAN_SEND_KEY] = { "send-key", plan_parse_send_key, 0 },
	[PLAN_TAKE_KEY] = { "take-key", plan_parse_take_key, 0 },
	[PLAN_CROSS_SIGN] = { "cross-sign", parse_of_ca, LATER_ONLY },
	[PLAN_ROTATE_PIN] = { "rotate-pin", parse_pin, LATER_ONLY },
	[PLAN_DESTROY_KEY] = { "destroy-key", parse_destroy, LATER_ONLY },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *plan_kind_name(enum plan_kind kind)
{
	return kinds[kind].name;
}

static bool makes_ca(enum plan_kind kind)
{
	return kinds[kind].is & MAKES_CA;
}

/* Where a step of that kind may stand. */
static enum pv_code check_place(const struct plan *p, const struct node *n,
				unsigned kind)
{
	bool first =
		p->steps_n == 0 ? kind == PLAN_INIT_TOKEN : plan_is_first(p);
	unsigned is = kinds[kind].is;

	if (first && (is & LATER_ONLY))
		return node_fail(n, "order", "put it into a plan of its own",
				 "%s is for an authority that is there: a plan "
				 "that does not begin with init-token",
				 kinds[kind].name);
	if (!first && (is & FIRST_ONLY))
		return node_fail(n, "order", "put it first",
				 "%s is for a plan that begins with init-token",
				 kinds[kind].name);
	if (plan_roster(p) && !(is & AFTER_ROSTER))
		return node_fail(n, "order", "set the roster at the end",
				 "under a roster this step needs approvals");
	return PV_OK;
}

enum pv_code plan_parse_step(const struct plan *p, const struct node *n,
			     struct plan_step *s)
{
	const char *words[KINDS + 1] = { NULL };
	struct node step = node_get(n, "step");
	struct node rest = { .v = NULL };
	unsigned word = 0;
	enum pv_code rc;

	for (size_t i = 0; i < KINDS; i++)
		words[i] = kinds[i].name;
	NODE_TRY(node_object(n, NULL));
	NODE_TRY(node_need(&step));
	NODE_TRY(node_word(&step, words, &word));
	s->kind = (enum plan_kind)word;
	NODE_TRY(check_place(p, n, word));
	rc = plan_take_present(n, &rest, s);
	if (rc == PV_OK)
		rc = kinds[word].parse(p, &rest, s);
	json_decref(rest.v);
	return rc;
}
