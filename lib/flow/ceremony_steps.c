/* What each kind of step does. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/base/sha256.h"
#include "lib/flow/adopt.h"
#include "lib/flow/cacert.h"
#include "lib/flow/cachain.h"
#include "lib/flow/ceremony_impl.h"
#include "lib/flow/keymake.h"
#include "lib/flow/officers.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/settings.h"
#include "policy/roster.h"

CLEANUP_PTR(struct template, template_free);
CLEANUP_PTR(struct roster, roster_free);
CLEANUP_PTR(struct file_group, file_group_free);

#define FIRST_GENERATION 1
#define FILE_NAME_MAX (PLAN_NAME_MAX + 8)

static enum pv_code read_template(struct ceremony *c, const char *name,
				  struct buf *bytes, struct err *err)
{
	char file[FILE_NAME_MAX];

	buf_init(bytes, TEMPLATE_SIZE_MAX);
	if (!name_is_safe(name, strlen(name)))
		return err_fail(err, PV_INPUT, "plan.template", NULL,
				"a template's name that is no plain name");
	snprintf(file, sizeof(file), "%.*s.json", PLAN_NAME_MAX, name);
	return file_read(c->templates, file, FILEIO_NOT_WRITABLE_BY_OTHERS,
			 bytes, err);
}

/* ---- the token ---- */

/* Its user's PIN comes last: with that it is whole. */
static enum pv_code init_token(struct ceremony *c, struct err *err)
{
	struct token_facts f;

	if (!c->opts->so_pin ||
	    (c->opts->resume &&
	     c->opts->backends->token_facts(c->a, 0, &f, NULL) == PV_OK))
		return PV_OK;
	return c->opts->backends->token_init(c->a, c->a->name, c->opts->so_pin,
					     c->opts->pin, err);
}

static enum pv_code run_init_token(struct ceremony *c,
				   const struct plan_step *step,
				   struct err *err)
{
	enum pv_code rc = init_token(c, err);

	(void)step;
	snprintf(c->object, sizeof(c->object), "%s", c->a->name);
	return rc == PV_OK ? ceremony_meet(c, err) : rc;
}

/* ---- keys ---- */

static enum hsm_key_kind key_kind(struct hsm *hsm, enum plan_key key)
{
	switch (key) {
	case PLAN_KEY_P256:
		return HSM_KEY_P256;
	case PLAN_KEY_ED25519:
		return HSM_KEY_ED25519;
	case PLAN_KEY_ED25519_OR_P256:
		return hsm_can(hsm, HSM_KEY_ED25519) ? HSM_KEY_ED25519
						     : HSM_KEY_P256;
	case PLAN_KEY_KDF:
		return HSM_KEY_KDF;
	case PLAN_KEY_STORE:
		return HSM_KEY_STORE;
	}
	return HSM_KEY_P256;
}

/* As the token says it now, held against what was recorded. */
static enum pv_code tell_key(struct ceremony *c, const struct issue_key *key,
			     struct err *err)
{
	const struct hsm_key_info *info;
	char id[2 * HSM_ID_LEN + 1], spki[65] = "", attrs[65];
	char der[2 * HSM_SPKI_MAX + 1] = "";
	struct hsm_key *found;
	uint8_t hash[32];
	enum pv_code rc = ownkey_find(c->hsm, key, &found, err);

	if (rc == PV_OK && key->spki_len > 0)
		rc = sha256((struct span){ key->spki, key->spki_len }, hash,
			    err);
	if (rc != PV_OK)
		return rc;
	info = hsm_info(c->hsm, found);
	if (key->spki_len > 0) {
		hex_encode(hash, sizeof(hash), spki);
		hex_encode(key->spki, key->spki_len, der);
	}
	hex_encode(info->id, HSM_ID_LEN, id);
	hex_encode(info->attrs_sha256, sizeof(info->attrs_sha256), attrs);
	return CEREMONY_PUT(
		c, "key", { "label", key->label }, { "purpose", key->purpose },
		{ "kind", ownkey_kind_name(key->kind) }, { "id", id },
		{ "spki_sha256", spki[0] ? spki : NULL },
		{ "spki", der[0] ? der : NULL }, { "attributes", info->attrs },
		{ "attributes_sha256", attrs },
		{ "origin", key->generated ? "generated" : "brought" });
}

