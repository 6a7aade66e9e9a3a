#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/backends.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/adopt.h"
#include "lib/flow/audit.h"
#include "lib/flow/context.h"
#include "lib/flow/export.h"
#include "lib/flow/init.h"
#include "lib/flow/status.h"
#include "lib/log/events.h"
#include "lib/store/store_log.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

CLEANUP_PTR(struct authority, authority_close);
CLEANUP_PTR(struct issue_context, issue_context_free);
CLEANUP_PTR(struct export_kek, export_kek_free);

#define PLAN "plans/softhsm-demo.json"

static const char *templates(const char *file)
{
	static char path[2][600];
	const char *src = getenv("srcdir");

	snprintf(path[!file], sizeof(path[0]), "%s/templates/%s",
		 src ? src : ".", file ? file : "");
	return path[!file];
}

/* One folder for all tests: set by the parent, inherited by them. */
static char tmp[200];

static const char *in_tmp(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", tmp, name);
	return path;
}

static enum pv_code init(const char *dir, const char *plan,
			 struct init_report *r, struct err *err)
{
	char templates_dir[600], home[300];

	snprintf(home, sizeof(home), "%s", dir);
	snprintf(templates_dir, sizeof(templates_dir), "%s", templates(NULL));
	const struct init_opts opts = { .backends = &app_backends,
					.dir = home,
					.templates_dir = templates_dir,
					.plan = plan,
					.softhsm = true,
					.module = softhsm_module() };
	err_init(err);
	return init_authority(&opts, r, err);
}

/* Made once, in the parent of all tests. */
static void make_base(void)
{
	struct init_report r;
	struct err err;

	snprintf(tmp, sizeof(tmp), "%s", unit_tmp());
	unit_ok(init(in_tmp("base"), templates(PLAN), &r, &err), &err);
	ck_assert_str_eq(r.name, "base");
	ck_assert_uint_eq(r.keys, 8);
	ck_assert_uint_eq(r.steps, 19);
}

struct opened {
	struct authority *a;
	struct store *store;
	struct hsm *hsm;
	struct secret pin;
};

static void opened_close(struct opened *o)
{
	store_close(o->store);
	hsm_close(o->hsm);
	secret_release(&o->pin);
	authority_close(o->a);
}
#define OPENED CLEANUP(opened_close) struct opened

static void open_base(struct opened *o, bool token)
{
	struct err err;

	memset(o, 0, sizeof(*o));
	err_init(&err);
	unit_ok(authority_open(in_tmp("base"), &o->a, &err), &err);
	if (token) {
		unit_ok(app_backends.pin_read(o->a, &o->pin, &err), &err);
		unit_ok(app_backends.hsm_open(o->a, &o->pin, &o->hsm, &err),
			&err);
	}
	unit_ok(app_backends.store_open(o->a, false, &o->store, &err), &err);
}

/* ---- what init leaves ---- */

struct tally {
	char last_intent[64];
	unsigned steps, intents, issues, keys, adopted;
};

static enum pv_code tally_entry(void *ctx, uint64_t index, struct span bytes,
				struct err *err)
{
	struct tally *t = ctx;
	struct log_entry e;

	(void)index;
	unit_ok(log_entry_decode(bytes, &e, err), err);
	t->keys += span_is(e.type, LOG_KEY_GENERATE);
	t->adopted += span_is(e.type, LOG_TEMPLATE_ADOPT);
	if (span_is(e.type, LOG_CEREMONY_STEP)) {
		const struct log_fact *f =
			log_fact_find(&e, "result", LOG_TSTR);
		ck_assert(f && span_is(f->s, "done"));
		t->steps++;
	}
	if (span_is(e.type, LOG_CERT_INTENT)) {
		snprintf(t->last_intent, sizeof(t->last_intent), "%.*s",
			 (int)e.object.len, (const char *)e.object.p);
		t->intents++;
	}
	if (span_is(e.type, LOG_CERT_ISSUE)) {
		ck_assert(span_is(e.object, t->last_intent));
		t->issues++;
	}
	return PV_OK;
}

START_TEST(logs_every_step)
{
	OPENED o;
	struct tally t = { .steps = 0 };
	const struct store_visit v = { .ctx = &t, .fn.entry = tally_entry };
	struct err err;

	open_base(&o, false);
	err_init(&err);
	unit_ok(store_log_each(o.store, 0, UINT64_MAX, &v, &err), &err);
	ck_assert_uint_eq(t.steps, 19);
	ck_assert_uint_eq(t.keys, 8);
	ck_assert_uint_eq(t.adopted, 10);
	ck_assert_uint_eq(t.intents, 4);
	ck_assert_uint_eq(t.issues, 4);
}
END_TEST

