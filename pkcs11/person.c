/*
 * A person's own key: found, or made, and used once, in a child process. This
 * one will log in to another token, maybe of the same module, which is entered
 * once a process.
 */
#include "pkcs11/pkcs11.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/child.h"
#include "pkcs11/uri.h"

#define SOFTHSM_VARIABLE "SOFTHSM2_CONF"
#define MODULE_PATH "module-path="
#define OBJECT "object="
/* A person may have to touch a pin pad. */
#define TIMEOUT_S 120u

struct place {
	char token[P11_URI_MAX]; /* what is left without object and query */
	char label[P11_URI_LABEL_MAX + 1];
	const char *module;
};

struct job {
	const struct hsm_person_ask *ask;
	const struct place *at;
	bool must_lock;
};

static enum pv_code bad(const char *why, struct err *err)
{
	return err_fail(err, PV_INPUT, "officer.uri",
			"for example 'pkcs11:token=alice;object=alice"
			"?module-path=/usr/lib/softhsm/libsofthsm2.so'",
			"PKCS#11 URI of a key: %s", why);
}

/* The one query attribute that means something here. */
static enum pv_code take_query(const char *query, struct place *at,
			       struct err *err)
{
	size_t len = strlen(MODULE_PATH);

	if (strncmp(query, MODULE_PATH, len) != 0 || strchr(query, '&') ||
	    strchr(query, '%'))
		return bad("behind '?' stands only module-path=/...", err);
	at->module = query + len;
	return PV_OK;
}

/* The same without "object=...". */
static void drop_object(char *uri)
{
	char *from = strchr(uri, ':') + 1;

	while (strncmp(from, OBJECT, strlen(OBJECT)) != 0) {
		from = strchr(from, ';');
		if (!from)
			return;
		from++;
	}
	size_t len = strcspn(from, ";");

	if (from[len])
		memmove(from, from + len + 1, strlen(from + len + 1) + 1);
	else
		from[-1] = '\0';
}

static enum pv_code find_place(const char *text, struct place *at,
			       struct err *err)
{
	CLEANUP(cleanup_p11_uri_free) struct p11_uri *uri = NULL;
	size_t len = strcspn(text, "?");
	enum pv_code rc;

	at->module = NULL;
	if (len >= sizeof(at->token))
		return bad("too long", err);
	if (text[len] == '?' && (rc = take_query(text + len + 1, at, err)))
		return rc;
	if (!at->module)
		return bad("it needs ?module-path=", err);
	snprintf(at->token, sizeof(at->token), "%.*s", (int)len, text);
	rc = p11_uri_parse(at->token, &uri, err);
	if (rc != PV_OK)
		return rc;
	if (!p11_uri_object(uri))
		return bad("it needs object=, the key's name", err);
	snprintf(at->label, sizeof(at->label), "%s", p11_uri_object(uri));
	drop_object(at->token);
	return PV_OK;
}

/* The one key of that name, whichever of the two kinds it is: a key of another
 * kind is refused by its attributes. */
static enum pv_code find_key(struct hsm *h, const char *label,
			     struct hsm_key **key, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = hsm_find(h, HSM_KEY_ED25519, label, key, &why);
	if (rc == PV_HSM_FATAL && strcmp(why.rule, "hsm.key-missing") == 0)
		return err_fail(err, PV_NOT_FOUND, "hsm.key-missing",
				"make one with provctl officer key new --token",
				"%s", why.message);
	if (rc != PV_HSM_FATAL) {
		if (rc != PV_OK)
			*err = why;
		return rc;
	}
	return hsm_find(h, HSM_KEY_P256, label, key, err);
}

static enum pv_code get_key(struct hsm *h, const struct job *j,
			    struct hsm_key **key, struct err *err)
{
	enum hsm_key_kind kind =
		hsm_can(h, HSM_KEY_ED25519) ? HSM_KEY_ED25519 : HSM_KEY_P256;

	if (!j->ask->make)
		return find_key(h, j->at->label, key, err);
	return hsm_generate(h, kind, j->at->label, key, err);
}

static enum pv_code use(struct hsm *h, const struct job *j,
			struct hsm_person_key *out, struct err *err)
{
	const struct hsm_key_info *info;
	struct hsm_key *key = NULL;
	enum pv_code rc = get_key(h, j, &key, err);

	if (rc != PV_OK)
		return rc;
	info = hsm_info(h, key);
	memcpy(out->spki, info->spki, info->spki_len);
	out->spki_len = info->spki_len;
	if (!j->ask->digest)
		return PV_OK;
	return info->kind == HSM_KEY_ED25519
		       ? hsm_sign_message(h, key, j->ask->text, out->sig, err)
		       : hsm_sign_digest(h, key, j->ask->digest, out->sig, err);
}

/* In the child. SoftHSM finds its tokens only through the environment. */
static enum pv_code run(const void *ctx, void *result, struct err *err)
{
	const struct job *j = ctx;
	const struct p11_config cfg = { .module = j->at->module,
					.token_uri = j->at->token };
	struct hsm *h = NULL;
	enum pv_code rc;

	if (!secret_lock(j->ask->pin) && j->must_lock)
		return err_fail(err, PV_INTERNAL, "secret.heap", NULL,
				"the PIN's memory cannot be locked");
	if (j->ask->softhsm_conf)
		setenv(SOFTHSM_VARIABLE, j->ask->softhsm_conf, 1);
	else
		unsetenv(SOFTHSM_VARIABLE);
	rc = p11_open(&cfg, j->ask->pin, &h, err);
	if (rc == PV_OK)
		rc = use(h, j, result, err);
	hsm_close(h);
	return rc;
}

enum pv_code p11_person(const struct hsm_person_ask *ask,
			struct hsm_person_key *out, struct err *err)
{
	struct place at;
	struct job job = { .ask = ask, .at = &at };
	const struct p11_child child = { .run = run,
					 .ctx = &job,
					 .result_len = sizeof(*out),
					 .timeout_s = TIMEOUT_S,
					 .what = "the person's token" };
	enum pv_code rc = find_place(ask->uri, &at, err);

	memset(out, 0, sizeof(*out));
	if (rc != PV_OK || ask->only_uri)
		return rc;
	job.must_lock = secret_lock(ask->pin);
	return p11_child_run(&child, out, err);
}
