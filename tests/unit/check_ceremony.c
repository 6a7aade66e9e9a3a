#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/backends.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/ceremony/init.h"
#include "lib/flow/adopt.h"
#include "lib/flow/audit.h"
#include "lib/flow/context.h"
#include "lib/flow/export.h"
#include "lib/flow/exportchain.h"
#include "lib/flow/status.h"
#include "lib/log/events.h"
#include "lib/store/store_log.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

CLEANUP_PTR(struct authority, authority_close);
CLEANUP_PTR(struct issue_context, issue_context_free);
CLEANUP_PTR(struct export_kek, export_kek_free);

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
		/* What is signed is shown before. */
		ck_assert(f &&
			  (span_is(f->s, "done") || span_is(f->s, "shown")));
		t->steps += span_is(f->s, "done");
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

	fix_open(&o, false);
	err_init(&err);
	unit_ok(store_log_each(o.store, 0, UINT64_MAX, &v, &err), &err);
	ck_assert_uint_eq(t.steps, 20 + 1); /* and the end */
	ck_assert_uint_eq(t.keys, 9);
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

	fix_open(&o, false);
	err_init(&err);
	unit_ok(audit_verify(o.a, o.store, &none, &c, &err), &err);
	ck_assert_uint_eq(c.cas, 4);
	ck_assert_uint_eq(c.keys, 9);
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
		snprintf(path, sizeof(path), "%s/%s", fix_path("base"),
			 files[i]);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(st.st_mode & 0777, 0600);
	}
	ck_assert_int_eq(stat(fix_path("base"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
}
END_TEST

/* ---- init refuses ---- */

START_TEST(refuses_a_used_folder)
{
	struct init_report r;
	struct err err;
	char path[400];

	unit_refused(fix_init(fix_path("base"),
			      authority_fix_template(FIX_PLAN), &r, &err),
		     PV_CONFLICT, "authority.exists", &err);
	ck_assert(!r.touched);
	ck_assert_int_eq(mkdir(fix_path("half"), 0700), 0);
	snprintf(path, sizeof(path), "%s/softhsm", fix_path("half"));
	ck_assert_int_eq(mkdir(path, 0700), 0);
	unit_refused(fix_init(fix_path("half"),
			      authority_fix_template(FIX_PLAN), &r, &err),
		     PV_CONFLICT, "init.folder", &err);
	ck_assert_ptr_nonnull(strstr(err.hint, "ceremony resume"));
}
END_TEST

START_TEST(refuses_before_making_anything)
{
	struct init_report r;
	struct err err;

	unit_refused(
		fix_init(fix_path("new"), "/nonexistent/plan.json", &r, &err),
		PV_NOT_FOUND, NULL, &err);
	unit_refused(fix_init(fix_path("a b"), authority_fix_template(FIX_PLAN),
			      &r, &err),
		     PV_INPUT, "init.name", &err);
	err_init(&err);
	unit_refused(fix_init(fix_path("shares"),
			      authority_fix_template(FIX_PLAN), &r, &err),
		     PV_INPUT, "init.name", &err);
	err_init(&err);
	unit_refused(fix_init(fix_path("Shares"),
			      authority_fix_template(FIX_PLAN), &r, &err),
		     PV_INPUT, "init.name", &err);
	ck_assert_int_ne(access(fix_path("new"), F_OK), 0);
	ck_assert_int_ne(access(fix_path("a b"), F_OK), 0);
	ck_assert(!r.touched);
}
END_TEST

static const char *put_plan(const char *text)
{
	static char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s", fix_path("plan.json"));
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fchmod(fileno(f), 0600), 0);
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
		"\"template\":\"issuing-ca\"},{\"step\":\"generate-key\","
		"\"purpose\":\"log\",\"kind\":\"P-256\"}]}";
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;
	struct init_report r;
	struct err err;

	unit_refused(fix_init(fix_path("fail"), put_plan(plan), &r, &err),
		     PV_INPUT, "plan.issuer", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "step 3, self-signed root"));
	ck_assert(r.touched);
	err_init(&err);
	unit_refused(authority_open(fix_path("fail"), &a, &err), PV_NOT_FOUND,
		     NULL, &err);
}
END_TEST

/* ---- adoption ---- */