START_TEST(audits_and_is_well)
{
	const struct audit_opts none = { .ctx = NULL };
	struct audit_counts c;
	struct status st;
	struct err err;
	OPENED o;

	open_base(&o, false);
	err_init(&err);
	unit_ok(audit_verify(o.a, o.store, &none, &c, &err), &err);
	ck_assert_uint_eq(c.cas, 4);
	ck_assert_uint_eq(c.keys, 8);
	ck_assert_uint_eq(c.templates, 10);
	ck_assert_uint_eq(c.open_intents, 0);
	unit_ok(status_collect(&app_backends, o.a, &st, &err), &err);
	ck_assert_uint_eq(st.cas_n, 4);
	ck_assert_uint_eq(st.tokens_n, 1);
	ck_assert_str_eq(st.tokens[0].facts.label, "base");
	ck_assert_str_eq(err.object, "");
}
END_TEST

START_TEST(keeps_private_files)
{
	static const char *const files[] = { "provctl.json", "store.db",
					     "sealed.dat", "softhsm/pin",
					     "softhsm/so-pin" };
	char path[400];
	struct stat st;

	for (size_t i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "%s/%s", in_tmp("base"), files[i]);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(st.st_mode & 0777, 0600);
	}
	ck_assert_int_eq(stat(in_tmp("base"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
}
END_TEST

/* ---- init refuses ---- */

START_TEST(refuses_a_used_folder)
{
	struct init_report r;
	struct err err;
	char path[400];

	unit_refused(init(in_tmp("base"), templates(PLAN), &r, &err),
		     PV_CONFLICT, "authority.exists", &err);
	ck_assert(!r.touched);
	ck_assert_int_eq(mkdir(in_tmp("half"), 0700), 0);
	snprintf(path, sizeof(path), "%s/softhsm", in_tmp("half"));
	ck_assert_int_eq(mkdir(path, 0700), 0);
	unit_refused(init(in_tmp("half"), templates(PLAN), &r, &err),
		     PV_CONFLICT, "init.folder", &err);
	ck_assert_ptr_nonnull(strstr(err.hint, "remove the folder"));
}
END_TEST

START_TEST(refuses_before_making_anything)
{
	struct init_report r;
	struct err err;

	unit_refused(init(in_tmp("new"), "/nonexistent/plan.json", &r, &err),
		     PV_NOT_FOUND, NULL, &err);
	unit_refused(init(in_tmp("a b"), templates(PLAN), &r, &err), PV_INPUT,
		     "init.name", &err);
	ck_assert_int_ne(access(in_tmp("new"), F_OK), 0);
	ck_assert_int_ne(access(in_tmp("a b"), F_OK), 0);
	ck_assert(!r.touched);
}
END_TEST

static const char *put_plan(const char *text)
{
	static char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/plan.json", tmp);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	return path;
}

START_TEST(a_failed_step_leaves_no_authority)
{
	static const char plan[] =
		"{\"plan\":\"p\",\"version\":1,\"steps\":["
		"{\"step\":\"init-token\"},{\"step\":\"generate-key\","
		"\"purpose\":\"root\",\"kind\":\"P-256\"},"
		"{\"step\":\"self-signed\",\"ca\":\"root\","
		"\"template\":\"issuing-ca\"}]}";
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;
	struct init_report r;
	struct err err;

	unit_refused(init(in_tmp("fail"), put_plan(plan), &r, &err), PV_INPUT,
		     "plan.issuer", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "step 3, self-signed root"));
	ck_assert(r.touched);
	err_init(&err);
	unit_refused(authority_open(in_tmp("fail"), &a, &err), PV_NOT_FOUND,
		     NULL, &err);
}
END_TEST

/* ---- adoption ---- */

static void read_template(const char *file, struct buf *b)
{
	struct err err;

	err_init(&err);
	buf_init(b, TEMPLATE_SIZE_MAX);
	unit_ok(file_read(AT_FDCWD, templates(file), 0, b, &err), &err);
	ck_assert_ptr_nonnull(buf_cstr(b));
}

/* text of tls-client.json with one piece replaced. */
static void changed(const char *from, const char *to, struct buf *out)
{
	CLEANUP(buf_release) struct buf b;
	const char *text, *at;

	read_template("tls-client.json", &b);
	text = buf_cstr(&b);
	at = strstr(text, from);
	ck_assert_ptr_nonnull(at);
	buf_init(out, TEMPLATE_SIZE_MAX);
	buf_put(out, text, (size_t)(at - text));
	buf_put_str(out, to);
	buf_put_str(out, at + strlen(from));
}

START_TEST(adopts)
{
	CLEANUP(cleanup_issue_context_free) struct issue_context *ctx = NULL;
	CLEANUP(buf_release) struct buf next, other, missing;
	struct adopt_report r;
	struct err err;
	OPENED o;

	open_base(&o, true);
	err_init(&err);
	changed("\"version\": 1", "\"version\": 2", &next);
	unit_ok(adopt_template(o.a, o.store, o.hsm, buf_span(&next), &r, &err),
		&err);
	ck_assert(!r.existing);
	ck_assert_uint_eq(r.manifests, 1);
	unit_ok(adopt_template(o.a, o.store, o.hsm, buf_span(&next), &r, &err),
		&err);
	ck_assert(r.existing);
	unit_ok(issue_context_load(o.a, o.store, "tls-client", &ctx, &err),
		&err);
	ck_assert_uint_eq(ctx->tmpl->version, 2);
	ck_assert_uint_eq(ctx->stages[0].sequence, 4);
	ck_assert_uint_eq(ctx->chain_n, 1);
	ck_assert(ctx->anchor.len > 0);
	ck_assert(issue_context_own_key(ctx, ctx->issuer->spki));
	changed("\"days\": 365", "\"days\": 364", &other);
	unit_refused(
		adopt_template(o.a, o.store, o.hsm, buf_span(&other), &r, &err),
		PV_CONFLICT, "store.template", &err);
	err_init(&err);
	changed("\"issuer\": \"issuing-1\"", "\"issuer\": \"nobody\"",
		&missing);
	unit_refused(adopt_template(o.a, o.store, o.hsm, buf_span(&missing), &r,
				    &err),
		     PV_NOT_FOUND, NULL, &err);
}
END_TEST

START_TEST(contexts_refuse)
{
	CLEANUP(cleanup_issue_context_free) struct issue_context *ctx = NULL;
	const uint8_t unknown[32] = { 1 };
	struct err err;
	OPENED o;

	open_base(&o, false);
	err_init(&err);
	unit_refused(issue_context_load(o.a, o.store, "root-ca", &ctx, &err),
		     PV_DENIED, "template.ca", &err);
	err_init(&err);
	unit_refused(issue_context_load(o.a, o.store, "none", &ctx, &err),
		     PV_NOT_FOUND, NULL, &err);
	err_init(&err);
	unit_refused(
		issue_context_load_digest(o.a, o.store, unknown, &ctx, &err),
		PV_NOT_FOUND, NULL, &err);
	err_init(&err);
	snprintf(o.a->keys[4].label, sizeof(o.a->keys[4].label), "other");
	ck_assert_str_eq(o.a->keys[4].purpose, "bundle");
	unit_refused(issue_context_load(o.a, o.store, "tls-client", &ctx, &err),
		     PV_INTEGRITY, "context.key", &err);
	ck_assert_ptr_null(ctx);
}
END_TEST

/* ---- exports ---- */

START_TEST(exports)
{
	CLEANUP(export_bundle_release) struct export_bundle b;
	CLEANUP(buf_release) struct buf out;
	struct err err;
	OPENED o;

	open_base(&o, false);
	err_init(&err);
	buf_init(&out, 65536);
	unit_ok(export_chain(o.store, "issuing-1", &out, &err), &err);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "BEGIN CERTIFICATE"));
	buf_reset(&out);
	unit_ok(export_key(o.a, o.store, "log", true, &out, &err), &err);
	ck_assert_int_eq(strncmp(buf_cstr(&out), "base+", 5), 0);
	unit_refused(export_key(o.a, o.store, "kdf", false, &out, &err),
		     PV_INPUT, "export.key", &err);
	err_init(&err);
	unit_refused(export_key(o.a, o.store, "none", false, &out, &err),
		     PV_NOT_FOUND, "authority.key", &err);
	err_init(&err);
	unit_refused(export_chain(o.store, "none", &out, &err), PV_NOT_FOUND,
		     NULL, &err);
	err_init(&err);
	unit_refused(export_bundle_load(o.store, "none", NULL, &b, &err),
		     PV_NOT_FOUND, "device.unknown", &err);
}
END_TEST

