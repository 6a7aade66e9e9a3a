/* What of the configuration is not what was recorded. */
#include <stdio.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/flow/authority_json.h"
#include "lib/flow/settings.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/notepair.h"
#include "tests/unit/unit.h"

#define HEAD "config accept\n"
#define RECORDED                                                               \
	HEAD "module /usr/lib/p11.so\nclock_max_step_days 30\n"                \
	     "witnesses_required 1\nwitness_max_age_s 600\n"                   \
	     "key log acme/log/1 1\nkey bundle acme/bundle/1 1\n"              \
	     "witness one+00000000+AAAA\n"

static struct err err;

static const struct {
	const char *now, *line, *accepted; /* line NULL: it is the same */
} rows[] = {
	{ RECORDED, NULL, NULL },
	{ HEAD, "", "module /usr/lib/p11.so" },
	{ HEAD "witness one+00000000+AAAA\nkey bundle acme/bundle/1 1\n"
	       "key log acme/log/1 1\nwitness_max_age_s 600\n"
	       "witnesses_required 1\nclock_max_step_days 30\n"
	       "module /usr/lib/p11.so\n",
	  NULL, NULL },
	/* Tighter, or looser: changed. */
	{ RECORDED "clock_max_step_days 29\n", "clock_max_step_days 29",
	  "clock_max_step_days 30" },
	{ RECORDED "clock_max_step_days 31\n", "clock_max_step_days 31",
	  "clock_max_step_days 30" },
	{ RECORDED "witnesses_required 2\n", "witnesses_required 2",
	  "witnesses_required 1" },
	{ RECORDED "witness two+00000000+AAAA\n", "witness two+00000000+AAAA",
	  "" },
	{ RECORDED "module /usr/lib/p12.so\n", "module /usr/lib/p12.so",
	  "module /usr/lib/p11.so" },
	{ RECORDED "module_sha256 00\n", "module_sha256 00", "" },
	{ RECORDED "key kdf acme/kdf/1 1\n", "key kdf acme/kdf/1 1", "" },
	{ RECORDED "key log acme/store/1 1\n", "key log acme/store/1 1",
	  "key log acme/log/1 1" },
	{ RECORDED "key log acme/log/1 1 from 40\n",
	  "key log acme/log/1 1 from 40", "key log acme/log/1 1" },
	{ RECORDED "jobs 3\n", "jobs 3", "" },
	/* Nobody accepts what nobody can read. */
	{ RECORDED "publish_hook_sha256 -\n", "publish_hook_sha256 -", "" },
};

START_TEST(test_compare)
{
	struct settings_change c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		settings_compare(span_of(RECORDED), span_of(rows[i].now), &c);
		ck_assert_msg(c.any == (rows[i].line != NULL), "%s",
			      rows[i].now);
		ck_assert(!c.any || strcmp(c.now, rows[i].line) == 0);
		ck_assert(!c.any || strcmp(c.accepted, rows[i].accepted) == 0);
		ck_assert(c.module == (strstr(c.now, "module") ||
				       strstr(c.accepted, "module")));
	}
	/* Nothing was recorded: nothing is allowed. */
	settings_compare(span_of(""), span_of(HEAD), &c);
	ck_assert(c.any);
}
END_TEST

/* Of a new authority it is recorded, and what is changed is found. */
START_TEST(test_recorded)
{
	char module[sizeof(((struct authority *)0)->module)];
	struct buf now, recorded;
	bool found;
	OPENED o;

	err_init(&err);
	fix_open(&o, false);
	buf_init(&now, SETTINGS_MAX);
	buf_init(&recorded, SETTINGS_MAX);
	unit_ok(settings_now(o.a, &now, &err), &err);
	unit_ok(settings_recorded(o.store, &recorded, &found, &err), &err);
	ck_assert(found);
	ck_assert(span_equal(buf_span(&now), buf_span(&recorded)));
	unit_ok(settings_look(o.a, o.store, &err), &err);
	unit_ok(settings_hold(o.a, o.store, false, &err), &err);
	o.a->own_module = true;
	unit_refused(settings_look(o.a, o.store, &err), PV_DENIED,
		     "config.module", &err);
	o.a->own_module = false;
	err_init(&err);
	snprintf(module, sizeof(module), "%s", o.a->module);
	snprintf(o.a->module, sizeof(o.a->module), "/usr/lib/another.so");
	unit_refused(settings_hold(o.a, o.store, false, &err), PV_DENIED,
		     "config.module", &err);
	snprintf(o.a->module, sizeof(o.a->module), "%s", module);
	err_init(&err);
	snprintf(o.a->keys[0].label, sizeof(o.a->keys[0].label), "a|b");
	buf_reset(&now);
	err_init(&err);
	unit_refused(settings_now(o.a, &now, &err), PV_INPUT, "config.text",
		     &err);
	buf_release(&now);
	buf_release(&recorded);
}
END_TEST