static void read_template(const char *file, struct buf *b)
{
	struct err err;

	err_init(&err);
	buf_init(b, TEMPLATE_SIZE_MAX);
	unit_ok(file_read(AT_FDCWD, authority_fix_template(file), 0, b, &err),
		&err);
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

	fix_open(&o, true);
	err_init(&err);
	changed("\"version\": 1", "\"version\": 2", &next);
	unit_ok(adopt_template(o.a, o.store, o.hsm, buf_span(&next), NULL, &r,
			       &err),
		&err);
	ck_assert(!r.existing);
	ck_assert_uint_eq(r.manifests, 1);
	unit_ok(adopt_template(o.a, o.store, o.hsm, buf_span(&next), NULL, &r,
			       &err),
		&err);
	ck_assert(r.existing);
	unit_ok(issue_context_load(o.a, o.store, "tls-client", &ctx, &err),
		&err);
	ck_assert_uint_eq(ctx->tmpl->version, 2);
	ck_assert_uint_eq(ctx->stages[0].sequence, 4);
	ck_assert_uint_eq(ctx->chain_n, 1);
	ck_assert(ctx->anchors.n > 0);
	ck_assert(issue_context_own_key(ctx, ctx->issuer->spki));
	changed("\"days\": 365", "\"days\": 364", &other);
	unit_refused(adopt_template(o.a, o.store, o.hsm, buf_span(&other), NULL,
				    &r, &err),
		     PV_CONFLICT, "store.template", &err);
	err_init(&err);
	changed("\"issuer\": \"issuing-1\"", "\"issuer\": \"nobody\"",
		&missing);
	unit_refused(adopt_template(o.a, o.store, o.hsm, buf_span(&missing),
				    NULL, &r, &err),
		     PV_NOT_FOUND, NULL, &err);
}
END_TEST

START_TEST(contexts_refuse)
{
	CLEANUP(cleanup_issue_context_free) struct issue_context *ctx = NULL;
	const uint8_t unknown[32] = { 1 };
	struct err err;
	OPENED o;

	fix_open(&o, false);
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

static enum pv_code chain_of(struct store *store, const char *ca,
			     struct buf *out, struct err *err)
{
	const struct export_chain_of of = { .ca = ca };

	return export_chain(store, &of, out, err);
}

START_TEST(exports)
{
	CLEANUP(export_bundle_release) struct export_bundle b;
	struct crl_words words = { .store = NULL };
	CLEANUP(buf_release) struct buf out;
	struct err err;
	OPENED o;

	fix_open(&o, false);
	err_init(&err);
	buf_init(&out, 65536);
	unit_ok(chain_of(o.store, "issuing-1", &out, &err), &err);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "BEGIN CERTIFICATE"));
	buf_reset(&out);
	unit_ok(export_key(o.a, o.store, "log", 0, true, &out, &err), &err);
	ck_assert_int_eq(strncmp(buf_cstr(&out), "base+", 5), 0);
	unit_refused(export_key(o.a, o.store, "kdf", 0, false, &out, &err),
		     PV_INPUT, "export.key", &err);
	err_init(&err);
	unit_refused(export_key(o.a, o.store, "none", 0, false, &out, &err),
		     PV_NOT_FOUND, "authority.key", &err);
	err_init(&err);
	unit_refused(chain_of(o.store, "none", &out, &err), PV_NOT_FOUND, NULL,
		     &err);
	err_init(&err);
	words = (struct crl_words){ .a = o.a, .store = o.store };
	unit_refused(export_bundle_load(&words, "none", NULL, &b, &err),
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

	fix_open(&o, true);
	err_init(&err);
	buf_init(&cms, 65536);
	buf_init(&chain, 65536);
	unit_refused(export_kek_new(o.a, o.store, o.hsm,
				    (struct span){ junk, sizeof(junk) }, &k,
				    &err),
		     PV_INPUT, "escrow.certificate", &err);
	err_init(&err);
	/* A CA's certificate may not be enciphered to: its keyUsage forbids. */
	unit_ok(chain_of(o.store, "root", &chain, &err), &err);
	unit_refused(
		export_kek_new(o.a, o.store, o.hsm, buf_span(&chain), &k, &err),
		PV_INPUT, "escrow.certificate", &err);
	err_init(&err);
	CLEANUP(buf_release) struct buf cert;
	unit_read("flow/programmer.pem", &cert);
	unit_ok(export_kek_new(o.a, o.store, o.hsm, buf_span(&cert), &k, &err),
		&err);
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

int main(void)
{
	Suite *s = suite_create("ceremony");
	TCase *t = tcase_create("ceremony");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
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
	tcase_add_test(t, adopts);
	suite_add_tcase(s, t);
	return unit_run(s);
}
