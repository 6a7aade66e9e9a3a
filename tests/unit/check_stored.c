/* The stored secrets of a template, from rows to values. */
#include <stdio.h>
#include <string.h>

#include "cmd/backends.h"
#include "lib/base/fileio.h"
#include "lib/flow/adopt.h"
#include "lib/flow/context.h"
#include "lib/flow/secrets_impl.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

#include <fcntl.h>

CLEANUP_PTR(struct issue_context, issue_context_free);
CLEANUP_PTR(struct stored_values, stored_values_free);
CLEANUP_PTR(struct template, template_free);

static struct err err;

/* The sensor with two stored secrets, name's and "fleet", twice. */
static void make_template(const char *name, struct buf *text)
{
	static const char random[] = "{\"random\": {\"bytes\": 48}}";
	CLEANUP(buf_release) struct buf from;
	char more[256];
	const char *at;

	buf_init(&from, 1u << 20);
	buf_init(text, 1u << 20);
	unit_ok(file_read(AT_FDCWD,
			  authority_fix_template("symmetric-sensor.json"), 0,
			  &from, &err),
		&err);
	buf_put(&from, "", 1);
	at = strstr((char *)from.data, random);
	ck_assert_ptr_nonnull(at);
	snprintf(more, sizeof(more),
		 "{\"stored\": \"%s\"}, \"more\": {\"stored\": \"fleet\"}, "
		 "\"again\": {\"stored\": \"%s\"}",
		 name, name);
	buf_put(text, from.data, (size_t)(at - (char *)from.data));
	buf_put(text, more, strlen(more));
	buf_put(text, at + strlen(random), strlen(at + strlen(random)));
	at = strstr((char *)text->data, "\"symmetric-sensor\"");
	ck_assert_ptr_nonnull(at);
	/* Another template for each test: same length. */
	memcpy(text->data + (at - (char *)text->data) + 1, name, 4);
	unit_ok(buf_check(text, &err), &err);
}

static void put(struct opened *o, const char *name, const char *text)
{
	SECRET value = SECRET_INIT;
	uint64_t n;
	struct err known;

	unit_ok(secret_copy(&value, text, strlen(text), &err), &err);
	err_init(&known);
	if (secrets_add(o->a, o->store, o->hsm, name, &value, &secrets_nobody,
			&known) != PV_OK)
		unit_ok(secrets_rotate(o->a, o->store, o->hsm, name, &value, &n,
				       &secrets_nobody, &err),
			&err);
}

static void load(struct opened *o, const char *name, struct issue_context **ctx)
{
	CLEANUP(buf_release) struct buf text;
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	struct adopt_report report;

	make_template(name, &text);
	unit_ok(adopt_template(o->a, o->store, o->hsm, buf_span(&text), NULL,
			       &report, &err),
		&err);
	unit_ok(issue_context_load(o->a, o->store, report.name, ctx, &err),
		&err);
}

static const struct secret *value_of(struct opened *o, struct stored_values **v,
				     const struct issue_context *ctx,
				     const char *name, uint64_t version)
{
	const struct secret *value = NULL;

	unit_ok(stored_value(v, o->hsm, o->a->name, ctx, name, &version, &value,
			     &err),
		&err);
	return value;
}

static bool is(const struct secret *value, const char *text)
{
	return secret_equal(value, text, strlen(text));
}

static void ck_names(const struct issue_context *ctx, uint32_t components,
		     const char *want)
{
	CLEANUP(buf_release) struct buf out;

	buf_init(&out, 1000);
	stored_rows_put(&ctx->stored, ctx->tmpl, components, &out);
	ck_assert(span_is(buf_span(&out), want));
}

START_TEST(opens_each_once)
{
	OPENED o;
	CLEANUP(cleanup_issue_context_free) struct issue_context *ctx = NULL;
	CLEANUP(cleanup_stored_values_free) struct stored_values *v = NULL;
	const struct secret *newest;

	err_init(&err);
	fix_open(&o, true);
	put(&o, "once", "first");
	put(&o, "once", "second");
	put(&o, "fleet", "of all");
	load(&o, "once", &ctx);
	ck_assert(ctx->stored.n >= 3);
	unit_ok(stored_rows_complete(&ctx->stored, &err), &err);
	ck_names(ctx, UINT32_MAX, "once/2 fleet/1");
	ck_names(ctx, 0, "");
	newest = value_of(&o, &v, ctx, "once", 0);
	ck_assert(is(newest, "second"));
	ck_assert(is(value_of(&o, &v, ctx, "once", 1), "first"));
	ck_assert(is(value_of(&o, &v, ctx, "fleet", 0), "of all"));
	ck_assert_ptr_eq(value_of(&o, &v, ctx, "once", 2), newest);
	/* No token any more, and none is asked. */
	hsm_close(TAKE(o.hsm));
	ck_assert_ptr_eq(value_of(&o, &v, ctx, "once", 0), newest);
}
END_TEST