/* The authority has it from here on. */
static enum pv_code name_key(struct ceremony *c, const struct issue_key *key,
			     struct err *err)
{
	struct authority_key *named = &c->a->keys[c->a->keys_n];

	if (c->a->keys_n == AUTHORITY_KEYS_MAX)
		return err_fail(err, PV_INPUT, "plan.keys", NULL,
				"more than %d keys", AUTHORITY_KEYS_MAX);
	snprintf(named->purpose, sizeof(named->purpose), "%.63s", key->purpose);
	snprintf(named->label, sizeof(named->label), "%s", key->label);
	named->generation = FIRST_GENERATION;
	c->a->keys_n++;
	return PV_OK;
}

/* A crash between token and store leaves a key that nobody recorded. */
static enum pv_code make_key(struct ceremony *c, const struct plan_step *step,
			     struct issue_key *key, struct err *err)
{
	struct keymake_job job = { .authority = c->a->name,
				   .store = c->store,
				   .purpose = step->purpose,
				   .generation = FIRST_GENERATION,
				   .hsm = c->hsm,
				   .kind = key_kind(c->hsm, step->key) };
	enum pv_code rc = keymake(&job, key, err);

	if (c->opts->resume && rc == PV_CONFLICT && err &&
	    strcmp(err->rule, "hsm.label-taken") == 0)
		snprintf(err->hint, sizeof(err->hint),
			 "nobody recorded that key: delete it with the token's "
			 "own tool, then `provctl ceremony resume'");
	return rc;
}

static enum pv_code run_generate_key(struct ceremony *c,
				     const struct plan_step *step,
				     struct err *err)
{
	const struct keymake_job job = { .authority = c->a->name,
					 .purpose = step->purpose,
					 .generation = FIRST_GENERATION };
	struct keymake_known known;
	enum pv_code rc;

	keymake_label(&job, c->object);
	rc = ceremony_login(c, err);
	if (rc == PV_OK)
		rc = keymake_known(c->store, step->purpose, &known, err);
	if (rc == PV_OK && known.n == 0)
		rc = make_key(c, step, &known.newest, err);
	if (rc == PV_OK)
		rc = tell_key(c, &known.newest, err);
	return rc == PV_OK ? name_key(c, &known.newest, err) : rc;
}

static enum pv_code generated(struct ceremony *c, const struct plan_step *step,
			      struct err *err)
{
	struct keymake_known known;
	enum pv_code rc = keymake_known(c->store, step->purpose, &known, err);

	if (rc == PV_OK && known.n == 0)
		rc = err_fail(err, PV_INTEGRITY, "ceremony.other", NULL,
			      "the transcript has a key %s that the store does "
			      "not know",
			      step->purpose);
	return rc == PV_OK ? name_key(c, &known.newest, err) : rc;
}

static enum pv_code run_check_key(struct ceremony *c,
				  const struct plan_step *step, struct err *err)
{
	const struct authority_key *named = NULL;
	struct issue_key key;
	enum pv_code rc = authority_key(c->a, step->purpose, &named, err);

	if (rc == PV_OK)
		rc = ownkey_load(c->store, named->label, &key, err);
	if (rc != PV_OK)
		return rc;
	snprintf(c->object, sizeof(c->object), "%s", named->label);
	rc = ceremony_login(c, err);
	return rc == PV_OK ? tell_key(c, &key, err) : rc;
}

/* ---- certificates ---- */