/* What has a line, and what provctl.json may change without one. */
#define FREE 5u

/* Every key of provctl.json but those has one, a new one too. */
START_TEST(test_all_keys)
{
	static const char *const guarded[] = {
		"name ",
		"store sqlite:store.db\n",
		"pin_source file:p\n",
		"tokens [\"pkcs11:token=a b\",\"pkcs11:token=c\"]\n",
		"publish publish\n",
		"publish_hook_timeout_s 60\n",
		"log.origin "
	};
	static const char *const free_keys[FREE] = {
		"\njobs", "\nsessions_per_token", "\nhsm_timeout_s",
		"\ntemplates", "\ntelemetry"
	};
	struct json_doc *doc;
	struct buf now, all;
	const char *key;
	json_t *value;
	size_t lines = 0;
	OPENED o;

	err_init(&err);
	fix_open(&o, false);
	snprintf(o.a->pin_source, sizeof(o.a->pin_source), "file:p");
	snprintf(o.a->tokens[0], sizeof(o.a->tokens[0]), "pkcs11:token=a b");
	snprintf(o.a->tokens[1], sizeof(o.a->tokens[1]), "pkcs11:token=c");
	o.a->tokens_n = 2;
	buf_init(&now, SETTINGS_MAX);
	buf_init(&all, SETTINGS_MAX);
	unit_ok(settings_now(o.a, &now, &err), &err);
	for (size_t i = 0; i < sizeof(guarded) / sizeof(guarded[0]); i++)
		ck_assert_msg(strstr(buf_cstr(&now), guarded[i]) != NULL, "%s",
			      guarded[i]);
	for (size_t i = 0; i < FREE; i++)
		ck_assert(!strstr(buf_cstr(&now), free_keys[i]));
	unit_ok(authority_format(o.a, &all, &err), &err);
	unit_ok(json_parse(buf_span(&all), &doc, &err), &err);
	json_object_foreach(json_root(doc), key, value)
	{
		char start[64];

		snprintf(start, sizeof(start), "\n%s",
			 strcmp(key, "keys") == 0 ? "key" : key);
		lines += strstr(buf_cstr(&now), start) != NULL;
	}
	ck_assert_uint_eq(lines, json_object_size(json_root(doc)) - FREE);
	json_doc_free(doc);
	buf_release(&now);
	buf_release(&all);
}
END_TEST

/* What people cannot be shown stands there as its hash, and no other text
 * looks like one. */
START_TEST(test_hashed)
{
	static const char *const values[] = { "a|b", "a\x1b", "sha256:00", "" };
	struct buf now;
	OPENED o;

	err_init(&err);
	fix_open(&o, false);
	buf_init(&now, SETTINGS_MAX);
	for (size_t i = 0; values[i][0]; i++) {
		buf_reset(&now);
		snprintf(o.a->publish, sizeof(o.a->publish), "%s", values[i]);
		unit_ok(settings_now(o.a, &now, &err), &err);
		ck_assert(strstr(buf_cstr(&now), "\npublish sha256:"));
		ck_assert(!strstr(buf_cstr(&now), "\npublish sha256:00\n"));
	}
	buf_reset(&now);
	memset(o.a->publish, 'x', 500);
	o.a->publish[500] = '\0';
	unit_ok(settings_now(o.a, &now, &err), &err);
	ck_assert(strstr(buf_cstr(&now), "\npublish sha256:"));
	buf_release(&now);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("settings");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_compare);
	tcase_add_test(t, test_recorded);
	tcase_add_test(t, test_all_keys);
	tcase_add_test(t, test_hashed);
	suite_add_tcase(s, t);
	return unit_run(s);
}
