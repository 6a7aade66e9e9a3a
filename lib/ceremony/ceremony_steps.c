/*
 * What each kind of step does: the table, and the steps of token, templates and
 * people. Keys are in ceremony_keys.c, CAs in ceremony_cas.c, backups in
 * ceremony_backup.c and ceremony_restore.c.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremony_backup.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/ceremony/ceremony_kinds.h"
#include "lib/ceremony/plantemplate.h"
#include "lib/flow/adopt.h"
#include "lib/flow/officers.h"
#include "lib/flow/settings.h"
#include "policy/roster.h"

CLEANUP_PTR(struct roster, roster_free);

/* ---- the token ---- */

/* Its user's PIN comes last: with that it is whole. */
static bool is_whole(const struct ceremony *c)
{
	struct token_facts f;

	return !c->opts->so_pin ||
	       (c->opts->resume &&
		c->opts->backends->token_facts(c->a, 0, &f, NULL) == PV_OK);
}

/* To people only. What it keeps private shows after the login. */
static void show_publics(const struct ceremony *c)
{
	struct hsm_publics shown = { .n = 0 };
	char n[32] = "not shown without a login";
	const struct transcript_pair pair = { "public keys on it", n };
	struct err why;

	if (!c->opts->told)
		return;
	err_init(&why);
	if (c->opts->backends->token_publics(c->a, 0, &shown, &why) == PV_OK)
		snprintf(n, sizeof(n), "%zu", shown.all);
	else if (strcmp(why.rule, "hsm.objects") == 0)
		snprintf(n, sizeof(n), "more than %u", HSM_PUBLICS_MAX);
	c->opts->told(c->opts->progress_ctx, "there", &pair, 1);
}

enum pv_code ceremony_show_token(struct ceremony *c, struct err *err)
{
	struct token_facts *f = &c->empty;
	char slot[24];
	enum pv_code rc;

	snprintf(c->object, sizeof(c->object), "%s", c->a->name);
	if (is_whole(c)) {
		rc = ceremony_meet(c, err);
		if (rc == PV_OK)
			show_publics(c);
		return rc;
	}
	rc = c->opts->backends->token_empty(c->a, c->a->name, f, err);
	if (rc != PV_OK)
		return rc;
	snprintf(slot, sizeof(slot), "%lu", f->slot);
	return CEREMONY_PUT(
		c, "new-token", { "label", c->a->name }, { "slot", slot },
		{ "manufacturer", f->manufacturer }, { "model", f->model },
		{ "serial", f->serial[0] ? f->serial : NULL });
}

/* The one that people were shown; ceremony_meet() holds what answers to its
 * name then against it. */
static enum pv_code run_init_token(struct ceremony *c,
				   const struct plan_step *step,
				   struct err *err)
{
	enum pv_code rc = PV_OK;

	(void)step;
	snprintf(c->object, sizeof(c->object), "%s", c->a->name);
	if (c->empty.name[0])
		rc = c->opts->backends->token_init(
			c->a, c->a->name, c->opts->so_pin, c->opts->pin,
			&c->empty, err);
	return rc == PV_OK ? ceremony_meet(c, err) : rc;
}

/* ---- templates ---- */

static enum pv_code run_adopt(struct ceremony *c, const struct plan_step *step,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct adopt_report report;
	uint8_t hash[32];
	char hex[65];
	enum pv_code rc = plantemplate_read(c->templates, step, &bytes, err);

	snprintf(c->object, sizeof(c->object), "%s", step->template_name);
	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	if (rc == PV_OK)
		rc = adopt_template(c->a, c->store, c->hsm, buf_span(&bytes),
				    c->opts->want, &report, err);
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

	snprintf(text, sizeof(text), "%s Done", step->text);
	hsm_close(c->hsm);
	c->hsm = NULL;
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
	const struct approvals_want none = { .op = QUORUM_ROSTER };
	CLEANUP(cleanup_roster_free) struct roster *roster = NULL;
	CLEANUP(buf_release) struct buf names;
	struct officers_report set;
	char hex[65], version[24];
	enum pv_code rc = roster_parse(c->opts->roster, &roster, err);

	buf_init(&names, TRANSCRIPT_VALUE_MAX);
	if (rc == PV_OK && memcmp(roster->sha256, step->roster, 32) != 0)
		rc = err_fail(err, PV_DENIED, "plan.roster", NULL,
			      "the roster is not the plan's");
	snprintf(version, sizeof(version), "%llu",
		 rc == PV_OK ? (unsigned long long)roster->version : 0);
	snprintf(c->object, sizeof(c->object), "version %.20s", version);
	if (rc == PV_OK && !c->opts->later)
		rc = settings_record(c->a, c->store, err);
	/* Who goes on goes by a roster that was set behind that. */
	if (rc == PV_OK)
		rc = ceremony_target(c, c->object, roster->version, err);
	if (rc == PV_OK)
		rc = officers_set(c->a, c->store, c->opts->roster,
				  c->opts->want ? c->opts->want : &none, &set,
				  err);
	if (rc != PV_OK)
		return rc;
	put_officers(roster, &names);
	hex_encode(set.sha256, sizeof(set.sha256), hex);
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
	{ PLAN_GENERATE_KEY, ceremony_generate_key, ceremony_generated },
	{ PLAN_SELF_SIGNED, ceremony_make_ca, NULL },
	{ PLAN_ISSUE_CA, ceremony_make_ca, NULL },
	{ PLAN_ADOPT, run_adopt, NULL },
	{ PLAN_CHECK_KEY, ceremony_check_key, NULL },
	{ PLAN_PAUSE, run_pause, NULL },
	{ PLAN_SET_ROSTER, run_set_roster, NULL },
	{ PLAN_BACK_UP_KEY, ceremony_back_up_key, NULL },
	{ PLAN_RESTORE_KEY, ceremony_restore_key, NULL },
	{ PLAN_MAKE_CSR, ceremony_make_csr, NULL },
	{ PLAN_SIGN_CSR, ceremony_sign_csr, NULL },
	{ PLAN_IMPORT_CA, ceremony_import_ca, NULL },
	{ PLAN_SIGN_CRL, ceremony_sign_crl, NULL },
	{ PLAN_TRANSPORT, ceremony_make_transport, NULL },
	{ PLAN_SEND_KEY, ceremony_send_key, NULL },
	{ PLAN_TAKE_KEY, ceremony_take_key, ceremony_generated },
	{ PLAN_CROSS_SIGN, ceremony_cross_sign, NULL },
	{ PLAN_ROTATE_PIN, ceremony_rotate_pin, NULL },
	{ PLAN_DESTROY_KEY, ceremony_destroy_key, NULL },
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