START_TEST(exports_keks)
{
	CLEANUP(cleanup_export_kek_free) struct export_kek *k = NULL;
	static const char *const bad[] = { "", "../x", "-x", ".x", "a b" };
	const uint8_t junk[] = "no certificate";
	CLEANUP(buf_release) struct buf chain, cms;
	struct err err;
	OPENED o;

	open_base(&o, true);
	err_init(&err);
	buf_init(&cms, 65536);
	buf_init(&chain, 65536);
	unit_refused(export_kek_new(o.a, o.hsm,
				    (struct span){ junk, sizeof(junk) }, &k,
				    &err),
		     PV_INPUT, "escrow.certificate", &err);
	err_init(&err);
	/* A CA's certificate may not be enciphered to: its keyUsage forbids. */
	unit_ok(export_chain(o.store, "root", &chain, &err), &err);
	unit_refused(export_kek_new(o.a, o.hsm, buf_span(&chain), &k, &err),
		     PV_INPUT, "escrow.certificate", &err);
	err_init(&err);
	CLEANUP(buf_release) struct buf cert;
	unit_read("flow/programmer.pem", &cert);
	unit_ok(export_kek_new(o.a, o.hsm, buf_span(&cert), &k, &err), &err);
	for (size_t i = 0; i < 5; i++) {
		err_init(&err);
		unit_refused(export_kek_add(k, bad[i], &err), PV_INPUT,
			     "device.id", &err);
	}
	err_init(&err);
	unit_ok(export_kek_add(k, "S0000000001", &err), &err);
	unit_ok(export_kek_finish(k, &cms, &err), &err);
	ck_assert_uint_gt(cms.len, 200);
}
END_TEST