/* What is to be signed, before its intent is recorded. */
static enum pv_code tell_tbs(void *ctx, const struct camake *m, struct err *err)
{
	struct ceremony *c = ctx;
	char tbs[65], spki[65], signer[65], text[256];
	uint8_t hash[32];
	enum pv_code rc = sha256(
		(struct span){ m->job.signer->spki, m->job.signer->spki_len },
		hash, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(m->tbs_sha256, sizeof(m->tbs_sha256), tbs);
	hex_encode(m->spki_sha256, sizeof(m->spki_sha256), spki);
	hex_encode(hash, sizeof(hash), signer);
	rc = CEREMONY_PUT(c, "sign", { "ca", m->job.ca },
			  { "template", m->job.tmpl->name },
			  { "serial", m->serial_hex }, { "tbs_sha256", tbs },
			  { "spki_sha256", spki },
			  { "signer_spki_sha256", signer });
	snprintf(text, sizeof(text),
		 "Sign the certificate of %.64s, as it was just shown",
		 m->job.ca);
	return rc == PV_OK ? ceremony_ask(c, text, err) : rc;
}

/* <ca>.pem beside the transcript: never over another file. */
static enum pv_code put_file(struct ceremony *c, const char *file,
			     struct span pem, struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	enum pv_code rc = file_group_new(&g, err);

	if (rc == PV_OK)
		rc = file_group_add(g, c->opts->folder, file, 0644, pem.p,
				    pem.len, err);
	return rc == PV_OK ? file_group_commit(g, err) : rc;
}

static enum pv_code tell_certificate(struct ceremony *c, const char *ca,
				     struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	CLEANUP(buf_release) struct buf pem;
	char file[FILE_NAME_MAX], der_hex[65], pem_hex[65];
	uint8_t der_hash[32], pem_hash[32];
	struct span der;
	enum pv_code rc = ca_chain_load(c->store, ca, -1, &chain, err);

	buf_init(&pem, 65536);
	if (rc != PV_OK)
		return rc;
	der = buf_span(&chain.ca[0].der);
	pem_encode(&pem, "CERTIFICATE", der);
	snprintf(file, sizeof(file), "%.*s.pem", PLAN_NAME_MAX, ca);
	rc = buf_check(&pem, err);
	if (rc == PV_OK)
		rc = hsm_store_certificate(c->hsm, chain.ca[0].label, der, err);
	if (rc == PV_OK)
		rc = sha256(der, der_hash, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&pem), pem_hash, err);
	if (rc == PV_OK)
		rc = put_file(c, file, buf_span(&pem), err);
	if (rc != PV_OK)
		return rc;
	hex_encode(der_hash, sizeof(der_hash), der_hex);
	hex_encode(pem_hash, sizeof(pem_hash), pem_hex);
	return CEREMONY_PUT(c, "certificate", { "ca", ca },
			    { "sha256", der_hex }, { "file", file },
			    { "file_sha256", pem_hex });
}

static enum pv_code count_ca(void *ctx, const struct store_ca *ca,
			     struct err *err)
{
	bool *there = ctx;

	(void)ca;
	(void)err;
	*there = true;
	return PV_OK;
}

static enum pv_code is_made(struct ceremony *c, const char *ca, bool *there,
			    struct err *err)
{
	const struct store_visit v = { .ctx = there, .fn.ca = count_ca };
	struct err why;
	enum pv_code rc;

	*there = false;
	err_init(&why);
	rc = store_ca_each(c->store, ca, &v, &why);
	if (rc == PV_OK || rc == PV_NOT_FOUND)
		return PV_OK;
	*err = why;
	return rc;
}

/* A CA's template is pinned like any other before it is used. */
static enum pv_code issue(struct ceremony *c, const struct plan_step *step,
			  struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf bytes;
	const char *issuer =
		step->kind == PLAN_SELF_SIGNED ? NULL : step->issuer;
	struct cacert_job job = { .a = c->a,
				  .store = c->store,
				  .hsm = c->hsm,
				  .ca = step->ca,
				  .issuer = issuer,
				  .until_s = step->not_after_s,
				  .before = tell_tbs,
				  .ctx = c };
	struct adopt_report report;
	char serial[41];
	enum pv_code rc = read_template(c, step->template_name, &bytes, err);

	if (rc == PV_OK)
		rc = template_parse(buf_span(&bytes), &t, NULL, err);
	if (rc == PV_OK && !t->ca)
		rc = err_fail(err, PV_INPUT, "plan.template", NULL,
			      "%s is not a template for CAs",
			      step->template_name);
	if (rc == PV_OK)
		rc = adopt_template(c->a, c->store, NULL, buf_span(&bytes),
				    NULL, &report, err);
	job.tmpl = t;
	return rc == PV_OK ? cacert_issue(&job, serial, err) : rc;
}

static enum pv_code run_ca(struct ceremony *c, const struct plan_step *step,
			   struct err *err)
{
	bool there = false;
	enum pv_code rc;

	snprintf(c->object, sizeof(c->object), "%s", step->ca);
	rc = ceremony_login(c, err);
	if (rc == PV_OK)
		rc = is_made(c, step->ca, &there, err);
	if (rc == PV_OK && !there)
		rc = issue(c, step, err);
	return rc == PV_OK ? tell_certificate(c, step->ca, err) : rc;
}

