#include "cmd/backends.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/pin.h"
#include "lib/base/pvtime.h"
#include "lib/flow/rotate_pin.h"
#include "lib/store/sqlite.h"
#include "pkcs11/pkcs11.h"

#define STORE_SCHEME "sqlite:"
#define DAY_MS UINT64_C(86400000)

/* The store's file: relative names are below the home. */
static enum pv_code store_path(const struct authority *a, char *path,
			       size_t cap, struct err *err)
{
	const char *name = a->store + strlen(STORE_SCHEME);
	int n;

	if (strncmp(a->store, STORE_SCHEME, strlen(STORE_SCHEME)) != 0)
		return err_fail(err, PV_INPUT, "config.store",
				"write sqlite:store.db",
				"a store that this build does not know");
	n = *name == '/' ? snprintf(path, cap, "%s", name)
			 : snprintf(path, cap, "%s/%s", a->home, name);
	if (n < 0 || (size_t)n >= cap)
		return err_fail(err, PV_INPUT, "config.store", NULL,
				"the store's path is too long");
	return PV_OK;
}

static enum pv_code open_store(const struct authority *a, bool create,
			       struct store **store, struct err *err)
{
	char path[2 * AUTHORITY_PATH_MAX];
	struct store_meta meta = { .created_ms = (uint64_t)pvtime_now_ms() };
	enum pv_code rc = store_path(a, path, sizeof(path), err);

	if (rc == PV_OK && create) {
		snprintf(meta.name, sizeof(meta.name), "%s", a->name);
		snprintf(meta.origin, sizeof(meta.origin), "%s", a->origin);
		rc = store_sqlite_create(path, &meta, err);
	}
	if (rc == PV_OK)
		rc = store_sqlite_open(path, store, err);
	if (rc == PV_OK)
		(*store)->step_max_ms = a->clock_max_step_days * DAY_MS;
	if (rc != PV_OK)
		err_object(err, a->store);
	else if (err && err->code == PV_OK)
		err->object[0] = '\0'; /* the next cause has its own */
	return rc;
}

/* locks must outlive the call that takes the configuration. */
struct token_config {
	struct p11_config cfg;
	char locks[AUTHORITY_PATH_MAX + 16];
};

static void token_config(const struct authority *a, const char *uri,
			 struct token_config *c)
{
	snprintf(c->locks, sizeof(c->locks), "%s/locks", a->home);
	/* Before there is a home nobody else is about to use its tokens. */
	c->cfg = (struct p11_config){ .module = a->module,
				      .token_uri = uri,
				      .lock_dir = a->home[0] ? c->locks : NULL,
				      .timeout_s = a->hsm_timeout_s };
}

/* What a person may see of a token's URI: all of it once it is sound. */
static void token_name(const struct authority *a, size_t i,
		       char out[AUTHORITY_URI_MAX])
{
	if (p11_token_uri_ok(a->tokens[i], NULL))
		snprintf(out, AUTHORITY_URI_MAX, "%s", a->tokens[i]);
	else
		snprintf(out, AUTHORITY_URI_MAX, "tokens[%zu]", i);
}

static void login_config(const struct authority *a,
			 const struct hsm_login *login, struct token_config *c)
{
	token_config(a, a->tokens[login->token], c);
	c->cfg.sessions = login->sessions;
	c->cfg.watch = login->watch;
	c->cfg.serial = login->token == 0 ? login->serial : NULL;
}

/* Whatever failed was about that token. */
static enum pv_code of_token(const struct authority *a, size_t token,
			     enum pv_code rc, struct err *err)
{
	char name[AUTHORITY_URI_MAX];

	if (rc == PV_OK)
		return PV_OK;
	token_name(a, token, name);
	err_object(err, name);
	return rc;
}

static enum pv_code open_hsm(const struct authority *a, struct hsm_login *login,
			     struct hsm **hsm, struct err *err)
{
	struct token_config c;

	login_config(a, login, &c);
	return of_token(a, login->token, p11_open(&c.cfg, login->pin, hsm, err),
			err);
}

static enum pv_code meet_hsm(const struct authority *a,
			     const struct hsm_login *login, struct hsm **hsm,
			     struct err *err)
{
	struct token_config c;

	login_config(a, login, &c);
	return of_token(a, login->token, p11_meet(&c.cfg, hsm, err), err);
}

static enum pv_code login_hsm(const struct authority *a,
			      const struct hsm_login *login, struct hsm *hsm,
			      struct err *err)
{
	return of_token(a, login->token, p11_login(hsm, login->pin, err), err);
}

static enum pv_code set_pin(const struct authority *a, size_t token,
			    const struct secret *old, const struct secret *new,
			    enum hsm_pin_set *has, struct err *err)
{
	struct token_config c;

	token_config(a, a->tokens[token], &c);
	return of_token(a, token, p11_set_pin(&c.cfg, old, new, has, err), err);
}

/* A token with a pin pad asks the person itself. */
static bool has_pin_pad(const struct authority *a)
{
	struct p11_facts f = { .label = "" };
	struct token_config c;

	token_config(a, a->tokens[0], &c);
	return p11_preflight(&c.cfg, &f, NULL) == PV_OK && f.protected_path;
}