/* A row under another name, or number, is not opened whatever the log says. */
START_TEST(is_bound_to_name_and_version)
{
	OPENED o;
	CLEANUP(cleanup_issue_context_free) struct issue_context *ctx = NULL;
	CLEANUP(cleanup_stored_values_free) struct stored_values *v = NULL;
	const struct secret *value = NULL;
	uint64_t version = 1;

	err_init(&err);
	fix_open(&o, true);
	put(&o, "fleet", "of all");
	put(&o, "bind", "mine");
	load(&o, "bind", &ctx);
	for (size_t i = 0; i < ctx->stored.n; i++) {
		struct stored_row *r = &ctx->stored.list[i];

		if (strcmp(r->name, "bind") != 0)
			continue;
		snprintf(r->name, sizeof(r->name), "bond");
		unit_refused(stored_value(&v, o.hsm, o.a->name, ctx, "bond",
					  &version, &value, &err),
			     PV_INTEGRITY, "store.sealed", &err);
		err_init(&err);
		snprintf(r->name, sizeof(r->name), "bind");
		version = r->version = 2;
		unit_refused(stored_value(&v, o.hsm, o.a->name, ctx, "bind",
					  &version, &value, &err),
			     PV_INTEGRITY, "store.sealed", &err);
		err_init(&err);
		version = r->version = 1;
		unit_refused(stored_value(&v, o.hsm, "acme2", ctx, "bind",
					  &version, &value, &err),
			     PV_INTEGRITY, "store.sealed", &err);
		err_init(&err);
		r->sealed.data[0] ^= 1;
		unit_refused(stored_value(&v, o.hsm, o.a->name, ctx, "bind",
					  &version, &value, &err),
			     PV_INTEGRITY, "atrest.key", &err);
		err_init(&err);
		r->sealed.data[0] ^= 1;
	}
	ck_assert_ptr_null(v);
	ck_assert(is(value_of(&o, &v, ctx, "bind", 0), "mine"));
}
END_TEST

START_TEST(says_what_is_lacking)
{
	OPENED o;
	CLEANUP(buf_release) struct buf text;
	CLEANUP(cleanup_issue_context_free) struct issue_context *ctx = NULL;
	CLEANUP(cleanup_issue_context_free) struct issue_context *after = NULL;
	CLEANUP(cleanup_stored_values_free) struct stored_values *v = NULL;
	const struct secret *value = NULL;
	struct adopt_report report;
	uint64_t n, version = 2;

	err_init(&err);
	fix_open(&o, true);
	put(&o, "fleet", "of all");
	make_template("lack", &text);
	unit_refused(adopt_template(o.a, o.store, o.hsm, buf_span(&text), NULL,
				    &report, &err),
		     PV_NOT_FOUND, "secret.missing", &err);
	err_init(&err);
	put(&o, "lack", "one");
	put(&o, "lack", "two");
	load(&o, "lack", &ctx);
	unit_ok(stored_rows_stand(&ctx->stored, o.store, &err), &err);
	unit_ok(secrets_destroy(o.store, "lack", 1, &n, &secrets_nobody, &err),
		&err);
	unit_ok(stored_rows_stand(&ctx->stored, o.store, &err), &err);
	unit_ok(secrets_destroy(o.store, "lack", 2, &n, &secrets_nobody, &err),
		&err);
	unit_refused(stored_rows_stand(&ctx->stored, o.store, &err),
		     PV_NOT_FOUND, "secret.destroyed", &err);
	err_init(&err);
	/* Stored answers are given all the same: the context loads. */
	unit_ok(issue_context_load(o.a, o.store, ctx->tmpl->name, &after, &err),
		&err);
	unit_refused(stored_rows_complete(&after->stored, &err), PV_NOT_FOUND,
		     "secret.destroyed", &err);
	err_init(&err);
	unit_refused(stored_value(&v, o.hsm, o.a->name, after, "lack", &version,
				  &value, &err),
		     PV_NOT_FOUND, "secret.destroyed", &err);
	ck_assert_ptr_null(value);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("stored");
	TCase *t = tcase_create("stored");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, opens_each_once);
	tcase_add_test(t, is_bound_to_name_and_version);
	tcase_add_test(t, says_what_is_lacking);
	suite_add_tcase(all, t);
	return all;
}

int main(void)
{
	return unit_run(suite());
}