/* ---- edited rows are found (case 34) ---- */

static const struct edit {
	const char *sql, *rule; /* NULL: the store's own checks see it */
} edits[] = {
	{ "delete from ca where name='matter-pai'", "audit.ca" },
	{ "update ca set cert=(select cert from ca where name='matter-paa') "
	  "where name='root'",
	  "audit.ca" },
	{ "update ca set name='other' where name='matter-pai'", "audit.ca" },
	{ "update ca set parent='matter-paa' where name='issuing-1'",
	  "chain.name" },
	{ "update own_key set key_id=randomblob(16) where purpose='kdf'",
	  "audit.key" },
	{ "update own_key set label='base/x/1' where purpose='kdf'",
	  "audit.key" },
	{ "update own_key set spki=(select spki from own_key where "
	  "purpose='root') where purpose='bundle'",
	  "audit.key" },
	{ "update template set version=7 where name='aws-iot'",
	  "audit.template" },
	{ "update template set name='other' where name='aws-iot'",
	  "audit.template" },
	{ "update template set bytes=cast(bytes||x'20' as blob) where "
	  "name='aws-iot'",
	  NULL },
	{ "update manifest set sequence=sequence+2", "manifest.sequence" },
	{ "update manifest set bytes=(select bytes from manifest order by "
	  "template desc limit 1)",
	  "manifest.template" },
	{ "update manifest set bytes=cast(substr(bytes,1,length(bytes)-1)||"
	  "x'00' as blob)",
	  NULL },
	{ "delete from manifest", "manifest.missing" },
	{ "update log set entries=substr(entries,1,length(entries)-1) where "
	  "first=(select max(first) from log)",
	  NULL },
	{ "update state set serial_next=serial_next-3", "audit.serial" },
};

START_TEST(finds_edits)
{
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	const struct audit_opts none = { .ctx = NULL };
	struct audit_counts c;
	struct err err;
	sqlite3 *db = NULL;
	char text[900];
	enum pv_code rc;

	snprintf(text, sizeof(text), "cp -a %s/base %s/edit%d", tmp, tmp, _i);
	ck_assert_int_eq(system(text), 0);
	snprintf(text, sizeof(text), "%s/edit%d/store.db", tmp, _i);
	ck_assert_int_eq(sqlite3_open(text, &db), SQLITE_OK);
	sqlite3_exec(db, "pragma foreign_keys=off", NULL, NULL, NULL);
	ck_assert_msg(sqlite3_exec(db, edits[_i].sql, NULL, NULL, NULL) ==
			      SQLITE_OK,
		      "%s", sqlite3_errmsg(db));
	ck_assert_int_gt(sqlite3_changes(db), 0);
	sqlite3_close(db);
	err_init(&err);
	snprintf(text, sizeof(text), "%s/edit%d", tmp, _i);
	unit_ok(authority_open(text, &a, &err), &err);
	rc = app_backends.store_open(a, false, &store, &err);
	if (rc == PV_OK)
		rc = audit_verify(a, store, &none, &c, &err);
	unit_refused(rc, PV_INTEGRITY, edits[_i].rule, &err);
	ck_assert_str_ne(err.object, "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ceremony");
	TCase *t = tcase_create("ceremony");

	tcase_add_unchecked_fixture(t, make_base, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, logs_every_step);
	tcase_add_test(t, audits_and_is_well);
	tcase_add_test(t, keeps_private_files);
	tcase_add_test(t, refuses_a_used_folder);
	tcase_add_test(t, refuses_before_making_anything);
	tcase_add_test(t, a_failed_step_leaves_no_authority);
	tcase_add_test(t, contexts_refuse);
	tcase_add_test(t, exports);
	tcase_add_test(t, exports_keks);
	tcase_add_loop_test(t, finds_edits, 0,
			    (int)(sizeof(edits) / sizeof(edits[0])));
	tcase_add_test(t, adopts);
	suite_add_tcase(s, t);
	return unit_run(s);
}