static enum pv_code read_old_pin(const struct authority *a, struct secret *pin,
				 struct err *err)
{
	secret_release(pin);
	if (strcmp(a->pin_source, "prompt") == 0 && has_pin_pad(a))
		return PV_OK;
	return pin_read(a->home_fd, a->pin_source, a->name, pin, err);
}

/* While it is open which PIN the token has, no login is tried. */
static enum pv_code read_pin(const struct authority *a, struct secret *pin,
			     struct err *err)
{
	enum pv_code rc = rotate_pin_ended(a, err);

	return rc == PV_OK ? read_old_pin(a, pin, err) : rc;
}

static enum pv_code check_pin(const struct authority *a, struct err *err)
{
	enum pv_code rc = rotate_pin_ended(a, err);

	return rc == PV_OK ? pin_check(a->home_fd, a->pin_source, err) : rc;
}

static void take_facts(const struct p11_facts *f, struct token_facts *out)
{
	*out = (struct token_facts){
		.found = f->label[0] != '\0',
		.slot = f->slot,
		.pin_pad = f->protected_path,
		.pin_count_low = f->pin_count_low,
		.p256 = f->p256,
		.ed25519 = f->ed25519,
		.cmac = f->cmac,
		.sp800_108 = f->sp800_108,
		.gcm = f->gcm,
		.max_sessions = f->max_sessions,
	};
	snprintf(out->label, sizeof(out->label), "%s", f->label);
	snprintf(out->manufacturer, sizeof(out->manufacturer), "%s",
		 f->manufacturer);
	snprintf(out->model, sizeof(out->model), "%s", f->model);
	snprintf(out->serial, sizeof(out->serial), "%s", f->serial);
	snprintf(out->firmware, sizeof(out->firmware), "%s", f->firmware);
}

static enum pv_code token_facts(const struct authority *a, size_t token,
				struct token_facts *out, struct err *err)
{
	struct p11_facts f = { .label = "" };
	struct token_config c;
	enum pv_code rc;

	token_config(a, a->tokens[token], &c);
	rc = p11_preflight(&c.cfg, &f, err);
	take_facts(&f, out);
	token_name(a, token, out->name);
	return rc;
}

static enum pv_code token_publics(const struct authority *a, size_t token,
				  struct hsm_publics *out, struct err *err)
{
	struct token_config c;

	token_config(a, a->tokens[token], &c);
	return of_token(a, token, p11_publics(&c.cfg, out, err), err);
}

/* Of the token that is named so, if the configuration has one. */
static void empty_config(const struct authority *a, const char *label,
			 struct token_config *c)
{
	const char *uri = NULL;
	char named[33];

	for (size_t i = 0; !uri && i < a->tokens_n; i++)
		if (p11_token_uri_ok(a->tokens[i], named) &&
		    strcmp(named, label) == 0)
			uri = a->tokens[i];
	token_config(a, uri, c);
}

static void name_empty(struct token_facts *f)
{
	snprintf(f->name, sizeof(f->name), "slot %lu", f->slot);
}

static enum pv_code token_empty(const struct authority *a, const char *label,
				struct token_facts *out, struct err *err)
{
	struct p11_facts f = { .label = "" };
	struct token_config c;
	enum pv_code rc;

	empty_config(a, label, &c);
	rc = p11_token_empty(&c.cfg, label, &f, err);
	take_facts(&f, out);
	name_empty(out);
	return rc;
}

static enum pv_code init_token(const struct authority *a, const char *label,
			       const struct secret *so_pin,
			       const struct secret *pin,
			       struct token_facts *token, struct err *err)
{
	struct p11_facts f = { .slot = token ? token->slot : 0 };
	struct token_config c;
	enum pv_code rc;

	if (token)
		snprintf(f.serial, sizeof(f.serial), "%s", token->serial);
	empty_config(a, label, &c);
	rc = p11_token_init(&c.cfg, label, so_pin, pin, token ? &f : NULL, err);
	if (rc == PV_OK && token) {
		take_facts(&f, token);
		name_empty(token);
	}
	return rc;
}

static enum pv_code token_label(const struct authority *a, size_t token,
				char label[33], struct err *err)
{
	char name[AUTHORITY_URI_MAX];

	if (p11_token_uri_ok(a->tokens[token], label))
		return PV_OK;
	token_name(a, token, name);
	err_object(err, name);
	return err_fail(err, PV_INPUT, "config.token",
			"write it as in RFC 7512: pkcs11:token=NAME",
			"no URI of a token");
}

static enum pv_code person_pin(const char *source, const char *what,
			       struct secret *pin, struct err *err)
{
	return pin_read(AT_FDCWD, source, what, pin, err);
}

const struct backends app_backends = {
	.store_open = open_store,
	.hsm_open = open_hsm,
	.hsm_meet = meet_hsm,
	.hsm_login = login_hsm,
	.token_init = init_token,
	.token_facts = token_facts,
	.token_publics = token_publics,
	.token_empty = token_empty,
	.token_label = token_label,
	.token_set_pin = set_pin,
	.pin_read = read_pin,
	.pin_read_old = read_old_pin,
	.pin_check = check_pin,
	.person_pin = person_pin,
	.person_phrase = pin_read_phrase,
	.person_key = p11_person,
};