/* ---- templates ---- */

static enum pv_code run_adopt(struct ceremony *c, const struct plan_step *step,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct adopt_report report;
	uint8_t hash[32];
	char hex[65];
	enum pv_code rc = read_template(c, step->template_name, &bytes, err);

	snprintf(c->object, sizeof(c->object), "%s", step->template_name);
	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	if (rc == PV_OK)
		rc = adopt_template(c->a, c->store, c->hsm, buf_span(&bytes),
				    NULL, &report, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&bytes), hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	return CEREMONY_PUT(c, "template", { "name", step->template_name },
			    { "sha256", hex });
}

/* ---- people ---- */

static enum pv_code run_pause(struct ceremony *c, const struct plan_step *step,
			      struct err *err)
{
	char text[PLAN_TEXT_MAX + 8];

	snprintf(c->object, sizeof(c->object), "-");
	snprintf(text, sizeof(text), "%s Done", step->text);
	return ceremony_ask(c, text, err);
}

static void put_officers(const struct roster *roster, struct buf *names)
{
	for (size_t i = 0; i < roster->n; i++)
		buf_printf(names, "%s%s", i ? "," : "",
			   roster->officers[i].name);
}

/* The settings that they will have to accept are recorded before. */
static enum pv_code run_set_roster(struct ceremony *c,
				   const struct plan_step *step,
				   struct err *err)
{
	const struct approvals_want want = { .op = QUORUM_ROSTER };
	CLEANUP(cleanup_roster_free) struct roster *roster = NULL;
	CLEANUP(buf_release) struct buf names;
	struct officers_report set;
	char hex[65], version[24];
	enum pv_code rc = roster_parse(c->opts->roster, &roster, err);

	buf_init(&names, TRANSCRIPT_VALUE_MAX);
	if (rc == PV_OK && memcmp(roster->sha256, step->roster, 32) != 0)
		rc = err_fail(err, PV_DENIED, "plan.roster", NULL,
			      "the roster is not the plan's");
	if (rc == PV_OK)
		rc = settings_record(c->a, c->store, err);
	if (rc == PV_OK)
		rc = officers_set(c->a, c->store, c->opts->roster, &want, &set,
				  err);
	if (rc != PV_OK)
		return rc;
	put_officers(roster, &names);
	hex_encode(set.sha256, sizeof(set.sha256), hex);
	snprintf(version, sizeof(version), "%llu",
		 (unsigned long long)set.version);
	snprintf(c->object, sizeof(c->object), "version %.20s", version);
	return CEREMONY_PUT(c, "roster", { "version", version },
			    { "sha256", hex },
			    { "officers", buf_cstr(&names) });
}

/* ---- the table ---- */

static const struct handler {
	enum plan_kind kind;
	enum pv_code (*run)(struct ceremony *c, const struct plan_step *step,
			    struct err *err);
	/* Of a step that an interrupted run has done; NULL: nothing. */
	enum pv_code (*done)(struct ceremony *c, const struct plan_step *step,
			     struct err *err);
} handlers[] = {
	{ PLAN_INIT_TOKEN, run_init_token, NULL },
	{ PLAN_GENERATE_KEY, run_generate_key, generated },
	{ PLAN_SELF_SIGNED, run_ca, NULL },
	{ PLAN_ISSUE_CA, run_ca, NULL },
	{ PLAN_ADOPT, run_adopt, NULL },
	{ PLAN_CHECK_KEY, run_check_key, NULL },
	{ PLAN_PAUSE, run_pause, NULL },
	{ PLAN_SET_ROSTER, run_set_roster, NULL },
};

static const struct handler *find_handler(enum plan_kind kind)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].kind == kind)
			return &handlers[i];
	return NULL;
}

enum pv_code ceremony_step(struct ceremony *c, const struct plan_step *step,
			   struct err *err)
{
	const struct handler *h = find_handler(step->kind);

	return h ? h->run(c, step, err)
		 : err_fail(err, PV_INTERNAL, NULL, NULL,
			    "no handler for a step");
}

enum pv_code ceremony_step_done(struct ceremony *c,
				const struct plan_step *step, struct err *err)
{
	const struct handler *h = find_handler(step->kind);

	return h && h->done ? h->done(c, step, err) : PV_OK;
}
